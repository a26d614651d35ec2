"""What the store is made of: rows, tables of them with their indexes, tombstones, and what can be missing or double."""

import uuid
from collections import deque
from collections.abc import Collection
from typing import Any, NamedTuple

from xapi.database.schema import TableSchema

TOMBSTONES_KEPT = 512


class RowMissing(KeyError):
    """No row *ref* in *table* (a dangling or invented reference)."""

    def __init__(self, table: str, ref: str) -> None:
        super().__init__(table, ref)
        self.table, self.ref = table, ref


class UuidMissing(KeyError):
    def __init__(self, table: str, uuid: str) -> None:
        super().__init__(table, uuid)
        self.table, self.uuid = table, uuid


class DuplicateKey(Exception):
    """A map already has the key."""

    def __init__(self, table: str, field: str, ref: str, key: str) -> None:
        super().__init__(table, field, ref, key)
        self.table, self.field, self.ref, self.key = table, field, ref, key


class NotUnique(Exception):
    """A row with this reference or uuid exists already."""


class Row:
    """One object: its values by wire name, and its generations. Reverse sets are dicts used as ordered sets."""

    __slots__ = ("cache", "created", "ephemeral", "modified", "ref", "values")

    def __init__(self, ref: str, values: dict[str, Any], generation: int, ephemeral: bool) -> None:
        self.ref = ref
        self.values = values
        self.created = self.modified = generation
        self.ephemeral = ephemeral
        self.cache: dict[str, Any] = {}
        """What was computed from this row alone (its encodings by form, say), dropped at each change."""


class Tombstone(NamedTuple):
    created: int
    deleted: int
    ref: str


class Table:
    """The rows of one class."""

    __slots__ = ("_indexes", "by_change", "dead", "rows", "schema")

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.rows: dict[str, Row] = {}
        self.by_change: dict[str, None] = {}
        """Refs, least recently changed first."""
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {"name_label": {}} if schema.has_name else {}
        """Field -> value -> refs, for each scalar field that somebody has looked for."""
        self.dead: deque[Tombstone] = deque(maxlen=TOMBSTONES_KEPT)

    def row(self, ref: str) -> Row:
        try:
            return self.rows[ref]
        except KeyError:
            raise RowMissing(self.schema.name, ref) from None

    def insert(self, row: Row) -> None:
        self.rows[row.ref] = row
        for field, index in self._indexes.items():
            index.setdefault(row.values[field], {})[row.ref] = None

    def remove(self, row: Row) -> None:
        del self.rows[row.ref]
        del self.by_change[row.ref]
        for field in self._indexes:
            self._forget(field, row)

    def clear(self) -> None:
        self.rows.clear()
        self.by_change.clear()
        for index in self._indexes.values():
            index.clear()

    def write(self, row: Row, field: str, value: Any) -> None:
        """Change one field's value."""
        if field not in self._indexes:
            row.values[field] = value
            return
        self._forget(field, row)
        row.values[field] = value
        self._indexes[field].setdefault(value, {})[row.ref] = None

    def _forget(self, field: str, row: Row) -> None:
        index, value = self._indexes[field], row.values[field]
        index[value].pop(row.ref)
        if not index[value]:
            del index[value]

    def having(self, field: str, value: Any) -> Collection[str]:
        """Return the refs of rows whose scalar *field* equals *value*, at the cost of how many they are.

        The first question about a field makes its index.
        """
        index = self._indexes.get(field)
        if index is None:
            index = self._indexes[field] = {}
            for row in self.rows.values():
                index.setdefault(row.values[field], {})[row.ref] = None
        return index.get(value, ())

    def is_scalar(self, field: str) -> bool:
        return isinstance(self.schema.columns[field].empty, str | int)


class Changes(NamedTuple):
    """What happened to one table after a generation."""

    added: list[Row]
    modified: list[Row]
    deleted: list[Tombstone]


def new_ref() -> str:
    return f"OpaqueRef:{uuid.uuid4()}"


def fresh(value: Any) -> Any:
    """Return *value*, copied if it could be changed in place."""
    if type(value) is list:
        return list(value)
    return dict(value) if type(value) is dict else value
