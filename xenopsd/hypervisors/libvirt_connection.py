"""A libvirt connection for an asyncio program: calls in a bounded thread pool, events in the loop.

libvirt's own event loop runs in a thread of ours. The asyncio implementation that libvirt-python ships is not used:
an embedded driver asks for timers from its own threads, and that implementation does not wake the loop for those.
"""

import asyncio
import functools
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import libvirt

from idl.rpc import RpcError
from idl.xenops import Problem

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CALLS_AT_ONCE = 6
PATIENCE = 60.0
"""Seconds a call waits for a lost connection to come back."""
FIRST_RETRY, LAST_RETRY = 0.2, 5.0
"""Seconds between attempts to connect again: the first pause, and what it grows to."""


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
    """One connection; :meth:`call` runs anything that blocks.

    When libvirt's daemon goes (an embedded driver has none), the connection is made again as soon as that is possible.
    *prepare* is called after each connecting: it registers for events and looks at what there is.
    """

    def __init__(self, uri: str, prepare: Callable[[], Awaitable[None]]) -> None:
        self.uri = uri
        self._prepare = prepare
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, "libvirt")
        self._loop = asyncio.get_running_loop()
        self._connection: libvirt.virConnect | None = None
        self._up = asyncio.Event()
        self._again: asyncio.Task[None] | None = None

    @property
    def raw(self) -> Any:
        assert self._connection is not None, "not open"
        return self._connection

    async def open(self) -> None:
        _start_event_loop()
        await self._connect()

    async def _connect(self) -> None:
        self._connection = connection = await self._blocking(libvirt.open, self.uri)
        connection.registerCloseCallback(self._closed, None)
        self._up.set()
        await self._prepare()

    def _closed(self, connection: object, reason: int, _opaque: object) -> None:
        self.in_loop(self._lost, connection, reason)

    def _lost(self, connection: object, reason: int) -> None:
        if connection is not self._connection or reason == libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
            return
        log.warning("the connection to %s is lost (%d)", self.uri, reason)
        self._up.clear()
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        pause = FIRST_RETRY
        while True:
            try:
                await self._connect()
            except libvirt.libvirtError as error:
                log.info("%s: %s", self.uri, error)
                self._up.clear()
            else:
                log.info("connected to %s again", self.uri)
                return
            # libvirt tells nobody when its daemon is back.
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_RETRY)

    async def close(self) -> None:
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._blocking(connection.close)
        self._pool.shutdown(wait=False)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking libvirt function; raises what it raises.

        While the connection is lost it waits. :raises RpcError: ``Failed_to_contact_remote_service``, for too long.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._up.wait()
        except TimeoutError:
            raise RpcError(Problem.FAILED_TO_CONTACT_REMOTE_SERVICE, "libvirt") from None
        return await self._blocking(function, *args, **kwargs)

    async def _blocking(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._loop.run_in_executor(self._pool, functools.partial(function, *args, **kwargs))

    def in_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Call *function* in the event loop; for libvirt's callbacks, which come in other threads."""
        # At the end of the process the loop may be closed before libvirt's threads are quiet.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)
