"""Consoles: a row for each way to see a running VM's screen or serial line. The domain manager says which there are.

``location`` is what browsers and tools open as it is: ``https://<host>/console?uuid=<console>``, with the port of the
host's TLS front where it is not 443.
"""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from idl.xenops import Console
from xapi.server.context import Context
from xapi.server.registry import implements

HTTPS_PORT: Final = 443
_PROTOCOLS = {"Rfb": "rfb", "Vt100": "vt100"}


def location(address: str, port: int, console_uuid: str) -> str:
    """Return where a console of the host at *address* with TLS on *port* is reached."""
    host = f"[{address}]" if ":" in address else address
    place = host if port == HTTPS_PORT else f"{host}:{port}"
    return f"https://{place}/console?uuid={console_uuid}"


def _here(ctx: Context, console_uuid: str) -> str:
    """Return where this host serves a console."""
    host = ctx.app.localhost
    address = ctx.db.get("host", host, "address") if ctx.db.exists("host", host) else ""
    return location(address, ctx.app.config.integer("https-port", HTTPS_PORT), console_uuid)


def update(ctx: Context, vm: str, consoles: Sequence[Console]) -> None:
    """Make the VM's console rows say what there is now; a row stays while its protocol is served."""
    wanted = {_PROTOCOLS[console.protocol]: console.port for console in consoles}
    for row in ctx.db.get("VM", vm, "consoles"):
        protocol = ctx.db.get("console", row, "protocol")
        if protocol not in wanted:
            ctx.db.destroy("console", row)
            continue
        place = _here(ctx, ctx.db.get("console", row, "uuid"))
        ctx.db.set("console", row, port=wanted.pop(protocol), location=place)
    for protocol, port in wanted.items():
        _create(ctx, VM=vm, protocol=protocol, port=port)


def _create(ctx: Context, **fields: Any) -> str:
    console_uuid = str(uuid.uuid4())
    return ctx.db.create("console", uuid=console_uuid, location=_here(ctx, console_uuid), **fields)


@implements("console.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: console.create. For tools that serve a console of their own."""
    return ctx.db.create("console", **args)


@implements("console.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: console.destroy"""
    ctx.db.destroy("console", self)
