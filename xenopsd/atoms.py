"""Runs a plan's atoms, and undoes the done ones if a step fails: the first cause is what the caller hears.

Every atom notes what it takes in the private record before it takes it, so a daemon killed in the middle finds and
releases it at its next start.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from idl.rpc import RpcError
from idl.tasks import Running
from xenopsd import operations as op
from xenopsd import vbd_atoms, vif_atoms, vm_atoms
from xenopsd.context import Context
from xenopsd.operations import Atom, BestEffort, Parallel, Plan
from xenopsd.state import Entry

log = logging.getLogger(__name__)

Handler = Callable[[Context, Entry, Any, Running], Awaitable[None]]

HANDLERS: Mapping[type[Atom], Handler] = {
    op.VmCreate: vm_atoms.create,
    op.VmBuild: vm_atoms.build,
    op.VmBuilt: vm_atoms.built,
    op.VmRestore: vm_atoms.restore,
    op.VmSave: vm_atoms.save,
    op.VmStopDomain: vm_atoms.stop_domain,
    op.VmDestroy: vm_atoms.destroy,
    op.VmShutdownDomain: vm_atoms.shutdown_domain,
    op.VmPause: vm_atoms.pause,
    op.VmUnpause: vm_atoms.unpause,
    op.VmDelay: vm_atoms.delay,
    op.VmSetVcpus: vm_atoms.set_vcpus,
    op.VmSetMemoryRange: vm_atoms.set_memory_range,
    op.VmSetXsdata: vm_atoms.set_xsdata,
    op.VmSetRebooting: vm_atoms.set_rebooting,
    op.VmRemove: vm_atoms.remove,
    op.VbdSetActive: vbd_atoms.set_active,
    op.VbdEpochBegin: vbd_atoms.epoch_begin,
    op.VbdEpochEnd: vbd_atoms.epoch_end,
    op.VbdPlug: vbd_atoms.plug,
    op.VbdUnplug: vbd_atoms.unplug,
    op.VbdInsert: vbd_atoms.insert,
    op.VbdEject: vbd_atoms.eject,
    op.VifSetActive: vif_atoms.set_active,
    op.VifPlug: vif_atoms.plug,
    op.VifUnplug: vif_atoms.unplug,
    op.VifMove: vif_atoms.move,
    op.VifSetCarrier: vif_atoms.set_carrier,
    op.VifSetLockingMode: vif_atoms.set_locking_mode,
}

WEIGHTS: Mapping[type[Atom], int] = {op.VmSave: 10, op.VmRestore: 10}
"""How much of a task's progress an atom is, where it is not 1."""


def inverse(atom: Atom) -> Atom | None:
    """Return the atom that undoes *atom*; None where nothing needs to be (or can be) undone."""
    match atom:
        case op.VmCreate(vm):
            return op.VmDestroy(vm)
        case op.VmBuild(vm) | op.VmRestore(vm, _):
            return op.VmStopDomain(vm)
        case op.VmSetRebooting(vm, rebooting=True):
            return op.VmSetRebooting(vm, rebooting=False)
        case op.VbdSetActive(vm, device, active=True):
            return op.VbdSetActive(vm, device, active=False)
        case op.VbdEpochBegin(vm, device):
            return op.VbdEpochEnd(vm, device)
        case op.VbdPlug(vm, device):
            return op.VbdUnplug(vm, device, force=True)
        case op.VifSetActive(vm, device, active=True):
            return op.VifSetActive(vm, device, active=False)
        case op.VifPlug(vm, device):
            return op.VifUnplug(vm, device, force=True)
        case _:
            return None


def _atoms(plan: Plan) -> Iterable[Atom]:
    for step in plan:
        match step:
            case Parallel(branches):
                yield from (atom for branch in branches for atom in branch)
            case BestEffort(atom):
                yield atom
            case atom:
                yield atom


def _weight(atom: Atom) -> int:
    return WEIGHTS.get(type(atom), 1)


async def perform(ctx: Context, atom: Atom, task: Running) -> None:
    """Do one atom."""
    started = time.monotonic()
    try:
        await HANDLERS[type(atom)](ctx, ctx.records.get(atom.vm), atom, task)
    finally:
        log.debug("%s took %.0f ms", atom, (time.monotonic() - started) * 1000)


class Execution:
    """One plan being carried out for one task."""

    def __init__(self, ctx: Context, plan: Plan, task: Running) -> None:
        self._ctx = ctx
        self._plan = plan
        self._task = task
        self._done: list[Atom] = []
        self._total = sum(map(_weight, _atoms(plan))) or 1

    async def run(self) -> None:
        """Carry out the plan; it can be cancelled between two steps. After an error nothing is left half done."""
        try:
            for step in self._plan:
                self._task.cancel_point()
                match step:
                    case Parallel(branches):
                        await _all([self._in_order(branch) for branch in branches])
                    case BestEffort(atom):
                        await self._try(atom)
                    case atom:
                        await self._one(atom)
        except BaseException:
            await self._roll_back()
            raise

    async def _one(self, atom: Atom) -> None:
        await perform(self._ctx, atom, self._task)
        self._done.append(atom)
        self._task.progress(sum(map(_weight, self._done)) / self._total)

    async def _try(self, atom: Atom) -> None:
        try:
            await self._one(atom)
        except RpcError as error:
            log.info("%s: %s", atom, error)

    async def _in_order(self, branch: Iterable[Atom]) -> None:
        for atom in branch:
            await self._one(atom)

    async def _roll_back(self) -> None:
        for atom in reversed(self._done):
            undo = inverse(atom)
            if undo is None:
                continue
            try:
                await perform(self._ctx, undo, self._task)
            except RpcError as error:
                # What is still held is in the private record and released at the next chance.
                log.warning("undoing %s: %s", atom, error)


async def _all(branches: list[Awaitable[None]]) -> None:
    """Await all branches to their end, then raise the first one's error, if any."""
    for outcome in await asyncio.gather(*branches, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
