"""What a host lets in, by its role: an ordinary call to a supporter is sent to the coordinator, in an emergency most wait."""

import asyncio
from typing import Final

from xapi import errors
from xapi.datamodel.model import Message
from xapi.pool.peers import Unreachable
from xapi.pool.replica import Replica
from xapi.server.context import App, Context, Origin
from xapi.server.http_types import Head, HttpError

GENERATION: Final = "x-xapi-generation"
"""Header of a forwarded call: how new the database must be for it."""
LOGIN: Final = "session.login_with_password"
COPY_PATIENCE: Final = 60.0
RELAYED: Final = frozenset({"task-id", "subtask-of", "user-agent", "originator"})


async def arrive(ctx: Context, head: Head) -> None:
    """Wait until this host's copy of the database is as new as a forwarded call needs it. :raises HttpError: 503."""
    wanted = head.headers.get(GENERATION)
    if wanted is None or not isinstance(ctx.db, Replica) or not wanted.isdigit():
        return
    try:
        async with asyncio.timeout(COPY_PATIENCE):
            await ctx.db.reached(int(wanted))
    except TimeoutError:
        raise HttpError(503, "this host's copy of the database is behind") from None
    ctx.forwarded = True
    task = head.headers.get("task-id")
    if task and ctx.db.exists("task", task):
        ctx.task = task


def assert_available(ctx: Context, message: Message) -> None:
    """:raises XenAPIError: why this host answers only the emergency calls; HOST_IS_SLAVE for who wants to log in."""
    pool = ctx.app.pool
    # A coordinator that is handing over still lets its clients go.
    is_leaving = pool.is_coordinator and message.cls == "session"
    if pool.emergency is not None and not message.emergency and not is_leaving:
        raise pool.emergency
    if message.wire_name == LOGIN and not ctx.origin.local_root and not pool.is_coordinator:
        raise errors.host_is_slave(pool.coordinator)


def assert_coordinator(ctx: Context, message: Message) -> None:
    """:raises XenAPIError: HOST_IS_SLAVE [address] for an ordinary session's call to a supporter."""
    pool = ctx.app.pool
    if pool.is_coordinator or message.emergency or is_pool(ctx):
        return
    raise errors.host_is_slave(pool.coordinator)


def is_pool(ctx: Context) -> bool:
    """Whether the call comes from a host of the pool."""
    if ctx.app.sessions.is_local(ctx.session):
        return True
    return ctx.db.exists("session", ctx.session) and ctx.db.get("session", ctx.session, "pool") is True


def relays(app: App, origin: Origin, message: Message | None) -> bool:
    """Whether a call is the coordinator's to answer: one over a supporter's local socket, but for the exempt ones."""
    if app.pool.is_coordinator or not origin.local_root:
        return False
    return message is None or not message.slave_local


async def relay(app: App, head: Head, body: bytes) -> tuple[str, bytes]:
    """Have the coordinator answer a request; return its answer's content type and body.

    :raises XenAPIError: the host is in emergency mode, or CANNOT_CONTACT_HOST.
    """
    pool = app.pool
    if pool.emergency is not None:
        raise pool.emergency
    headers = {name: value for name, value in head.headers.items() if name in RELAYED or name.startswith("x-http-")}
    try:
        _, answer, text = await pool.peers.post(pool.coordinator, head.target, body, headers)
    except Unreachable as reason:
        raise errors.cannot_contact_host(pool.coordinator) from reason
    return answer.get("content-type", ""), text


async def session_known(ctx: Context, session: str) -> None:
    """On a supporter: wait until a session that the coordinator has just made can be known here."""
    if not ctx.app.sessions.is_known(session):
        await caught_up(ctx)


async def caught_up(ctx: Context) -> None:
    """On a supporter: wait until what the coordinator has written so far is here, if it can be reached."""
    if isinstance(ctx.db, Replica) and ctx.app.pool.emergency is None:
        await ctx.db.caught_up()
