"""The xenstore this daemon watches: a small interface, and the real one through pyxs.

pyxs blocks, so each client lives in a thread: one that waits for watches, one for reads and writes.
"""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

SOCKETS = ("/run/xenstored/socket", "/var/run/xenstored/socket", "/proc/xen/xenbus", "/dev/xen/xenbus")


class Store(Protocol):
    """What the daemon needs of a xenstore. Paths are absolute; values text."""

    async def read(self, path: str) -> str | None:
        """Return a node's value, None when it is absent."""
        ...

    async def children(self, path: str) -> list[str]:
        """Return the names below a node; none when it is absent."""
        ...

    async def write(self, values: Mapping[str, str]) -> None: ...

    async def remove(self, path: str) -> None:
        """Remove a node and what is below it. Absent is no error."""
        ...

    def changes(self, path: str) -> AsyncIterator[str]:
        """Yield the paths that change at or below *path*, for ever; the first is *path* itself."""
        ...


def is_present() -> bool:
    """Is there a xenstore on this machine?"""
    return any(Path(path).exists() for path in SOCKETS)


class Xenstore:
    """The machine's xenstore."""

    def __init__(self) -> None:
        from pyxs import Client

        self._client: Any = Client()
        self._watcher: Any = Client()
        self._pool = ThreadPoolExecutor(1, "xenstore")

    def open(self) -> None:
        """:raises ConnectionError: no xenstored answers."""
        from pyxs.exceptions import ConnectionError as NoXenstored

        try:
            self._client.connect()
            self._watcher.connect()
        except NoXenstored as error:
            raise ConnectionError(f"xenstore: {error}") from error

    def close(self) -> None:
        self._pool.shutdown()
        self._watcher.close()
        self._client.close()

    async def _do(self, name: str, *args: bytes) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, getattr(self._client, name), *args)

    async def read(self, path: str) -> str | None:
        return await self._unless_absent(None, self._read, path)

    async def _read(self, path: str) -> str | None:
        return bytes(await self._do("read", path.encode())).decode("utf-8", "replace")

    async def children(self, path: str) -> list[str]:
        return await self._unless_absent([], self._list, path)

    async def _list(self, path: str) -> list[str]:
        return sorted(bytes(name).decode() for name in await self._do("list", path.encode()))

    async def write(self, values: Mapping[str, str]) -> None:
        for path, value in values.items():
            await self._do("write", path.encode(), value.encode())

    async def remove(self, path: str) -> None:
        await self._unless_absent(None, self._delete, path)

    async def _delete(self, path: str) -> None:
        await self._do("delete", path.encode())

    @staticmethod
    async def _unless_absent(absent: T, function: Callable[[str], Awaitable[T]], path: str) -> T:
        from pyxs.exceptions import PyXSError

        try:
            return await function(path)
        except PyXSError as error:
            if error.args and error.args[0] == errno.ENOENT:
                return absent
            raise

    async def changes(self, path: str) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[str] = asyncio.Queue()
        monitor = self._watcher.monitor()
        await loop.run_in_executor(self._pool, monitor.watch, path.encode(), b"snapwatchd")

        def watch() -> None:
            for event in monitor.wait():
                loop.call_soon_threadsafe(found.put_nowait, event.wpath.decode())

        # pyxs offers no way to end a wait: the thread ends with the process.
        threading.Thread(target=watch, name="watch", daemon=True).start()
        while True:
            yield await found.get()
