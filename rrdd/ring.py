"""One round-robin archive of one owner: rows of consolidated values of all its data sources.

Every row covers *pdp_per_row* primary data points (5 s each). Rows are aligned to the epoch, so that the time of each
is known from the time of the last update alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import floor, inf, nan

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

STEP = 5
"""Seconds of a primary data point."""


class Cf(StrEnum):
    """How the points of a row become one value."""

    AVERAGE = "AVERAGE"
    MIN = "MIN"
    MAX = "MAX"
    LAST = "LAST"


@dataclass(frozen=True, slots=True)
class Shape:
    """Of an archive: *rows* rows of *pdp_per_row* points; a row is unknown if more than *xff* of its points are."""

    cf: Cf
    rows: int
    pdp_per_row: int
    xff: float

    @property
    def seconds(self) -> int:
        """Seconds of one row."""
        return self.pdp_per_row * STEP


_EMPTY = {Cf.AVERAGE: 0.0, Cf.MIN: inf, Cf.MAX: -inf, Cf.LAST: nan}


class Ring:
    """The rows (oldest first from *head*) and the accumulators of the row that is being filled."""

    __slots__ = ("accumulator", "data", "head", "shape", "unknown")

    def __init__(self, shape: Shape, columns: int) -> None:
        self.shape = shape
        self.data: Rows = np.full((shape.rows, columns), nan, dtype=np.float32)
        self.head = 0
        self.accumulator: Floats = np.full(columns, _EMPTY[shape.cf])
        self.unknown: Floats = np.zeros(columns)

    def add_column(self, passed: int) -> None:
        """Append a data source without history; *passed* points of the present row were before its time."""
        blank = np.full((self.shape.rows, 1), nan, dtype=np.float32)
        self.data = np.hstack((self.data, blank))
        self.accumulator = np.append(self.accumulator, _EMPTY[self.shape.cf])
        self.unknown = np.append(self.unknown, float(passed % self.shape.pdp_per_row))

    def remove_column(self, column: int) -> None:
        self.data = np.delete(self.data, column, axis=1)
        self.accumulator = np.delete(self.accumulator, column)
        self.unknown = np.delete(self.unknown, column)

    def ordered(self) -> Rows:
        """Return the rows, oldest first."""
        return np.concatenate((self.data[self.head :], self.data[: self.head]))

    def newest(self, count: int) -> Rows:
        """Return the newest *count* rows, newest first."""
        indices = (self.head - 1 - np.arange(min(count, self.shape.rows))) % self.shape.rows
        return self.data[indices]

    def feed(self, passed: int, elapsed: int, points: Floats, low: Floats, high: Floats) -> None:
        """Take in *elapsed* points of the same values *points*, after *passed* points since the epoch."""
        size = self.shape.pdp_per_row
        wanted = size - passed % size
        if elapsed < wanted:
            self._accumulate(elapsed, points)
            return
        self._accumulate(wanted, points)
        # Rounding may carry an average of values in range just out of it.
        self._push(np.clip(self._finished(), low, high), 1)
        rest = elapsed - wanted
        if rest >= size:
            self._push(points, rest // size)
        self.begin_anew(0)
        self._accumulate(rest % size, points)

    def begin_anew(self, passed: int) -> None:
        """Forget the points of the present row; after *passed* points since the epoch, some of it are unknown."""
        self.accumulator.fill(_EMPTY[self.shape.cf])
        self.unknown.fill(float(passed % self.shape.pdp_per_row))

    def _accumulate(self, count: int, points: Floats) -> None:
        if count == 0:
            return
        missing = np.isnan(points)
        self.unknown += count * missing
        match self.shape.cf:
            case Cf.AVERAGE:
                self.accumulator += np.where(missing, 0.0, points) * (count / self.shape.pdp_per_row)
            case Cf.MIN:
                np.fmin(self.accumulator, points, out=self.accumulator)
            case Cf.MAX:
                np.fmax(self.accumulator, points, out=self.accumulator)
            case Cf.LAST:
                self.accumulator = points.copy()

    def _finished(self) -> Floats:
        """Return the row that is complete now. A row of which nothing is known is NaN, whatever *xff* allows."""
        size = self.shape.pdp_per_row
        known = size - self.unknown
        too_little = (self.unknown > floor(self.shape.xff * size)) | (known <= 0)
        row = self.accumulator
        if self.shape.cf is Cf.AVERAGE:
            row = row * (size / np.where(known > 0, known, 1.0))
        return np.where(too_little, nan, row)

    def _push(self, row: Floats, times: int) -> None:
        times = min(times, self.shape.rows)
        indices = (self.head + np.arange(times)) % self.shape.rows
        self.data[indices] = row
        self.head = (self.head + times) % self.shape.rows
