"""A handler's run: under the client's task or one of its own, which tells the outcome when the head is long gone."""

import asyncio

from xapi.datamodel.model import HttpAction
from xapi.errors import XenAPIError
from xapi.server import http_registry
from xapi.server.context import Context
from xapi.server.dispatch import as_api_error
from xapi.server.http_login import error_text
from xapi.server.http_types import HttpError, Reply, Request

NO_TASK = frozenset(
    {
        "get_metrics", "get_root", "post_cli", "rrd_updates", "vm_rrd", "host_rrd", "sr_rrd", "get_vm_rrds", "get_host_rrds",
        "get_blob", "connect_console", "connect_console_ws",
    }
)  # fmt: skip
"""Handlers whose requests have no task row of their own."""


async def run_handler(ctx: Context, action: HttpAction, request: Request, reply: Reply) -> None:
    """Run a handler under the client's task, or one made for the request."""
    handler = http_registry.handler(action.name)
    assert handler is not None
    task = request.parameter("task_id")
    if task:
        if not ctx.db.exists("task", task):
            raise HttpError(400, "the task does not exist")
        ctx.task = task
        ctx.app.tasks.adopt(ctx)
    elif action.name not in NO_TASK:
        parent = request.parameter("subtask_of")
        if parent and ctx.db.exists("task", parent):
            ctx.subtask_of = parent
        ctx.task = ctx.app.tasks.create(ctx, f"{request.method} {request.path}")
    try:
        with ctx.app.tasks.cancellable(ctx):
            result = await handler(ctx, request, reply)
        await ctx.db.durable()
        if ctx.has_task:
            ctx.app.tasks.succeed(ctx.task, result or "")
    except (HttpError, ConnectionError, XenAPIError) as reason:
        await _handler_failed(ctx, reply, reason)
    except asyncio.CancelledError:
        if ctx.has_task:
            ctx.app.tasks.fail(ctx.task, XenAPIError("TASK_CANCELLED", [ctx.task]))
        raise
    except Exception as reason:
        # The top of a request.
        await _handler_failed(ctx, reply, as_api_error(ctx, reason))
    finally:
        if not task and ctx.has_task:
            ctx.app.tasks.forget(ctx.task)


async def _handler_failed(ctx: Context, reply: Reply, reason: Exception) -> None:
    api_error = reason if isinstance(reason, XenAPIError) else XenAPIError("INTERNAL_ERROR", [str(reason)])
    if ctx.has_task:
        ctx.app.tasks.fail(ctx.task, api_error)
    reply.keep_alive = False
    if isinstance(reason, ConnectionError):
        raise reason
    if not reply.started:
        raise reason if isinstance(reason, HttpError) else HttpError(500, error_text(api_error)) from reason
