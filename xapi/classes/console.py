"""Consoles: a row for each way to see a running VM's screen or serial line. The domain manager says which there are.

``location`` is what browsers and tools open as it is: ``https://<host>/console?uuid=<console>``.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from idl.xenops import Console
from xapi.server.context import Context
from xapi.server.registry import implements

_PROTOCOLS = {"Rfb": "rfb", "Vt100": "vt100"}


def location(address: str, console_uuid: str) -> str:
    """Return where a console of the host at *address* is reached."""
    host = f"[{address}]" if ":" in address else address
    return f"https://{host}/console?uuid={console_uuid}"


def update(ctx: Context, vm: str, consoles: Sequence[Console]) -> None:
    """Make the VM's console rows say what there is now; a row stays while its protocol is served."""
    wanted = {_PROTOCOLS[console.protocol]: console.port for console in consoles}
    host = ctx.app.localhost
    address = ctx.db.get("host", host, "address") if ctx.db.exists("host", host) else ""
    for row in ctx.db.get("VM", vm, "consoles"):
        protocol = ctx.db.get("console", row, "protocol")
        if protocol not in wanted:
            ctx.db.destroy("console", row)
            continue
        place = location(address, ctx.db.get("console", row, "uuid"))
        ctx.db.set("console", row, port=wanted.pop(protocol), location=place)
    for protocol, port in wanted.items():
        _create(ctx, VM=vm, protocol=protocol, port=port, address=address)


def _create(ctx: Context, address: str, **fields: Any) -> str:
    console_uuid = str(uuid.uuid4())
    return ctx.db.create("console", uuid=console_uuid, location=location(address, console_uuid), **fields)


@implements("console.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: console.create. For tools that serve a console of their own."""
    return ctx.db.create("console", **args)


@implements("console.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: console.destroy"""
    ctx.db.destroy("console", self)
