"""The host's CPUs, from ``/proc/stat``: idle time per CPU, and how many tasks want to run."""

import functools
import os
from dataclasses import dataclass

from rrdd.metric import HOST, Kind, Metric, Reading

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since boot: *idle* per CPU by number, *busy* of all CPUs together; *runnable* tasks now."""

    idle: dict[int, float]
    busy: float
    runnable: int


def parse(stat: str) -> CpuTimes:
    """Read ``/proc/stat``. Waiting for a disk is idle; time stolen by a hypervisor is neither idle nor ours."""
    idle: dict[int, float] = {}
    busy = 0.0
    runnable = 0
    for line in stat.splitlines():
        word, *rest = line.split()
        if word == "procs_running":
            runnable = int(rest[0])
        elif word.startswith("cpu") and word != "cpu":
            user, nice, system, idling, iowait, irq, softirq = (int(field) / _TICKS for field in rest[:7])
            idle[int(word[3:])] = idling + iowait
            busy += user + nice + system + irq + softirq
    return CpuTimes(idle, busy, runnable)


@functools.cache
def _idle(name: str, description: str) -> Metric:
    return Metric(name, Kind.DERIVE, "(fraction)", 0.0, 1.0, default=True, inverse=True, description=description)


_HOSTLOAD = Metric(
    "hostload", Kind.GAUGE, "(fraction)", 0.0, default=True, description="Tasks that run or could run, per physical CPU"
)


def readings(times: CpuTimes, now: float) -> list[Reading]:
    """Return ``cpu<N>``, ``cpu_avg`` (idle seconds, recorded as 1 - x) and ``hostload``."""
    found = [Reading(HOST, _idle(f"cpu{n}", f"Physical CPU usage of CPU {n}"), idle, now) for n, idle in times.idle.items()]
    if times.idle:
        average = sum(times.idle.values()) / len(times.idle)
        found.append(Reading(HOST, _idle("cpu_avg", "Average physical CPU usage"), average, now))
        # We are running while we look: one task of those is this one.
        found.append(Reading(HOST, _HOSTLOAD, max(0, times.runnable - 1) / len(times.idle), now))
    return found
