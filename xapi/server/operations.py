"""Taking an operation on an object: checked, shown in ``current_operations``, undone at the end.

The rules (which operation is allowed when) are pure functions of `xapi.planning`, handed in by the class's module.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

from xapi.errors import XenAPIError
from xapi.pool.replica import Replica
from xapi.server.context import Context

STANDARD_PATIENCE = 7200.0
QUICK_PATIENCE = 120.0
NO_PATIENCE = 0.0


@contextlib.asynccontextmanager
async def operation(
    ctx: Context,
    cls: str,
    ref: str,
    name: str,
    assert_valid: Callable[[], None],
    refresh: Callable[[], None],
    patience: float = QUICK_PATIENCE,
) -> AsyncIterator[None]:
    """Hold operation *name* on an object while the block runs.

    *assert_valid* raises the `XenAPIError` that forbids it; ``OTHER_OPERATION_IN_PROGRESS`` is waited out for up to
    *patience* seconds. *refresh* recomputes the object's ``allowed_operations``; it is called after each change.
    """
    while True:
        await _wait_until_valid(ctx, ref, assert_valid, patience)
        # Two operations of one task on one object (a reboot inside a revert, say) need keys of their own.
        key, current = ctx.task, ctx.db.get(cls, ref, "current_operations")
        while key in current:
            key += "'"
        if await _take(ctx, cls, ref, {**current, key: name}):
            break
    refresh()
    try:
        yield
    finally:
        if ctx.db.exists(cls, ref):
            ctx.db.remove_from_map(cls, ref, "current_operations", key)
            refresh()


async def _take(ctx: Context, cls: str, ref: str, operations: dict[str, str]) -> bool:
    """Write the operations; on a supporter only if no other host was faster, which it says by False."""
    if isinstance(ctx.db, Replica):
        return await ctx.db.claim(cls, ref, ctx.db.row(cls, ref).modified, current_operations=operations)
    ctx.db.set(cls, ref, current_operations=operations)
    return True


async def _wait_until_valid(ctx: Context, ref: str, assert_valid: Callable[[], None], patience: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            return assert_valid()
        except XenAPIError as reason:
            remaining = deadline - loop.time()
            if reason.code != "OTHER_OPERATION_IN_PROGRESS" or remaining <= 0:
                raise
        # Woken by the object's next change; the random limit keeps several waiters from moving in step.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(remaining, random.uniform(1, 20))):
                await ctx.app.watch.change(ref)
