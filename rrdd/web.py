"""The documents over HTTP: ``/rrd_updates``, ``/host_rrd``, ``/vm_rrd``, ``/sr_rrd``, ``/rrd_unarchive``, ``PUT /rrd``.

Whether the caller may ask was decided by xapi, which forwards the request. Documents are made in a thread, from a copy.
"""

import asyncio
import logging
from math import isfinite
from time import time
from urllib.parse import parse_qs

from idl.rpc import HttpRequest, HttpResponse
from rrdd import formats, xport
from rrdd.archive import Archive
from rrdd.metric import HOST, Owner, OwnerKind
from rrdd.monitor import Monitor
from rrdd.ring import Cf

log = logging.getLogger(__name__)

Parameters = dict[str, list[str]]


class _Refused(Exception):
    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.response = HttpResponse(status, reason, {"Content-Type": "text/plain"}, f"{text}\n".encode())


def _bad(text: str) -> _Refused:
    return _Refused(400, "Bad Request", text)


def _not_found(text: str) -> _Refused:
    return _Refused(404, "Not Found", text)


class Documents:
    """Answers the plain HTTP requests of the daemon's socket."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer *request*; what it got wrong is a 4xx with the reason as text."""
        try:
            return await self._route(request, parse_qs(request.query, keep_blank_values=True))
        except _Refused as refused:
            return refused.response
        except Exception:
            # The top of a request: the unexpected becomes an answer here, and only here.
            log.exception("%s %s failed", request.method, request.path)
            return HttpResponse(500, "Internal Server Error")

    async def _route(self, request: HttpRequest, parameters: Parameters) -> HttpResponse:
        match request.method, request.path:
            case "GET", "/rrd_updates":
                return await self._updates(request, parameters)
            case "GET", "/host_rrd":
                return await self._full(request, parameters, HOST)
            case "GET", "/vm_rrd":
                return await self._full(request, parameters, Owner(OwnerKind.VM, _uuid(parameters)))
            case "GET", "/sr_rrd":
                return await self._full(request, parameters, Owner(OwnerKind.SR, _uuid(parameters)))
            case "POST" | "GET", "/rrd_unarchive":
                return await self._unarchive(request, parameters)
            case "PUT", "/rrd":
                return await self._put(request, parameters)
        raise _not_found(f"no {request.method} {request.path} here")

    async def _updates(self, request: HttpRequest, parameters: Parameters) -> HttpResponse:
        query = parse_query(parameters)
        host = f"host:{self._monitor.identity.host_uuid}"
        owners = [
            (host if owner == HOST else f"{owner.kind}:{owner.uuid}", owned.archive)
            for owner, owned in self._monitor.recorder.owned.items()
            if wanted(owner, parameters)
        ]
        # Choosing rows copies them: it is quick, and must not run beside an update. Writing numbers down is what takes long.
        exported = xport.export(owners, query)
        if _wants_json(request, parameters):
            return _document(await asyncio.to_thread(xport.to_json, exported), json=True)
        return _document(await asyncio.to_thread(xport.to_xml, exported), json=False)

    async def _full(self, request: HttpRequest, parameters: Parameters, owner: Owner) -> HttpResponse:
        owned = self._monitor.recorder.owned.get(owner)
        if owned is None:
            raise _not_found(f"no metrics of {owner.kind} {owner.uuid}")
        return await _written(owned.archive.copy(), json=_wants_json(request, parameters))

    async def _unarchive(self, request: HttpRequest, parameters: Parameters) -> HttpResponse:
        uuid = _uuid(parameters)
        try:
            archive = await asyncio.to_thread(self._monitor.store.load, uuid)
        except ValueError as error:
            raise _bad(str(error)) from error
        if archive is None:
            raise _not_found(f"no archived metrics of {uuid}")
        return await _written(archive, json=_wants_json(request, parameters))

    async def _put(self, request: HttpRequest, parameters: Parameters) -> HttpResponse:
        uuid = _uuid(parameters)
        try:
            archive = await asyncio.to_thread(formats.from_xml, request.body)
            if _flag(parameters, "archive"):
                await asyncio.to_thread(self._monitor.store.save, uuid, archive)
            elif _flag(parameters, "is_host"):
                raise _bad("a host's metrics can only be archived")
            else:
                domid = int(parameters["domid"][0]) if "domid" in parameters else None
                self._monitor.recorder.adopt(Owner(OwnerKind.VM, uuid), archive, time(), domid)
        except ValueError as error:
            raise _bad(str(error)) from error
        except OSError as error:
            raise _Refused(500, "Internal Server Error", str(error)) from error
        return HttpResponse()


def parse_query(parameters: Parameters) -> xport.Query:
    """Read ``start`` (mandatory), ``cf`` and ``interval``."""
    start = _number(parameters, "start")
    if start is None:
        raise _bad("start is missing: seconds since the epoch, or negative to count back from the last update")
    cf = parameters.get("cf", [""])[0].upper()
    if cf not in ("", *Cf):
        raise _bad(f"cf={cf}: expected one of {', '.join(Cf)}")
    return xport.Query(start, Cf(cf) if cf else None, _number(parameters, "interval") or 0.0)


def wanted(owner: Owner, parameters: Parameters) -> bool:
    """Say whether ``/rrd_updates`` shows *owner*: the host if asked, VMs all or the named ones, SRs the named ones."""
    match owner.kind:
        case OwnerKind.HOST:
            return _flag(parameters, "host")
        case OwnerKind.VM:
            named = parameters.get("vm_uuid", []) + parameters.get("uuid", [])
            return not named or owner.uuid in named
        case OwnerKind.SR:
            return owner.uuid in parameters.get("sr_uuid", [])


def _number(parameters: Parameters, key: str) -> float | None:
    if key not in parameters:
        return None
    try:
        value = float(parameters[key][0])
    except ValueError:
        raise _bad(f"{key}={parameters[key][0]}: expected a number") from None
    if not isfinite(value):
        raise _bad(f"{key}={parameters[key][0]}: expected a finite number")
    return value


def _flag(parameters: Parameters, key: str) -> bool:
    return parameters.get(key, [""])[0].lower() == "true"


def _uuid(parameters: Parameters) -> str:
    if not parameters.get("uuid", [""])[0]:
        raise _bad("uuid is missing")
    return parameters["uuid"][0]


def _wants_json(request: HttpRequest, parameters: Parameters) -> bool:
    return "json" in parameters or prefers_json(request.headers.get("accept", ""))


def prefers_json(accept: str) -> bool:
    """Say whether an Accept header ranks application/json above text/xml."""
    rank = {"application/json": 0.0, "text/xml": 0.0}
    for part in accept.split(","):
        kind, *options = (word.strip() for word in part.split(";"))
        if kind in rank:
            quality = next((option[2:] for option in options if option.startswith("q=")), "1")
            rank[kind] = float(quality) if quality.replace(".", "", 1).isdigit() else 0.0
    return rank["application/json"] > rank["text/xml"]


async def _written(archive: Archive, *, json: bool) -> HttpResponse:
    return _document(await asyncio.to_thread(formats.to_json if json else formats.to_xml, archive), json=json)


def _document(body: bytes, *, json: bool) -> HttpResponse:
    headers = {
        "Content-Type": "application/json" if json else "text/xml",
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "no-cache, no-store",
    }
    return HttpResponse(headers=headers, body=body)
