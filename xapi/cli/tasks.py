"""Waiting for a task of the API to end, by its events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Final

from idl import cli
from xapi.cli.api import Object
from xapi.cli.command import Context
from xapi.errors import XenAPIError, error

ROUND: Final = 30.0
"""Seconds that one event.from waits; only a bound, the answer comes with the change."""


BAR: Final = 70
"""Columns of a complete progress bar."""

TASK_KNOWS_BETTER: Final = 1.0
"""Seconds in which a transfer that the client gave up may still end with a better reason."""


@asynccontextmanager
async def new_task(ctx: Context, label: str) -> AsyncIterator[str]:
    """A task for one transfer, destroyed at the end."""
    task = await ctx.api.call("task.create", label, "")
    try:
        yield task
    finally:
        await ctx.api.call("task.destroy", task)


async def finished(ctx: Context, task: str, seen: Callable[[Object], None] = lambda _: None) -> Object:
    """The record of the task once it is no longer pending; `seen` is given every record on the way."""
    token = ""
    while True:
        batch = await ctx.api.call("event.from", [f"task/{task}"], token, ROUND)
        token = batch["token"]
        record: Object = await ctx.api.call("task.get_record", task)
        seen(record)
        if record["status"] not in ("pending", "cancelling"):
            return record


async def result_of(ctx: Context, task: str, seen: Callable[[Object], None] = lambda _: None) -> str:
    """The task's result. Raises XenAPIError with the task's error."""
    record = await finished(ctx, task, seen)
    if record["status"] == "success":
        return str(record["result"])
    if record["status"] == "cancelled":
        raise error("TASK_CANCELLED", task)
    code, *params = record["error_info"] or ["INTERNAL_ERROR", "the task failed without a reason"]
    raise XenAPIError(code, params)


async def call(ctx: Context, method: str, *params: object) -> None:
    """A call without a result; with ``--progress`` it draws on standard error how far it is. Raises XenAPIError."""
    if ctx.arguments.get("progress") is None or ctx.printer.is_minimal:
        await ctx.api.call(method, *params)
        return
    spinner = cycle("|/-\\")
    task = await ctx.api.call(f"Async.{method}", *params)
    try:
        await result_of(ctx, task, lambda record: ctx.printer.raw_error(progress(record["progress"], next(spinner))))
    finally:
        ctx.printer.raw_error("\n")
        await ctx.api.call("task.destroy", task)


def progress(fraction: float, spinner: str) -> str:
    """A line that overwrites the one before. Pure."""
    return f"\r {int(fraction * 100):3}% {spinner} {'#' * int(fraction * BAR)}"


async def transfer(
    ctx: Context, label: str, request: type[cli.HttpGet] | type[cli.HttpPut], path: str, *, filename: str | None = None
) -> str:
    """Has the client move a file (that of ``filename=`` if not given) under a task of its own; the task's result.

    `path` is the handler with its own query, to which session and task are added. Raises XenAPIError.
    """
    if filename is None:
        filename = ctx.arguments.required("filename")
    async with new_task(ctx, label) as task:
        joint = "&" if "?" in path else "?"
        url = f"{path}{joint}session_id={ctx.session}&task_id={task}"
        if await ctx.client.transfer(request(filename, url)):
            return await result_of(ctx, task)
        try:
            async with asyncio.timeout(TASK_KNOWS_BETTER):
                await result_of(ctx, task)
        except TimeoutError:
            pass
        raise error("CLIENT_ERROR")
