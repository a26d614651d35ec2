"""The answer of ``GET /rrd_updates`` as values: columns by owner, rows oldest first (pure)."""

from dataclasses import dataclass
from xml.etree import ElementTree


class BadReport(ValueError):
    """The text is no rrd_updates document."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose metric: ``vm``, ``host`` or ``sr``, and the uuid."""

    kind: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Report:
    end_s: int
    columns: dict[Owner, dict[str, int]]
    """Owner -> metric name -> column."""
    rows: list[tuple[float, ...]]
    """Oldest first."""

    def values(self, owner: Owner, row: tuple[float, ...]) -> dict[str, float]:
        """Return an owner's metrics in one row; a value that the row lacks is 0."""
        return {name: row[at] if at < len(row) else 0.0 for name, at in self.columns[owner].items()}


def parse(text: bytes) -> Report:
    """:raises BadReport: it is not such a document."""
    try:
        document = ElementTree.fromstring(text)
        end = int(document.findtext("meta/end", ""))
        legend = [entry.text or "" for entry in document.iterfind("meta/legend/entry")]
        rows = [tuple(float(value.text or "nan") for value in row.iterfind("v")) for row in document.iterfind("data/row")]
    except (ElementTree.ParseError, ValueError) as error:
        raise BadReport(f"rrd_updates: {error}") from error
    columns: dict[Owner, dict[str, int]] = {}
    for at, entry in enumerate(legend):
        _function, kind, uuid, name = (*entry.split(":", 3), "", "", "")[:4]
        columns.setdefault(Owner(kind, uuid), {})[name] = at
    return Report(end, columns, rows[::-1])
