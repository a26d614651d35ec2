"""HTTP requests for bytes that another host of the pool has: the client is sent there."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

from xapi.database.store import Store, UuidMissing
from xapi.server.context import Context
from xapi.server.forwarding import routes
from xapi.server.http_types import Request

Find = Callable[[Store, Request, str], str | None]
"""From a request and the host that has it to the host that answers it."""


def _named(db: Store, table: str, name: str | None) -> str | None:
    if not name or db.exists(table, name):
        return name or None
    try:
        return db.by_uuid(table, name)
    except UuidMissing:
        return None


def _disk(db: Store, request: Request, here: str) -> str | None:
    """A disk in use is read where its guest runs, another one wherever its storage is."""
    disk = _named(db, "VDI", request.parameter("vdi"))
    if disk is not None:
        place = routes.of_vdi(db, disk)
        free = not any(db.get("VBD", vbd, "currently_attached") for vbd in db.get("VDI", disk, "VBDs"))
        return here if free and here in routes.reaching(db, db.get("VDI", disk, "SR")) else place
    sr = _named(db, "SR", request.parameter("sr_id") or request.parameter("sr_uuid"))
    if sr is None:
        return None
    hosts = routes.reaching(db, sr)
    return here if here in hosts or not hosts else hosts[0]


_PLACES: Final[Mapping[str, Find]] = {"get_export_raw_vdi": _disk, "put_import_raw_vdi": _disk}


def elsewhere(ctx: Context, action: str, request: Request) -> str | None:
    """Return the URL where a request is answered, if not here."""
    find = _PLACES.get(action)
    if find is None or ctx.db.count("host") < 2:
        return None
    host = find(ctx.db, request, ctx.app.localhost)
    if host is None or host == ctx.app.localhost:
        return None
    config, address = ctx.app.config, ctx.db.get("host", host, "address")
    name = f"[{address}]" if ":" in address else address
    if request.origin.encrypted:
        base = f"https://{name}:{config.integer('https-port', 443)}"
    else:
        base = f"http://{name}:{config.integer('http-port', 80)}"
    return f"{base}{request.path}?{urlencode(request.query)}"
