"""Runs each SR's garbage collection in the background: deletes what nobody needs, coalesces what may be.

It runs after an operation that can leave something behind, one SR at a time by itself, and gives way to every operation (the
repository interrupts the one long step, copying data, and repeats it).
"""

import asyncio
import contextlib
import logging

from idl.rpc import RpcError
from sm.drivers.base import Attachments, Repository

log = logging.getLogger(__name__)


class Collector:
    """The background task of one attached SR."""

    def __init__(self, sr: str, repository: Repository, attachments: Attachments) -> None:
        self._sr = sr
        self._repository = repository
        self._attachments = attachments
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.create_task(self._run())

    def kick(self) -> None:
        """There may be something to collect."""
        self._idle.clear()
        self._wanted.set()

    async def settled(self) -> None:
        """Return when nothing is left to collect."""
        await self._idle.wait()

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                while await self._repository.collect(self._attachments):
                    pass
            except RpcError as error:
                log.error("collecting garbage of SR %s: %s", self._sr, error)
            if not self._wanted.is_set():
                self._idle.set()
