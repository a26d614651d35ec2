"""VM groups: VMs that are placed with an eye on each other."""

from typing import Any

from xapi.server.context import Context
from xapi.server.registry import implements


@implements("VM_group.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: VM_group.create"""
    return ctx.db.create("VM_group", **args)


@implements("VM_group.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VM_group.destroy. Its VMs stay."""
    ctx.db.destroy("VM_group", self)
