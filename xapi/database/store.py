"""The store: tables of rows in memory, related, indexed, ordered by change, durable through the journal.

All methods are plain functions called from the event loop; a sequence of them without an ``await`` is seen whole or not
at all, by readers and by the disk. ``await durable()`` before answering whoever asked for a write.

Every change stamps the rows it touches with the generation and raises the generation by one; ``changed_since`` lists
what changed after a generation at the cost of what changed, not of what exists.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from xapi.database.journal import GENERATION_BLOCK, Journal
from xapi.database.schema import NO_DEFAULT, NULL_REF, Column, Schema, TableSchema

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


class Changes(NamedTuple):
    """What happened to one table after a generation."""

    added: list[Row]
    modified: list[Row]
    deleted: list[Tombstone]


Listener = Callable[[str, str], None]
"""Told (table, ref) after each change of a row, also its creation and deletion."""


def new_ref() -> str:
    return f"OpaqueRef:{uuid.uuid4()}"


class Store:
    def __init__(self, schema: Schema, journal: Journal | None = None, durable_tables: Iterable[str] = ()) -> None:
        """*durable_tables*: tables written to disk although their schema says that they are not persistent."""
        self.schema = schema
        self.tables = {name: Table(entry) for name, entry in schema.items()}
        self.generation = 1
        self._journal = journal
        self._stored = {name for name, entry in schema.items() if entry.persist} | set(durable_tables)
        self._home: dict[str, str] = {}
        self._uuids: dict[str, tuple[str, str]] = {}
        self._listeners: list[Listener] = []
        self._dirty: dict[tuple[str, str], None] = {}
        self._reserved = 0
        self._handover_scheduled = False
        if journal is not None:
            self._load(journal)

    # -- start-up and durability --

    def _load(self, journal: Journal) -> None:
        self.generation = max(1, journal.reserved_generation())
        for stored in journal.load():
            table = self.tables.get(stored.table)
            if table is None or stored.table not in self._stored:
                continue
            row = Row(stored.ref, self._revive(table.schema, stored.values), stored.created, ephemeral=False)
            row.modified = stored.modified
            self._insert(table, row)
        for table in self.tables.values():
            for row in table.rows.values():
                self._link_row(table, row)
            table.by_change = dict.fromkeys(sorted(table.rows, key=lambda ref: table.rows[ref].modified))
        self._reserve()

    def _revive(self, schema: TableSchema, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return a stored row's values, with blanks for what is not persistent and defaults for what is new."""
        values: dict[str, Any] = {}
        for name, column in schema.columns.items():
            if column.computed:
                values[name] = {}
            elif column.persist and name in stored:
                values[name] = stored[name]
            else:
                values[name] = _fresh(column.default if column.persist and column.default is not NO_DEFAULT else column.empty)
        return values

    def _reserve(self) -> None:
        if self._journal is not None and self.generation >= self._reserved:
            self._reserved = self.generation + GENERATION_BLOCK
            self._journal.reserve(self._reserved)

    def _persist(self, table: Table, row: Row) -> None:
        if self._journal is None or row.ephemeral or table.schema.name not in self._stored:
            return
        self._dirty[table.schema.name, row.ref] = None
        if not self._handover_scheduled:
            self._handover_scheduled = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Give the journal what changed since the last time, as one group."""
        self._handover_scheduled = False
        if self._journal is None or not self._dirty:
            return
        changes: list[tuple[str, str, int, int, bytes | None]] = []
        for name, ref in self._dirty:
            table = self.tables[name]
            row = table.rows.get(ref)
            if row is None:
                changes.append((name, ref, 0, 0, None))
                continue
            columns = table.schema.columns
            body = msgspec.json.encode({key: value for key, value in row.values.items() if columns[key].persist})
            changes.append((name, ref, row.created, row.modified, body))
        self._dirty.clear()
        self._journal.submit(changes)

    async def durable(self) -> None:
        """Return when every change made so far is on disk.

        :raises RuntimeError: the disk refuses; the change stays in memory and is tried again.
        """
        if self._journal is not None:
            self._hand_over()
            await self._journal.durable()

    def listen(self, listener: Listener) -> None:
        """Have *listener* told of every change from now on."""
        self._listeners.append(listener)

    # -- reading --

    def table_of(self, ref: str) -> str | None:
        """Return the name of the table that has *ref*, or None."""
        return self._home.get(ref)

    def exists(self, table: str, ref: str) -> bool:
        return self._home.get(ref) == table

    def row(self, table: str, ref: str) -> Row:
        return self.tables[table].row(ref)

    def get(self, table: str, ref: str, field: str) -> Any:
        """Return one field's value; sets and maps are copies."""
        value = self.tables[table].row(ref).values[field]
        if type(value) is dict:
            return list(value) if self.schema[table].columns[field].is_set else dict(value)
        return list(value) if type(value) is list else value

    def record(self, table: str, ref: str) -> dict[str, Any]:
        """Return a copy of all fields."""
        row = self.tables[table].row(ref)
        columns = self.schema[table].columns
        return {
            name: (list(value) if columns[name].is_set else dict(value) if type(value) is dict else value)
            for name, value in row.values.items()
        }

    def refs(self, table: str) -> list[str]:
        return list(self.tables[table].rows)

    def rows(self, table: str) -> Iterator[Row]:
        return iter(list(self.tables[table].rows.values()))

    def count(self, table: str) -> int:
        return len(self.tables[table].rows)

    def by_uuid(self, table: str, wanted: str) -> str:
        found = self._uuids.get(wanted)
        if found is None or found[0] != table:
            raise UuidMissing(table, wanted)
        return found[1]

    def by_name(self, table: str, label: str) -> list[str]:
        return list(self.tables[table].by_name.get(label, ()))

    def where(self, table: str, **equal: Any) -> list[str]:
        """Return the refs of rows whose fields equal the given values (a scan: for reverse relations read the set)."""
        wanted = equal.items()
        return [ref for ref, row in self.tables[table].rows.items() if all(row.values[key] == value for key, value in wanted)]

    def changed_since(self, table: str, generation: int) -> Changes:
        """Return what was added, modified and deleted in *table* after *generation*."""
        entry = self.tables[table]
        added: list[Row] = []
        modified: list[Row] = []
        for ref in reversed(entry.by_change):
            row = entry.rows[ref]
            if row.modified <= generation:
                break
            (added if row.created > generation else modified).append(row)
        deleted = []
        for tombstone in reversed(entry.dead):
            if tombstone.deleted <= generation:
                break
            if tombstone.created <= generation:
                deleted.append(tombstone)
        added.reverse()
        modified.reverse()
        deleted.reverse()
        return Changes(added, modified, deleted)

    # -- writing --

    def create(self, table: str, ref: str | None = None, *, ephemeral: bool = False, **values: Any) -> str:
        """Make a row; fields not given take their default (or empty value). Return its ref.

        ``uuid`` is made where it is not given. *ephemeral* rows are never written to disk.
        """
        entry = self.tables[table]
        ref = ref or new_ref()
        if ref in self._home:
            raise NotUnique(ref)
        columns = entry.schema.columns
        unknown = values.keys() - columns.keys()
        if unknown:
            raise TypeError(f"{table} has no field {', '.join(sorted(unknown))}")
        if "uuid" in columns and not values.get("uuid"):
            values["uuid"] = str(uuid.uuid4())
        if "uuid" in values and values["uuid"] in self._uuids:
            raise NotUnique(values["uuid"])
        full: dict[str, Any] = {}
        for name, column in columns.items():
            if column.computed:
                full[name] = {}
            elif name in values:
                full[name] = values[name]
            else:
                full[name] = _fresh(column.empty if column.default is NO_DEFAULT else column.default)
        row = Row(ref, full, self.generation, ephemeral)
        self._insert(entry, row)
        entry.by_change[ref] = None
        touched = self._link_row(entry, row)
        self._stamp([(entry, row), *touched])
        return ref

    def destroy(self, table: str, ref: str) -> None:
        """Delete a row; it leaves its partners' sets. Refs to it elsewhere dangle."""
        entry = self.tables[table]
        row = entry.row(ref)
        touched = []
        for column in entry.schema.columns.values():
            if column.partner is not None and not column.computed:
                for other in _targets(column, row.values[column.name]):
                    touched += self._unlink(column, ref, other)
        del entry.rows[ref]
        del entry.by_change[ref]
        del self._home[ref]
        self._uuids.pop(row.values.get("uuid", ""), None)
        self._forget_name(entry, row)
        entry.dead.append(Tombstone(row.created, self.generation, ref))
        self._persist(entry, row)
        self._stamp(touched)
        if not touched:
            self._bump()
        for listener in self._listeners:
            listener(table, ref)

    def set(self, table: str, ref: str, **fields: Any) -> bool:
        """Write fields of a row; equal values are no change. Return whether anything changed."""
        entry = self.tables[table]
        row = entry.row(ref)
        touched: list[tuple[Table, Row]] = []
        changed = False
        for name, value in fields.items():
            old = row.values[name]
            if old == value and type(old) is type(value):
                continue
            column = entry.schema.columns[name]
            if column.computed:
                raise TypeError(f"{table}.{name} is kept by the store")
            changed = True
            if name == "uuid":
                self._uuids.pop(old, None)
                self._uuids[value] = (table, ref)
            elif name == "name_label":
                self._forget_name(entry, row)
            before = _targets(column, old) if column.partner else []
            row.values[name] = value
            if name == "name_label":
                self._learn_name(entry, row)
            if column.partner:
                touched += self._relink(column, ref, before, _targets(column, value))
        if changed:
            self._stamp([(entry, row), *touched])
        return changed

    def add_to_map(self, table: str, ref: str, field: str, key: str, value: Any) -> None:
        """Add a pair to a map; :class:`DuplicateKey` where the key exists."""
        current = self.get(table, ref, field)
        if key in current:
            raise DuplicateKey(table, field, ref, key)
        self.set(table, ref, **{field: {**current, key: value}})

    def remove_from_map(self, table: str, ref: str, field: str, key: str) -> None:
        """Remove a pair; a missing key is no change."""
        current = self.get(table, ref, field)
        self.set(table, ref, **{field: {known: value for known, value in current.items() if known != key}})

    def put_in_map(self, table: str, ref: str, field: str, **pairs: Any) -> None:
        """Set pairs of a map, replacing what is there."""
        self.set(table, ref, **{field: {**self.get(table, ref, field), **pairs}})

    def add_to_set(self, table: str, ref: str, field: str, value: Any) -> None:
        current = self.get(table, ref, field)
        if value not in current:
            self.set(table, ref, **{field: [value, *current]})

    def remove_from_set(self, table: str, ref: str, field: str, value: Any) -> None:
        current = self.get(table, ref, field)
        self.set(table, ref, **{field: [item for item in current if item != value]})

    def touch(self, table: str, ref: str) -> int:
        """Make a row count as modified though nothing in it is (``event.inject``); return its new generation."""
        entry = self.tables[table]
        row = entry.row(ref)
        self._stamp([(entry, row)])
        return row.modified

    # -- bookkeeping --

    def _insert(self, entry: Table, row: Row) -> None:
        entry.rows[row.ref] = row
        self._home[row.ref] = entry.schema.name
        if "uuid" in row.values:
            self._uuids[row.values["uuid"]] = (entry.schema.name, row.ref)
        self._learn_name(entry, row)

    @staticmethod
    def _learn_name(entry: Table, row: Row) -> None:
        if entry.schema.has_name:
            entry.by_name.setdefault(row.values["name_label"], {})[row.ref] = None

    @staticmethod
    def _forget_name(entry: Table, row: Row) -> None:
        if entry.schema.has_name:
            label = row.values["name_label"]
            known = entry.by_name.get(label, {})
            known.pop(row.ref, None)
            if not known:
                entry.by_name.pop(label, None)

    def _link_row(self, entry: Table, row: Row) -> list[tuple[Table, Row]]:
        touched = []
        for column in entry.schema.columns.values():
            if column.partner is not None and not column.computed:
                for other in _targets(column, row.values[column.name]):
                    touched += self._link(column, row.ref, other)
        return touched

    def _relink(self, column: Column, ref: str, before: list[str], after: list[str]) -> list[tuple[Table, Row]]:
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
        table = self.tables.get(column.partner[0])
        row = table.rows.get(other) if table is not None else None
        if table is None or row is None:
            return None
        return table, row, table.schema.columns[column.partner[1]]

    def _link(self, column: Column, ref: str, other: str) -> list[tuple[Table, Row]]:
        far = self._far_end(column, other)
        if far is None:
            return []
        table, row, back = far
        if back.computed:
            row.values[back.name][ref] = None
        elif ref not in row.values[back.name]:
            row.values[back.name] = [ref, *row.values[back.name]]
        return [(table, row)]

    def _unlink(self, column: Column, ref: str, other: str) -> list[tuple[Table, Row]]:
        far = self._far_end(column, other)
        if far is None:
            return []
        table, row, back = far
        if back.computed:
            row.values[back.name].pop(ref, None)
        else:
            row.values[back.name] = [item for item in row.values[back.name] if item != ref]
        return [(table, row)]

    def _stamp(self, touched: Iterable[tuple[Table, Row]]) -> None:
        """Give the touched rows the present generation, then raise it; tell the listeners."""
        generation = self.generation
        seen = {}
        for entry, row in touched:
            seen[row.ref] = (entry, row)
            row.modified = generation
            row.cache = {}
            if entry.by_change.pop(row.ref, 0) is None:
                entry.by_change[row.ref] = None
            self._persist(entry, row)
        self._bump()
        for entry, row in seen.values():
            for listener in self._listeners:
                listener(entry.schema.name, row.ref)

    def _bump(self) -> None:
        self.generation += 1
        self._reserve()


def _fresh(value: Any) -> Any:
    """Return *value*, copied if it could be changed in place."""
    if type(value) is list:
        return list(value)
    return dict(value) if type(value) is dict else value


def _targets(column: Column, value: Any) -> list[str]:
    """Return the refs that a related field's value points at."""
    if column.is_ref:
        return [value] if value and value != NULL_REF else []
    return list(value)
