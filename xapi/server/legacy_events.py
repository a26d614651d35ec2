"""The legacy way to follow changes: ``event.register``, ``event.next``, ``event.unregister``.

Every change is one event, kept for each session that registered until it fetches it; a session that falls too far behind
is told so and begins anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping

from xapi import errors
from xapi.database.store import Row
from xapi.datamodel.model import Class
from xapi.errors import XenAPIError
from xapi.server.audit import track_id
from xapi.server.encoding import Encoded, row_bytes
from xapi.server.event_records import Event, Subscriptions, array_of

MOST_BYTES = 10_000_000
"""Of snapshots, as JSON, that are kept for one session."""


class LegacyEvents:
    """The queues of all sessions. *classes*: those that clients are told of."""

    def __init__(self, classes: Mapping[str, Class]) -> None:
        self._classes = classes
        self._queues: dict[str, _Queue] = {}
        self._next_id = 0

    @property
    def next_id(self) -> int:
        """The id that the next event gets."""
        return self._next_id

    def changed(self, table: str, ref: str, row: Row | None) -> None:
        """Note a change; *row* is None for a deletion."""
        number, self._next_id = self._next_id, self._next_id + 1
        interested = [queue for queue in self._queues.values() if queue.wants(table, ref)]
        if not interested:
            return
        cls = self._classes[table]
        operation = "del" if row is None else "add" if row.created == row.modified else "mod"
        size = 0 if row is None else len(row_bytes(cls, row, "json"))
        event = Event(number, cls, operation, ref, row and _frozen(row), f"{time.time():.6f}")
        for queue in interested:
            queue.add(event, size)

    def register(self, session: str, words: list[str]) -> None:
        """Begin (or widen) a session's subscription. :raises XenAPIError: EVENT_SUBSCRIPTION_PARSE_FAILURE."""
        wanted = {word.lower(): Subscriptions([word], self._classes) for word in words}
        self._queues.setdefault(session, _Queue()).subscriptions.update(wanted)

    def unregister(self, session: str, words: list[str]) -> None:
        """Take *words* out of a session's subscription; it ends with the last one."""
        queue = self._queues.get(session)
        if queue is None:
            return
        for word in words:
            queue.subscriptions.pop(word.lower(), None)
        if not queue.subscriptions:
            self._end(session, _not_registered(session))

    def session_ended(self, session: str) -> None:
        self._end(session, errors.session_invalid(session))

    def _end(self, session: str, reason: XenAPIError) -> None:
        queue = self._queues.pop(session, None)
        if queue is not None:
            queue.end(reason)

    async def next(self, session: str) -> Encoded:
        """Answer ``event.next``: wait for at least one event. :raises XenAPIError: SESSION_NOT_REGISTERED, EVENTS_LOST."""
        queue = self._queues.get(session)
        if queue is None:
            raise _not_registered(session)
        events = await queue.take()
        return Encoded(lambda form: array_of(events, form))


def _not_registered(session: str) -> XenAPIError:
    return errors.session_not_registered(f"trackid={track_id(session)}")


def _frozen(row: Row) -> Row:
    """Return a copy of a row that later changes do not reach, with the encodings made so far."""
    # Values are replaced when they change, except for reverse sets, which are dicts that change in place.
    values = {name: dict(value) if type(value) is dict else value for name, value in row.values.items()}
    copy = Row(row.ref, values, row.created, row.ephemeral)
    copy.cache = row.cache
    return copy


class _Queue:
    """What one session has not fetched yet."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscriptions] = {}
        self._events: deque[Event] = deque()
        self._size = 0
        self._lost = False
        self._arrived = asyncio.Event()
        self._ended: XenAPIError | None = None

    def wants(self, table: str, ref: str) -> bool:
        return any(wanted.wants(table, ref) for wanted in self.subscriptions.values())

    def add(self, event: Event, size: int) -> None:
        self._size += size
        if self._size > MOST_BYTES:
            self._events.clear()
            self._size, self._lost = 0, True
        elif not self._lost:
            self._events.append(event)
        self._arrived.set()

    def end(self, reason: XenAPIError) -> None:
        self._ended = reason
        self._arrived.set()

    async def take(self) -> list[Event]:
        while True:
            await self._arrived.wait()
            if self._ended is not None:
                raise self._ended
            if self._lost:
                self._lost = False
                self._arrived.clear()
                raise errors.events_lost()
            events = list(self._events)
            self._events.clear()
            self._size = 0
            self._arrived.clear()
            if events:
                return events
