"""The full document of one owner's archive: XML (also the format on disk and between hosts) and JSON.

Version ``0003``. Rows are oldest first, one value per data source. What is saved for ourselves (*internal*) carries
each source's own clock as well.
"""

import io
from collections.abc import Iterator
from math import isnan, nan
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import msgspec
import numpy as np

from rrdd.archive import HEARTBEAT, Archive, Source
from rrdd.metric import Kind
from rrdd.numerals import text
from rrdd.ring import STEP, Cf, Ring, Shape

VERSION = "0003"


class FormatError(ValueError):
    """A document that is no round-robin database; the text says what is wrong with it."""


def _raw(value: float) -> str:
    return str(int(value)) if value.is_integer() else text(value)


def to_xml(archive: Archive, *, internal: bool = False) -> bytes:
    """Return *archive* as an XML document."""
    return "".join(_xml_parts(archive, internal=internal)).encode()


def _xml_parts(archive: Archive, *, internal: bool) -> Iterator[str]:
    yield f"<rrd><version>{VERSION}</version><step>{STEP}</step><lastupdate>{int(archive.clock)}</lastupdate>"
    for column, source in enumerate(archive.sources):
        clock = float(archive.last_updated[column])
        own = "" if not internal or isnan(clock) else f"<last_updated>{clock!r}</last_updated>"
        yield (
            f"<ds><name>{escape(source.name)}</name><type>{source.kind}</type>"
            f"<minimal_heartbeat>{text(HEARTBEAT)}</minimal_heartbeat>"
            f"<min>{text(source.min)}</min><max>{text(source.max)}</max>"
            f"<last_ds>{_raw(float(archive.last_raw[column]))}</last_ds><value>{text(float(archive.value[column]))}</value>"
            f"<unknown_sec>{int(archive.unknown_sec[column])}</unknown_sec>{own}</ds>"
        )
    for ring in archive.rings:
        shape = ring.shape
        yield f"<rra><cf>{shape.cf}</cf><pdp_per_row>{shape.pdp_per_row}</pdp_per_row>"
        yield f"<params><xff>{text(shape.xff)}</xff></params><cdp_prep>"
        for value, unknown in zip(ring.accumulator.tolist(), ring.unknown.tolist(), strict=True):
            yield "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value>"
            yield f"<value>{text(value)}</value><unknown_datapoints>{int(unknown)}</unknown_datapoints></ds>"
        yield "</cdp_prep><database>"
        for row in ring.ordered().tolist():
            yield "<row>" + "".join([f"<v>{text(value)}</v>" for value in row]) + "</row>"
        yield "</database></rra>"
    yield "</rrd>"


def to_json(archive: Archive) -> bytes:
    """Return *archive* as a JSON document: the XML's names, every number a string."""
    sources = [
        {
            "name": source.name,
            "type": str(source.kind),
            "minimal_heartbeat": text(HEARTBEAT),
            "min": text(source.min),
            "max": text(source.max),
            "last_ds": _raw(float(archive.last_raw[column])),
            "value": text(float(archive.value[column])),
            "unknown_sec": str(int(archive.unknown_sec[column])),
        }
        for column, source in enumerate(archive.sources)
    ]
    return msgspec.json.encode(
        {
            "version": VERSION,
            "step": str(STEP),
            "lastupdate": str(int(archive.clock)),
            "ds": sources,
            "rra": [_json_ring(ring) for ring in archive.rings],
        }
    )


def _json_ring(ring: Ring) -> dict[str, object]:
    return {
        "cf": str(ring.shape.cf),
        "pdp_per_row": str(ring.shape.pdp_per_row),
        "params": {"xff": text(ring.shape.xff)},
        "cdp_prep": {
            "ds": [
                {"primary_value": "0.0", "secondary_value": "0.0", "value": text(value), "unknown_datapoints": str(int(unknown))}
                for value, unknown in zip(ring.accumulator.tolist(), ring.unknown.tolist(), strict=True)
            ]
        },
        "database": [[text(value) for value in row] for row in ring.ordered().tolist()],
    }


def from_xml(document: bytes) -> Archive:
    """Read an archive.

    A negative minimum becomes 0, of sources with the same name the first is kept, the last raw values are not taken
    over (what the counters did meanwhile is unknown).

    :raises FormatError: not an RRD document.
    """
    try:
        return _read(document)
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise FormatError(f"not a round-robin database: {error}") from error


def _read(document: bytes) -> Archive:
    sources: list[ElementTree.Element] = []
    rings: list[Ring] = []
    rows: list[list[float]] = []
    lastupdate = nan
    root: ElementTree.Element | None = None
    # Rows are taken as they come: as elements, a year of them would need a hundred times their size.
    for event, element in ElementTree.iterparse(io.BytesIO(document), events=("start", "end")):
        if event == "start":
            root = element if root is None else root
            continue
        match element.tag:
            case "row":
                rows.append([float(value.text or "nan") for value in element])
                element.clear()
            case "rra":
                rings.append(_ring(element, rows, len(sources)))
                rows = []
                element.clear()
            case "ds" if element.find("name") is not None:
                sources.append(element)
            case "lastupdate":
                lastupdate = float(element.text or "nan")
    if root is None or root.tag != "rrd" or isnan(lastupdate) or not rings:
        raise FormatError("no <rrd> with <lastupdate> and <rra>")
    return _assemble(sources, rings, lastupdate)


def _text(element: ElementTree.Element, path: str) -> str:
    found = element.findtext(path)
    if found is None:
        raise FormatError(f"<{element.tag}> without <{path}>")
    return found.strip()


def _ring(element: ElementTree.Element, rows: list[list[float]], columns: int) -> Ring:
    size = int(_text(element, "pdp_per_row"))
    if size < 1 or not rows or any(len(row) != columns for row in rows):
        raise FormatError(f"an <rra> of {len(rows)} rows that does not fit {columns} data sources")
    ring = Ring(Shape(Cf(_text(element, "cf")), len(rows), size, float(_text(element, "params/xff"))), columns)
    ring.data = np.array(rows, dtype=np.float32).reshape(len(rows), columns)
    prepared = element.findall("cdp_prep/ds")
    if len(prepared) != columns:
        raise FormatError(f"<cdp_prep> of {len(prepared)} for {columns} data sources")
    ring.accumulator = np.array([float(_text(ds, "value")) for ds in prepared], dtype=np.float64)
    ring.unknown = np.array([float(_text(ds, "unknown_datapoints")) for ds in prepared], dtype=np.float64)
    return ring


def _assemble(elements: list[ElementTree.Element], rings: list[Ring], lastupdate: float) -> Archive:
    archive = Archive((), lastupdate)
    for element in elements:
        minimum, maximum = float(_text(element, "min")), float(_text(element, "max"))
        archive.add(Source(f"#{len(archive.sources)}", Kind(_text(element, "type").upper()), max(minimum, 0.0), maximum))
    archive.rings = rings
    archive.last_updated = np.array([float(element.findtext("last_updated") or lastupdate) for element in elements])
    archive.value = np.array([float(_text(element, "value")) for element in elements])
    archive.unknown_sec = np.array([float(_text(element, "unknown_sec")) for element in elements])
    if elements:
        archive.clock = max(lastupdate, float(archive.last_updated.max()))
    archive.rename([_text(element, "name") for element in elements])
    return archive
