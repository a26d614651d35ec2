"""What a running call knows: who asked, under which task, and the host it runs on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from idl.config import Config
from idl.network import Networking
from idl.paths import Root
from idl.rrd import Metrics
from idl.storage import Storage
from idl.xenops import Xenops
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.server.audit import LOG, AuditLog
from xapi.server.callers import Callers
from xapi.server.login_attempts import LoginAttempts
from xapi.server.measures import Measures
from xapi.server.tracing import Tracer

if TYPE_CHECKING:
    from xapi.server.events import Events
    from xapi.server.sessions import Sessions
    from xapi.server.tasks import Tasks
    from xapi.server.watch import Watch

log = logging.getLogger(__name__)


def now() -> str:
    """Return the time as a wire date."""
    return time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime())


def wire_date(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime(seconds))


@dataclass(slots=True)
class Services:
    """The other daemons of this host."""

    xenops: Xenops
    storage: Storage
    network: Networking
    metrics: Metrics


class GuestUpdates(Protocol):
    """The one reader of the domain manager's updates, which writes to the store what guests do."""

    async def run_task(self, ctx: Context, started: Awaitable[str], *, first: float = 0.0, last: float = 1.0) -> str | None:
        """Wait for a domain manager's task (the awaitable gives its id); its progress is *first* to *last* of the call's."""
        ...

    def quiet(self, uuid: str) -> AbstractAsyncContextManager[None]:
        """Keep updates about a VM from being written while the block runs; call `write` in it to write the truth."""
        ...

    async def sync(self, uuid: str) -> None:
        """Write what the domain manager knows about a VM now."""
        ...

    async def write(self, uuid: str) -> None:
        """As `sync`, for who has the VM in `quiet` already."""
        ...

    async def forget(self, vm: str) -> None:
        """Drop a VM (by ref) that has ended from the domain manager."""
        ...


@dataclass(slots=True)
class App:
    """This xapi: its store, its daemons, its own subsystems. One per process (tests may have several)."""

    root: Root
    config: Config
    db: Store
    services: Services
    sessions: Sessions = field(init=False)
    tasks: Tasks = field(init=False)
    events: Events = field(init=False)
    watch: Watch = field(init=False)
    audit: AuditLog = field(init=False)
    xenops: GuestUpdates = field(init=False)
    callers: Callers = field(init=False)
    tracer: Tracer = field(init=False)
    attempts: LoginAttempts = field(default_factory=LoginAttempts)
    measures: Measures = field(default_factory=Measures)
    localhost: str = NULL_REF
    """Ref of the host this process runs on; set by start-up."""
    inventory: dict[str, str] = field(default_factory=dict)
    jobs: set[asyncio.Task[Any]] = field(default_factory=set)
    """Running background coroutines; joined at stop."""

    listening: set[asyncio.Task[Any]] = field(default_factory=set)
    """Calls that only wait for events: they end when their client goes away."""

    def __post_init__(self) -> None:
        self.callers = Callers(self.db)
        self.tracer = Tracer(self)
        self.audit = AuditLog(self.root.under(LOG))

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run *coroutine* in the background; it is owned by the app and cancelled when the app stops."""
        task = asyncio.create_task(coroutine, name=name)
        self.jobs.add(task)
        task.add_done_callback(self._job_ended)
        return task

    @contextlib.contextmanager
    def only_listening(self) -> Iterator[None]:
        """Say that the running call does nothing but wait, while the block runs."""
        task = asyncio.current_task()
        assert task is not None
        self.listening.add(task)
        try:
            yield
        finally:
            self.listening.discard(task)

    def _job_ended(self, task: asyncio.Task[Any]) -> None:
        self.jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background job %s failed", task.get_name(), exc_info=error)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from."""

    local_root: bool = False
    """Over the local Unix socket: root, without a password."""
    address: str = ""
    user_agent: str = ""
    originator: str = ""
    encrypted: bool = False


@dataclass(slots=True)
class Context:
    """One call. ``ctx.db`` is the store; ``ctx.task`` a task's ref (or a ``DummyRef`` where there is no row)."""

    app: App
    origin: Origin
    session: str = NULL_REF
    task: str = NULL_REF
    name: str = ""
    """The message, e.g. ``VM.start``."""
    other_config: dict[str, str] = field(default_factory=dict)
    """Of the task that is made for this call: what ``x-http-other-config-…`` headers said."""
    subtask_of: str = NULL_REF
    cancel_hooks: list[Callable[[], None]] = field(default_factory=list)
    traceparent: str = ""
    """Header of the caller's trace, if it keeps one."""
    other_database: Store | None = None
    """What the call reads, if its session is about a dump and not about this pool."""

    @property
    def db(self) -> Store:
        return self.app.db if self.other_database is None else self.other_database

    @property
    def services(self) -> Services:
        return self.app.services

    @property
    def dbg(self) -> str:
        """Text that names this call in the other daemons' logs."""
        return f"{self.name} R:{self.task[-12:]}"

    @property
    def has_task(self) -> bool:
        return self.app.db.exists("task", self.task)

    def progress(self, fraction: float) -> None:
        """Say how far the call's task is (0.0 to 1.0)."""
        if self.has_task and self.app.db.get("task", self.task, "status") == "pending":
            self.app.db.set("task", self.task, progress=float(fraction))


def internal_context(app: App, name: str) -> Context:
    """Return a context for work that nobody asked for: superuser, no task row."""
    return Context(app, Origin(local_root=True), name=name, task=f"DummyRef:|{name}|")
