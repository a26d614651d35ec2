"""A command given to a supporter: passed to the coordinator and back, byte by byte.

Over the local root socket it goes under a session made here, since there the password is not looked at; elsewhere with
the user's own words.
"""

import contextlib
from collections.abc import AsyncIterator

from idl import cli
from xapi.cli.command import Command
from xapi.pool.peers import Unreachable
from xapi.server.context import Context
from xapi.server.http_types import HttpError, Reply
from xapi.transfer.relay import Quiet, StreamPeer, relay


def belongs_elsewhere(ctx: Context, command: Command | None) -> bool:
    """Whether the coordinator is to run it: all but what a host answers for itself. In an emergency nobody can."""
    pool = ctx.app.pool
    return not pool.is_coordinator and pool.emergency is None and (command is None or not command.local_session)


async def forward(ctx: Context, asked: cli.Request, reply: Reply) -> None:
    """Have the coordinator run the command. :raises HttpError: 503, it cannot be reached."""
    pool = ctx.app.pool
    async with _session(ctx, asked) as session:
        lines = ([f"session_id={session}"] if session else []) + list(asked.arguments)
        body = cli.text_to_bytes("\n".join(lines))
        try:
            wire = await pool.peers.connect(pool.coordinator)
        except Unreachable as reason:
            raise HttpError(503, f"the coordinator cannot be reached: {reason}") from reason
        wire.writer.write(f"POST {cli.PATH} HTTP/1.0\r\noriginator: cli\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await relay(StreamPeer(*await reply.take_over()), StreamPeer(wire.reader, wire.writer), Quiet(0, bool))


@contextlib.asynccontextmanager
async def _session(ctx: Context, asked: cli.Request) -> AsyncIterator[str]:
    if asked.session is not None or not ctx.origin.local_root:
        yield asked.session or ""
        return
    session = ctx.app.sessions.create(ctx.origin, superuser=True, originator="cli")
    await ctx.db.durable()
    try:
        yield session
    finally:
        ctx.app.sessions.destroy(session)


