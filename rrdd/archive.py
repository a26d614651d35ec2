"""All that is recorded of one owner: its data sources and its rings, moved on in one vectorised step per cycle.

The update rules are those of round-robin databases as XenAPI clients know them: raw value -> rate -> primary data
point of 5 s -> rows. Three points differ from the original, so that no number is invented:

* a point or row of which nothing is known is NaN (there, two unknown readings in a row can give 0, and MIN/MAX a bound);
* a counter's rate is divided by the length of the points it covers, not by the distance of the readings;
* a rate up to 5 % outside its range is capped at either end, not only above: the kernel counts idle time in ticks, and
  an idle CPU would else be unknown half of the time.

Each source has its own clock (a plugin's timestamp) for its rate; rows are placed by the owner's.
"""

import copy
from dataclasses import dataclass, replace
from math import floor, inf, nan

import numpy as np
import numpy.typing as npt

from rrdd.metric import Kind
from rrdd.ring import STEP, Cf, Floats, Ring, Shape

HEARTBEAT = 300.0
"""Seconds between readings after which nothing is known about the time between."""

TOLERANCE = 0.05

_TIMESCALES = ((120, 1), (120, 12), (168, 720), (366, 17280))


def shapes(*, min_max: bool) -> tuple[Shape, ...]:
    """Return the archives of an owner: of a host (and of others where asked for) with minimum and maximum."""
    functions = (Cf.AVERAGE, Cf.MIN, Cf.MAX) if min_max else (Cf.AVERAGE,)
    xff = 1.0 if min_max else 0.5
    return tuple(Shape(cf, rows, size, xff) for rows, size in _TIMESCALES for cf in functions)


@dataclass(frozen=True, slots=True)
class Source:
    """A recorded data source."""

    name: str
    kind: Kind
    min: float = -inf
    max: float = inf
    inverse: bool = False


class Archive:
    """The data sources of one owner and their rings. Not safe to share between threads: hand a :meth:`copy` over."""

    def __init__(self, layout: tuple[Shape, ...], created: float) -> None:
        self.clock = created
        """When the rings were last moved on, seconds since the epoch."""
        self.sources: list[Source] = []
        self.rings = [Ring(shape, 0) for shape in layout]
        self.last_updated: Floats = np.empty(0)
        self.last_raw: Floats = np.empty(0)
        self.value: Floats = np.empty(0)
        self.unknown_sec: Floats = np.empty(0)
        self._columns: dict[str, int] = {}
        self._index()

    def _index(self) -> None:
        self._columns = {source.name: column for column, source in enumerate(self.sources)}
        self._derive = np.array([source.kind is Kind.DERIVE for source in self.sources], dtype=bool)
        self._absolute = np.array([source.kind is Kind.ABSOLUTE for source in self.sources], dtype=bool)
        self._inverse = np.array([source.inverse for source in self.sources], dtype=bool)
        self._low = np.array([source.min for source in self.sources])
        self._high = np.array([source.max for source in self.sources])
        width = self._high - self._low
        self._slack = np.where(np.isfinite(width), width * TOLERANCE, 0.0) * self._derive

    def column(self, name: str) -> int | None:
        return self._columns.get(name)

    def add(self, source: Source) -> None:
        """Record *source* from now on; a source of that name takes its new description."""
        column = self._columns.get(source.name)
        if column is not None:
            self.sources[column] = source
            self._index()
            return
        self.sources.append(source)
        self.last_updated = np.append(self.last_updated, nan)
        self.last_raw = np.append(self.last_raw, nan)
        derive = source.kind is Kind.DERIVE
        self.value = np.append(self.value, 0.0 if derive else nan)
        self.unknown_sec = np.append(self.unknown_sec, self.clock % STEP)
        for ring in self.rings:
            ring.add_column(floor(self.clock / STEP))
        self._index()

    def forget(self, name: str) -> None:
        """Stop recording *name* and drop its history; absent is no error."""
        column = self._columns.get(name)
        if column is None:
            return
        del self.sources[column]
        for attribute in ("last_updated", "last_raw", "value", "unknown_sec"):
            setattr(self, attribute, np.delete(getattr(self, attribute), column))
        for ring in self.rings:
            ring.remove_column(column)
        self._index()

    def rename(self, names: list[str]) -> None:
        """Name the sources in order; of those with the same name only the first is kept."""
        for position in range(len(names) - 1, -1, -1):
            if names[position] in names[:position]:
                self.forget(self.sources[position].name)
        unique = dict.fromkeys(names)
        self.sources = [replace(source, name=name) for source, name in zip(self.sources, unique, strict=True)]
        self._index()

    def newest(self, name: str) -> float:
        """Return the newest 5 s average of *name*, NaN if unknown."""
        column = self._columns[name]
        for ring in self.rings:
            if ring.shape.cf is Cf.AVERAGE and ring.shape.pdp_per_row == 1:
                return float(ring.newest(1)[0, column])
        return nan

    def copy(self) -> "Archive":
        """Return a snapshot that another thread may read."""
        return copy.deepcopy(self)

    def update(self, now: float, values: Floats, times: Floats, *, restarted: bool = False) -> None:
        """Take in a raw value per source (NaN: none), true at *times*, and move the rings on to *now*.

        *restarted*: the counters began at zero since the last update (a new domain of the same VM).
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            own = times - self.last_updated
            own = np.where(own < 0, float(STEP), own)
            rates = self._rates(values, own, restarted)
            self.last_updated = times.copy()
            self.last_raw = values.copy()
            self._advance(now, rates, stale=own > HEARTBEAT)

    def _rates(self, values: Floats, own: Floats, restarted: bool) -> Floats:
        before = np.zeros_like(values) if restarted else self.last_raw
        rates = np.where(self._derive, (values - before) / own, np.where(self._absolute, values / own, values))
        usable = (own > 0) & (own <= HEARTBEAT)
        return np.where(usable, rates, nan)

    def _advance(self, now: float, rates: Floats, stale: npt.NDArray[np.bool_]) -> None:
        if now < self.clock:
            # The clock was set back: how much of the present point and rows we know cannot be told. They begin anew.
            self.clock = now
            self.value = np.where(self._derive, 0.0, rates)
            self.unknown_sec = np.full_like(rates, now % STEP)
            for ring in self.rings:
                ring.begin_anew(floor(now / STEP))
            return
        passed = floor(self.clock / STEP)
        elapsed = max(floor(now / STEP) - passed, 0)
        after = now % STEP if elapsed else 0.0
        before = now - self.clock - after
        self.clock = now
        unknown = np.isnan(rates)
        # A level stands for its whole point; a counter is spread over the time it grew in.
        self.value = np.where(self._derive, self.value + np.where(unknown, 0.0, before * rates), rates)
        self.unknown_sec += np.where(unknown, before, 0.0)
        if not elapsed:
            return
        points = self._points(elapsed, stale)
        for ring in self.rings:
            ring.feed(passed, elapsed, points, self._low, self._high)
        self.value = np.where(self._derive, np.where(unknown, 0.0, after * rates), rates)
        self.unknown_sec = np.where(unknown, after, 0.0)

    def _points(self, elapsed: int, stale: npt.NDArray[np.bool_]) -> Floats:
        """Return the value of the points that end now, NaN where unknown or out of range."""
        # Sums of fractions of 5 s: a millionth of a second is no knowledge.
        known = elapsed * STEP - self.unknown_sec
        points = np.where(self._derive, np.where(known > 1e-6, self.value / known, nan), self.value)
        points = np.where(self._inverse, 1.0 - points, points)
        points = np.where((points > self._high) & (points <= self._high + self._slack), self._high, points)
        points = np.where((points < self._low) & (points >= self._low - self._slack), self._low, points)
        in_range = (points >= self._low) & (points <= self._high)
        return np.where(in_range & ~stale, points, nan)
