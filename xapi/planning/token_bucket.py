"""How long a call waits whose caller may make only so many. Pure: the time is handed in.

A bucket holds up to *burst* tokens and gets *rate* a second. It may go into debt: who comes while it is in debt waits until
that is paid, so that calls go on in the order in which they came.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    level: float
    at: float
    """When the level was right."""


def take(bucket: Bucket, burst: float, rate: float, cost: float, now: float, most: float) -> float | None:
    """Take *cost* tokens and return the seconds to wait; None, and nothing is taken, if that were more than *most*."""
    level = min(burst, bucket.level + (now - bucket.at) * rate)
    wait = max(0.0, (cost - level) / rate)
    if wait > most:
        return None
    bucket.level, bucket.at = level - cost, now
    return wait
