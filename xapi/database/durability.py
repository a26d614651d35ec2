"""The store's way to the disk: which rows changed since the last group, and how rows come back after a restart."""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Set
from typing import Any

import msgspec

from xapi.database.journal import GENERATION_BLOCK, Change, Journal, Written
from xapi.database.rows import Row, Table, fresh
from xapi.database.schema import TableSchema

log = logging.getLogger(__name__)


def revived(schema: TableSchema, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored row's values, with blanks for what is not persistent and defaults for what is new."""
    values: dict[str, Any] = {}
    for name, column in schema.columns.items():
        if column.computed:
            values[name] = {}
        elif column.persist and name in stored:
            # JSON's keys are strings.
            values[name] = {int(key): item for key, item in stored[name].items()} if column.has_int_keys else stored[name]
        else:
            values[name] = fresh(column.initial if column.persist else column.empty)
    return values


def encoded(values: Mapping[str, Any]) -> bytes:
    """Return a row for the disk. What is no text (half a surrogate pair) becomes a question mark: it must not keep the
    rows of others from being written."""
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:
        log.warning("a value is no text: %r", values)
        return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")


class Durability:
    """Hands rows that changed to the journal, those of one turn of the loop as one group."""

    def __init__(self, journal: Journal, tables: Mapping[str, Table], stored: Set[str]) -> None:
        """*stored*: names of the tables that are kept."""
        self._journal = journal
        self._tables = tables
        self._stored = stored
        self._dirty: dict[tuple[str, str], None] = {}
        self._reserved = 0
        self._scheduled = False

    def load(self) -> Iterator[tuple[Table, Row]]:
        """Yield every row on disk that the schema still has a table for."""
        for stored in self._journal.load():
            table = self._tables.get(stored.table)
            if table is None or stored.table not in self._stored:
                continue
            row = Row(stored.ref, revived(table.schema, stored.values), stored.created, ephemeral=False)
            row.modified = stored.modified
            yield table, row

    @property
    def written(self) -> Written:
        return self._journal.written

    def next_generation(self) -> int:
        return self._journal.reserved_generation()

    def reserve(self, generation: int) -> None:
        """Make sure that after a crash no generation is handed out twice.

        Well before the block is used up: a token must not reach a client before its block is on disk.
        """
        if generation >= self._reserved - GENERATION_BLOCK // 2:
            self._reserved = generation + GENERATION_BLOCK
            self._journal.reserve(self._reserved)

    def changed(self, table: Table, row: Row) -> None:
        """Note that a row was written, made or deleted."""
        if row.ephemeral or table.schema.name not in self._stored:
            return
        self._dirty[table.schema.name, row.ref] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Give the journal what changed since the last time, as one group."""
        self._scheduled = False
        if not self._dirty:
            return
        self._journal.submit([self._change(name, ref) for name, ref in self._dirty])
        self._dirty.clear()

    def _change(self, name: str, ref: str) -> Change:
        table = self._tables[name]
        row = table.rows.get(ref)
        if row is None:
            return name, ref, 0, 0, None
        columns = table.schema.columns
        values = {key: value for key, value in row.values.items() if columns[key].persist}
        return name, ref, row.created, row.modified, encoded(values)

    async def finished(self) -> None:
        """Return when every change made so far is on disk. :raises RuntimeError: the disk refuses."""
        self._hand_over()
        await self._journal.durable()
