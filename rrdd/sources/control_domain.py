"""The control domain seen as a VM, where it shares one kernel with the guests (no Xen): the host without its guests.

Its CPU time is what all CPUs were busy less what the guests' vCPUs used; its memory is the host's less the guests'.
"""

from collections.abc import Sequence

from idl.xenops import DomainCounters
from rrdd.metric import Kind, Metric, Owner, OwnerKind, Reading
from rrdd.sources.cpu import CpuTimes
from rrdd.sources.memory import Memory

_CPU = Metric(
    "cpu_usage", Kind.GAUGE, "(fraction)", 0.0, 1.0, default=True, description="CPU time of the host not used by guests"
)
_MEMORY = Metric("memory", Kind.GAUGE, "B", 0.0, default=True, description="Memory of the host not given to guests")
_FREE = Metric("memory_internal_free", Kind.GAUGE, "KiB", 0.0, default=True, description="Free memory of the control domain")


class ControlDomainSource:
    """Compares two moments, since a guest that ends takes its counters along."""

    def __init__(self) -> None:
        self._last: tuple[float, float, dict[int, float]] | None = None

    def readings(
        self, uuid: str, times: CpuTimes, memory: Memory, domains: Sequence[DomainCounters] | None, now: float
    ) -> list[Reading]:
        """Return the readings of VM *uuid*; *domains* None: the guests' share is unknown, so is the rest."""
        if domains is None or not times.idle:
            self._last = None
            return []
        owner = Owner(OwnerKind.VM, uuid)
        used = {domain.domid: sum(domain.vcpu_seconds) for domain in domains}
        given = sum(domain.memory for domain in domains)
        found = [
            Reading(owner, _MEMORY, max(0, memory.total_kib * 1024 - given), now),
            Reading(owner, _FREE, memory.available_kib, now),
        ]
        if self._last is not None and now > self._last[0]:
            before, busy, guests = self._last
            spent = sum(max(0.0, seconds - guests.get(domid, 0.0)) for domid, seconds in used.items())
            share = (times.busy - busy - spent) / ((now - before) * len(times.idle))
            found.append(Reading(owner, _CPU, min(1.0, max(0.0, share)), now))
        self._last = (now, times.busy, used)
        return found
