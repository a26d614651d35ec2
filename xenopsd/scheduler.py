"""Requests become operations: a task, a turn in the VM's queue, a plan made when the turn comes, its execution.

Also what nobody requested: domains that ended by themselves, and what is found when the daemon starts.
"""

import logging
import time

from idl.rpc import RpcError
from idl.tasks import Running, TaskServer, outcome
from idl.updates import Updates
from idl.xenops import DynamicId, TaskUpdate, VbdUpdate, VifUpdate, VmUpdate
from xenopsd import operations, status
from xenopsd.atoms import Execution
from xenopsd.context import Context
from xenopsd.hypervisors.base import End, Ended, Event
from xenopsd.operations import Planner, Reactions, Situation
from xenopsd.queues import Queues
from xenopsd.state import Entry
from xenopsd.store import Tree

log = logging.getLogger(__name__)

CHECK_STATE = "check_state"


class Scheduler:
    """The daemon's tasks, queues and updates around one :class:`Context`."""

    def __init__(self, ctx: Context, updates: Updates[DynamicId], workers: int, restart_pause: float) -> None:
        self._ctx = ctx
        self._updates = updates
        self._queues = Queues(workers)
        self._restart_pause = restart_pause
        self.tasks = TaskServer(lambda task_id: updates.add(TaskUpdate(task_id)))

    def submit(self, dbg: str, vm: str, planner: Planner) -> str:
        """Queue an operation on *vm* and return its task's id; ``Does_not_exist`` at once for an unknown VM."""
        return self._queued(dbg, vm, planner).id

    async def carry_out(self, dbg: str, vm: str, planner: Planner) -> None:
        """Queue an operation and wait for its end, raising its error."""
        task = self._queued(dbg, vm, planner)
        try:
            await task.finished.wait()
            outcome(task.stat())
        finally:
            self.tasks.destroy(task.id)

    def _queued(self, dbg: str, vm: str, planner: Planner) -> Running:
        self._ctx.records.get(vm)
        task = self.tasks.create(dbg)
        self._queues.push(vm, lambda: self.tasks.run(task, self._operate(vm, planner, task)))
        return task

    async def _operate(self, vm: str, planner: Planner, task: Running) -> None:
        task.cancel_point()
        plan = planner(self._situation(self._ctx.records.get(vm)))
        await Execution(self._ctx, plan, task).run()

    def _situation(self, entry: Entry) -> Situation:
        return Situation(
            vm=entry.vm.id,
            power=status.power_state(self._ctx, entry),
            vbds=tuple(entry.vbds.values()),
            vifs=tuple(entry.vifs.values()),
        )

    # --- what happens by itself

    def on_event(self, event: Event) -> None:
        """Take note of something the hypervisor saw; domains without a record are none of ours."""
        entry = self._ctx.records.find(event.vm)
        if entry is None or entry.private.domid is None:
            return
        if isinstance(event, Ended):
            self._ctx.domains.ending(event.vm).tell(event.why)
            self._check_later(event.vm)
        self._updates.add(VmUpdate(event.vm))

    def _check_later(self, vm: str) -> None:
        task = self.tasks.create(f"VM_check_state {vm}")
        task.destroy_on_finish = True
        self._queues.push(vm, lambda: self.tasks.run(task, self._check_state(vm, task)), key=CHECK_STATE)

    async def _check_state(self, vm: str, task: Running) -> None:
        entry = self._ctx.records.find(vm)
        if entry is None or entry.private.domid is None:
            return
        why = self._ctx.domains.ended(vm)
        live = self._ctx.is_live(entry)
        if live and why is None and not entry.private.building:
            return
        if entry.private.building:
            log.warning("VM %s: a domain that was never completed is taken down", vm)
            planner = operations.poweroff()
        else:
            log.info("VM %s: its domain ended (%s)", vm, why or End.UNKNOWN)
            planner = self._reaction(entry, why or End.UNKNOWN)
        self._ctx.domains.ending(vm).tell(why or End.UNKNOWN)
        try:
            await self._operate(vm, planner, task)
        except RpcError as error:
            log.error("VM %s: after its domain's end: %s", vm, error)
        self.refresh(vm)

    def _reaction(self, entry: Entry, why: End) -> Planner:
        vm = entry.vm
        wishes = Reactions(tuple(vm.on_shutdown), tuple(vm.on_reboot), tuple(vm.on_crash))
        ran = time.time() - entry.private.start_time
        return operations.react(wishes, why, ran, self._restart_pause)

    def refresh(self, vm: str) -> None:
        """Tell a VM and its devices again."""
        entry = self._ctx.records.get(vm)
        self._updates.add(VmUpdate(vm))
        for vbd in entry.vbds.values():
            self._updates.add(VbdUpdate(vbd.id))
        for vif in entry.vifs.values():
            self._updates.add(VifUpdate(vif.id))

    def on_guest(self, domid: int) -> None:
        """Take note that a guest wrote something into its store."""
        for entry in self._ctx.records:
            if entry.private.domid == domid:
                self._updates.add(VmUpdate(entry.vm.id))

    async def reconcile(self) -> None:
        """Find out what became of every domain while the daemon was away; everything known is told again."""
        for entry in self._ctx.records:
            vm = entry.vm.id
            self.refresh(vm)
            if entry.private.domid is not None:
                if self._ctx.is_live(entry):
                    await self._ctx.store.adopt(Tree(entry.vm, entry.private.domid, tuple(entry.vifs.values())))
                self._check_later(vm)

    async def close(self) -> None:
        await self._queues.close()
