"""A libvirt connection for an asyncio program: calls in a bounded thread pool, events in the loop.

libvirt's own event loop runs in a thread of ours. The asyncio implementation that libvirt-python ships is not used:
an embedded driver asks for timers from its own threads, and that implementation does not wake the loop for those.
"""

import asyncio
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import libvirt

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CALLS_AT_ONCE = 6


@functools.cache
def _start_event_loop() -> None:
    """Give libvirt an event loop in a thread that lives as long as the process; before the first connection."""
    libvirt.virEventRegisterDefaultImpl()
    libvirt.registerErrorHandler(lambda _context, _error: None, None)

    def turn() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=turn, name="libvirt-events", daemon=True).start()


class Connection:
    """One connection; :meth:`call` runs anything that blocks."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, "libvirt")
        self._loop = asyncio.get_running_loop()
        self._connection: libvirt.virConnect | None = None

    @property
    def raw(self) -> Any:
        assert self._connection is not None, "not open"
        return self._connection

    async def open(self) -> None:
        _start_event_loop()
        self._connection = await self.call(libvirt.open, self.uri)

    async def close(self) -> None:
        if self._connection is not None:
            await self.call(self._connection.close)
        self._pool.shutdown(wait=False)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking libvirt function; raises what it raises."""
        return await self._loop.run_in_executor(self._pool, functools.partial(function, *args, **kwargs))

    def in_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Call *function* in the event loop; for libvirt's callbacks, which come in other threads."""
        # At the end of the process the loop may be closed before libvirt's threads are quiet.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)
