"""Tasks: rows that clients follow, and the coroutines behind them.

``Async.`` calls have durable rows, so that after a restart a client finds its task failed rather than gone; the task
of a synchronous call lives in memory while the call runs.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from xapi.database.schema import EPOCH
from xapi.database.store import Store
from xapi.errors import XenAPIError, error
from xapi.server.context import Context, now

if TYPE_CHECKING:
    from xapi.server.context import App

log = logging.getLogger(__name__)

COMPLETED_KEPT = 3900.0
PENDING_KEPT = 86400.0
MOST_TASKS = 200
FINISHED = frozenset({"success", "failure", "cancelled"})


class Tasks:
    """The tasks of this host."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._contexts: dict[str, Context] = {}

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
        self._contexts[ref] = ctx
        return ref

    def create_for_client(self, ctx: Context, label: str, description: str) -> str:
        """Make a task that nothing here works on: its creator drives it, or an HTTP request adopts it."""
        # Durable: after a restart the client finds that what ran under its task has failed.
        ref = self.create(ctx, label, description, ephemeral=False)
        del self._contexts[ref]
        self._db.set("task", ref, allowed_operations=[])
        return ref

    def is_working(self, ref: str) -> bool:
        """Whether something of this host is running under the task."""
        return ref in self._contexts

    def adopt(self, ctx: Context) -> None:
        """Have the pending task that a client made itself follow *ctx*'s work, cancellation included."""
        self._contexts[ctx.task] = ctx
        self._db.set("task", ctx.task, resident_on=self._app.localhost, allowed_operations=["cancel"])

    def succeed(self, ref: str, result: str) -> None:
        """Complete a pending task; *result* is the XML fragment ``<value>…</value>``."""
        self._finish(ref, status="success", result=result, progress=1.0)

    def fail(self, ref: str, reason: XenAPIError) -> None:
        """Fail a pending task (or mark it cancelled, if that is the reason)."""
        status = "cancelled" if reason.code == "TASK_CANCELLED" else "failure"
        self._finish(ref, status=status, error_info=reason.description, progress=1.0)

    def _finish(self, ref: str, **fields: Any) -> None:
        self._contexts.pop(ref, None)
        if not self._db.exists("task", ref) or self._db.get("task", ref, "status") != "pending":
            return
        doomed = "destroy" in self._db.get("task", ref, "current_operations").values()
        self._db.set("task", ref, finished=now(), allowed_operations=[], current_operations={}, **fields)
        if doomed:
            self._db.destroy("task", ref)

    def forget(self, ref: str) -> None:
        """Remove the row of a synchronous call that has returned."""
        self._contexts.pop(ref, None)
        if self._db.exists("task", ref):
            self._db.destroy("task", ref)

    def start(self, ref: str, work: Awaitable[str]) -> None:
        """Run *work* in the background as task *ref*; its value is the result's XML fragment."""
        running = self._app.spawn(self._run(ref, work), f"task {ref}")
        self._running[ref] = running
        running.add_done_callback(lambda _: self._running.pop(ref, None))

    async def _run(self, ref: str, work: Awaitable[str]) -> None:
        try:
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
        """Ask a running task to stop: what it waits for ends, and it undoes what it did."""
        ctx = self._contexts.get(ref)
        if ctx is not None and ctx.cancel_hooks:
            for hook in list(ctx.cancel_hooks):
                hook()
            return
        running = self._running.get(ref)
        if running is not None:
            running.cancel()
        elif ctx is None:
            self.fail(ref, error("TASK_CANCELLED", ref))

    def fail_those_in_flight(self) -> None:
        """After a restart: what was pending cannot be finished by anybody."""
        for row in self._db.rows("task"):
            if row.values["status"] not in FINISHED:
                self.fail(row.ref, error("INTERNAL_ERROR", "the toolstack was restarted while this task was running"))

    def collect_garbage(self, time_now: float, age: dict[str, float]) -> None:
        """Drop tasks that finished long ago; *age* maps refs to when they were first seen finished."""
        finished = [row.ref for row in self._db.rows("task") if row.values["status"] in FINISHED]
        for ref in finished:
            age.setdefault(ref, time_now)
        for ref in [known for known in age if not self._db.exists("task", known)]:
            del age[ref]
        surplus = max(0, self._db.count("task") - MOST_TASKS)
        for position, ref in enumerate(sorted(finished, key=age.__getitem__)):
            if position < surplus or time_now - age[ref] > COMPLETED_KEPT:
                self._db.destroy("task", ref)
