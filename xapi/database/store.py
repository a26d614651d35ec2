"""The store: tables of rows in memory, related, indexed, ordered by change, durable through the journal.

All methods are plain functions called from the event loop; a sequence of them without an ``await`` is seen whole or not
at all, by readers and by the disk. ``await durable()`` before answering whoever asked for a write.

Every change stamps the rows it touches with the generation and raises the generation by one; ``changed_since`` lists
what changed after a generation at the cost of what changed, not of what exists.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from xapi.database.durability import Durability, revived
from xapi.database.journal import Journal, Written
from xapi.database.relations import Relations, targets
from xapi.database.rows import (
    Changes,
    DuplicateKey,
    NotUnique,
    Row,
    RowMissing,
    Table,
    Tombstone,
    UuidMissing,
    fresh,
    new_ref,
)
from xapi.database.schema import KEPT_BESIDE, Schema
from xapi.database.xml_form import DumpedRow

__all__ = ["Changes", "DuplicateKey", "NotUnique", "Row", "RowMissing", "Store", "UuidMissing"]

Listener = Callable[[str, str], None]
"""Told (table, ref) after each change of a row, also its creation and deletion."""


class Store:
    def __init__(self, schema: Schema, journal: Journal | None = None, durable_tables: Iterable[str] = ()) -> None:
        """*durable_tables*: tables written to disk although their schema says that they are not persistent."""
        self.schema = schema
        self.tables = {name: Table(entry) for name, entry in schema.items()}
        self.generation = 1
        self._home: dict[str, str] = {}
        self._uuids: dict[str, tuple[str, str]] = {}
        self._listeners: list[Listener] = []
        self._relations = Relations(self.tables)
        self._disk: Durability | None = None
        if journal is not None:
            stored = {name for name, entry in schema.items() if entry.persist} | set(durable_tables)
            self._disk = Durability(journal, self.tables, stored)
            self._load(self._disk)

    # -- start-up and durability --

    def _load(self, disk: Durability) -> None:
        self.generation = max(1, disk.next_generation())
        for table, row in disk.load():
            if not all(column.persist for column in table.schema.columns.values()):
                # What is not kept begins blank, and who follows events from before has to hear of that.
                row.modified = self.generation
            self._insert(table, row)
        self.generation += 1
        for table in self.tables.values():
            for row in table.rows.values():
                self._relations.link_row(table, row)
            table.by_change = dict.fromkeys(sorted(table.rows, key=lambda ref: table.rows[ref].modified))
        disk.reserve(self.generation)

    def replace(self, rows: Iterable[DumpedRow]) -> None:
        """Put the rows of a dump in the place of all that the dump's kind of document tells of, as one change.

        What is not persistent is blank afterwards, as after a restart. Every row counts as made now: clients that
        remember older generations are told all of it. Listeners are not: call this before anybody listens.
        """
        for name, entry in self.tables.items():
            if name not in KEPT_BESIDE and entry.schema.persist:
                self._clear(entry)
        for dumped in rows:
            entry = self.tables[dumped.table]
            row = Row(dumped.ref, revived(entry.schema, dumped.values), self.generation, ephemeral=False)
            if row.ref in self._home or row.values.get("uuid") in self._uuids:
                raise NotUnique(row.ref)
            self._insert(entry, row)
            entry.by_change[row.ref] = None
            if self._disk is not None:
                self._disk.changed(entry, row)
        for entry in self.tables.values():
            for row in entry.rows.values():
                self._relations.link_row(entry, row)
        self._bump()

    def _clear(self, entry: Table) -> None:
        for row in entry.rows.values():
            del self._home[row.ref]
            self._uuids.pop(row.values.get("uuid", ""), None)
            if self._disk is not None:
                self._disk.changed(entry, row)
        entry.clear()

    @property
    def written(self) -> Written:
        """What has gone to the disk since the start."""
        return Written() if self._disk is None else self._disk.written

    async def durable(self) -> None:
        """Return when every change made so far is on disk.

        :raises RuntimeError: the disk refuses; the change stays in memory and is tried again.
        """
        if self._disk is not None:
            await self._disk.finished()

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
        return list(self.tables[table].having("name_label", label)) if self.schema[table].has_name else []

    def where(self, table: str, **equal: Any) -> list[str]:
        """Return the refs of rows whose fields equal the given values, oldest row first.

        Costs what the rarest of the scalar values costs; without a scalar field it is a scan.
        """
        entry, wanted = self.tables[table], equal.items()
        found = [entry.having(field, value) for field, value in wanted if entry.is_scalar(field)]
        refs = min(found, key=len, default=entry.rows)
        rows = [row for row in map(entry.rows.__getitem__, refs) if all(row.values[key] == value for key, value in wanted)]
        return [row.ref for row in sorted(rows, key=_age)]

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
                full[name] = fresh(column.initial)
        row = Row(ref, full, self.generation, ephemeral)
        self._insert(entry, row)
        entry.by_change[ref] = None
        touched = self._relations.link_row(entry, row)
        self._stamp([(entry, row), *touched])
        return ref

    def destroy(self, table: str, ref: str) -> None:
        """Delete a row; it leaves its partners' sets. Refs to it elsewhere dangle."""
        entry = self.tables[table]
        row = entry.row(ref)
        touched = self._relations.unlink_row(entry, row)
        entry.remove(row)
        del self._home[ref]
        self._uuids.pop(row.values.get("uuid", ""), None)
        entry.dead.append(Tombstone(row.created, self.generation, ref))
        if self._disk is not None:
            self._disk.changed(entry, row)
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
        changed = on_disk = False
        for name, value in fields.items():
            old = row.values[name]
            if old == value and type(old) is type(value):
                continue
            column = entry.schema.columns[name]
            if column.computed:
                raise TypeError(f"{table}.{name} is kept by the store")
            changed = True
            on_disk = on_disk or column.persist
            if name == "uuid":
                self._uuids.pop(old, None)
                self._uuids[value] = (table, ref)
            before = targets(column, old) if column.partner else []
            entry.write(row, name, value)
            if column.partner:
                touched += self._relations.relink(column, ref, before, targets(column, value))
        if changed:
            self._stamp([(entry, row), *touched], on_disk=on_disk)
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
        entry.insert(row)
        self._home[row.ref] = entry.schema.name
        if "uuid" in row.values:
            self._uuids[row.values["uuid"]] = (entry.schema.name, row.ref)

    def _stamp(self, touched: Iterable[tuple[Table, Row]], *, on_disk: bool = True) -> None:
        """Give the touched rows the present generation, then raise it; tell the listeners. *on_disk*: they look different
        there too."""
        generation = self.generation
        seen = {}
        for entry, row in touched:
            seen[row.ref] = (entry, row)
            row.modified = generation
            row.cache = {}
            if entry.by_change.pop(row.ref, 0) is None:
                entry.by_change[row.ref] = None
            if on_disk and self._disk is not None:
                self._disk.changed(entry, row)
        self._bump()
        for entry, row in seen.values():
            for listener in self._listeners:
                listener(entry.schema.name, row.ref)

    def _bump(self) -> None:
        self.generation += 1
        if self._disk is not None:
            self._disk.reserve(self.generation)


def _age(row: Row) -> int:
    return row.created
