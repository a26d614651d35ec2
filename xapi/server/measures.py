"""What this process counts of itself while it serves: calls and how long they took, and how late the event loop is.

Kept cheap enough for every call: an index and three additions. `xapi.transfer.openmetrics` writes it down.
"""

import asyncio
from bisect import bisect_left
from collections import Counter

from xapi.datamodel import MODEL

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets, in seconds."""
LAG_PERIOD = 1.0


class Histogram:
    """Durations in seconds, counted by how long they are."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Measures:
    """Counters since the start of the process."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], Histogram] = {}
        """By class and kind of message; calls of unknown messages are under two empty words."""
        self.failures: Counter[tuple[str, str]] = Counter()
        """By class and error code; codes that are no XenAPI's are ``other``."""
        self.loop_lag = Histogram()
        self._by_name: dict[str, Histogram] = {}

    def called(self, name: str, seconds: float) -> None:
        """Count a call; *name* as in the datamodel, or empty."""
        histogram = self._by_name.get(name)
        if histogram is None:
            message = MODEL.messages.get(name)
            key = ("", "") if message is None else (message.cls, str(message.kind))
            histogram = self.calls.setdefault(key, Histogram())
            # Only the datamodel's names get here: their number is bounded.
            self._by_name[name] = histogram
        histogram.observe(seconds)

    def failed(self, name: str, code: str) -> None:
        self.failures[name.partition(".")[0], code if code in MODEL.errors else "other"] += 1

    async def watch_the_loop(self) -> None:
        """Measure for ever how much later than asked for the event loop comes back."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_PERIOD
            await asyncio.sleep(LAG_PERIOD)
            self.loop_lag.observe(max(0.0, loop.time() - due))
