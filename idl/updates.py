"""UPDATES: which objects changed since a number, with long polling; the same in every daemon that offers it.

Holds only the latest position of each object, so repeated changes coalesce, and a reader that was away asks from 0
(or its last number) and misses nothing.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

Id = TypeVar("Id")


class Barrier(msgspec.Struct, array_like=True, frozen=True):
    """A mark in the stream: its token, and the ids that had changed when it was injected."""

    token: int
    ids: list[object]


class Updates(Generic[Id]):
    """The changes of one daemon's objects."""

    def __init__(self) -> None:
        self._position: dict[Id, int] = {}
        self._barriers: dict[int, tuple[int, list[Id]]] = {}
        self._next = itertools.count(1)
        self._last = 0
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def last_id(self) -> int:
        return self._last

    def add(self, changed: Id) -> None:
        """Say that *changed* has a new state (or is gone)."""
        # Re-inserted at the end: the dictionary stays in order of last change.
        self._position.pop(changed, None)
        self._last = next(self._next)
        self._position[changed] = self._last
        self._wake()

    def forget(self, keep: Callable[[Id], bool]) -> None:
        """Drop ids that nobody will ask about any more."""
        for gone in [known for known in self._position if not keep(known)]:
            del self._position[gone]

    def inject_barrier(self, token: int, concerns: Callable[[Id], bool]) -> None:
        """Put a mark *token* into the stream, carrying the ids that *concerns* selects."""
        self._last = next(self._next)
        self._barriers[token] = (self._last, [known for known in self._position if concerns(known)])
        self._wake()

    def remove_barrier(self, token: int) -> None:
        self._barriers.pop(token, None)

    def since(self, last_id: int) -> tuple[list[tuple[int, list[Id]]], list[Id], int]:
        """Return (barriers, changed ids oldest first, new last id) after *last_id*, at once."""
        barriers = [(token, ids) for token, (number, ids) in self._barriers.items() if number > last_id]
        ids: list[Id] = []
        for known in reversed(self._position):
            if self._position[known] <= last_id:
                break
            ids.append(known)
        ids.reverse()
        return barriers, ids, self._last if barriers or ids else last_id

    async def get(self, last_id: int, timeout: float | None) -> tuple[list[tuple[int, list[Id]]], list[Id], int]:
        """As :meth:`since`, waiting until there is something, or *timeout* seconds (then empty lists)."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            barriers, ids, last = self.since(last_id)
            if barriers or ids:
                return barriers, ids, last
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    await waiter
            except TimeoutError:
                return [], [], last_id
            finally:
                self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
