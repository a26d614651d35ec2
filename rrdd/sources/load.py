"""The control domain's load average, from ``/proc/loadavg``."""

from rrdd.metric import HOST, Kind, Metric, Reading

_LOADAVG = Metric("loadavg", Kind.GAUGE, "(fraction)", 0.0, default=True, description="Load average of the control domain")


def readings(loadavg: str, now: float) -> list[Reading]:
    return [Reading(HOST, _LOADAVG, float(loadavg.split(maxsplit=1)[0]), now)]
