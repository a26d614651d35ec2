"""XenAPI class event: following what changes."""

from xapi import errors
from xapi.server.context import Context
from xapi.server.encoding import Encoded
from xapi.server.registry import implements


@implements("event.from")
async def from_(ctx: Context, classes: list[str], token: str, timeout: float) -> Encoded:
    """XenAPI: event.from: what changed since *token* (``""``: everything), waiting up to *timeout* seconds."""
    with ctx.app.only_listening():
        return await ctx.app.events.changes(ctx.session, classes, token, timeout)


@implements("event.inject")
async def inject(ctx: Context, class_: str, ref: str) -> str:
    """XenAPI: event.inject: an artificial change; return a token that its event lies behind."""
    by_name = {name.lower(): name for name in ctx.db.schema}
    table = by_name.get(class_.lower())
    if table is None or not ctx.db.exists(table, ref):
        raise errors.handle_invalid(class_, ref)
    generation = ctx.db.touch(table, ref) - 1
    return f"{generation:020d},{0:020d}"


@implements("event.get_current_id")
async def get_current_id(ctx: Context) -> int:
    """XenAPI: event.get_current_id: the id that the next event of the legacy queue gets."""
    return ctx.app.events.legacy.next_id


@implements("event.register")
async def register(ctx: Context, classes: list[str]) -> None:
    """XenAPI: event.register (legacy)."""
    ctx.app.events.legacy.register(ctx.session, classes)


@implements("event.unregister")
async def unregister(ctx: Context, classes: list[str]) -> None:
    """XenAPI: event.unregister (legacy)."""
    ctx.app.events.legacy.unregister(ctx.session, classes)


@implements("event.next")
async def next_(ctx: Context) -> Encoded:
    """XenAPI: event.next (legacy): wait for the next events of what was registered for."""
    with ctx.app.only_listening():
        return await ctx.app.events.legacy.next(ctx.session)
