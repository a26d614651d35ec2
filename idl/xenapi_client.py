"""A small XenAPI client over the local, pre-authenticated Unix socket, for the daemons that watch and alert.

XML-RPC in HTTP POSTs, a connection per call. ``int`` values are sent as the text XenAPI wants them to be. What it answers
is plain Python (strings, dictionaries, lists): callers decode at their own door.
"""

import asyncio
import contextlib
import logging
import xmlrpc.client
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from idl.paths import short_path

log = logging.getLogger(__name__)

MAX_HEAD = 64 * 1024
CALL_TIMEOUT_S = 120.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Failure(Exception):
    """xapi answered with an error: a code and its parameters."""

    def __init__(self, code: str, params: Sequence[str]) -> None:
        super().__init__(code, *params)
        self.code = code
        self.params = list(params)


class Unavailable(ConnectionError):
    """xapi cannot be reached, or its answer is no XenAPI answer."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change that ``event.from`` tells; *record* is None for a deleted object."""

    cls: str
    operation: str
    ref: str
    record: Mapping[str, Any] | None


async def request(
    socket_path: Path, method: str, target: str, body: bytes = b"", timeout_s: float = CALL_TIMEOUT_S
) -> tuple[int, bytes]:
    """Make one HTTP request over a Unix socket; return status and body.

    :raises Unavailable: nobody listens, no whole answer came, or not within *timeout_s*.
    """
    try:
        async with asyncio.timeout(timeout_s):
            with short_path(socket_path) as name:
                reader, writer = await asyncio.open_unix_connection(name, limit=MAX_HEAD)
            try:
                head = (
                    f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                writer.write(head.encode() + body)
                return await _read_answer(reader)
            finally:
                writer.close()
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        raise Unavailable(f"{socket_path}: {error or type(error).__name__}") from error


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ", 2)[1])
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return status, b"".join([chunk async for chunk in _chunks(reader)])
    if "content-length" in headers:
        return status, await reader.readexactly(int(headers["content-length"]))
    return status, await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)


def _outgoing(value: Any) -> Any:
    # XenAPI's integers have 64 bits and travel as text.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


class Session:
    """A session of one daemon with xapi."""

    def __init__(self, socket_path: Path, ref: str = "") -> None:
        self._path = socket_path
        self.ref = ref

    async def call(self, method: str, *params: Any) -> Any:
        """Call a message in this session and return its value.

        :raises Failure: xapi's error. :raises Unavailable: no answer.
        """
        return await self._call(method, (self.ref, *params))

    async def _call(self, method: str, params: tuple[Any, ...]) -> Any:
        body = xmlrpc.client.dumps(tuple(_outgoing(param) for param in params), method).encode()
        status, answer = await request(self._path, "POST", "/", body)
        if status != 200:
            raise Unavailable(f"{method}: HTTP status {status}")
        try:
            (reply,), _ = xmlrpc.client.loads(answer)
        except xmlrpc.client.Fault as fault:
            raise Failure("FAULT", [str(fault.faultCode), fault.faultString]) from fault
        except (ValueError, xmlrpc.client.Error, ExpatError) as error:
            raise Unavailable(f"{method}: not an XML-RPC answer: {error}") from error
        match reply:
            case {"Status": "Success", "Value": value}:
                return value
            case {"Status": "Failure", "ErrorDescription": [code, *rest]}:
                raise Failure(str(code), [str(param) for param in rest])
        raise Unavailable(f"{method}: not a XenAPI answer")

    async def login(self, originator: str) -> None:
        """Log in as root; the local socket asks for no password."""
        self.ref = str(await self._call("session.login_with_password", ("root", "", "1.0", originator)))

    async def logout(self) -> None:
        with contextlib.suppress(Failure, Unavailable):
            await self.call("session.logout")

    async def records(self, cls: str) -> dict[str, dict[str, Any]]:
        """Return every object of a class: ref -> record."""
        found: dict[str, dict[str, Any]] = await self.call(f"{cls}.get_all_records")
        return found

    async def changes(self, classes: Sequence[str], token: str, timeout_s: float) -> tuple[str, list[Event]]:
        """Wait up to *timeout_s* for changes after *token* (``""``: every object there is, at once); return the next token."""
        answer = await self.call("event.from", list(classes), token, float(timeout_s))
        events = [
            Event(str(event["class"]).lower(), str(event["operation"]), str(event["ref"]), event.get("snapshot"))
            for event in answer["events"]
        ]
        return str(answer["token"]), events


@contextlib.asynccontextmanager
async def session(socket_path: Path, originator: str) -> AsyncIterator[Session]:
    """Log in for the length of the block."""
    opened = Session(socket_path)
    await opened.login(originator)
    try:
        yield opened
    finally:
        await opened.logout()


async def keep_session(socket_path: Path, originator: str, work: Callable[[Session], Awaitable[None]]) -> None:
    """Run *work* with a session, for ever: when xapi is away or a call fails, pause (longer each time) and begin again.

    A daemon's log says once that it waits, not at each attempt.
    """
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_S
    waiting = False
    while True:
        began = loop.time()
        try:
            async with session(socket_path, originator) as opened:
                log.info("connected to xapi")
                waiting = False
                await work(opened)
        except (Failure, Unavailable) as error:
            log.log(logging.DEBUG if waiting else logging.WARNING, "no use of xapi for now (%s); trying again", error)
            waiting = True
        except Exception:
            # The top of a daemon: what nobody expected is logged, and must not end the watching.
            log.exception("beginning again")
        pause = FIRST_PAUSE_S if loop.time() - began > LONGEST_PAUSE_S else min(pause * 2, LONGEST_PAUSE_S)
        # Nobody tells when xapi listens again.
        await asyncio.sleep(pause)
