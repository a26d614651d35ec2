"""The full documents: golden samples, and what is written is read back."""

import json
from math import inf, isnan, nan

import numpy as np
import pytest

from rrdd import formats
from rrdd.archive import Archive, Source, shapes
from rrdd.metric import Kind
from rrdd.numerals import text
from rrdd.ring import Cf, Shape


@pytest.mark.parametrize(
    ("number", "spelling"),
    [
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (float(np.float32(0.1)), "0.100000001490116"),
        (1e-7, "1e-07"),
        (123456789012345678.0, "1.23456789012346e+17"),
        (nan, "NaN"),
        (inf, "Infinity"),
        (-inf, "-Infinity"),
    ],
)
def test_numbers(number: float, spelling: str) -> None:
    assert text(number) == spelling


def sample() -> Archive:
    archive = Archive((Shape(Cf.AVERAGE, 2, 1, 1.0), Shape(Cf.MAX, 1, 12, 1.0)), 1000.0)
    archive.add(Source("cpu<0>", Kind.GAUGE, 0, 1))
    archive.add(Source("rx", Kind.DERIVE, 0))
    for step, (level, counter) in enumerate([(0.5, 10.0), (0.25, 60.0), (nan, 110.0)]):
        time = 1000.0 + 5 * step
        archive.update(time, np.array([level, counter]), np.array([time, time]))
    return archive


GOLDEN_XML = (
    "<rrd><version>0003</version><step>5</step><lastupdate>1010</lastupdate>"
    "<ds><name>cpu&lt;0&gt;</name><type>GAUGE</type><minimal_heartbeat>300</minimal_heartbeat><min>0.0</min><max>1</max>"
    "<last_ds>NaN</last_ds><value>NaN</value><unknown_sec>0</unknown_sec></ds>"
    "<ds><name>rx</name><type>DERIVE</type><minimal_heartbeat>300</minimal_heartbeat><min>0.0</min><max>Infinity</max>"
    "<last_ds>110</last_ds><value>0.0</value><unknown_sec>0</unknown_sec></ds>"
    "<rra><cf>AVERAGE</cf><pdp_per_row>1</pdp_per_row><params><xff>1</xff></params><cdp_prep>"
    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value>"
    "<unknown_datapoints>0</unknown_datapoints></ds>"
    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value>"
    "<unknown_datapoints>0</unknown_datapoints></ds>"
    "</cdp_prep><database><row><v>0.25</v><v>10</v></row><row><v>NaN</v><v>10</v></row></database></rra>"
    "<rra><cf>MAX</cf><pdp_per_row>12</pdp_per_row><params><xff>1</xff></params><cdp_prep>"
    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.25</value>"
    "<unknown_datapoints>9</unknown_datapoints></ds>"
    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>10</value>"
    "<unknown_datapoints>8</unknown_datapoints></ds>"
    "</cdp_prep><database><row><v>NaN</v><v>NaN</v></row></database></rra></rrd>"
)


def test_xml() -> None:
    assert formats.to_xml(sample()).decode() == GOLDEN_XML


def test_json_has_the_names_of_the_xml_and_every_number_as_a_string() -> None:
    document = json.loads(formats.to_json(sample()))
    assert document["version"] == "0003"
    assert document["lastupdate"] == "1010"
    assert document["ds"][1] == {
        "name": "rx",
        "type": "DERIVE",
        "minimal_heartbeat": "300",
        "min": "0.0",
        "max": "Infinity",
        "last_ds": "110",
        "value": "0.0",
        "unknown_sec": "0",
    }
    assert document["rra"][0]["database"] == [["0.25", "10"], ["NaN", "10"]]
    assert document["rra"][1]["params"] == {"xff": "1"}


def test_what_is_saved_is_read_back_and_recorded_on() -> None:
    archive = sample()
    copy = formats.from_xml(formats.to_xml(archive, internal=True))
    assert [source.name for source in copy.sources] == ["cpu<0>", "rx"]
    assert copy.clock == archive.clock
    for ours, theirs in zip(archive.rings, copy.rings, strict=True):
        assert ours.shape == theirs.shape
        assert np.array_equal(ours.ordered(), theirs.ordered(), equal_nan=True)
        assert np.array_equal(ours.accumulator, theirs.accumulator)
    # What the counter did while nobody looked is unknown, the level is not.
    copy.update(1015.0, np.array([0.75, 500.0]), np.array([1015.0, 1015.0]))
    assert copy.newest("cpu<0>") == 0.75
    assert isnan(copy.newest("rx"))
    copy.update(1020.0, np.array([0.75, 550.0]), np.array([1020.0, 1020.0]))
    assert copy.newest("rx") == 10


def test_reading_an_original_s_document_mends_what_it_may_hold() -> None:
    document = GOLDEN_XML.replace("cpu&lt;0&gt;", "rx").replace("<min>0.0</min>", "<min>-Infinity</min>")
    archive = formats.from_xml(document.encode())
    assert [(source.name, source.kind, source.min) for source in archive.sources] == [("rx", Kind.GAUGE, 0.0)]
    assert archive.last_updated.tolist() == [1010.0]
    assert archive.rings[0].ordered().tolist()[0] == [0.25]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<rrd>",
        b"<html/>",
        b"not xml \xff",
        b"<rrd><lastupdate>5</lastupdate></rrd>",
        GOLDEN_XML.replace("<v>0.25</v>", "").encode(),
        GOLDEN_XML.replace("<v>0.25</v>", "<v>lots</v>").encode(),
        GOLDEN_XML.replace("GAUGE", "GUESS").encode(),
        GOLDEN_XML.replace("<pdp_per_row>12", "<pdp_per_row>0").encode(),
    ],
)
def test_what_is_no_archive_is_refused(document: bytes) -> None:
    with pytest.raises(formats.FormatError):
        formats.from_xml(document)


def test_a_full_archive_survives_the_round_trip() -> None:
    archive = Archive(shapes(min_max=True), 0.0)
    archive.add(Source("x", Kind.GAUGE))
    for step in range(800):
        archive.update(5.0 * step, np.array([float(step % 7)]), np.array([5.0 * step]))
    copy = formats.from_xml(formats.to_xml(archive))
    assert all(
        np.array_equal(ours.ordered(), theirs.ordered(), equal_nan=True)
        for ours, theirs in zip(archive.rings, copy.rings, strict=True)
    )
