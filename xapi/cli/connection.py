"""The server's end of one client's connection: frames out, and the client's answers to what it is asked.

Frames are written when the command next waits for something, many at a time. The client's bytes are read all the while,
so that a client that goes away is noticed by what waits for events.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from idl import cli
from xapi.cli.failures import CommandFailure
from xapi.datamodel import MODEL
from xapi.errors import not_implemented
from xapi.server import http_registry

log = logging.getLogger(__name__)
T = TypeVar("T")

HANDSHAKE_SECONDS: Final = 60.0
BLOCK: Final = 65536


_METHODS: Final = {cli.HttpGet: "GET", cli.HttpPut: "PUT", cli.HttpConnect: "CONNECT"}


def _require_handler(request: cli.HttpGet | cli.HttpPut | cli.HttpConnect) -> None:
    """Raises XenAPIError: the page of the dashboard that would answer instead knows nothing of tasks."""
    method, path = _METHODS[type(request)], urlsplit(request.url).path
    meant = [action for action in MODEL.http_actions.values() if action.method == method and path.startswith(action.uri)]
    action = max(meant, key=lambda action: len(action.uri), default=None)
    if action is None or http_registry.handler(action.name) is None:
        raise not_implemented(f"{method} {path}")


class ClientGone(ConnectionError):
    """The client closed the connection where something was still due from it or for it."""


class Connection:
    """Provides `xapi.cli.command.Client`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heard: asyncio.Queue[cli.Message | cli.Data | None] = asyncio.Queue(64)
        self._gone = asyncio.Event()
        self._unsent = bytearray()

    @contextlib.asynccontextmanager
    async def greeted(self) -> AsyncIterator[None]:
        """Shakes hands, listens while the block runs, and sends what is unsent at its end.

        Raises ConnectionError, cli.ProtocolError.
        """
        self._writer.write(cli.handshake())
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            version = cli.parse_handshake(await self._reader.readexactly(cli.HANDSHAKE_SIZE))
        if version.major != cli.MAJOR:
            raise cli.ProtocolError(f"the client speaks {version.major}.{version.minor}")
        listening = asyncio.create_task(self._listen(), name="cli listening")
        try:
            yield
            self._send()
            await self._writer.drain()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        decoder = cli.Decoder()
        try:
            while data := await self._reader.read(BLOCK):
                decoder.feed(data)
                for message in decoder:
                    await self._heard.put(message)
        except (cli.ProtocolError, OSError) as error:
            log.debug("the client's side of the conversation broke: %s", error)
        self._gone.set()
        await self._heard.put(None)

    def say(self, frame: cli.Command) -> None:
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent += cli.encode(frame)

    def _send(self) -> None:
        if self._unsent and not self._writer.is_closing():
            self._writer.write(bytes(self._unsent))
        self._unsent.clear()

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work that is for this client only, and is given up if it goes away. Raises ClientGone."""
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone("the client closed the connection")
            return working.result()
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    async def _hear(self) -> cli.Message | cli.Data:
        """The client's next message but for heartbeats. Raises ClientGone."""
        while True:
            message = await self._heard.get()
            if message is None:
                await self._heard.put(None)
                raise ClientGone("the client closed the connection where its answer was due")
            if not isinstance(message, cli.Wait):
                return message

    async def ask(self) -> str:
        """A line typed by the user. Raises ClientGone."""
        self.say(cli.Prompt())
        return cli.bytes_to_text(await self._hear_blob())

    async def load(self, filename: str) -> bytes | None:
        """The content of a file that the user named; None if the client cannot read it.

        Raises ClientGone, CommandFailure for a file that is too large.
        """
        self.say(cli.Load(filename))
        if isinstance(await self._hear(), cli.Failed):
            return None
        return await self._hear_blob()

    async def _hear_blob(self) -> bytes:
        received = bytearray()
        while not isinstance(message := await self._hear(), cli.End):
            if isinstance(message, cli.Data):
                received += message.data
            if isinstance(message, cli.Chunk) and len(received) + message.size > cli.MAX_UPLOAD:
                raise CommandFailure(f"The client sends more than the {cli.MAX_UPLOAD} bytes that fit here")
        return bytes(received)

    async def transfer(self, request: cli.HttpGet | cli.HttpPut | cli.HttpConnect) -> bool:
        """Has the client move a file or a console; whether it managed to.

        Raises XenAPIError, before the client has done anything, for a handler that nobody has written yet.
        """
        _require_handler(request)
        self.say(request)
        try:
            return isinstance(await self._hear(), cli.Ok)
        except ClientGone:
            return False  # it stops after a file that it cannot read or make: the task knows more
