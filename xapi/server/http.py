"""The door: accepts connections, reads requests, answers XenAPI calls at once and hands the rest to their handlers.

A connection begins in a lean mode that only knows RPC posts; the first other request (or an upload) turns it into a pair of
streams for good. One connection may carry both.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from idl.paths import short_path
from xapi.server import rpc
from xapi.server.context import App, Origin
from xapi.server.http_streams import Streams
from xapi.server.http_types import Head, HttpError, error_page, head_limit, parse_head, with_agent

log = logging.getLogger(__name__)

FIRST_REQUEST_LIMIT = 60.0
READ_LIMIT = 10.0
HIGH_WATER = 1 << 20
LONGEST_PROXY_LINE = 107
STREAM_BUFFER = 1 << 18
COPIED = 1 << 16
"""Bytes of a reply that are copied behind their head rather than sent on their own."""
RPC_HEADERS = (
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: X-Requested-With\r\nCache-Control: no-cache, no-store\r\n"
)


class Door(asyncio.Protocol):
    """One accepted connection in its lean mode."""

    def __init__(self, app: App, local_root: bool) -> None:
        self._app = app
        self._origin = Origin(local_root=local_root)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._call: asyncio.Task[None] | None = None
        self._clogged = False
        """Whether answers pile up because the client does not read them."""
        self._fresh = False
        """Whether a PROXY line may still come."""
        self._head: Head | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._last_read = 0.0
        self._head_limit = head_limit(app, self._origin)
        self._closing = False

    # -- the transport's side --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance: uvloop's transports are no subclasses.
        self._transport = cast(asyncio.Transport, transport)
        if not self._origin.local_root:
            peer = transport.get_extra_info("peername")
            self._origin = Origin(address=str(peer[0]) if peer else "")
            # Only stunnel, which is on this host, says who the real client is.
            self._fresh = self._origin.address.startswith("127.") or self._origin.address == "::1"
            if not self._fresh and self._is_closed_to_http():
                self._transport.abort()
                return
            loop = asyncio.get_running_loop()
            self._began = self._last_read = loop.time()
            self._timer = loop.call_later(READ_LIMIT, self._check_pace)

    def _is_closed_to_http(self) -> bool:
        """Whether clients elsewhere must come through TLS, which arrives from this host (``host.set_https_only``)."""
        db, host = self._app.db, self._app.localhost
        return db.exists("host", host) and bool(db.get("host", host, "https_only"))

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._stop_timer()
        if self._call is not None and self._call in self._app.listening:
            # Nobody is left to tell of events; every other call goes on to its end.
            self._call.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._timer is not None:
            self._last_read = asyncio.get_running_loop().time()
        if not self._busy and not self._clogged:
            self._advance()
        elif len(self._buffer) > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._clogged = True

    def resume_writing(self) -> None:
        self._clogged = False
        if not self._busy and not self._closing and self._transport is not None and not self._transport.is_closing():
            self._go_on()

    def _check_pace(self) -> None:
        """Hang up on a client whose first request does not come, or drips."""
        loop = asyncio.get_running_loop()
        until = min(self._last_read + READ_LIMIT, self._began + FIRST_REQUEST_LIMIT)
        if loop.time() < until:
            self._timer = loop.call_at(until, self._check_pace)
        else:
            self._refuse(HttpError(408, "the request took too long"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- requests --

    def _advance(self) -> None:
        """Take the next request off the buffer if it is there."""
        try:
            if self._head is None:
                self._head = self._take_head()
                if self._head is None:
                    return
            if not rpc.is_rpc(self._head):
                return self._become_streams(self._head)
            body = self._take_body(self._head)
        except HttpError as error:
            return self._refuse(error)
        if body is not None:
            head, self._head = self._head, None
            self._busy = True
            self._stop_timer()
            self._call = self._app.spawn(self._answer(head, body), "rpc")

    def _take_head(self) -> Head | None:
        if self._fresh and self._buffer.startswith(b"PROXY ") and not self._take_proxy_line():
            return None
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > self._head_limit:
            if len(self._buffer) > self._head_limit:
                raise HttpError(431, "the request's header is too large")
            return None
        block = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        self._fresh = False
        return parse_head(block.lstrip(b"\r\n"))

    def _take_proxy_line(self) -> bool:
        """Take stunnel's ``PROXY TCP4 <client> <server> <port> <port>`` line: the client's real address."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_PROXY_LINE:
                raise HttpError(400, "the PROXY line does not end")
            return False
        words = bytes(self._buffer[:end]).decode("latin-1").split(" ")
        del self._buffer[: end + 2]
        self._fresh = False
        self._origin = Origin(address=words[2] if len(words) > 2 else "", encrypted=True)
        return True

    def _take_body(self, head: Head) -> bytes | None:
        if "transfer-encoding" in head.headers:
            raise HttpError(500, "a chunked body is not accepted here")
        length = head.content_length
        if length is None:
            raise HttpError(500, "Content-Length is missing")
        if length > rpc.MAX_BODY:
            raise HttpError(500, f"the body has more than {rpc.MAX_BODY} bytes")
        if len(self._buffer) < length:
            if head.headers.get("expect", "").lower() == "100-continue" and self._transport is not None and not self._buffer:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    async def _answer(self, head: Head, body: bytes) -> None:
        try:
            content_type, reply = await rpc.answer(self._app, with_agent(self._origin, head), head, body)
        except HttpError as error:
            self._busy = False
            return self._refuse(error)
        except Exception:
            # The top of a request; nothing of it goes out.
            log.exception("a call from %s failed", self._origin.address)
            self._busy = False
            return self._refuse(HttpError(500, "the server failed; its log says why"))
        self._busy = False
        if self._closing or self._transport is None:
            return
        keep = head.keep_alive
        connection = "keep-alive" if keep else "close"
        first = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(reply)}\r\n"
            f"{RPC_HEADERS}Connection: {connection}\r\n\r\n".encode()
        )
        if len(reply) > COPIED:
            self._transport.write(first)
            self._transport.write(reply)
        else:
            self._transport.write(first + reply)
        if not keep:
            self._transport.close()
            return
        if not self._clogged:
            self._go_on()

    def _go_on(self) -> None:
        """Take the next request, if it is there already."""
        assert self._transport is not None
        self._transport.resume_reading()
        if self._buffer:
            self._advance()

    def _refuse(self, error: HttpError) -> None:
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._stop_timer()
        self._transport.write(error_page(error))
        self._transport.close()

    # -- everything else --

    def _become_streams(self, head: Head) -> None:
        """Give the connection to a coroutine that reads and writes streams."""
        assert self._transport is not None
        self._stop_timer()
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=STREAM_BUFFER, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        writer = asyncio.StreamWriter(self._transport, protocol, reader, loop)
        if self._buffer:
            reader.feed_data(bytes(self._buffer))
            self._buffer.clear()
        self._app.spawn(Streams(self._app, self._origin, reader, writer).run(head), "http")


@contextlib.asynccontextmanager
async def listen_unix(app: App, path: Path) -> AsyncIterator[None]:
    """Serve on the local root socket while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with short_path(path) as name:
        server = await asyncio.get_running_loop().create_unix_server(lambda: Door(app, local_root=True), name, backlog=1024)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def listen_tcp(app: App, address: str, port: int) -> AsyncIterator[None]:
    """Serve plain HTTP while the block runs (stunnel forwards TLS connections here)."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Door(app, local_root=False), address, port, reuse_address=True, backlog=1024
    )
    try:
        yield
    finally:
        server.close()
