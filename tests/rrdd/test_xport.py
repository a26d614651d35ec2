"""The document of ``/rrd_updates``: which rows it shows, and how."""

import json
from math import isnan

import numpy as np
import pytest

from rrdd import xport
from rrdd.archive import Archive, Source, shapes
from rrdd.metric import Kind
from rrdd.ring import Cf
from rrdd.xport import Query

MINUTE, HOUR, DAY = 60, 3600, 86400


def archive(name: str, start: float, steps: int, *, min_max: bool = False) -> Archive:
    made = Archive(shapes(min_max=min_max), start)
    made.add(Source(name, Kind.GAUGE))
    for step in range(steps):
        time = start + 5 * step
        made.update(time, np.array([float(step)]), np.array([time]))
    return made


@pytest.mark.parametrize(
    ("query", "step", "rows"),
    [
        pytest.param(Query(-20), 5, 4, id="counted back from the last update"),
        pytest.param(Query(1_000_000 - 599), 5, 120, id="within ten minutes"),
        pytest.param(Query(1_000_000 - 600), 60, 10, id="the 5 s rows do not reach back to it"),
        pytest.param(Query(-100, interval=60), 60, 1, id="a coarser resolution asked for"),
        pytest.param(Query(-3 * HOUR), 3600, 3, id="hours"),
        pytest.param(Query(-8 * DAY), 86400, 8, id="days"),
        pytest.param(Query(0), 86400, 11, id="since the epoch"),
        pytest.param(Query(2_000_000), 5, 0, id="in the future"),
    ],
)
def test_the_finest_rows_that_reach_back_to_the_start_are_shown(query: Query, step: int, rows: int) -> None:
    exported = xport.export([("vm:u", archive("x", 1_000_000 - 5 * 200, 201))], query)
    assert (exported.step, len(exported.times)) == (step, rows)
    assert list(exported.times) == sorted(exported.times, reverse=True)
    assert all(time % step == 0 for time in exported.times)
    if rows:
        assert (exported.times[0], exported.times[-1]) == (exported.end, exported.start)


def test_values_stand_beside_their_time() -> None:
    exported = xport.export([("vm:u", archive("x", 1000, 11))], Query(1029))
    assert exported.times == (1050, 1045, 1040, 1035, 1030)
    assert exported.values[:, 0].tolist() == [10, 9, 8, 7, 6]


def test_the_legend_is_grouped_by_owner_then_by_function() -> None:
    owners = [("host:h", archive("x", 1000, 5, min_max=True)), ("vm:v", archive("y", 1000, 5))]
    assert xport.export(owners, Query(-10)).legend == ("AVERAGE:host:h:x", "MIN:host:h:x", "MAX:host:h:x", "AVERAGE:vm:v:y")
    assert xport.export(owners, Query(-10, Cf.MAX)).legend == ("MAX:host:h:x",)


def test_an_owner_that_was_not_updated_shows_nothing_for_that_time() -> None:
    owners = [("host:h", archive("x", 1000, 5)), ("vm:v", archive("y", 1000, 3))]
    exported = xport.export(owners, Query(-20))
    assert exported.times == (1020, 1015, 1010, 1005)
    assert exported.values[:, 0].tolist() == [4, 3, 2, 1]
    assert [isnan(value) for value in exported.values[:, 1]] == [True, True, False, False]
    assert exported.values[2:, 1].tolist() == [2, 1]


def test_xml() -> None:
    exported = xport.export([("host:h", archive("a&b", 1000, 3))], Query(-10))
    assert xport.to_xml(exported).decode() == (
        "<xport><meta><start>1005</start><step>5</step><end>1010</end><rows>2</rows><columns>1</columns>"
        "<legend><entry>AVERAGE:host:h:a&amp;b</entry></legend></meta>"
        "<data><row><t>1010</t><v>2</v></row><row><t>1005</t><v>1</v></row></data></xport>"
    )


def test_json() -> None:
    exported = xport.export([("host:h", archive("a", 1000, 3))], Query(-10))
    assert json.loads(xport.to_json(exported)) == {
        "meta": {"start": "1005", "step": "5", "end": "1010", "rows": "2", "columns": "1", "legend": ["AVERAGE:host:h:a"]},
        "data": [{"t": "1010", "values": ["2"]}, {"t": "1005", "values": ["1"]}],
    }


def test_with_nobody_to_show_the_document_is_empty() -> None:
    exported = xport.export([], Query(100))
    assert b"<rows>0</rows><columns>0</columns><legend></legend></meta><data></data>" in xport.to_xml(exported)
