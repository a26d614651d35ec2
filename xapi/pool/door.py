"""Where a supporter's line arrives at the coordinator: ``POST /remote_db_access_v2``."""

from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request


@serves("post_remote_db_access_v2")
async def follow(ctx: Context, request: Request, reply: Reply) -> None:
    """Keep a supporter's copy of the database alive. :raises HttpError: 503, this host is not the coordinator."""
    feed = ctx.app.pool.feed
    if feed is None:
        raise HttpError(503, "this host is not the pool's coordinator")
    await reply.start(200, {"Content-Type": "application/octet-stream", "Connection": "close"})
    reader, writer = await reply.take_over()
    await feed.serve(reader, writer)
