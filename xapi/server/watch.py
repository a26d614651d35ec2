"""Waiting for an object of the store to change."""

import asyncio
from collections.abc import Callable

from xapi.database.store import Store


class Watch:
    """Wakes whoever waits for changes of an object."""

    def __init__(self, db: Store) -> None:
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        db.listen(self._changed)

    def _changed(self, table: str, ref: str) -> None:
        for waiter in self._waiters.pop(ref, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def change(self, ref: str) -> None:
        """Return at the next change (or deletion) of *ref*."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(ref, set()).add(waiter)
        try:
            await waiter
        finally:
            waiters = self._waiters.get(ref)
            if waiters is not None:
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[ref]

    async def until(self, ref: str, condition: Callable[[], bool], timeout: float) -> None:
        """Return once *condition* holds; it is asked now and after each change of *ref*.

        :raises TimeoutError: it did not come true within *timeout* seconds.
        """
        async with asyncio.timeout(timeout):
            while not condition():
                await self.change(ref)
