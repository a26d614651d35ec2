"""The coordinator's side of the copies: every change of the store sent to every supporter, their writes carried out.

Changes leave at the end of the turn of the event loop in which they were made, encoded once for all. A supporter that
comes back within one life of this process gets what it missed; otherwise, or when deletions were forgotten meanwhile,
everything.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from xapi.database.rows import Row
from xapi.database.schema import SILENT
from xapi.database.store import Store
from xapi.pool import wire
from xapi.pool.replica import perform

log = logging.getLogger(__name__)

MOST_UNSENT = 256 << 20
"""Bytes that may wait for a supporter before it counts as lost: it then catches up from the beginning."""


REFUSALS_KEPT = 256
"""As many claims as one supporter may have under way when its line breaks."""


@dataclass(slots=True, eq=False)
class Member:
    """One supporter that is connected."""

    host: str
    """Its uuid."""
    process: str
    writer: asyncio.StreamWriter
    kept: int = 0
    """The generation that is safe on its disk."""
    heard: float = field(default_factory=time.monotonic)
    skew: float = 0.0
    """Seconds its clock is ahead of ours."""
    leaving: bool = False

    def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            return
        self.writer.write(data)
        if self.writer.transport.get_write_buffer_size() > MOST_UNSENT:
            log.warning("supporter %s does not keep up: it begins again", self.host)
            self.writer.transport.abort()


OnMember = Callable[[Member], None]


class Feed:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.lineage = str(uuid.uuid4())
        self.members: dict[str, Member] = {}
        self._dirty: dict[tuple[str, str], None] = {}
        self._scheduled = False
        self._applied: dict[str, int] = {}
        """Process of a supporter -> its last batch that was carried out."""
        self._refused: dict[str, deque[int]] = {}
        """Process of a supporter -> its latest batches that were refused."""
        self._jobs: set[asyncio.Task[None]] = set()
        self._told: dict[str, asyncio.Event] = {}
        self.on_beat: OnMember = lambda member: None
        self.on_lost: OnMember = lambda member: None
        store.listen(self._changed)

    # -- changes --

    def _changed(self, table: str, ref: str) -> None:
        if not self.members or table in SILENT:
            return
        self._dirty[table, ref] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what has changed since the last time."""
        self._scheduled = False
        if not self._dirty:
            return
        rows, gone = [], []
        for table, ref in self._dirty:
            row = self._store.tables[table].rows.get(ref)
            if row is None:
                gone.append(wire.Gone(table, ref))
            else:
                rows.append(self._state(table, row))
        self._dirty.clear()
        data = wire.frame(wire.Changes(self._store.generation, rows, gone))
        for member in self.members.values():
            member.send(data)

    def _state(self, table: str, row: Row) -> wire.RowState:
        columns = self._store.schema[table].columns
        values = {name: value for name, value in row.values.items() if not columns[name].computed}
        return wire.RowState(table, row.ref, row.created, row.modified, values)

    def begin(self, hello: wire.Hello) -> wire.Begin:
        """Return what a supporter needs to be as new as we are."""
        partial = self._since(hello.generation) if hello.lineage == self.lineage else None
        applied, refused = self._applied.get(hello.process, 0), list(self._refused.get(hello.process, ()))
        if partial is not None:
            return wire.Begin(self.lineage, self._store.generation, False, *partial, applied, refused)
        rows = [
            self._state(name, row)
            for name, table in self._store.tables.items()
            if name not in SILENT
            for row in table.rows.values()
        ]
        return wire.Begin(self.lineage, self._store.generation, True, rows, [], applied, refused)

    def _since(self, generation: int) -> tuple[list[wire.RowState], list[wire.Gone]] | None:
        """Return what changed after *generation*, or None where too much has been forgotten."""
        rows, gone = [], []
        for name, table in self._store.tables.items():
            if name in SILENT:
                continue
            dead = table.dead
            if len(dead) == dead.maxlen and dead[0].deleted >= generation:
                return None
            # A generation is handed out before it is used: what carries it may have come after the copy was made.
            changes = self._store.changed_since(name, generation - 1)
            rows += [self._state(name, row) for row in (*changes.added, *changes.modified)]
            gone += [wire.Gone(name, tomb.ref) for tomb in dead if tomb.deleted >= generation]
        return rows, gone

    # -- conversations --

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one supporter until it goes away. :raises ConnectionError: it has."""
        hello = wire.from_supporter.decode(await wire.read(reader))
        if not isinstance(hello, wire.Hello) or hello.protocol != wire.PROTOCOL:
            raise ConnectionError("the other side speaks another protocol")
        if not hello.guest and not any(row.values["uuid"] == hello.host for row in self._store.rows("host")):
            writer.write(wire.frame(wire.Refused(["HOST_UNKNOWN_TO_MASTER", hello.host])))
            await writer.drain()
            return
        name = hello.process if hello.guest else hello.host
        before = self.members.pop(name, None)
        if before is not None:
            before.writer.transport.abort()
        self.flush()
        member = Member(name, hello.process, writer, skew=hello.beat - time.time())
        begin = self.begin(hello)
        member.send(wire.frame(begin))
        self.members[name] = member
        log.info("%s %s follows from generation %d", "guest" if hello.guest else "supporter", name, hello.generation)
        # What it wrote before the line broke counts, but it may not have heard that it is safe.
        self._confirm(member, begin.applied)
        self.on_beat(member)
        try:
            while True:
                self._hear(member, wire.from_supporter.decode(await wire.read(reader)))
        except msgspec.DecodeError as error:
            raise ConnectionError(f"not a frame: {error}") from error
        finally:
            if self.members.get(name) is member:
                del self.members[name]
                log.info("supporter %s is gone", name)
                self.on_lost(member)

    def _hear(self, member: Member, message: wire.FromSupporter) -> None:
        member.heard = time.monotonic()
        match message:
            case wire.Batch():
                self._carry_out(member, message)
            case wire.Beat(clock, generation, leaving):
                member.skew, member.leaving = clock - time.time(), leaving
                member.kept = max(member.kept, generation)
                self.on_beat(member)
            case wire.Kept(generation):
                member.kept = max(member.kept, generation)
                self._told.setdefault(member.host, asyncio.Event()).set()
            case _:
                raise ConnectionError(f"unexpected {type(message).__name__}")

    def _carry_out(self, member: Member, batch: wire.Batch) -> None:
        if batch.seq <= self._applied.get(member.process, 0):
            return self._confirm(member, batch.seq)
        refused = batch.guard is not None and not self._holds(batch.guard)
        if refused:
            self._refused.setdefault(member.process, deque(maxlen=REFUSALS_KEPT)).append(batch.seq)
        else:
            for operation in batch.operations:
                perform(self._store, operation)
        self._applied[member.process] = batch.seq
        self.flush()
        member.send(wire.frame(wire.Applied(batch.seq, refused)))
        self._confirm(member, batch.seq)

    def _holds(self, guard: wire.Guard) -> bool:
        row = self._store.tables[guard.table].rows.get(guard.ref)
        return row is not None and row.modified <= guard.modified

    def _confirm(self, member: Member, seq: int) -> None:
        """Tell the supporter once the batch is on our disk."""

        async def confirm() -> None:
            failure = ""
            try:
                await self._store.durable()
            except RuntimeError as error:
                failure = str(error)
            member.send(wire.frame(wire.Durable(seq, failure)))

        job = asyncio.get_running_loop().create_task(confirm())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def kept_by_all(self, timeout: float) -> list[str]:
        """Have every supporter put its copy on its disk; return the hosts (uuids) that did not in time."""
        await self._store.durable()
        self.flush()
        wanted = self._store.generation
        for member in self.members.values():
            self._told.setdefault(member.host, asyncio.Event()).clear()
            member.send(wire.frame(wire.Keep()))
        asked = list(self.members)
        try:
            async with asyncio.timeout(timeout):
                for host in asked:
                    while (member := self.members[host]).kept < wanted:
                        event = self._told[host]
                        await event.wait()
                        event.clear()
                        if member.kept < wanted:
                            member.send(wire.frame(wire.Keep()))
        except (TimeoutError, KeyError):
            pass
        return [host for host in asked if host not in self.members or self.members[host].kept < wanted]
