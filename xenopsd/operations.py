"""What an operation is made of: the list of atoms, decided from plain values before the first one runs.

Devices come before the domain, unlike in the original: the hypervisors here (libvirt) launch a domain with all its
devices at once, so a disk must be attached at the storage service before there is something to plug it into.
"""

from collections.abc import Callable
from dataclasses import dataclass

from idl.rpc import RpcError
from idl.xenops import Action, DeviceType, Disk, LocalNetwork, Locked, PowerState, Problem, Vbd, Vif
from xenopsd.hypervisors.base import End

CRASH_LOOP = 120.0
"""A guest that ends sooner than these seconds after its start is not simply started again."""
RESTART_PAUSE = 15.0
"""Seconds before the next start of a guest that ended within CRASH_LOOP, by default."""


# --- atoms: what the executor in atoms.py knows to do (and, where that makes sense, to undo) -------------------------


@dataclass(frozen=True, slots=True)
class VmCreate:
    """Give the VM a domain id; nothing runs yet."""

    vm: str


@dataclass(frozen=True, slots=True)
class VmBuild:
    """Launch the domain, paused, with every device plugged so far."""

    vm: str


@dataclass(frozen=True, slots=True)
class VmBuilt:
    """Say that the domain is complete."""

    vm: str


@dataclass(frozen=True, slots=True)
class VmRestore:
    """As VmBuild, from a suspend image."""

    vm: str
    image: Disk


@dataclass(frozen=True, slots=True)
class VmSave:
    """Put the guest's state into a suspend image; its domain ends."""

    vm: str
    image: Disk


@dataclass(frozen=True, slots=True)
class VmStopDomain:
    """End the domain at once, keeping its devices attached."""

    vm: str


@dataclass(frozen=True, slots=True)
class VmDestroy:
    """Forget the domain id; the last atom of every end."""

    vm: str


@dataclass(frozen=True, slots=True)
class VmShutdownDomain:
    """Ask the guest to power off and wait."""

    vm: str
    timeout: float


@dataclass(frozen=True, slots=True)
class VmPause:
    vm: str


@dataclass(frozen=True, slots=True)
class VmUnpause:
    vm: str


@dataclass(frozen=True, slots=True)
class VmDelay:
    vm: str
    seconds: float


@dataclass(frozen=True, slots=True)
class VmSetVcpus:
    vm: str
    vcpus: int


@dataclass(frozen=True, slots=True)
class VmSetMemoryRange:
    vm: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class VmSetXsdata:
    vm: str
    xsdata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VmSetRebooting:
    """While set, VM.stat says Running although the domain comes and goes."""

    vm: str
    rebooting: bool


@dataclass(frozen=True, slots=True)
class VmRemove:
    vm: str


@dataclass(frozen=True, slots=True)
class VbdSetActive:
    vm: str
    device: str
    active: bool


@dataclass(frozen=True, slots=True)
class VbdEpochBegin:
    vm: str
    device: str


@dataclass(frozen=True, slots=True)
class VbdEpochEnd:
    vm: str
    device: str


@dataclass(frozen=True, slots=True)
class VbdPlug:
    """Attach the disk at the storage service, and give it to the domain if there is one."""

    vm: str
    device: str


@dataclass(frozen=True, slots=True)
class VbdUnplug:
    """Take the disk from the domain if there is one, and let go of it at the storage service.

    *force*: what cannot be let go now is remembered and let go of at the next chance, rather than an error.
    """

    vm: str
    device: str
    force: bool


@dataclass(frozen=True, slots=True)
class VbdInsert:
    vm: str
    device: str
    disk: Disk


@dataclass(frozen=True, slots=True)
class VbdEject:
    vm: str
    device: str


@dataclass(frozen=True, slots=True)
class VifSetActive:
    vm: str
    device: str
    active: bool


@dataclass(frozen=True, slots=True)
class VifPlug:
    vm: str
    device: str


@dataclass(frozen=True, slots=True)
class VifUnplug:
    vm: str
    device: str
    force: bool


@dataclass(frozen=True, slots=True)
class VifMove:
    vm: str
    device: str
    network: LocalNetwork


@dataclass(frozen=True, slots=True)
class VifSetCarrier:
    vm: str
    device: str
    carrier: bool


@dataclass(frozen=True, slots=True)
class VifSetLockingMode:
    vm: str
    device: str
    mode: str | Locked


Atom = (
    VmCreate | VmBuild | VmBuilt | VmRestore | VmSave | VmStopDomain | VmDestroy | VmShutdownDomain | VmPause | VmUnpause
    | VmDelay | VmSetVcpus | VmSetMemoryRange | VmSetXsdata | VmSetRebooting | VmRemove
    | VbdSetActive | VbdEpochBegin | VbdEpochEnd | VbdPlug | VbdUnplug | VbdInsert | VbdEject
    | VifSetActive | VifPlug | VifUnplug | VifMove | VifSetCarrier | VifSetLockingMode
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches that run side by side, each in its order; all are waited for, the first error counts."""

    branches: tuple[tuple[Atom, ...], ...]


@dataclass(frozen=True, slots=True)
class BestEffort:
    """An atom whose failure is logged and changes nothing."""

    atom: Atom


Step = Atom | Parallel | BestEffort
Plan = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """A VM as an operation finds it."""

    vm: str
    power: PowerState
    vbds: tuple[Vbd, ...] = ()
    vifs: tuple[Vif, ...] = ()


Planner = Callable[[Situation], Plan]
"""An operation: called when its turn has come, so that it sees what the ones before it left."""


def _require(now: Situation, *allowed: PowerState) -> None:
    if now.power not in allowed:
        raise RpcError(Problem.BAD_POWER_STATE, now.vm, now.power, allowed[0])


def _parallel(*branches: tuple[Atom, ...]) -> Plan:
    """Return no step for no branch, a sequence for one."""
    filled = tuple(branch for branch in branches if branch)
    if len(filled) < 2:
        return tuple(atom for branch in filled for atom in branch)
    return (Parallel(filled),)


def _writable_first(vbds: tuple[Vbd, ...]) -> Plan:
    """Plug disks in parallel, writable ones before others: storage may refuse a reader more readily than a writer."""

    def branch(vbd: Vbd) -> tuple[Atom, ...]:
        vm, device = vbd.id
        epoch = (VbdEpochBegin(vm, device),) if vbd.backend is not None else ()
        return (VbdSetActive(vm, device, active=True), *epoch, VbdPlug(vm, device))

    writable = [branch(vbd) for vbd in vbds if vbd.mode == "ReadWrite"]
    readable = [branch(vbd) for vbd in vbds if vbd.mode != "ReadWrite"]
    return _parallel(*writable) + _parallel(*readable)


def _plug_devices(now: Situation) -> Plan:
    nics = [(VifSetActive(*vif.id, active=True), VifPlug(*vif.id)) for vif in now.vifs]
    return _writable_first(now.vbds) + _parallel(*nics)


def _teardown(now: Situation) -> Plan:
    """End the domain and give back what it held; every atom is harmless where there is nothing to do."""
    vm = now.vm
    disks = [(VbdUnplug(*vbd.id, force=True),) for vbd in now.vbds]
    nics = [(VifUnplug(*vif.id, force=True),) for vif in now.vifs]
    return (BestEffort(VmPause(vm)), VmStopDomain(vm), *_parallel(*disks, *nics), VmDestroy(vm))


def _deactivate(now: Situation) -> Plan:
    disks = [
        (VbdEpochEnd(*vbd.id), VbdSetActive(*vbd.id, active=False))
        if vbd.backend is not None
        else (VbdSetActive(*vbd.id, active=False),)
        for vbd in now.vbds
    ]
    nics = [(VifSetActive(*vif.id, active=False),) for vif in now.vifs]
    return tuple(BestEffort(atom) for branch in (*disks, *nics) for atom in branch)


def start() -> Planner:
    """Halted -> Paused; nothing to do for one that runs."""

    def plan(now: Situation) -> Plan:
        if now.power is PowerState.RUNNING:
            return ()
        _require(now, PowerState.HALTED)
        return (VmCreate(now.vm), *_plug_devices(now), VmBuild(now.vm), VmBuilt(now.vm))

    return plan


def poweroff(timeout: float | None = None) -> Planner:
    """To Halted: cleanly within *timeout* seconds, or at once. Nothing to do for one that is halted."""

    def plan(now: Situation) -> Plan:
        if now.power is PowerState.HALTED:
            return ()
        if timeout is None:
            return (*_teardown(now), *_deactivate(now))
        _require(now, PowerState.RUNNING)
        return (VmShutdownDomain(now.vm, timeout), *_teardown(now), *_deactivate(now))

    return plan


def reboot(timeout: float | None = None, *, pause: float = 0.0) -> Planner:
    """End the domain (cleanly within *timeout*, or at once), then build and run it anew."""

    def plan(now: Situation) -> Plan:
        _require(now, PowerState.RUNNING, *((PowerState.PAUSED,) if timeout is None else ()))
        vm = now.vm
        ask = (VmShutdownDomain(vm, timeout),) if timeout is not None else ()
        ends = tuple(BestEffort(VbdEpochEnd(*vbd.id)) for vbd in now.vbds if vbd.backend is not None)
        wait = (VmDelay(vm, pause),) if pause else ()
        return (
            *ask,
            VmSetRebooting(vm, rebooting=True),
            *_teardown(now),
            *ends,
            *wait,
            VmCreate(vm),
            *_plug_devices(now),
            VmBuild(vm),
            VmUnpause(vm),
            VmBuilt(vm),
            VmSetRebooting(vm, rebooting=False),
        )

    return plan


def suspend(image: Disk) -> Planner:
    def plan(now: Situation) -> Plan:
        _require(now, PowerState.RUNNING)
        return (VmSave(now.vm, image), *_teardown(now))

    return plan


def resume(image: Disk) -> Planner:
    """Suspended (or Halted, where the records are from another host) -> Paused."""

    def plan(now: Situation) -> Plan:
        _require(now, PowerState.SUSPENDED, PowerState.HALTED)
        return (VmCreate(now.vm), *_plug_devices(now), VmRestore(now.vm, image), VmBuilt(now.vm))

    return plan


def pause() -> Planner:
    """Running -> Paused; nothing to do for one that is paused."""

    def plan(now: Situation) -> Plan:
        _require(now, PowerState.RUNNING, PowerState.PAUSED)
        return () if now.power is PowerState.PAUSED else (VmPause(now.vm),)

    return plan


def unpause() -> Planner:
    """Paused -> Running; nothing to do for one that runs."""

    def plan(now: Situation) -> Plan:
        _require(now, PowerState.PAUSED, PowerState.RUNNING)
        return () if now.power is PowerState.RUNNING else (VmUnpause(now.vm),)

    return plan


def in_states(atoms: tuple[Atom, ...], *allowed: PowerState) -> Planner:
    """Run *atoms* if the VM is in one of the states *allowed* (any state, if none is named)."""

    def plan(now: Situation) -> Plan:
        if allowed:
            _require(now, *allowed)
        return atoms

    return plan


def vbd_hotplug(vm: str, device: str) -> Planner:
    def plan(now: Situation) -> Plan:
        _require(now, PowerState.RUNNING, PowerState.PAUSED)
        return tuple(step for vbd in now.vbds if vbd.id[1] == device for step in _writable_first((vbd,)))

    return plan


def vbd_hotunplug(vm: str, device: str, *, force: bool) -> Planner:
    return in_states(
        (VbdUnplug(vm, device, force), VbdSetActive(vm, device, active=False)), PowerState.RUNNING, PowerState.PAUSED
    )


def vif_hotplug(vm: str, device: str) -> Planner:
    return in_states((VifSetActive(vm, device, active=True), VifPlug(vm, device)), PowerState.RUNNING, PowerState.PAUSED)


def vif_hotunplug(vm: str, device: str, *, force: bool) -> Planner:
    return in_states(
        (VifUnplug(vm, device, force), VifSetActive(vm, device, active=False)), PowerState.RUNNING, PowerState.PAUSED
    )


def vbd_eject(vm: str, device: str) -> Planner:
    def plan(now: Situation) -> Plan:
        _require(now, PowerState.RUNNING, PowerState.PAUSED)
        for vbd in now.vbds:
            if vbd.id[1] == device and vbd.ty is DeviceType.DISK:
                raise RpcError(Problem.MEDIA_NOT_EJECTABLE)
        return (VbdEject(vm, device),)

    return plan


# --- a domain that ended by itself -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reactions:
    """A VM's wishes for its domain's ends."""

    on_shutdown: tuple[Action, ...]
    on_reboot: tuple[Action, ...]
    on_crash: tuple[Action, ...]


def react(wishes: Reactions, why: End, ran: float, pause: float) -> Planner:
    """Return what to do about a domain that ended by itself, *ran* seconds after its start.

    A crash soon after the start is not answered with another start; any other soon end is, after *pause* seconds.
    """
    actions = {
        End.POWEROFF: wishes.on_shutdown,
        End.UNKNOWN: wishes.on_shutdown,
        End.REBOOT: wishes.on_reboot,
        End.CRASH: wishes.on_crash,
        # A dead emulator has nothing left to preserve or to trust: it stays off until somebody starts it.
        End.KILLED: (Action.SHUTDOWN,),
    }[why]
    soon = ran < CRASH_LOOP
    if Action.PAUSE in actions:
        return in_states(())
    if Action.START in actions and not (why is End.CRASH and soon):
        return reboot(pause=pause if soon else 0.0)
    return poweroff()
