"""The link to this host's domain manager: one reader of its updates, its tasks awaited, its VMs reconciled.

Start-up awaits `resync` once the store and the host's own row are there, and then spawns `run`. Work on one VM is serial
here too: whoever holds `quiet` writes what it did before an update does.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable

import msgspec

from idl.rpc import RpcError, Unreachable
from idl.tasks import Pending, outcome
from idl.xenops import Changes, PowerState, Problem, TaskUpdate, Vbd, VbdState, Vif, VifState, VmState, VmUpdate
from xapi.classes import vm_interrupted, vm_lifecycle, xenops_state
from xapi.classes.xenops_state import Seen
from xapi.database.schema import NULL_REF
from xapi.planning.vm_operations import HALTED, LIVE, SUSPENDED
from xapi.server.context import App, Context, internal_context

log = logging.getLogger(__name__)

POLL = 30.0
"""Seconds one request for updates waits."""
PAUSE_AFTER_ERROR = 1.0
PAUSE_AFTER_LOSS = 0.1
ENDED = frozenset({PowerState.HALTED, PowerState.SUSPENDED})


class XenopsUpdates:
    """What changes in this host's domain manager."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._ctx = internal_context(app, "xenops updates")
        self._locks: dict[str, asyncio.Lock] = {}
        self._queued: set[str] = set()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._reconciled = False
        """The store was compared with all that the domain manager knows since it last went away."""

    # -- tasks --

    async def run_task(self, ctx: Context, started: Awaitable[str], *, first: float = 0.0, last: float = 1.0) -> str | None:
        """Wait for the task that *started* answers; return its result. Its progress becomes the call's, from *first* to *last*.

        :raises RpcError: what it failed with.
        :raises Unreachable: the domain manager went away meanwhile; what became of the VM is written when it is back.
        """
        task = await started
        xenops = ctx.services.xenops

        def cancel() -> None:
            self._app.spawn(vm_lifecycle.quietly(xenops.task_cancel(ctx.dbg, task)), f"cancel xenops task {task}")

        ctx.cancel_hooks.append(cancel)
        try:
            while True:
                async with self._change_of(task) as change:
                    found = await xenops.task_stat(ctx.dbg, task)
                    if not isinstance(found.state, Pending):
                        return outcome(found)
                    ctx.progress(first + (last - first) * found.state.progress)
                    await change
        finally:
            ctx.cancel_hooks.remove(cancel)
            self._app.spawn(vm_lifecycle.quietly(xenops.task_destroy(ctx.dbg, task)), f"destroy xenops task {task}")

    @contextlib.asynccontextmanager
    async def _change_of(self, task: str) -> AsyncIterator["asyncio.Future[None]"]:
        waiter = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(task, set())
        waiters.add(waiter)
        try:
            yield waiter
        finally:
            waiters.discard(waiter)
            if not waiters:
                self._waiting.pop(task, None)
            # A failure that nobody came to wait for is not worth a complaint of the event loop.
            if waiter.done() and not waiter.cancelled():
                waiter.exception()

    def _wake(self, task: str) -> None:
        for waiter in self._waiting.get(task, ()):
            if not waiter.done():
                waiter.set_result(None)

    def _fail_all(self, reason: Unreachable) -> None:
        for waiters in self._waiting.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(Unreachable(str(reason)))

    # -- VMs --

    @contextlib.asynccontextmanager
    async def quiet(self, uuid: str) -> AsyncIterator[None]:
        """Keep updates about a VM from being written while the block runs; call `write` in it to write the truth."""
        lock = self._locks.setdefault(uuid, asyncio.Lock())
        async with lock:
            yield

    async def sync(self, uuid: str) -> None:
        """Write what the domain manager knows about a VM now."""
        async with self.quiet(uuid):
            await self.write(uuid)

    async def write(self, uuid: str) -> None:
        """As `sync`, for who has the VM in `quiet` already."""
        if not self._knows(uuid):
            return
        vm = self._app.db.by_uuid("VM", uuid)
        seen = await self._look(uuid)
        if not self._app.db.exists("VM", vm):
            return
        if seen is None:
            self._absent(vm)
            return
        xenops_state.apply(self._ctx, vm, seen)
        if seen.state.power_state in ENDED and not vm_lifecycle.current_operations(self._app.db, vm):
            # Whoever operates on a VM does this in the end.
            await self.forget(vm)

    def _knows(self, uuid: str) -> bool:
        try:
            return bool(self._app.db.by_uuid("VM", uuid))
        except KeyError:
            return False

    async def _look(self, uuid: str) -> Seen | None:
        xenops, dbg = self._app.services.xenops, self._ctx.dbg
        try:
            _, state = await xenops.vm_stat(dbg, uuid)
            if state.power_state in ENDED:
                return Seen(state, {}, {})
            return _seen(state, await xenops.vbd_list(dbg, uuid), await xenops.vif_list(dbg, uuid))
        except RpcError as error:
            if error.name != Problem.DOES_NOT_EXIST:
                raise
            return None

    def _absent(self, vm: str) -> None:
        """The domain manager does not know the VM: it cannot be running here."""
        values = self._app.db.row("VM", vm).values
        here = values["resident_on"] == self._app.localhost and not values["is_control_domain"]
        if here and values["power_state"] in LIVE:
            xenops_state.ended(self._ctx, vm, HALTED)

    async def forget(self, vm: str) -> None:
        """Drop a VM that has ended from the domain manager. What that knows of a suspended one is kept in the store."""
        xenops, uuid = self._app.services.xenops, self._app.db.get("VM", vm, "uuid")
        try:
            if self._app.db.get("VM", vm, "power_state") == SUSPENDED:
                metadata = await xenops.vm_export_metadata(self._ctx.dbg, uuid)
                self._app.db.set("VM", vm, last_booted_record=msgspec.json.encode(metadata).decode())
            await xenops.vm_remove(self._ctx.dbg, uuid)
        except RpcError as error:
            if error.name not in (Problem.DOES_NOT_EXIST, Problem.BAD_POWER_STATE):
                raise

    # -- the reader --

    async def run(self) -> None:
        """Read updates for as long as the app lives; survives the domain manager's restarts."""
        last_id = 0
        while True:
            try:
                if not self._reconciled:
                    # Its jobs are not awaited: who holds a VM may be waiting for the updates that are read here.
                    await self._reconcile()
                    last_id = 0
                changes = await self._app.services.xenops.updates_get(self._ctx.dbg, last_id, POLL)
                if changes.ids or changes.barriers:
                    last_id = changes.last_id
                    self._take(changes)
                elif await self._app.services.xenops.updates_last_id(self._ctx.dbg) < last_id:
                    # It was restarted between two requests, and counts from the beginning.
                    self._fail_all(Unreachable("the domain manager was restarted"))
                    self._reconciled = False
            except Unreachable as reason:
                if self._reconciled:
                    log.warning("the domain manager is gone: %s", reason)
                self._fail_all(reason)
                self._reconciled = False
                # Its socket can refuse at once for a while: there is no event that says it is back.
                await asyncio.sleep(PAUSE_AFTER_LOSS)
            except RpcError:
                log.exception("updates of the domain manager cannot be read")
                await asyncio.sleep(PAUSE_AFTER_ERROR)

    def _take(self, changes: Changes) -> None:
        for changed in changes.ids:
            match changed:
                case TaskUpdate(task):
                    self._wake(task)
                case VmUpdate(uuid):
                    self._queue(uuid)
                case _:
                    self._queue(changed.id[0])

    def _queue(self, uuid: str) -> list[asyncio.Task[None]]:
        """Have a VM looked at soon; return the new job, or none if one is waiting already."""
        if uuid in self._queued or not self._knows(uuid):
            return []
        self._queued.add(uuid)
        return [self._app.spawn(self._sync_queued(uuid), f"sync VM {uuid}")]

    async def _sync_queued(self, uuid: str) -> None:
        try:
            async with self.quiet(uuid):
                # From here on a further change must be looked at again.
                self._queued.discard(uuid)
                await self.write(uuid)
        except Unreachable as reason:
            log.info("VM %s is looked at when the domain manager is back: %s", uuid, reason)
        except Exception:
            # The top of a background job: one VM must not stop the others.
            log.exception("the state of VM %s cannot be written", uuid)
        finally:
            self._queued.discard(uuid)

    async def resync(self) -> None:
        """Make the store say what runs here: at the start of this process, before anybody operates on VMs.

        :raises Unreachable: the domain manager does not answer.
        """
        jobs = await self._reconcile()
        if jobs:
            await asyncio.wait(jobs)

    async def _reconcile(self) -> list[asyncio.Task[None]]:
        """Compare the store with what runs; return the jobs that look at the VMs the domain manager knows."""
        app, jobs = self._app, []
        known = {vm.id for vm, _ in await app.services.xenops.vm_list(self._ctx.dbg)}
        for row in app.db.rows("VM"):
            values = row.values
            if values["is_control_domain"]:
                continue
            if vm_interrupted.is_cut_short(app.db, row.ref, app.localhost):
                # Not among the jobs: it needs the reader of updates, which comes later.
                app.spawn(vm_interrupted.undo(self._ctx, row.ref), f"undo the start of VM {values['uuid']}")
            elif values["uuid"] in known:
                jobs += self._queue(values["uuid"])
            elif values["power_state"] in LIVE and values["resident_on"] in ("", NULL_REF, app.localhost):
                xenops_state.ended(self._ctx, row.ref, HALTED)
        self._reconciled = True
        return jobs


def _seen(state: VmState, vbds: list[tuple[Vbd, VbdState]], vifs: list[tuple[Vif, VifState]]) -> Seen:
    return Seen(state, {vbd.id[1]: found for vbd, found in vbds}, {vif.id[1]: found for vif, found in vifs})


def connect(app: App) -> XenopsUpdates:
    """Give *app* its domain manager's updates; then `resync` makes the store say what runs here, and `run` follows."""
    updates = XenopsUpdates(app)
    app.xenops = updates
    return updates
