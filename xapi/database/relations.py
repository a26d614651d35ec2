"""Relations kept both ways: the ref's end is written by whoever changes a row, the far end follows here.

A ref that resolves to no row is let be: nothing to follow. Every function returns the far rows that it changed.
"""

from collections.abc import Mapping
from typing import Any

from xapi.database.rows import Row, Table
from xapi.database.schema import NULL_REF, Column

Touched = list[tuple[Table, Row]]


def targets(column: Column, value: Any) -> list[str]:
    """Return the refs that a related field's value points at."""
    if column.is_ref:
        return [value] if value and value != NULL_REF else []
    return list(value)


class Relations:
    """The far ends of all tables."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables

    def link_row(self, entry: Table, row: Row) -> Touched:
        """Make a new row known to all that it points at."""
        touched = []
        for column in entry.schema.related:
            for other in targets(column, row.values[column.name]):
                touched += self._link(column, row.ref, other)
        return touched

    def unlink_row(self, entry: Table, row: Row) -> Touched:
        """Take a row that goes out of all far ends."""
        touched = []
        for column in entry.schema.related:
            for other in targets(column, row.values[column.name]):
                touched += self._unlink(column, row.ref, other)
        return touched

    def relink(self, column: Column, ref: str, before: list[str], after: list[str]) -> Touched:
        """Follow a written field from what it pointed at to what it points at."""
        touched = []
        for gone in before:
            if gone not in after:
                touched += self._unlink(column, ref, gone)
        for come in after:
            if come not in before:
                touched += self._link(column, ref, come)
        return touched

    def _far_end(self, column: Column, other: str) -> tuple[Table, Row, Column] | None:
        assert column.partner is not None
        table = self._tables.get(column.partner[0])
        row = table.rows.get(other) if table is not None else None
        if table is None or row is None:
            return None
        return table, row, table.schema.columns[column.partner[1]]

    def _link(self, column: Column, ref: str, other: str) -> Touched:
        far = self._far_end(column, other)
        if far is None:
            return []
        table, row, back = far
        if back.computed:
            row.values[back.name][ref] = None
        elif ref not in row.values[back.name]:
            row.values[back.name] = [ref, *row.values[back.name]]
        return [(table, row)]

    def _unlink(self, column: Column, ref: str, other: str) -> Touched:
        far = self._far_end(column, other)
        if far is None:
            return []
        table, row, back = far
        if back.computed:
            row.values[back.name].pop(ref, None)
        else:
            row.values[back.name] = [item for item in row.values[back.name] if item != ref]
        return [(table, row)]
