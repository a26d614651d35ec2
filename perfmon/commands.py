"""The command socket: datagrams to the abstract Unix socket ``perfmon`` (an embedded host's: ``perfmon:<root>``)."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from enum import StrEnum

from idl.paths import Root

log = logging.getLogger(__name__)

MAX_COMMAND = 256


class Command(StrEnum):
    REFRESH = "refresh"
    """Read the configuration again and look at the metrics now."""
    DEBUG_MEM = "debug_mem"
    """Say in the log how much memory is used."""


def address(root: Root) -> str:
    """Return the abstract socket's name, with its leading zero byte."""
    return "\0perfmon" if root.is_installed_host else f"\0perfmon:{root.path}"[:108]


@contextlib.asynccontextmanager
async def listening(root: Root) -> AsyncIterator["asyncio.Queue[Command]"]:
    """Receive commands into a queue while the block runs.

    :raises OSError: another perfmon of this host runs.
    """
    commands: asyncio.Queue[Command] = asyncio.Queue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(address(root))
        loop = asyncio.get_running_loop()
        loop.add_reader(sock.fileno(), _receive, sock, commands)
        try:
            yield commands
        finally:
            loop.remove_reader(sock.fileno())


def _receive(sock: socket.socket, commands: "asyncio.Queue[Command]") -> None:
    with contextlib.suppress(BlockingIOError):
        text = sock.recv(MAX_COMMAND).decode("utf-8", "replace").strip()
        try:
            commands.put_nowait(Command(text))
        except ValueError:
            log.warning("unknown command %r", text)
