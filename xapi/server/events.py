"""Events: ``event.from`` out of the store's generations, and the legacy queue.

A token is the store's generation. A waiting call costs nothing until a class it subscribed to changes; what it is told
costs what changed. Encodings of records are those kept with the rows, so many watchers share them.
"""

import asyncio
import math
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xapi import errors
from xapi.database.schema import KEPT_BESIDE, SILENT
from xapi.database.store import Row
from xapi.datamodel import MODEL
from xapi.datamodel.model import Class
from xapi.errors import XenAPIError
from xapi.server.encoding import Encoded, Form, escape, json_array, json_object, row_text, xml_array, xml_struct

if TYPE_CHECKING:
    from xapi.server.context import App

LONGEST_WAIT = 86400.0
LEGACY_QUEUE = 50_000
_TOKEN = re.compile(r"(\d{1,20}),(\d{1,20})")
UNCOUNTED = KEPT_BESIDE | SILENT
"""Tables that no client's cache of events can match: not in ``valid_ref_counts``."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``row`` is None for a deletion."""

    id: int
    cls: Class
    operation: str
    ref: str
    row: Row | None
    timestamp: str = "0.0"

    def text(self, form: Form) -> str:
        name = self.cls.name.lower()
        fields = [
            ("id", str(self.id)),
            ("timestamp", self.timestamp),
            ("class", name),
            ("operation", self.operation),
            ("ref", self.ref),
        ]
        if form == "xml":
            members = [(key, f"<value>{escape(value)}</value>") for key, value in fields]
            if self.row is not None:
                members.append(("snapshot", row_text(self.cls, self.row, form)))
            return xml_struct(members)
        members = [(key, f'"{value}"') for key, value in fields]
        if self.row is not None:
            members.append(("snapshot", row_text(self.cls, self.row, form)))
        return json_object(members)


class Subscriptions:
    """What a client wants to hear of: ``*``, ``<class>`` or ``<class>/<ref>``; classes in any letter case."""

    def __init__(self, words: Iterable[str], known: Iterable[str]) -> None:
        """:raises XenAPIError: EVENT_SUBSCRIPTION_PARSE_FAILURE [word]."""
        by_name = {name.lower(): name for name in known}
        self.everything = False
        self.classes: set[str] = set()
        self.objects: dict[str, set[str]] = {}
        for word in words:
            name, slash, ref = word.partition("/")
            if word == "*":
                self.everything = True
            elif not name or (slash and (not ref or "/" in ref)):
                raise errors.event_subscription_parse_failure(word)
            elif name.lower() in by_name and slash:
                self.objects.setdefault(by_name[name.lower()], set()).add(ref)
            elif name.lower() in by_name:
                self.classes.add(by_name[name.lower()])

    def tables(self, known: Iterable[str]) -> list[str]:
        return [name for name in known if self.everything or name in self.classes or name in self.objects]

    def wants(self, table: str, ref: str) -> bool:
        return self.everything or table in self.classes or ref in self.objects.get(table, ())


class _Waiter:
    """A parked call; woken once per change burst of what it subscribed to."""

    __slots__ = ("future", "subscriptions")

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Events:
    def __init__(self, app: "App") -> None:
        self._db = app.db
        self._told = [name for name, table in self._db.schema.items() if table.events]
        self._classes = {name: MODEL.classes[name] for name in self._told}
        self._waiters: dict[_Waiter, str] = {}
        self._changed: set[tuple[str, str]] = set()
        self._legacy: dict[str, _LegacyQueue] = {}
        self._legacy_id = 0
        self._wake_scheduled = False
        self._db.listen(self._on_change)
        app.sessions.on_end(self._session_ended)

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    # -- event.from --

    async def changes(self, session: str, words: list[str], token: str, timeout: float) -> Encoded:
        """Answer ``event.from``: what changed after *token*, waiting up to *timeout* seconds for something.

        :raises XenAPIError: EVENT_FROM_TOKEN_PARSE_FAILURE, EVENT_SUBSCRIPTION_PARSE_FAILURE, SESSION_INVALID.
        """
        generation = _parse_token(token)
        subscriptions = Subscriptions(words, self._told)
        tables = subscriptions.tables(self._told)
        patience = LONGEST_WAIT if math.isnan(timeout) else min(max(timeout, 0.0), LONGEST_WAIT)
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            events = self._collect(subscriptions, tables, generation)
            if events or not await self._wait(session, subscriptions, deadline):
                return self._answer(events)

    def _collect(self, subscriptions: Subscriptions, tables: list[str], generation: int) -> list[Event]:
        added: list[Event] = []
        modified: list[Event] = []
        deleted: list[Event] = []
        # Messages come first, then what was added, modified, deleted.
        for name in sorted(tables, key=lambda table: table != "message"):
            changes = self._db.changed_since(name, generation)
            cls = self._classes[name]
            every = subscriptions.everything or name in subscriptions.classes
            for rows, operation, into in ((changes.added, "add", added), (changes.modified, "mod", modified)):
                into.extend(
                    Event(row.modified, cls, operation, row.ref, row)
                    for row in rows
                    if every or subscriptions.wants(name, row.ref)
                )
            deleted.extend(
                Event(gone.deleted, cls, "del", gone.ref, None)
                for gone in changes.deleted
                if every or subscriptions.wants(name, gone.ref)
            )
        return added + modified + deleted

    async def _wait(self, session: str, subscriptions: Subscriptions, deadline: float) -> bool:
        """Park until something subscribed changes; False when the time is over."""
        waiter = _Waiter(subscriptions)
        self._waiters[waiter] = session
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.future
            return True
        except TimeoutError:
            return False
        finally:
            self._waiters.pop(waiter, None)

    def _answer(self, events: list[Event]) -> Encoded:
        # The last generation handed out: everything up to it has been told.
        last = self._db.generation - 1
        token = f"{last:020d},{last:020d}"
        counts = [(name.lower(), self._db.count(name)) for name in self._db.schema if name not in UNCOUNTED]

        def xml() -> str:
            return xml_struct(
                [
                    ("events", xml_array([event.text("xml") for event in events])),
                    ("valid_ref_counts", xml_struct([(name, f"<value><i4>{count}</i4></value>") for name, count in counts])),
                    ("token", f"<value>{token}</value>"),
                ]
            )

        def json() -> str:
            return json_object(
                [
                    ("events", json_array([event.text("json") for event in events])),
                    ("valid_ref_counts", json_object([(name, str(count)) for name, count in counts])),
                    ("token", f'"{token}"'),
                ]
            )

        return Encoded(xml, json)

    # -- waking --

    def _on_change(self, table: str, ref: str) -> None:
        if table not in self._classes:
            return
        for queue in self._legacy.values():
            queue.changed(table, ref, self._next_id, self._db.tables[table].rows.get(ref))
        if not self._waiters:
            return
        self._changed.add((table, ref))
        if not self._wake_scheduled:
            # Once per turn of the loop: a multi-row change is told whole.
            self._wake_scheduled = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _next_id(self) -> int:
        self._legacy_id += 1
        return self._legacy_id

    def _wake(self) -> None:
        self._wake_scheduled = False
        changed, self._changed = self._changed, set()
        tables = {table for table, _ in changed}
        for waiter in self._waiters:
            wants = waiter.subscriptions
            if waiter.future.done():
                continue
            if (
                wants.everything
                or not tables.isdisjoint(wants.classes)
                or any(wants.wants(table, ref) for table, ref in changed if table in wants.objects)
            ):
                waiter.future.set_result(None)

    def _session_ended(self, session: str) -> None:
        for waiter, owner in self._waiters.items():
            if owner == session and not waiter.future.done():
                waiter.future.set_exception(errors.session_invalid(session))
        queue = self._legacy.pop(session, None)
        if queue is not None:
            queue.end(errors.session_invalid(session))

    # -- legacy queue --

    @property
    def current_id(self) -> int:
        return self._legacy_id

    def register(self, session: str, words: list[str]) -> None:
        """Begin (or widen) a session's legacy subscription."""
        wanted = Subscriptions(words, self._told)
        queue = self._legacy.setdefault(session, _LegacyQueue(self._classes))
        queue.subscriptions.append(wanted)

    def unregister(self, session: str, words: list[str]) -> None:
        """End a session's legacy subscription (whole, if every class is named or none is left)."""
        self._legacy.pop(session, None)

    async def next(self, session: str) -> Encoded:
        """Answer ``event.next``: wait for at least one event. :raises XenAPIError: SESSION_NOT_REGISTERED, EVENTS_LOST."""
        queue = self._legacy.get(session)
        if queue is None:
            raise errors.session_not_registered(session)
        events = await queue.take()
        return Encoded(
            lambda: xml_array([event.text("xml") for event in events]),
            lambda: json_array([event.text("json") for event in events]),
        )


class _LegacyQueue:
    """Events kept for one session that registered: every change is one event."""

    def __init__(self, classes: dict[str, Class]) -> None:
        self.subscriptions: list[Subscriptions] = []
        self._classes = classes
        self._queue: deque[Event] = deque()
        self._seen: set[str] = set()
        self._lost = False
        self._arrived = asyncio.Event()
        self._ended: XenAPIError | None = None

    def changed(self, table: str, ref: str, next_id: Callable[[], int], row: Row | None) -> None:
        if not any(wanted.wants(table, ref) for wanted in self.subscriptions):
            return
        operation = "del" if row is None else "add" if row.created == row.modified else "mod"
        self._queue.append(Event(next_id(), self._classes[table], operation, ref, row))
        if len(self._queue) > LEGACY_QUEUE:
            self._queue.clear()
            self._lost = True
        self._arrived.set()

    def end(self, reason: XenAPIError) -> None:
        self._ended = reason
        self._arrived.set()

    async def take(self) -> list[Event]:
        await self._arrived.wait()
        if self._ended is not None:
            raise self._ended
        if self._lost:
            self._lost = False
            raise errors.events_lost()
        events = list(self._queue)
        self._queue.clear()
        self._arrived.clear()
        return events


def _parse_token(token: str) -> int:
    if token == "":
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise errors.event_from_token_parse_failure(token)
    return int(match[1])
