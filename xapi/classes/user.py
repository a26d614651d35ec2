"""XenAPI class user: kept for clients older than subjects; its rows mean nothing to anybody."""

from typing import Any

from xapi.server.context import Context
from xapi.server.registry import implements


@implements("user.create")
async def create(ctx: Context, record: dict[str, Any]) -> str:
    """XenAPI: user.create (deprecated)."""
    return ctx.db.create("user", **record)


@implements("user.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: user.destroy (deprecated)."""
    ctx.db.destroy("user", self)
