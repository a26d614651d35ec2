"""How much memory a VM needs, and which memory settings make sense. Bytes unless a name says MiB. Pure."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xapi import errors
from xapi.errors import XenAPIError, error

MIB: Final = 1 << 20


class DomainType(StrEnum):
    HVM = "hvm"
    PV = "pv"
    PV_IN_PVH = "pv_in_pvh"
    PVH = "pvh"


@dataclass(frozen=True, slots=True)
class Limits:
    """A VM's four memory settings."""

    static_min: int
    dynamic_min: int
    dynamic_max: int
    static_max: int

    def violation(self, ballooning: bool) -> XenAPIError | None:
        """Return what is wrong with them; without *ballooning* the three upper ones must be one value."""
        if not 0 <= self.static_min <= self.dynamic_min <= self.dynamic_max <= self.static_max:
            return error("MEMORY_CONSTRAINT_VIOLATION_ORDER")
        if not ballooning and not self.dynamic_min == self.dynamic_max == self.static_max:
            return error("MEMORY_CONSTRAINT_VIOLATION_MAXPIN", "memory cannot be changed while this VM runs")
        return None

    def check(self, ballooning: bool = True) -> None:
        """:raises XenAPIError: the settings contradict each other."""
        reason = self.violation(ballooning)
        if reason is not None:
            raise reason


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a VM's memory need follows from."""

    domain_type: DomainType
    limits: Limits
    vcpus: int
    shadow_multiplier: float = 1.0


_FIXED_MIB: Final = {DomainType.HVM: 2, DomainType.PVH: 2, DomainType.PV: 1, DomainType.PV_IN_PVH: 2}
"""Pages of the domain itself and of what serves it outside, by type."""


LARGEST_SHADOW_MULTIPLIER: Final = 1024.0


def overhead(need: Footprint) -> int:
    """Return the bytes a VM costs beyond its own memory: shadow pages, vCPU state, the PV shim."""
    static_max_mib = need.limits.static_max // MIB
    shadow_pages_mib = (256 * need.vcpus + 2 * static_max_mib) / 256
    shadow = max(1, math.ceil(shadow_pages_mib * need.shadow_multiplier))
    vcpus = math.ceil(38 * need.vcpus / 256)
    shim = 23 + static_max_mib // 90 if need.domain_type is DomainType.PV_IN_PVH else 0
    return (_FIXED_MIB[need.domain_type] + shadow + vcpus + shim) * MIB


def needed_to_start(need: Footprint) -> int:
    """Return the bytes that must be free for the VM to start."""
    own = need.limits.static_max if need.domain_type is DomainType.PV_IN_PVH else need.limits.dynamic_min
    return own + overhead(need)


def needed_at_most(need: Footprint) -> int:
    """Return the bytes the VM holds when nobody squeezes it."""
    return need.limits.dynamic_max + overhead(need)


def largest_static_max(total: int, need: Footprint, approximate: bool) -> int:
    """Return the largest static maximum that, with its overhead, fits in *total* bytes; *approximate* leaves a margin of 1 %
    for hosts that differ a little."""
    low, high = 0, total // MIB
    while low < high:
        middle = (low + high + 1) // 2
        size = middle * MIB
        grown = Footprint(need.domain_type, Limits(size, size, size, size), need.vcpus, need.shadow_multiplier)
        if size + overhead(grown) <= total:
            low = middle
        else:
            high = middle - 1
    return int(low * 0.99) * MIB if approximate else low * MIB


def assert_fits(needed: int, available: int) -> None:
    """:raises XenAPIError: HOST_NOT_ENOUGH_FREE_MEMORY."""
    if needed > available:
        raise errors.host_not_enough_free_memory(needed, max(0, available))
