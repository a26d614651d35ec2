"""Who works now: one thing at a time per VM in order of arrival, VMs side by side up to a limit.

An entry with a *key* that already waits (has not begun) for the same VM is not queued again: the one that waits will
see everything the new one would.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Item:
    work: Work
    key: Hashable | None


class Queues:
    """FIFO queues by tag. *limit*: how many tags are worked on at once."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._waiting: dict[str, deque[_Item]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}

    def push(self, tag: str, work: Work, *, key: Hashable | None = None) -> None:
        """Queue *work*, which must not raise, behind everything queued for *tag*."""
        waiting = self._waiting.setdefault(tag, deque())
        if key is not None and any(item.key == key for item in waiting):
            return
        waiting.append(_Item(work, key))
        if tag not in self._workers:
            self._workers[tag] = asyncio.create_task(self._drain(tag))

    async def _drain(self, tag: str) -> None:
        waiting = self._waiting[tag]
        try:
            while waiting:
                # The slot is given back between entries, so that a busy VM does not keep others out.
                async with self._slots:
                    await waiting.popleft().work()
        finally:
            del self._workers[tag]
            if not waiting:
                del self._waiting[tag]

    async def idle(self) -> None:
        """Wait until nothing runs or waits."""
        while self._workers:
            await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def close(self) -> None:
        """Cancel what runs and drop what waits."""
        workers = list(self._workers.values())
        self._waiting.clear()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
