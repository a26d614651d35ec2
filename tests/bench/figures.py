"""What a benchmark says: figures, their limits, and how they are shown."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Figure(msgspec.Struct, kw_only=True, frozen=True):
    """One measured value. *limit*: what it should not exceed; *least*: what it should reach; *ratio*: to the bare handler
    of the same run.
    """

    name: str
    value: float | None
    unit: str
    limit: float | None = None
    least: float | None = None
    ratio: float | None = None
    note: str = ""

    @property
    def within(self) -> bool | None:
        if self.value is None or (self.limit is None and self.least is None):
            return None
        return (self.limit is None or self.value <= self.limit) and (self.least is None or self.value >= self.least)

    @property
    def target(self) -> str:
        if self.least is not None:
            return f">= {self.least:,g}"
        return "" if self.limit is None else f"<= {self.limit:,g}"


def table(figures: Sequence[Figure]) -> str:
    """Return *figures* as aligned lines."""
    rows = [("figure", "value", "unit", "target", "of bare", "")]
    for figure in figures:
        verdict = {True: "held", False: "NOT HELD", None: ""}[figure.within]
        rows.append(
            (
                figure.name,
                "-" if figure.value is None else f"{figure.value:,.2f}",
                figure.unit,
                figure.target,
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                f"{verdict} {figure.note}".strip(),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    left = (0, 2, 5)
    cells = (
        [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )
    return "\n".join("  ".join(row).rstrip() for row in cells)


def write(path: Path, figures: Sequence[Figure]) -> None:
    path.write_text(json.dumps([msgspec.to_builtins(figure) for figure in figures], indent=1) + "\n")
