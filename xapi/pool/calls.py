"""A message called from inside, whichever host it runs on."""

from typing import Any

from xapi import errors
from xapi.pool.peers import Unreachable
from xapi.server.context import Context


async def through_coordinator(ctx: Context, name: str, *params: Any) -> Any:
    """Call a message as the pool itself: the coordinator decides where it runs. What comes back is JSON's.

    :raises XenAPIError: what the message raises; CANNOT_CONTACT_HOST where the coordinator is away.
    """
    from xapi.server.dispatch import call_as
    from xapi.server.forwarding.forward import pool_session

    pool = ctx.app.pool
    if pool.is_coordinator:
        inner = Context(ctx.app, ctx.origin, pool_session(ctx.app), subtask_of=ctx.subtask_of, task=ctx.task)
        return await call_as(inner, name, *params)
    # What was written here must be there first.
    await ctx.db.durable()
    try:
        async with pool.peers.local_session(pool.coordinator, pool.secret) as session:
            return await pool.peers.call(pool.coordinator, name, session, *params)
    except Unreachable as reason:
        raise errors.cannot_contact_host(pool.coordinator) from reason
