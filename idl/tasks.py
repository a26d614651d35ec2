"""Long-running operations of a daemon: a task id at once, then progress, cancellation and the outcome.

The creator must destroy a task (or ask for it to vanish on completion). Cancelling sets a flag and runs the
registered callbacks; an operation tests the flag at its cancel points.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from idl.rpc import RpcError

log = logging.getLogger(__name__)


class Pending(msgspec.Struct, array_like=True, tag="Pending", frozen=True):
    progress: float


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """Seconds it took, and the operation's result if it has one."""

    duration: float
    result: str | None = None


class Completed(msgspec.Struct, array_like=True, tag="Completed", frozen=True):
    outcome: Outcome


class Failed(msgspec.Struct, array_like=True, tag="Failed", frozen=True):
    """The error's name and parameters (see :class:`idl.rpc.RpcError`)."""

    name: str
    params: list[object]


State = Pending | Completed | Failed


class Task(msgspec.Struct, frozen=True):
    """What ``Task.stat`` answers."""

    id: str
    dbg: str
    ctime: float
    state: State
    cancellable: bool


def outcome(task: Task) -> str | None:
    """Return a finished task's result, or raise its error."""
    match task.state:
        case Completed(result):
            return result.result
        case Failed(name, params):
            raise RpcError(name, *params)
        case _:
            raise ValueError(f"task {task.id} has not finished")


class Running:
    """One operation's own view of its task: report progress, test for cancellation."""

    def __init__(self, task_id: str, dbg: str, changed: Callable[[str], None]) -> None:
        self.id = task_id
        self.dbg = dbg
        self.ctime = time.time()
        self.cancellable = True
        self._state: State = Pending(0.0)
        self._cancelling = False
        self._on_cancel: list[Callable[[], None]] = []
        self._changed = changed
        self.destroy_on_finish = False
        self.finished = asyncio.Event()

    def progress(self, fraction: float) -> None:
        if isinstance(self._state, Pending) and fraction > self._state.progress:
            self._state = Pending(min(fraction, 1.0))
            self._changed(self.id)

    def cancel_point(self) -> None:
        """Raise ``Cancelled`` if somebody asked for it and the operation may still be cancelled."""
        if self._cancelling and self.cancellable:
            raise RpcError("Cancelled", self.id)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call *callback* when the task is cancelled (e.g. to end a blocking wait)."""
        self._on_cancel.append(callback)

    def cancel(self) -> None:
        if not self.cancellable or self.finished.is_set():
            return
        self._cancelling = True
        for callback in self._on_cancel:
            callback()

    def finish(self, state: State) -> None:
        self._state = state
        self.finished.set()
        self._changed(self.id)

    def stat(self) -> Task:
        return Task(self.id, self.dbg, self.ctime, self._state, self.cancellable)


class TaskServer:
    """The tasks of one daemon; *changed* is told the id of each task whose state changes."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._tasks: dict[str, Running] = {}
        # Never an id that an earlier process of the daemon gave: whoever waited for that must not take ours for his.
        self._ids = itertools.count(time.time_ns() // 1_000_000)

    def create(self, dbg: str) -> Running:
        task = Running(str(next(self._ids)), dbg, self._changed)
        self._tasks[task.id] = task
        return task

    async def run(self, task: Running, body: Awaitable[str | None]) -> None:
        """Await *body* and record its outcome in *task*; never raises but for the loop's own cancellation."""
        started = time.monotonic()
        try:
            result = await body
            task.finish(Completed(Outcome(time.monotonic() - started, result)))
        except RpcError as error:
            task.finish(Failed(error.name, error.params))
        except asyncio.CancelledError:
            task.finish(Failed("Cancelled", [task.id]))
            raise
        except Exception as error:
            # The top of an operation: the unexpected is logged with its traceback and reported as such.
            log.exception("task %s (%s) failed", task.id, task.dbg)
            task.finish(Failed("Internal_error", [f"{type(error).__name__}: {error}"]))
        finally:
            if task.destroy_on_finish:
                self._tasks.pop(task.id, None)

    def _find(self, task_id: str) -> Running:
        try:
            return self._tasks[task_id]
        except KeyError:
            raise RpcError("Does_not_exist", "task", task_id) from None

    def stat(self, task_id: str) -> Task:
        return self._find(task_id).stat()

    def cancel(self, task_id: str) -> None:
        self._find(task_id).cancel()

    def destroy(self, task_id: str) -> None:
        self._tasks.pop(task_id, None)

    def destroy_on_finish(self, task_id: str) -> None:
        task = self._find(task_id)
        task.destroy_on_finish = True
        if task.finished.is_set():
            self.destroy(task_id)

    def list(self) -> "list[Task]":
        return [task.stat() for task in self._tasks.values()]
