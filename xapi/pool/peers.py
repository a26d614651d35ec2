"""Talking to the other hosts of the pool: XenAPI calls and raw requests over TLS, on connections that are kept.

One per process. Calls are JSON-RPC to ``/jsonrpc``, as between hosts of the original.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from idl.paths import Root
from xapi.errors import XenAPIError
from xapi.pool import trust

CONNECT_LIMIT: Final = 10.0
CALL_LIMIT: Final = 86400.0
MOST_IDLE: Final = 8
LARGEST_HEAD: Final = 64 * 1024


class Unreachable(Exception):
    """The host does not answer, or the connection broke in the middle of a call."""


@dataclass(slots=True)
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def usable(self) -> bool:
        return not self.writer.transport.is_closing() and not self.reader.at_eof()


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: pool", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split(" ", 2)[1]), headers


class Peers:
    """The other hosts, by address."""

    def __init__(self, root: Root, port: int) -> None:
        self._root = root
        self._port = port
        self._idle: dict[str, list[Wire]] = {}
        self._context: tuple[tuple[bool, float], ssl.SSLContext] | None = None

    # -- connections --

    def _tls(self) -> ssl.SSLContext:
        verify = trust.is_verifying(self._root)
        bundle = self._root.under(trust.BUNDLE)
        version = (verify, bundle.stat().st_mtime if bundle.exists() else 0.0)
        if self._context is None or self._context[0] != version:
            self._context = (version, trust.context(self._root, verify=verify))
        return self._context[1]

    async def connect(self, address: str, *, verify: bool | None = None) -> Wire:
        """Open a connection of one's own. :raises Unreachable:"""
        tls = self._tls() if verify is None else trust.context(self._root, verify=verify)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                opened = await asyncio.open_connection(
                    address, self._port, ssl=tls, server_hostname=trust.SERVER_NAME, limit=LARGEST_HEAD
                )
        except (OSError, TimeoutError, ssl.SSLError, UnicodeError) as error:
            # The last: what is no host's name at all.
            raise Unreachable(f"{address}: {error or 'no answer'}") from error
        return Wire(*opened)

    def forget(self, address: str | None = None) -> None:
        """Close the idle connections to a host, or all."""
        for known in [address] if address is not None else list(self._idle):
            for wire in self._idle.pop(known, ()):
                wire.writer.close()

    async def open(
        self, address: str, method: str, path: str, headers: Mapping[str, str], *, verify: bool | None = None
    ) -> tuple[int, Wire]:
        """Send a request whose connection then is the caller's; return the answer's status.

        :raises Unreachable:
        """
        wire = await self.connect(address, verify=verify)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                wire.writer.write(_head(method, path, headers))
                status, _ = await _answer_head(wire.reader)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            wire.writer.close()
            raise Unreachable(f"{address}: {error or 'no answer'}") from error
        return status, wire

    async def post(
        self, address: str, path: str, body: bytes, headers: Mapping[str, str], *, verify: bool | None = None,
        timeout: float = CALL_LIMIT,
    ) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        """Make one request; return status, headers and body of its answer. :raises Unreachable:"""
        idle = self._idle.setdefault(address, []) if verify is None else []
        wire = None
        while idle and wire is None:
            candidate = idle.pop()
            if candidate.usable:
                wire = candidate
            else:
                candidate.writer.close()
        wire = wire or await self.connect(address, verify=verify)
        done = False
        try:
            async with asyncio.timeout(timeout):
                wire.writer.write(_head("POST", path, {**headers, "Content-Length": str(len(body))}) + body)
                status, answer = await _answer_head(wire.reader)
                length = answer.get("content-length")
                text = await (wire.reader.readexactly(int(length)) if length is not None else wire.reader.read())
                done = length is not None and answer.get("connection", "").lower() != "close"
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise Unreachable(f"{address}: {error or 'no answer'}") from error
        finally:
            if done and verify is None and len(idle) < MOST_IDLE:
                idle.append(wire)
            else:
                wire.writer.close()
        return status, answer, text

    # -- calls --

    async def call(
        self, address: str, method: str, *params: Any, headers: Mapping[str, str] | None = None,
        verify: bool | None = None, timeout: float = CALL_LIMIT,
    ) -> Any:  # fmt: skip
        """Make one XenAPI call; *params* include the session. Return what JSON holds.

        :raises XenAPIError: what the other host answered. :raises Unreachable:
        """
        body = msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        status, _, text = await self.post(address, "/jsonrpc", body, headers or {}, verify=verify, timeout=timeout)
        if status != 200:
            raise Unreachable(f"{address}: HTTP status {status}")
        try:
            answer = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Unreachable(f"{address}: not an answer: {error}") from error
        match answer:
            case {"error": {"message": code, "data": data}}:
                raise XenAPIError(code, [str(param) for param in data])
            case {"result": result}:
                return result
        raise Unreachable(f"{address}: not an answer")

    @contextlib.asynccontextmanager
    async def local_session(self, address: str, secret: str) -> AsyncIterator[str]:
        """A session that the other host alone knows, which it grants in emergency mode too."""
        session = await self.call(address, "session.slave_local_login", secret, timeout=CONNECT_LIMIT)
        try:
            yield str(session)
        finally:
            with contextlib.suppress(XenAPIError, Unreachable):
                await self.call(address, "session.local_logout", session, timeout=CONNECT_LIMIT)

    def close(self) -> None:
        self.forget()
