"""Bytes to and fro between two peers until one has had enough, or nobody touched anything for too long."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BLOCK = 65536
_UPDATE_REQUEST, _UPDATE_REQUEST_SIZE = 3, 10


class Peer(Protocol):
    async def read(self) -> bytes:
        """Return what came, ``b""`` at the end."""
        ...

    async def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class StreamPeer:
    """A plain connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(BLOCK)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Quiet:
    """After *seconds* (0: never) without what *counts* as the user's activity a relay ends."""

    seconds: float
    counts: Callable[[bytes], bool]


def is_rfb_activity(data: bytes) -> bool:
    """Whether a VNC client sent more than its steady requests for the next picture."""
    if len(data) % _UPDATE_REQUEST_SIZE:
        return True
    return any(data[start] != _UPDATE_REQUEST for start in range(0, len(data), _UPDATE_REQUEST_SIZE))


async def relay(user: Peer, console: Peer, quiet: Quiet) -> None:
    """Pass on until either side ends; both are closed."""
    loop = asyncio.get_running_loop()
    enough = asyncio.timeout(quiet.seconds or None)

    async def from_user() -> None:
        while data := await user.read():
            if quiet.seconds and quiet.counts(data):
                enough.reschedule(loop.time() + quiet.seconds)
            await console.write(data)

    async def from_console() -> None:
        while data := await console.read():
            await user.write(data)

    directions = [asyncio.ensure_future(from_user()), asyncio.ensure_future(from_console())]
    try:
        with contextlib.suppress(TimeoutError):  # left alone for too long
            async with enough:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)  # a peer that went away is an end like another
        user.close()
        console.close()
