"""Tasks: rows that clients follow, and the coroutines behind them.

``Async.`` calls have durable rows, so that after a restart a client finds its task failed rather than gone; the task
of a synchronous call lives in memory while the call runs.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xapi import errors
from xapi.database.schema import EPOCH
from xapi.database.store import Store
from xapi.errors import XenAPIError, error
from xapi.server.context import Context, now, wire_date

if TYPE_CHECKING:
    from xapi.server.context import App

log = logging.getLogger(__name__)

COMPLETED_KEPT = 3900.0
PENDING_KEPT = 86400.0
MOST_TASKS = 200
FINISHED = frozenset({"success", "failure", "cancelled"})


@dataclass(slots=True, eq=False)
class Work:
    """What runs under a task: a call's context and the coroutine that it runs in."""

    ctx: Context
    worker: asyncio.Task[Any] | None = None
    cancelled: bool = False
    """It was told to stop; once only, since what follows is undoing."""

    def cancel(self) -> None:
        if self.ctx.cancel_hooks:
            for hook in list(self.ctx.cancel_hooks):
                hook()
        elif self.worker is not None and not self.cancelled:
            self.cancelled = True
            self.worker.cancel()


class Tasks:
    """The tasks of this host."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._work: dict[str, Work] = {}
        self._stalled: dict[str, float] = {}
        """Old pending tasks and how far they were at the last collection."""

    @property
    def _db(self) -> Store:
        return self._app.db

    def create(self, ctx: Context, label: str, description: str = "", *, ephemeral: bool = True) -> str:
        """Make a pending task row for *ctx*'s call and return its ref."""
        ref = self._db.create(
            "task",
            ephemeral=ephemeral,
            name_label=label,
            name_description=description,
            created=now(),
            finished=EPOCH,
            status="pending",
            type="<none/>",
            resident_on=self._app.localhost,
            session=ctx.session,
            subtask_of=ctx.subtask_of,
            other_config=dict(ctx.other_config),
            allowed_operations=["cancel"],
        )
        self._work[ref] = Work(ctx)
        return ref

    def create_for_client(self, ctx: Context, label: str, description: str) -> str:
        """Make a task that nothing here works on: its creator drives it, or an HTTP request adopts it."""
        # Durable: after a restart the client finds that what ran under its task has failed.
        ref = self.create(ctx, label, description, ephemeral=False)
        del self._work[ref]
        return ref

    def is_working(self, ref: str) -> bool:
        """Whether something of this host is running under the task."""
        return ref in self._work

    def adopt(self, ctx: Context) -> None:
        """Have the pending task that a client made itself follow *ctx*'s work, cancellation included.

        :raises XenAPIError: TASK_CANCELLED; OPERATION_NOT_ALLOWED once it has finished in another way.
        """
        status = self._db.get("task", ctx.task, "status")
        if status == "cancelled":
            raise error("TASK_CANCELLED", ctx.task)
        if status in FINISHED:
            raise errors.operation_not_allowed("the task has finished")
        self._work[ctx.task] = Work(ctx)
        self._db.set("task", ctx.task, resident_on=self._app.localhost, allowed_operations=["cancel"])

    @contextlib.contextmanager
    def cancellable(self, ctx: Context) -> Iterator[None]:
        """Let cancelling *ctx*'s task stop what this coroutine does in the block.

        It is interrupted where it waits, undoes what it did, and TASK_CANCELLED comes out of the block.
        """
        outer = self._work.get(ctx.task)
        work = self._work[ctx.task] = Work(ctx, asyncio.current_task())
        try:
            yield
        except asyncio.CancelledError:
            if not work.cancelled or work.worker is None:
                raise
            # Not the end of this coroutine, which has the failure to tell.
            work.worker.uncancel()
            raise error("TASK_CANCELLED", ctx.task) from None
        finally:
            if self._work.get(ctx.task) is work:
                if outer is None:
                    del self._work[ctx.task]
                else:
                    self._work[ctx.task] = outer

    def succeed(self, ref: str, result: str) -> None:
        """Complete a pending task; *result* is the XML fragment ``<value>…</value>``."""
        self._finish(ref, status="success", result=result, progress=1.0)

    def fail(self, ref: str, reason: XenAPIError) -> None:
        """Fail a pending task (or mark it cancelled, if that is the reason)."""
        status = "cancelled" if reason.code == "TASK_CANCELLED" else "failure"
        self._finish(ref, status=status, error_info=reason.description, progress=1.0)

    def _finish(self, ref: str, **fields: Any) -> None:
        self._work.pop(ref, None)
        if not self._db.exists("task", ref) or self._db.get("task", ref, "status") != "pending":
            return
        doomed = "destroy" in self._db.get("task", ref, "current_operations").values()
        self._db.set("task", ref, finished=now(), allowed_operations=[], current_operations={}, **fields)
        if doomed:
            self._db.destroy("task", ref)

    def forget(self, ref: str) -> None:
        """Remove the row of a synchronous call that has returned."""
        self._work.pop(ref, None)
        if self._db.exists("task", ref):
            self._db.destroy("task", ref)

    def finished_by_client(self, ref: str) -> None:
        """Remove a task that its client has just finished itself, if it was to go then."""
        if "destroy" in self._db.get("task", ref, "current_operations").values():
            self._db.destroy("task", ref)

    def start(self, ctx: Context, work: Awaitable[str]) -> None:
        """Run *work* in the background as *ctx*'s task; its value is the result's XML fragment."""
        self._app.spawn(self._run(ctx, work), f"task {ctx.task}")

    async def _run(self, ctx: Context, work: Awaitable[str]) -> None:
        ref = ctx.task
        try:
            with self.cancellable(ctx):
                result = await work
            # The task must not look finished before what it did would survive a crash.
            await self._db.durable()
            self.succeed(ref, result)
        except XenAPIError as reason:
            self.fail(ref, reason)
        except asyncio.CancelledError:
            self.fail(ref, error("TASK_CANCELLED", ref))
            raise

    def cancel(self, ref: str) -> None:
        """Ask a running task to stop: what it waits for ends, and it undoes what it did.

        A task under which nothing runs here is cancelled at once, and so are the tasks that run as parts of it.
        """
        work = self._work.get(ref)
        if work is not None:
            return work.cancel()
        for subtask in self._db.get("task", ref, "subtasks"):
            if self._db.get("task", subtask, "status") not in FINISHED:
                self.cancel(subtask)
        self.fail(ref, error("TASK_CANCELLED", ref))

    def fail_those_in_flight(self) -> None:
        """After a restart: what was pending cannot be finished by anybody."""
        for row in self._db.rows("task"):
            if row.values["status"] not in FINISHED:
                self.fail(row.ref, error("INTERNAL_ERROR", "the toolstack was restarted while this task was running"))

    def collect_garbage(self, time_now: float, age: dict[str, float]) -> None:
        """Drop tasks that finished long ago, and pending ones that nobody has driven for a day.

        *age* maps refs to when they were first seen finished.
        """
        config = self._app.config
        finished = [row.ref for row in self._db.rows("task") if row.values["status"] in FINISHED]
        for ref in finished:
            age.setdefault(ref, time_now)
        for ref in [known for known in age if not self._db.exists("task", known)]:
            del age[ref]
        surplus = max(0, self._db.count("task") - MOST_TASKS)
        kept = config.number("completed_task_timeout", COMPLETED_KEPT)
        for position, ref in enumerate(sorted(finished, key=age.__getitem__)):
            if position < surplus or time_now - age[ref] > kept:
                self._db.destroy("task", ref)
        self._collect_stalled(config.number("pending_task_timeout", PENDING_KEPT))

    def _collect_stalled(self, kept: float) -> None:
        """Drop pending tasks older than *kept* seconds whose progress has not moved since the last collection."""
        oldest = wire_date(time.time() - kept)
        old = {
            row.ref: row.values["progress"]
            for row in self._db.rows("task")
            if row.values["status"] not in FINISHED and row.values["created"] < oldest
        }
        for ref, progress in old.items():
            if self._stalled.get(ref) == progress:
                self._db.destroy("task", ref)
        self._stalled = old
