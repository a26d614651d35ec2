"""What the store is made of: rows, tables of them with their indexes, tombstones, and what can be missing or double."""

import uuid
from collections import deque
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
        """Encodings of this row by form, dropped at each change."""


class Tombstone(NamedTuple):
    created: int
    deleted: int
    ref: str


class Table:
    """The rows of one class."""

    __slots__ = ("by_change", "by_name", "dead", "rows", "schema")

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.rows: dict[str, Row] = {}
        self.by_change: dict[str, None] = {}
        """Refs, least recently changed first."""
        self.by_name: dict[str, dict[str, None]] = {}
        self.dead: deque[Tombstone] = deque(maxlen=TOMBSTONES_KEPT)

    def row(self, ref: str) -> Row:
        try:
            return self.rows[ref]
        except KeyError:
            raise RowMissing(self.schema.name, ref) from None

    def learn_name(self, row: Row) -> None:
        if self.schema.has_name:
            self.by_name.setdefault(row.values["name_label"], {})[row.ref] = None

    def forget_name(self, row: Row) -> None:
        if not self.schema.has_name:
            return
        label = row.values["name_label"]
        known = self.by_name.get(label, {})
        known.pop(row.ref, None)
        if not known:
            self.by_name.pop(label, None)


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
