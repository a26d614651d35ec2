"""Metrics over HTTP: requests are passed on to the metrics daemon, which writes the documents."""

import asyncio
from urllib.parse import urlencode

from idl.paths import short_path
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import BLOCK, HttpError, Reply, Request

LONGEST_ARCHIVE = 64 << 20
_OURS = frozenset({"session_id", "pool_secret", "task_id", "subtask_of"})
_HOP_BY_HOP = frozenset({"content-length", "connection"})
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "X-Requested-With"}

_Head = tuple[int, str, dict[str, str]]


def _parse_head(block: bytes) -> _Head:
    first, *lines = block.decode("latin-1").split("\r\n")
    _, status, *reason = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return int(status), reason[0] if reason else "", headers


async def _pass_on(
    ctx: Context, reply: Reply, method: str, path: str, query: dict[str, str], body: bytes = b"", *, missing_ok: bool = False
) -> bool:
    """Send a request to the metrics daemon and its answer to the client.

    Return False, with nothing sent, for a 404 where *missing_ok*. :raises HttpError: 503, the daemon is not there.
    """
    target = f"{path}?{urlencode({key: value for key, value in query.items() if key not in _OURS})}"
    try:
        with short_path(ctx.app.root.rrdd_socket) as name:
            reader, writer = await asyncio.open_unix_connection(name)
    except (FileNotFoundError, ConnectionError) as reason:
        raise HttpError(503, "the metrics service is not running; try again") from reason
    try:
        writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(body)
        try:
            status, reason_text, headers = _parse_head(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError as reason:
            raise HttpError(503, "the metrics service went away; try again") from reason
        if status == 404 and missing_ok:
            return False
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        await reply.start(status, {**_CORS, **kept, "Content-Length": length}, reason_text or None)
        while piece := await reader.read(BLOCK):
            await reply.write(piece)
        return True
    finally:
        writer.close()


def _required(request: Request, name: str) -> str:
    value = request.query.get(name)
    if not value:
        raise HttpError(400, f"the parameter {name} is missing")
    return value


@serves("rrd_updates")
async def rrd_updates(ctx: Context, request: Request, reply: Reply) -> str | None:
    _required(request, "start")
    await _pass_on(ctx, reply, "GET", "/rrd_updates", request.query)
    return None


@serves("host_rrd")
async def host_rrd(ctx: Context, request: Request, reply: Reply) -> str | None:
    await _pass_on(ctx, reply, "GET", "/host_rrd", request.query)
    return None


@serves("sr_rrd", "get_host_rrds", "get_vm_rrds")
async def named_rrd(ctx: Context, request: Request, reply: Reply) -> str | None:
    """What the path names, of the object that ``uuid`` names."""
    if request.path == "/sr_rrd":
        _required(request, "uuid")
    await _pass_on(ctx, reply, "GET", request.path, request.query)
    return None


@serves("vm_rrd")
async def vm_rrd(ctx: Context, request: Request, reply: Reply) -> str | None:
    """A running VM's metrics, or those archived when it halted."""
    _required(request, "uuid")
    if not await _pass_on(ctx, reply, "GET", "/vm_rrd", request.query, missing_ok=True):
        await _pass_on(ctx, reply, "POST", "/rrd_unarchive", request.query)
    return None


@serves("rrd")
async def put_rrd(ctx: Context, request: Request, reply: Reply) -> str | None:
    """Metrics of a VM that comes from another host (loaded), or of any object that are to be kept (``archive=true``)."""
    uuid = _required(request, "uuid")
    vms, hosts = ctx.db.where("VM", uuid=uuid), ctx.db.where("host", uuid=uuid)
    if not vms and not hosts:
        raise HttpError(404, f"no VM or host has the uuid {uuid}")
    if hosts and request.query.get("archive") != "true":
        raise HttpError(400, "a host's metrics can only be archived")
    domid = ctx.db.get("VM", vms[0], "domid") if vms and ctx.db.get("VM", vms[0], "resident_on") != NULL_REF else 0
    query = {**request.query, "is_host": str(bool(hosts)).lower(), "domid": str(domid)}
    await _pass_on(ctx, reply, "PUT", "/rrd", query, await request.body.read_all(LONGEST_ARCHIVE))
    return None
