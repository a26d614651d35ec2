"""Taking a call to the host it runs on, under the same task, and what becomes of it when that host goes away."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from xapi import errors
from xapi.datamodel import MODEL
from xapi.datamodel.model import Message
from xapi.errors import XenAPIError
from xapi.pool.peers import Unreachable
from xapi.server.context import App, Context, Origin
from xapi.server.forwarding import routes
from xapi.server.forwarding.gate import GENERATION
from xapi.server.marshal import native

log = logging.getLogger(__name__)

CANCEL_PATIENCE: Final = 30.0


async def answer(ctx: Context, message: Message, values: list[Any], run: Callable[[], Any]) -> Any:
    """Have a message answered where it belongs: by *run* if that is here."""
    if routes.route(message) is routes.CHOSEN:
        from xapi.classes.vm_placement import on_chosen_host

        async with on_chosen_host(ctx, message.name, values[0]) as host:
            return await (_await(run()) if host == ctx.app.localhost else to_host(ctx, host, message.wire_name, *values))
    elsewhere = routes.destination(ctx.db, message, values)
    if elsewhere is None:
        return await _await(run())
    return await to_host(ctx, elsewhere, message.wire_name, *values)


async def _await(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def pool_session(app: App) -> str:
    """Return the session that calls of this coordinator to its supporters are made under."""
    pool = app.pool
    if not app.sessions.is_known(pool.session):
        pool.session = app.sessions.create(Origin(), superuser=True, pool=True, user_name=app.localhost)
    app.sessions.check(pool.session)
    return pool.session


async def to_host(ctx: Context, host: str, name: str, *params: Any) -> Any:
    """Call a message on another host of the pool; return its native result.

    :raises XenAPIError: what it answers; HOST_OFFLINE if it is known to be dead; CANNOT_CONTACT_HOST where contact is lost.
    """
    if not routes.is_live(ctx.db, host):
        raise errors.host_offline(host)
    address = ctx.db.get("host", host, "address")
    session = pool_session(ctx.app)
    headers = {GENERATION: str(ctx.db.generation)}
    if ctx.has_task:
        headers["task-id"] = ctx.task
        ctx.db.set("task", ctx.task, forwarded=True, forwarded_to=host)
    try:
        async with _cancellable(ctx, address), _while_alive(ctx, host):
            result = await ctx.app.pool.peers.call(address, name, session, *params, headers=headers)
    except Unreachable as reason:
        log.warning("%s on host %s: %s", name, address, reason)
        if ctx.has_task:
            abandon(ctx, ctx.task)
        raise errors.cannot_contact_host(host) from reason
    finally:
        if ctx.has_task:
            ctx.db.set("task", ctx.task, forwarded=False)
    declared = MODEL.messages[name].result
    return None if declared is None else native(declared)(result)


@contextlib.asynccontextmanager
async def _cancellable(ctx: Context, address: str) -> AsyncIterator[None]:
    """While the block runs, cancelling the task cancels it on the other host."""

    async def there() -> None:
        with contextlib.suppress(Unreachable, XenAPIError):
            session = pool_session(ctx.app)
            await ctx.app.pool.peers.call(address, "task.cancel", session, ctx.task, timeout=CANCEL_PATIENCE)

    def cancel() -> None:
        ctx.app.spawn(there(), f"cancel {ctx.task} at {address}")

    ctx.cancel_hooks.append(cancel)
    try:
        yield
    finally:
        ctx.cancel_hooks.remove(cancel)


@contextlib.asynccontextmanager
async def _while_alive(ctx: Context, host: str) -> AsyncIterator[None]:
    """Give the block up when the host is declared dead. :raises Unreachable:"""
    own = asyncio.current_task()
    assert own is not None
    given_up: list[str] = []

    def give_up() -> None:
        given_up.append(host)
        own.cancel()

    calls = ctx.app.pool.calls.setdefault(host, [])
    calls.append(give_up)
    try:
        yield
    except asyncio.CancelledError:
        if given_up:
            own.uncancel()
            raise Unreachable(f"host {host} is dead") from None
        raise
    finally:
        calls.remove(give_up)


def give_up_calls(app: App, host: str) -> None:
    """End every call that waits for a host: it is dead."""
    for give_up in list(app.pool.calls.get(host, ())):
        give_up()


def abandon(ctx: Context, task: str) -> None:
    """Take the task's operations off all objects: who held them is gone."""
    for name, table in ctx.db.schema.items():
        if "current_operations" not in table.columns or name == "task":
            continue
        for row in ctx.db.rows(name):
            for key in [key for key in row.values["current_operations"] if key.rstrip("'") == task]:
                ctx.db.remove_from_map(name, row.ref, "current_operations", key)
