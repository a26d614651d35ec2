"""Events: ``event.from`` out of the store's generations. The legacy queue is beside it in `legacy_events`.

A token is the store's generation. A waiting call costs nothing until a class it subscribed to changes; what it is told
costs what changed. Encodings of records are those kept with the rows, so many watchers share them.
"""

import asyncio
import math
import re
from collections.abc import Hashable
from typing import TYPE_CHECKING

from xapi import errors
from xapi.database.schema import KEPT_BESIDE
from xapi.datamodel import MODEL
from xapi.server.encoding import Encoded, Form, json_object, xml_struct
from xapi.server.event_records import Event, Subscriptions, array_of
from xapi.server.legacy_events import LegacyEvents

if TYPE_CHECKING:
    from xapi.server.context import App

LONGEST_WAIT = 86400.0
MOST_SHARED = 500
"""Events in an answer that is kept, until the next change, for others who wait for the same."""
_TOKEN = re.compile(r"(\d{1,20}),(\d{1,20})")
UNCOUNTED = KEPT_BESIDE
"""Not tables in the original's sense, so not in ``valid_ref_counts``. Roles are, and as no row of them is ever told, their
number is that of the rows that a client can know: none."""


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
        self.legacy = LegacyEvents(self._classes)
        self._wake_scheduled = False
        self._shared: dict[tuple[Hashable, int], tuple[Encoded, bool]] = {}
        self._shared_at = 0
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
        expired = False
        while True:
            answer, is_empty = self._told_since(subscriptions, tables, generation)
            if not is_empty or expired:
                return answer
            # What is written in the turn in which the time is over must not fall between this answer and the next.
            expired = not await self._wait(session, subscriptions, deadline)

    def _told_since(self, subscriptions: Subscriptions, tables: list[str], generation: int) -> tuple[Encoded, bool]:
        """Return the answer about everything after *generation*, and whether nothing happened.

        Clients that wait for the same from the same moment on are told the same: the answer is made once for all of them.
        """
        now = self._db.generation
        if self._shared_at != now:
            self._shared.clear()
            self._shared_at = now
        key = (subscriptions.key, generation)
        if key not in self._shared:
            events = self._collect(subscriptions, tables, generation)
            shared = len(events) <= MOST_SHARED
            answer = self._answer(events, shared=shared), not events
            if not shared:
                return answer
            self._shared[key] = answer
        return self._shared[key]

    def _collect(self, subscriptions: Subscriptions, tables: list[str], generation: int) -> list[Event]:
        messages: list[Event] = []
        added: list[Event] = []
        modified: list[Event] = []
        deleted: list[Event] = []
        for name in tables:
            changes = self._db.changed_since(name, generation)
            cls = self._classes[name]
            every = subscriptions.everything or name in subscriptions.classes
            # Messages come before everything else, and without a number of their own.
            of_messages = name == "message"
            for rows, operation, others in ((changes.added, "add", added), (changes.modified, "mod", modified)):
                (messages if of_messages else others).extend(
                    Event(0 if of_messages else row.modified, cls, operation, row.ref, row)
                    for row in rows
                    if every or subscriptions.wants(name, row.ref)
                )
            (messages if of_messages else deleted).extend(
                Event(0 if of_messages else gone.deleted, cls, "del", gone.ref, None)
                for gone in changes.deleted
                if every or subscriptions.wants(name, gone.ref)
            )
        return messages + added + modified + deleted

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

    def _answer(self, events: list[Event], *, shared: bool) -> Encoded:
        # The last generation handed out: everything up to it has been told.
        last = self._db.generation - 1
        token = f"{last:020d},{last:020d}"
        counts = [(name.lower(), self._db.count(name)) for name in self._db.schema if name not in UNCOUNTED]

        def write(form: Form) -> list[bytes]:
            if form == "xml":
                counted = xml_struct([(name, f"<value><i4>{count}</i4></value>") for name, count in counts])
                rest = (
                    f"</member><member><name>valid_ref_counts</name>{counted}</member>"
                    f"<member><name>token</name><value>{token}</value></member></struct></value>"
                )
                return [b"<value><struct><member><name>events</name>", *array_of(events, form), rest.encode()]
            counted = json_object([(name, str(count)) for name, count in counts])
            return [b'{"events":', *array_of(events, form), f',"valid_ref_counts":{counted},"token":"{token}"}}'.encode()]

        return Encoded(write, shared=shared)

    # -- waking --

    def _on_change(self, table: str, ref: str) -> None:
        if table not in self._classes:
            return
        self.legacy.changed(table, ref, self._db.tables[table].rows.get(ref))
        if not self._waiters:
            return
        self._changed.add((table, ref))
        if not self._wake_scheduled:
            # Once per turn of the loop: a multi-row change is told whole.
            self._wake_scheduled = True
            asyncio.get_running_loop().call_soon(self._wake)

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
        self.legacy.session_ended(session)

    def heartbeat(self) -> None:
        """Show clients of the legacy queue that we are alive: the pool counts as modified, which ``event.from`` does not tell."""
        for pool in self._db.rows("pool"):
            self.legacy.changed("pool", pool.ref, pool)


def _parse_token(token: str) -> int:
    if token == "":
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise errors.event_from_token_parse_failure(token)
    return int(match[1])
