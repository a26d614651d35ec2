"""The host's memory, from ``/proc/meminfo``.

Free is what new guests could get (MemAvailable): caches give way to them.
"""

from dataclasses import dataclass

from rrdd.metric import HOST, Kind, Metric, Reading


@dataclass(frozen=True, slots=True)
class Memory:
    total_kib: int
    available_kib: int


def parse(meminfo: str) -> Memory:
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    return Memory(*(int(fields[key].split()[0]) for key in ("MemTotal", "MemAvailable")))


_TOTAL = Metric("memory_total_kib", Kind.GAUGE, "KiB", 0.0, default=True, description="Total amount of memory of the host")
_FREE = Metric("memory_free_kib", Kind.GAUGE, "KiB", 0.0, default=True, description="Memory of the host that is free for guests")


def readings(memory: Memory, now: float) -> list[Reading]:
    return [Reading(HOST, _TOTAL, memory.total_kib, now), Reading(HOST, _FREE, memory.available_kib, now)]
