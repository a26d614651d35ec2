"""XenAPI class task: tasks that clients make themselves, and cancelling any."""

from xapi import errors
from xapi.server.context import Context, now
from xapi.server.registry import implements
from xapi.server.sessions import DENIED, has_permission
from xapi.server.tasks import FINISHED

ANY = "task.destroy/any"
"""The permission to end what others began."""


def _assert_may_end(ctx: Context, task: str) -> None:
    """:raises XenAPIError: RBAC_PERMISSION_DENIED where the task is another user's."""
    owner = ctx.db.get("task", task, "session")
    if has_permission(ctx, ANY) or owner == ctx.session:
        return
    if ctx.db.exists("session", owner):
        mine, theirs = ctx.db.record("session", ctx.session), ctx.db.record("session", owner)
        if mine["auth_user_sid"] == theirs["auth_user_sid"] and not theirs["is_local_superuser"] and not theirs["pool"]:
            return
    raise errors.rbac_permission_denied(ANY, DENIED)


@implements("task.create")
async def create(ctx: Context, label: str, description: str) -> str:
    """XenAPI: task.create: a pending task that the caller drives, or gives to an HTTP handler as ``task_id``."""
    return ctx.app.tasks.create_for_client(ctx, label, description)


@implements("task.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: task.destroy: at once if it has finished, else when it finishes.

    :raises XenAPIError: RBAC_PERMISSION_DENIED for another user's.
    """
    _assert_may_end(ctx, self)
    if ctx.db.get("task", self, "status") in FINISHED:
        ctx.db.destroy("task", self)
    elif ctx.app.tasks.is_working(self):
        ctx.db.put_in_map("task", self, "current_operations", task="destroy")
    else:
        ctx.db.destroy("task", self)


@implements("task.cancel")
async def cancel(ctx: Context, task: str) -> None:
    """XenAPI: task.cancel. :raises XenAPIError: RBAC_PERMISSION_DENIED for another user's; OPERATION_NOT_ALLOWED once it
    has finished."""
    _assert_may_end(ctx, task)
    if ctx.db.get("task", task, "status") in FINISHED:
        raise errors.operation_not_allowed("the task has finished")
    ctx.db.put_in_map("task", task, "current_operations", **{ctx.task: "cancel"})
    ctx.app.tasks.cancel(task)


def _assert_pending(ctx: Context, task: str) -> None:
    if ctx.db.get("task", task, "status") in FINISHED:
        raise errors.operation_not_allowed("the task has finished")


@implements("task.set_status")
async def set_status(ctx: Context, self: str, value: str) -> None:
    """XenAPI: task.set_status."""
    _assert_pending(ctx, self)
    if value in FINISHED:
        ctx.db.set("task", self, status=value, finished=now(), progress=1.0, allowed_operations=[])
        ctx.app.tasks.finished_by_client(self)
    else:
        ctx.db.set("task", self, status=value)


@implements("task.set_progress")
async def set_progress(ctx: Context, self: str, value: float) -> None:
    """XenAPI: task.set_progress (0.0 to 1.0; -1.0 says that nobody has taken responsibility yet)."""
    ctx.db.set("task", self, progress=value)


@implements("task.set_result")
async def set_result(ctx: Context, self: str, value: str) -> None:
    """XenAPI: task.set_result."""
    ctx.db.set("task", self, result=value)


@implements("task.set_error_info")
async def set_error_info(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: task.set_error_info."""
    ctx.db.set("task", self, error_info=value)


@implements("task.set_other_config")
async def set_other_config(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: task.set_other_config."""
    ctx.db.set("task", self, other_config=value)


@implements("task.add_to_other_config")
async def add_to_other_config(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: task.add_to_other_config."""
    ctx.db.add_to_map("task", self, "other_config", key, value)


@implements("task.remove_from_other_config")
async def remove_from_other_config(ctx: Context, self: str, key: str) -> None:
    """XenAPI: task.remove_from_other_config."""
    ctx.db.remove_from_map("task", self, "other_config", key)
