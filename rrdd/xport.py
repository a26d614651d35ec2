"""The document of ``/rrd_updates``: the newest rows of many owners at one resolution, as XML or JSON.

Rows are newest first; the legend names each column ``CF:owner:uuid:name``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, nan
from xml.sax.saxutils import escape

import msgspec
import numpy as np

from rrdd.archive import Archive
from rrdd.numerals import text
from rrdd.ring import Cf, Ring, Rows, Shape


@dataclass(frozen=True, slots=True)
class Query:
    """*start*: seconds since the epoch, negative counts back from the last update; *interval*: least seconds per row."""

    start: float
    cf: Cf | None = None
    interval: float = 0.0


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: *values* has a row per entry of *times* (newest first) and a column per entry of *legend*."""

    start: int
    step: int
    end: int
    legend: tuple[str, ...]
    times: tuple[int, ...]
    values: Rows


def choose(rings: Sequence[Ring], query: Query, start: float, clock: float) -> tuple[int, int] | None:
    """Return (rows, points per row) of the first archive that reaches back to *start*, else of the coarsest."""
    found: Shape | None = None
    for ring in rings:
        shape = ring.shape
        if (query.cf is None or shape.cf is query.cf) and shape.seconds >= query.interval:
            found = shape
            if start > clock - shape.rows * shape.seconds:
                break
    return (found.rows, found.pdp_per_row) if found else None


def export(owners: Sequence[tuple[str, Archive]], query: Query) -> Export:
    """Return the rows after *query.start* of all *owners*, pairs of (``host:<uuid>`` or ``vm:<uuid>`` .., archive)."""
    clock = max((archive.clock for _, archive in owners), default=max(query.start, 0.0))
    start = clock + query.start if query.start < 0 else query.start
    chosen = choose(owners[0][1].rings, query, start, clock) if owners else None
    if chosen is None:
        return Export(floor(start), 0, floor(clock), (), (), np.empty((0, 0), dtype=np.float32))
    rows, size = chosen
    step = size * 5
    end = floor(clock / step) * step
    count = min(rows, max(0, (end - floor(start / step) * step) // step))
    legend: list[str] = []
    columns: list[Rows] = [np.empty((count, 0), dtype=np.float32)]
    for label, archive in owners:
        for ring in archive.rings:
            if ring.shape.pdp_per_row != size or (query.cf is not None and ring.shape.cf is not query.cf):
                continue
            legend += [f"{ring.shape.cf}:{label}:{source.name}" for source in archive.sources]
            columns.append(_rows(ring, archive.clock, end, count))
    times = tuple(range(end, end - count * step, -step))
    return Export(times[-1] if times else end, step, end, tuple(legend), times, np.hstack(columns))


def _rows(ring: Ring, clock: float, end: int, count: int) -> Rows:
    """Return *count* rows back from time *end* of a ring that was last moved on at *clock*; NaN where it has none."""
    step = ring.shape.seconds
    late = (end - floor(clock / step) * step) // step
    rows: Rows = np.full((count, ring.data.shape[1]), nan, dtype=np.float32)
    skipped = max(-late, 0)
    late = max(late, 0)
    present = ring.newest(max(count - late, 0) + skipped)[skipped:]
    rows[late : late + len(present)] = present
    return rows


def to_xml(exported: Export) -> bytes:
    parts = [
        f"<xport><meta><start>{exported.start}</start><step>{exported.step}</step><end>{exported.end}</end>"
        f"<rows>{len(exported.times)}</rows><columns>{len(exported.legend)}</columns><legend>",
        *[f"<entry>{escape(entry)}</entry>" for entry in exported.legend],
        "</legend></meta><data>",
    ]
    for time, row in zip(exported.times, exported.values.tolist(), strict=True):
        parts.append(f"<row><t>{time}</t>" + "".join([f"<v>{text(value)}</v>" for value in row]) + "</row>")
    parts.append("</data></xport>")
    return "".join(parts).encode()


def to_json(exported: Export) -> bytes:
    """As :func:`to_xml`; every number is a string, as clients of the original expect."""
    meta = {
        "start": str(exported.start),
        "step": str(exported.step),
        "end": str(exported.end),
        "rows": str(len(exported.times)),
        "columns": str(len(exported.legend)),
        "legend": exported.legend,
    }
    rows = [
        {"t": str(time), "values": [text(value) for value in row]}
        for time, row in zip(exported.times, exported.values.tolist(), strict=True)
    ]
    return msgspec.json.encode({"meta": meta, "data": rows})
