"""A supporter's store: a live copy of the coordinator's, whose writes go to the coordinator.

What it holds is the coordinator's state as far as it has arrived, and on top the writes made here that the coordinator
has not sent back yet: they are seen at once by who made them, and laid again over what arrives meanwhile. `durable`
returns when the coordinator has them on its disk, `claim` writes only if nobody else was faster.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from xapi.database.journal import Journal
from xapi.database.rows import DuplicateKey, NotUnique, Row, RowMissing, Table
from xapi.database.schema import Schema
from xapi.database.store import Store
from xapi.pool import wire

log = logging.getLogger(__name__)

Send = Callable[[wire.Batch], None]


class Refusal(Exception):
    """The row is not any more what it was when its writer looked."""


class Unreached(Exception):
    """The coordinator is away: what was written has not arrived."""


def perform(store: Store, operation: wire.Operation) -> None:
    """Carry out one operation. Doing one again changes nothing; one whose row has gone is dropped."""
    try:
        match operation:
            case wire.Create(table, ref, values, ephemeral):
                if not store.exists(table, ref):
                    store.create(table, ref, ephemeral=ephemeral, **values)
            case wire.Destroy(table, ref):
                if store.exists(table, ref):
                    store.destroy(table, ref)
            case wire.Write(table, ref, fields):
                store.set(table, ref, **fields)
            case wire.PutInMap(table, ref, field, pairs):
                store.put_in_map(table, ref, field, **pairs)
            case wire.RemoveFromMap(table, ref, field, key):
                store.remove_from_map(table, ref, field, key)
            case wire.AddToSet(table, ref, field, value):
                store.add_to_set(table, ref, field, value)
            case wire.RemoveFromSet(table, ref, field, value):
                store.remove_from_set(table, ref, field, value)
            case wire.Touch(table, ref):
                store.touch(table, ref)
    except (RowMissing, NotUnique, DuplicateKey, TypeError) as reason:
        log.warning("a write came to nothing: %s: %r", operation, reason)


class Replica(Store):
    def __init__(self, schema: Schema, journal: Journal | None = None, durable_tables: Iterable[str] = ()) -> None:
        super().__init__(schema, journal, durable_tables)
        self.lineage = ""
        self.copied = 0
        """The coordinator's generation that this copy has reached."""
        self._send: Send | None = None
        self._seq = 1
        """Of the batch that is being filled."""
        self._outbox: list[wire.Operation] = []
        self._unapplied: deque[wire.Batch] = deque()
        self._pending: dict[tuple[str, str], list[tuple[int, wire.Operation]]] = {}
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        self._claims: dict[int, asyncio.Future[bool]] = {}
        self._safe = 0
        self._reaching: list[tuple[int, asyncio.Future[None]]] = []
        self._recording = True
        self._scheduled = False

    # -- writes made here --

    @contextlib.contextmanager
    def _as(self, operation: wire.Operation) -> Iterator[None]:
        """Have the block's writes count as one operation."""
        before, self._recording = self._recording, False
        try:
            yield
        finally:
            self._recording = before
        if before:
            self._note(operation)

    def _note(self, operation: wire.Operation) -> None:
        self._outbox.append(operation)
        self._pending.setdefault((operation.table, operation.ref), []).append((self._seq, operation))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._post)

    def create(self, table: str, ref: str | None = None, *, ephemeral: bool = False, **values: Any) -> str:
        before, self._recording = self._recording, False
        try:
            made = super().create(table, ref, ephemeral=ephemeral, **values)
        finally:
            self._recording = before
        if before:
            self._note(wire.Create(table, made, self._plain(table, self.row(table, made)), ephemeral))
        return made

    def destroy(self, table: str, ref: str) -> None:
        with self._as(wire.Destroy(table, ref)):
            super().destroy(table, ref)

    def set(self, table: str, ref: str, **fields: Any) -> bool:
        changed = super().set(table, ref, **fields)
        if changed and self._recording:
            self._note(wire.Write(table, ref, fields))
        return changed

    def add_to_map(self, table: str, ref: str, field: str, key: str, value: Any) -> None:
        with self._as(wire.PutInMap(table, ref, field, {key: value})):
            super().add_to_map(table, ref, field, key, value)

    def remove_from_map(self, table: str, ref: str, field: str, key: str) -> None:
        with self._as(wire.RemoveFromMap(table, ref, field, key)):
            super().remove_from_map(table, ref, field, key)

    def put_in_map(self, table: str, ref: str, field: str, **pairs: Any) -> None:
        with self._as(wire.PutInMap(table, ref, field, pairs)):
            super().put_in_map(table, ref, field, **pairs)

    def add_to_set(self, table: str, ref: str, field: str, value: Any) -> None:
        with self._as(wire.AddToSet(table, ref, field, value)):
            super().add_to_set(table, ref, field, value)

    def remove_from_set(self, table: str, ref: str, field: str, value: Any) -> None:
        with self._as(wire.RemoveFromSet(table, ref, field, value)):
            super().remove_from_set(table, ref, field, value)

    def touch(self, table: str, ref: str) -> int:
        with self._as(wire.Touch(table, ref)):
            return super().touch(table, ref)

    def _plain(self, table: str, row: Row) -> dict[str, Any]:
        columns = self.schema[table].columns
        return {name: value for name, value in row.values.items() if not columns[name].computed}

    def _post(self) -> None:
        """Close the batch that is being filled, and send it if somebody listens."""
        self._scheduled = False
        if not self._outbox:
            return
        batch = wire.Batch(self._seq, self._outbox)
        self._outbox = []
        self._queue(batch)

    def _queue(self, batch: wire.Batch) -> None:
        self._seq = batch.seq + 1
        self._unapplied.append(batch)
        if self._send is not None:
            self._send(batch)

    async def durable(self) -> None:
        """Return when the coordinator has on its disk what was written here. :raises RuntimeError: its disk refuses."""
        self._post()
        last = self._seq - 1
        if last > self._safe:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(last, []).append(waiter)
            await waiter

    async def kept(self) -> None:
        """Return when what has arrived is on this host's own disk."""
        await super().durable()

    async def claim(self, table: str, ref: str, modified: int, **fields: Any) -> bool:
        """Write fields if the row has not changed at the coordinator since generation *modified*; say whether they were."""
        self._post()
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._claims[self._seq] = answer
        self._queue(wire.Batch(self._seq, [wire.Write(table, ref, fields)], wire.Guard(table, ref, modified)))
        return await answer

    async def reached(self, generation: int) -> None:
        """Return when the copy is at least as new as *generation*."""
        if self.copied < generation:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._reaching.append((generation, waiter))
            await waiter

    # -- what arrives --

    def connected(self, send: Send) -> None:
        """From now on batches go out through *send*; those that were not answered go again."""
        self._send = send
        for batch in self._unapplied:
            send(batch)

    def disconnected(self) -> None:
        self._send = None

    @property
    def unanswered(self) -> int:
        """Batches that the coordinator has not confirmed."""
        return len(self._unapplied)

    def take(self, frame: wire.FromCoordinator) -> None:
        """Make a frame's content part of the copy."""
        match frame:
            case wire.Begin():
                self._begin(frame)
            case wire.Changes(generation, rows, gone):
                self._arrive(rows, gone)
                self._advance(generation)
            case wire.Applied(seq, refused):
                self._applied(seq, refused)
            case wire.Durable(seq, failure):
                self._is_safe(seq, failure)
            case _:
                raise ConnectionError(f"unexpected {type(frame).__name__}")

    def _begin(self, frame: wire.Begin) -> None:
        self.lineage = frame.lineage
        while self._unapplied and self._unapplied[0].seq <= frame.applied:
            self._applied(self._unapplied[0].seq, refused=False)
            # It was sent before the last connection broke, and is on disk if that of a newer one will be.
        gone = list(frame.gone)
        if frame.whole:
            present = {(row.table, row.ref) for row in frame.rows}
            made_here = self._pending.keys()
            gone = [
                wire.Gone(name, ref)
                for name, table in self.tables.items()
                for ref in table.rows
                if (name, ref) not in present and (name, ref) not in made_here
            ]
        self._arrive(frame.rows, gone)
        self._advance(frame.generation)
        for seq in [known for known in self._waiting if known <= frame.applied]:
            self._is_safe(seq, "")

    def _arrive(self, rows: list[wire.RowState], gone: list[wire.Gone]) -> None:
        before, self._recording = self._recording, False
        try:
            for dead in gone:
                self._pending.pop((dead.table, dead.ref), None)
                if self.exists(dead.table, dead.ref):
                    super().destroy(dead.table, dead.ref)
            for state in rows:
                self._place(state)
        finally:
            self._recording = before

    def _place(self, state: wire.RowState) -> None:
        table, ref = state.table, state.ref
        entry = self.tables.get(table)
        if entry is None:
            return
        known = {name: value for name, value in state.values.items() if name in entry.schema.columns}
        if self.exists(table, ref):
            super().set(table, ref, **known)
        else:
            self._make_way(table, known)
            super().create(table, ref, **known)
        row = self.row(table, ref)
        row.created, row.modified = state.created, state.modified
        for _, operation in self._pending.get((table, ref), ()):
            perform(self, operation)

    def _make_way(self, table: str, values: dict[str, Any]) -> None:
        """Drop a row that has the uuid of one that arrives: it cannot exist any more where the truth is."""
        found = self._uuids.get(values.get("uuid", ""))
        if found is not None:
            super().destroy(*found)

    def _advance(self, generation: int) -> None:
        self.copied = max(self.copied, generation)
        self.generation = max(self.generation, generation)
        still = []
        for wanted, waiter in self._reaching:
            if wanted > self.copied:
                still.append((wanted, waiter))
            elif not waiter.done():
                waiter.set_result(None)
        self._reaching = still

    def _applied(self, seq: int, refused: bool) -> None:
        while self._unapplied and self._unapplied[0].seq <= seq:
            batch = self._unapplied.popleft()
            for operation in batch.operations:
                key = (operation.table, operation.ref)
                left = [entry for entry in self._pending.get(key, ()) if entry[0] > batch.seq]
                if left:
                    self._pending[key] = left
                else:
                    self._pending.pop(key, None)
        answer = self._claims.pop(seq, None)
        if answer is not None and not answer.done():
            answer.set_result(not refused)

    def _is_safe(self, seq: int, failure: str) -> None:
        self._safe = max(self._safe, seq)
        for known in [known for known in self._waiting if known <= seq]:
            for waiter in self._waiting.pop(known):
                if waiter.done():
                    continue
                if failure:
                    waiter.set_exception(RuntimeError(failure))
                else:
                    waiter.set_result(None)

    def _stamp(self, touched: Iterable[tuple[Table, Row]], *, on_disk: bool = True) -> None:
        """As the store's, but a row's generations are the coordinator's to give."""
        rows = list(touched)
        generations = [row.modified for _, row in rows]
        super()._stamp(rows, on_disk=on_disk)
        for (_, row), modified in zip(rows, generations, strict=True):
            row.modified = modified
