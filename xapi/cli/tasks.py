"""Waiting for a task of the API to end, by its events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from idl import cli
from xapi.cli.command import Context
from xapi.cli.failures import CommandFailure
from xapi.errors import XenAPIError, error

ROUND: Final = 30.0
"""Seconds that one event.from waits; only a bound, the answer comes with the change."""


@asynccontextmanager
async def new_task(ctx: Context, label: str) -> AsyncIterator[str]:
    """A task for one transfer, destroyed at the end."""
    task = await ctx.api.call("task.create", label, "")
    try:
        yield task
    finally:
        await ctx.api.call("task.destroy", task)


async def finished(ctx: Context, task: str) -> dict[str, Any]:
    """The record of the task once it is no longer pending."""
    token = ""
    while True:
        batch = await ctx.api.call("event.from", [f"task/{task}"], token, ROUND)
        token = batch["token"]
        record: dict[str, Any] = await ctx.api.call("task.get_record", task)
        if record["status"] not in ("pending", "cancelling"):
            return record


async def result_of(ctx: Context, task: str) -> str:
    """The task's result. Raises XenAPIError with the task's error."""
    record = await finished(ctx, task)
    if record["status"] == "success":
        return str(record["result"])
    if record["status"] == "cancelled":
        raise error("TASK_CANCELLED", task)
    code, *params = record["error_info"] or ["INTERNAL_ERROR", "the task failed without a reason"]
    raise XenAPIError(code, params)


async def transfer(ctx: Context, label: str, request: type[cli.HttpGet] | type[cli.HttpPut], path: str) -> str:
    """Has the client move the file of ``filename=`` under a task of its own; the task's result.

    `path` is the handler with its own query, to which session and task are added. Raises XenAPIError.
    """
    filename = ctx.arguments.required("filename")
    async with new_task(ctx, label) as task:
        joint = "&" if "?" in path else "?"
        url = f"{path}{joint}session_id={ctx.session}&task_id={task}"
        if not await ctx.client.transfer(request(filename, url)):
            record = await ctx.api.call("task.get_record", task)
            if record["status"] == "pending":
                raise CommandFailure("The client could not move the file")
        return await result_of(ctx, task)
