"""Archives: the rules of one update, by example and against a second, naive implementation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrdd.archive import Archive, Source, shapes
from rrdd.metric import Kind
from rrdd.ring import Cf, Shape

FIVE_SECONDS = (Shape(Cf.AVERAGE, 120, 1, 1.0),)


def record(source: Source, samples: Sequence[tuple[float, float]], layout: tuple[Shape, ...] = FIVE_SECONDS) -> Archive:
    """Return an archive of *source* alone after *samples* (time, raw value)."""
    archive = Archive(layout, samples[0][0])
    archive.add(source)
    for time, value in samples:
        archive.update(time, np.array([value]), np.array([time]))
    return archive


def newest(archive: Archive, count: int) -> list[float]:
    return [float(row[0]) for row in archive.rings[0].newest(count)]


@pytest.mark.parametrize(
    ("source", "samples", "expected"),
    [
        pytest.param(Source("x", Kind.GAUGE), [(0, 1), (5, 2), (10, 3)], [3, 2], id="a level is recorded as it is"),
        pytest.param(Source("x", Kind.ABSOLUTE), [(0, 1), (5, 20), (10, 30)], [6, 4], id="an amount becomes a rate"),
        pytest.param(Source("x", Kind.DERIVE), [(0, 100), (5, 150), (10, 250)], [20, 10], id="a counter becomes its growth"),
        pytest.param(
            Source("x", Kind.DERIVE), [(2, 0), (7, 50), (12, 150)], [16, 10], id="growth is spread over the points it covers"
        ),
        pytest.param(Source("x", Kind.DERIVE, 0), [(0, 100), (5, 200), (10, 50)], [nan, 20], id="a counter that fell is unknown"),
        pytest.param(
            Source("x", Kind.GAUGE), [(0, 1), (5, 2), (306, 3)], [nan, nan], id="silence beyond the heartbeat is unknown"
        ),
        pytest.param(
            Source("x", Kind.GAUGE), [(0, 1), (5, 2), (20, 3)], [3, 3, 3, 2], id="points that were skipped repeat the last"
        ),
        pytest.param(Source("x", Kind.GAUGE, 0, 10), [(0, 1), (5, 11), (10, -1)], [nan, nan], id="out of range is unknown"),
        pytest.param(
            Source("x", Kind.DERIVE, 0, 1), [(0, 0), (5, 5.2), (10, 10.6)], [nan, 1], id="a rate is capped within 5 % only"
        ),
        pytest.param(
            Source("x", Kind.DERIVE, 0, 1, inverse=True), [(0, 0), (5, 4), (10, 9.01)], [0, 0.2], id="idle time becomes usage"
        ),
        pytest.param(Source("x", Kind.GAUGE), [(0, 1), (5, nan), (10, 3)], [3, nan], id="no reading is unknown"),
        pytest.param(
            Source("x", Kind.DERIVE), [(2, 0), (7, nan), (12, nan), (17, 10)], [nan, nan, nan], id="unknown counters stay unknown"
        ),
        pytest.param(Source("x", Kind.GAUGE), [(10, 1), (15, 2), (12, 3), (17, 4)], [4, 2], id="the clock may be set back"),
    ],
)
def test_a_point(source: Source, samples: list[tuple[float, float]], expected: list[float]) -> None:
    found = newest(record(source, samples), len(expected))
    assert found == pytest.approx(expected, nan_ok=True, rel=1e-6)


@pytest.mark.parametrize(
    ("cf", "xff", "levels", "expected"),
    [
        (Cf.AVERAGE, 1.0, [1, 2, 3, 6], 3),
        (Cf.MIN, 1.0, [4, 2, 3, 6], 2),
        (Cf.MAX, 1.0, [4, 2, 9, 6], 9),
        (Cf.LAST, 1.0, [4, 2, 9, 6], 6),
        pytest.param(Cf.AVERAGE, 0.5, [nan, nan, 3, 5], 4, id="AVERAGE is of what is known"),
        pytest.param(Cf.AVERAGE, 0.5, [nan, nan, nan, 5], nan, id="too little is known"),
        pytest.param(Cf.MIN, 1.0, [nan, nan, nan, 5], 5, id="xff 1.0 is content with one point"),
        pytest.param(Cf.MIN, 1.0, [nan, nan, nan, nan], nan, id="nothing known is unknown even with xff 1.0"),
    ],
)
def test_a_row(cf: Cf, xff: float, levels: list[float], expected: float) -> None:
    samples = [(0.0, 0.0), *((5.0 * n, level) for n, level in enumerate(levels, 1))]
    archive = record(Source("x", Kind.GAUGE), samples, (Shape(cf, 3, 4, xff),))
    assert newest(archive, 1) == pytest.approx([expected], nan_ok=True)


def test_a_row_begun_before_the_source_existed_counts_the_time_before_as_unknown() -> None:
    archive = record(Source("x", Kind.GAUGE), [(10.0, 7.0), (15.0, 7.0), (20.0, 7.0)], (Shape(Cf.AVERAGE, 3, 4, 0.5),))
    assert newest(archive, 1) == [7.0]
    archive = record(Source("x", Kind.GAUGE), [(15.0, 7.0), (20.0, 7.0)], (Shape(Cf.AVERAGE, 3, 4, 0.5),))
    assert isnan(newest(archive, 1)[0])


def test_after_a_restart_of_the_domain_counters_count_from_zero() -> None:
    archive = record(Source("x", Kind.DERIVE, 0), [(0, 1000), (5, 2000)])
    archive.update(10, np.array([50.0]), np.array([10.0]), restarted=True)
    assert newest(archive, 1) == [10]


def test_a_source_added_later_has_no_history_and_disturbs_nobody() -> None:
    archive = record(Source("x", Kind.GAUGE), [(0, 1), (5, 2)])
    archive.add(Source("y", Kind.GAUGE))
    for time in (10.0, 15.0):
        archive.update(time, np.array([3.0, 4.0]), np.array([time, time]))
    assert archive.newest("x") == 3
    assert archive.newest("y") == 4
    assert archive.rings[0].newest(3)[:, 1].tolist() == pytest.approx([4, nan, nan], nan_ok=True)
    archive.forget("x")
    assert [source.name for source in archive.sources] == ["y"]
    assert archive.newest("y") == 4


def test_a_host_has_minimum_and_maximum_and_a_vm_only_where_asked() -> None:
    host = [(shape.cf.value, shape.rows, shape.pdp_per_row, shape.xff) for shape in shapes(min_max=True)]
    assert host[:4] == [("AVERAGE", 120, 1, 1.0), ("MIN", 120, 1, 1.0), ("MAX", 120, 1, 1.0), ("AVERAGE", 120, 12, 1.0)]
    vm = [(shape.cf.value, shape.rows, shape.pdp_per_row, shape.xff) for shape in shapes(min_max=False)]
    assert vm == [("AVERAGE", 120, 1, 0.5), ("AVERAGE", 120, 12, 0.5), ("AVERAGE", 168, 720, 0.5), ("AVERAGE", 366, 17280, 0.5)]


@dataclass
class NaiveRow:
    """One source in one archive, a list of points per row: nothing is accumulated."""

    shape: Shape
    pending: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)

    def feed(self, point: float, *, repeats: bool) -> None:
        """Take one point; *repeats*: the rows after the first that ends now are the point itself."""
        self.pending.append(point)
        if len(self.pending) < self.shape.pdp_per_row:
            return
        self.rows.append(point if repeats else self.row())
        self.pending = []

    def row(self) -> float:
        known = [point for point in self.pending if not isnan(point)]
        unknown = len(self.pending) - len(known)
        if not known or unknown > floor(self.shape.xff * self.shape.pdp_per_row):
            return nan
        match self.shape.cf:
            case Cf.AVERAGE:
                return sum(known) / len(known)
            case Cf.MIN:
                return min(known)
            case Cf.MAX:
                return max(known)
            case Cf.LAST:
                return self.pending[-1]


class Naive:
    """The update rules for one source in plain Python, as the documentation of the format words them."""

    def __init__(self, source: Source, layout: tuple[Shape, ...], created: float) -> None:
        self.source = source
        self.clock = created
        self.last: float | None = None
        self.raw = nan
        self.growth: list[tuple[float, float]] = []
        """(seconds, growth in them) of the present point; growth NaN: unknown."""
        self.growth.append((created % 5, nan))
        self.rings = [NaiveRow(shape, [nan] * (floor(created / 5) % shape.pdp_per_row)) for shape in layout]

    def rate(self, time: float, value: float) -> tuple[float, bool]:
        if self.last is None:
            return nan, False
        interval = time - self.last if time >= self.last else 5
        if interval > 300:
            return nan, True
        if interval == 0:
            return nan, False
        match self.source.kind:
            case Kind.GAUGE:
                return value, False
            case Kind.ABSOLUTE:
                return value / interval, False
            case Kind.DERIVE:
                return (value - self.raw) / interval, False

    def point(self, rate: float, stale: bool) -> float:
        value = rate
        if self.source.kind is Kind.DERIVE:
            known = [(seconds, growth) for seconds, growth in self.growth if not isnan(growth)]
            seconds = sum(seconds for seconds, _ in known)
            value = sum(growth for _, growth in known) / seconds if seconds > 1e-6 else nan
        if self.source.inverse:
            value = 1 - value
        low, high = self.source.min, self.source.max
        slack = 0.05 * (high - low) if self.source.kind is Kind.DERIVE and high - low < inf else 0
        if high < value <= high + slack:
            value = high
        if low - slack <= value < low:
            value = low
        return nan if stale or isnan(value) or not low <= value <= high else value

    def update(self, time: float, value: float) -> None:
        rate, stale = self.rate(time, value)
        elapsed = floor(time / 5) - floor(self.clock / 5)
        after = time % 5 if elapsed else 0
        before = time - self.clock - after
        self.growth.append((before, rate * before))
        if time < self.clock:
            self.growth = [(time % 5, nan)]
            for ring in self.rings:
                ring.pending = [nan] * (floor(time / 5) % ring.shape.pdp_per_row)
        elif elapsed:
            point = self.point(rate, stale)
            for ring in self.rings:
                finished = len(ring.rows)
                for _ in range(elapsed):
                    ring.feed(point, repeats=len(ring.rows) > finished)
            self.growth = [(after, rate * after)]
        self.clock, self.last, self.raw = time, time, value


SOURCES = (
    Source("level", Kind.GAUGE, 0, 1000),
    Source("amount", Kind.ABSOLUTE, 0, 400),
    Source("counter", Kind.DERIVE, 0),
    Source("idle", Kind.DERIVE, 0, 64, inverse=True),
    Source("free", Kind.GAUGE),
)
LAYOUT = tuple(Shape(cf, rows, size, xff) for rows, size, xff in ((6, 1, 1.0), (4, 3, 0.5), (3, 8, 1.0)) for cf in Cf)
gaps = st.sampled_from([0.25, 1.0, 3.0, 5.0, 5.0, 5.0, 5.0, 7.5, 12.0, 61.0, 299.0, 301.0, 1000.0, -3.0])
raws = st.one_of(st.integers(0, 2000).map(float), st.just(nan))


@settings(max_examples=300, deadline=None)
@given(
    created=st.sampled_from([0.0, 3.0, 5.0, 1002.5, 99999.75]),
    steps=st.lists(st.tuples(gaps, st.lists(raws, min_size=len(SOURCES), max_size=len(SOURCES))), max_size=25),
)
def test_the_vectorised_step_does_what_the_naive_one_does(created: float, steps: list[tuple[float, list[float]]]) -> None:
    archive = Archive(LAYOUT, created)
    naive = [Naive(source, LAYOUT, created) for source in SOURCES]
    for source in SOURCES:
        archive.add(source)
    time = created
    for gap, values in steps:
        time = max(time + gap, 0.0)
        archive.update(time, np.array(values), np.full(len(SOURCES), time))
        for twin, value in zip(naive, values, strict=True):
            twin.update(time, value)
    for index, ring in enumerate(archive.rings):
        rows = ring.newest(ring.shape.rows)
        for column, twin in enumerate(naive):
            expected = [nan] * ring.shape.rows + twin.rings[index].rows
            expected = expected[-ring.shape.rows :][::-1]
            found = rows[:, column].tolist()
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-5, nan_ok=True), (SOURCES[column], ring.shape)
