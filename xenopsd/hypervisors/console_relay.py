"""A Unix socket for each guest's console, whose other end is a terminal of xenconsoled's (or of the guest's emulator).

A terminal can be opened by anybody, but what one reads the others do not get: here all clients of a console see the
same. The terminal is open while there is a client; until then xenconsoled keeps what the guest says, as much as it may.
"""

import asyncio
import contextlib
import logging
import os
import tty
from collections.abc import Awaitable, Callable
from pathlib import Path

from idl.rpc import RpcError

log = logging.getLogger(__name__)

Find = Callable[[str], Awaitable[str]]
CHUNK = 4096


class Relay:
    """One guest's console."""

    def __init__(self, vm: str, find: Find) -> None:
        self._vm = vm
        self._find = find
        self._clients: set[asyncio.StreamWriter] = set()
        self._terminal = -1
        self._opening = asyncio.Lock()
        self.server: asyncio.Server | None = None

    async def serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            await self._open()
            while data := await reader.read(CHUNK):
                os.write(self._terminal, data)
        except (OSError, RpcError) as error:
            log.info("console of %s: %s", self._vm, error)
        finally:
            self._clients.discard(writer)
            writer.close()
            if not self._clients:
                self._close_terminal()

    async def _open(self) -> None:
        async with self._opening:
            if self._terminal >= 0:
                return
            self._terminal = os.open(await self._find(self._vm), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self._terminal)
            asyncio.get_running_loop().add_reader(self._terminal, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._terminal, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hang_up()
            return
        for client in self._clients:
            client.write(data)

    def hang_up(self) -> None:
        """The guest's side is gone: clients are told by the end of their stream."""
        self._close_terminal()
        for client in self._clients:
            client.close()

    def _close_terminal(self) -> None:
        if self._terminal >= 0:
            asyncio.get_running_loop().remove_reader(self._terminal)
            os.close(self._terminal)
            self._terminal = -1


class ConsoleRelays:
    """The relays of all guests; *find* tells a guest's terminal."""

    def __init__(self, directory: Path, find: Find) -> None:
        self._directory = directory
        self._find = find
        self._relays: dict[str, tuple[Relay, Path]] = {}

    def path(self, domid: int) -> Path:
        return self._directory / f"console-{domid}"

    async def serve(self, vm: str, domid: int) -> None:
        """Have a socket for a guest's console; one there already is left alone."""
        path = self.path(domid)
        if vm in self._relays and self._relays[vm][1] == path:
            return
        self.stop(vm)
        self._directory.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        relay = Relay(vm, self._find)
        relay.server = await asyncio.start_unix_server(relay.serve_client, path)
        path.chmod(0o600)
        self._relays[vm] = relay, path

    def stop(self, vm: str) -> None:
        """End a guest's socket; none is no error."""
        relay, path = self._relays.pop(vm, (None, None))
        if relay is not None and path is not None:
            if relay.server is not None:
                relay.server.close()
            relay.hang_up()
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    async def close(self) -> None:
        for vm in list(self._relays):
            self.stop(vm)
