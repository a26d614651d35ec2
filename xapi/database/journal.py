"""Durability: the store's rows in SQLite (WAL), written by one thread in groups.

Whatever was queued while the last group was being written goes into the next one, so a burst of small writes
shares one disk flush. A row is stored whole (its persistent fields as JSON): a crash leaves either all of a group
or none of it.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

GENERATION_BLOCK = 1_000_000


class Damaged(Exception):
    """The database file cannot be read; the text says which and what to do."""


class StoredRow(NamedTuple):
    table: str
    ref: str
    created: int
    modified: int
    values: dict[str, Any]


_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    tbl TEXT NOT NULL, ref TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (tbl, ref)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_UPSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM rows WHERE tbl = ? AND ref = ?"


class Written(NamedTuple):
    """What has gone to the disk since the start."""

    commits: int = 0
    rows: int = 0
    seconds: float = 0.0


Change = tuple[str, str, int, int, bytes | None]
"""(table, ref, created, modified, body or None for a deletion)"""


class Journal:
    """The durable copy of the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise Damaged(f"{path}: {error}; restore it from a backup or a pool dump, or move it away") from error
        path.chmod(0o600)
        self._pending: dict[tuple[str, str], Change] = {}
        self._reserve: int | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup = threading.Event()
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._write_groups, name="journal", daemon=True)
        self.written = Written()

    # -- reading, before start --

    def load(self) -> Iterator[StoredRow]:
        """Yield every stored row."""
        try:
            for table, ref, created, modified, body in self._database.execute("SELECT * FROM rows"):
                yield StoredRow(table, ref, created, modified, msgspec.json.decode(body))
        except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
            raise Damaged(f"{self._path}: {error}; restore it from a backup or a pool dump, or move it away") from error

    def reserved_generation(self) -> int:
        """Return the number above every generation handed out before: the next one to use."""
        row = self._database.execute("SELECT value FROM meta WHERE key = 'reserved_generation'").fetchone()
        return int(row[0]) if row else 0

    # -- writing --

    def start(self) -> None:
        """Begin writing; call from the event loop that will wait for commits."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def reserve(self, generation: int) -> None:
        """Make sure that a restart continues above *generation* (rounded up, so that this is rarely written)."""
        with self._lock:
            self._reserve = generation

    def submit(self, changes: list[Change]) -> None:
        """Queue changes that belong together: they reach the disk in one transaction, later ones replacing earlier ones.

        Durable once a later :meth:`durable` returns.
        """
        with self._lock:
            for change in changes:
                self._pending[change[0], change[1]] = change
        self._wakeup.set()

    async def durable(self) -> None:
        """Return when everything queued before this call is on disk."""
        assert self._loop is not None
        waiter = self._loop.create_future()
        with self._lock:
            self._waiters.append(waiter)
        self._wakeup.set()
        await waiter

    async def stop(self) -> None:
        """Write what is queued and close."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                await self.durable()
            self._stopping = True
            self._wakeup.set()
            await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _take(self) -> tuple[list[Change], int | None, list["asyncio.Future[None]"]]:
        with self._lock:
            waiters, self._waiters = self._waiters, []
            reserve, self._reserve = self._reserve, None
            pending, self._pending = self._pending, {}
        return list(pending.values()), reserve, waiters

    def _write_groups(self) -> None:
        while not self._stopping:
            self._wakeup.wait()
            self._wakeup.clear()
            changes, reserve, waiters = self._take()
            failure = None
            try:
                if changes or reserve is not None:
                    self._commit(changes, reserve)
            except sqlite3.Error as error:
                # E.g. a full disk: nobody is told that his write is safe; it is tried again with the next group.
                failure = error
                self._put_back(changes, reserve)
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_release, waiters, failure)

    def _put_back(self, changes: list[Change], reserve: int | None) -> None:
        with self._lock:
            self._pending = {(change[0], change[1]): change for change in changes} | self._pending
            self._reserve = self._reserve if self._reserve is not None else reserve

    def _commit(self, changes: list[Change], reserve: int | None) -> None:
        database = self._database
        began = time.perf_counter()
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany(_UPSERT, [change for change in changes if change[4] is not None])
            database.executemany(_DELETE, [change[:2] for change in changes if change[4] is None])
            if reserve is not None:
                database.execute("INSERT OR REPLACE INTO meta VALUES ('reserved_generation', ?)", (str(reserve),))
            database.execute("COMMIT")
            done = self.written
            self.written = Written(done.commits + 1, done.rows + len(changes), done.seconds + time.perf_counter() - began)
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _release(waiters: list["asyncio.Future[None]"], failure: BaseException | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(RuntimeError(f"the database cannot be written: {failure}"))
