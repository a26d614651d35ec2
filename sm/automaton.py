"""What may happen to an attached disk next. Pure.

Several *datapaths* (one per VBD, one per copy) may hold a disk. Each is attached read-only or read-write, and may be
activated. The disk itself is in the strongest state any of them asks for, and only changes of that *superstate* reach
the storage.
"""

from collections.abc import Mapping
from enum import Enum

import msgspec

from idl.rpc import RpcError


class Dp(msgspec.Struct, frozen=True):
    """One datapath's hold on a disk."""

    vm: str
    read_write: bool
    activated: bool = False


class Level(Enum):
    DETACHED = "Detached"
    ATTACHED = "Attached"
    ACTIVATED = "Activated"


class Superstate(msgspec.Struct, frozen=True):
    level: Level
    read_write: bool = False

    def __str__(self) -> str:
        if self.level is Level.DETACHED:
            return str(self.level.value)
        return f"{self.level.value} {'RW' if self.read_write else 'RO'}"


Dps = Mapping[str, Dp]


def superstate(dps: Dps) -> Superstate:
    if not dps:
        return Superstate(Level.DETACHED)
    level = Level.ACTIVATED if any(dp.activated for dp in dps.values()) else Level.ATTACHED
    return Superstate(level, any(dp.read_write for dp in dps.values()))


def attach(dps: Dps, dp: str, vm: str, read_write: bool) -> Dps:
    """Attach *dp*; attaching again is the same, and one that may write keeps that.

    :raises RpcError: ``Illegal_transition`` where a disk in use read-only would have to become writable.
    """
    if dp in dps:
        if read_write and not dps[dp].read_write:
            raise illegal(superstate({dp: dps[dp]}), Superstate(Level.ATTACHED, True))
        return dps
    after = {**dps, dp: Dp(vm, read_write)}
    before = superstate(dps)
    if before.level is not Level.DETACHED and superstate(after).read_write != before.read_write:
        raise illegal(before, superstate(after))
    return after


def activate(dps: Dps, dp: str) -> Dps:
    """:raises RpcError: ``Illegal_transition`` unless *dp* is attached."""
    if dp not in dps:
        raise illegal(Superstate(Level.DETACHED), Superstate(Level.ACTIVATED))
    return {**dps, dp: msgspec.structs.replace(dps[dp], activated=True)}


def deactivate(dps: Dps, dp: str) -> Dps:
    """An idle *dp* stays as it is."""
    if dp not in dps:
        return dps
    return {**dps, dp: msgspec.structs.replace(dps[dp], activated=False)}


def detach(dps: Dps, dp: str) -> Dps:
    """An idle *dp* stays as it is.

    :raises RpcError: ``Illegal_transition`` while it is activated.
    """
    if dp in dps and dps[dp].activated:
        raise illegal(superstate({dp: dps[dp]}), Superstate(Level.DETACHED))
    return {name: held for name, held in dps.items() if name != dp}


def other_writer(dps: Dps, dp: str) -> bool:
    """Whether another datapath than *dp* may write to the disk."""
    return any(held.read_write for name, held in dps.items() if name != dp)


def illegal(before: Superstate, after: Superstate) -> RpcError:
    return RpcError("Illegal_transition", str(before), str(after))
