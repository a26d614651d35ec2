"""The door: accepts connections, reads requests, answers XenAPI calls at once and hands the rest to their handlers.

A connection begins in a lean mode that only knows RPC posts; the first other request (or an upload) turns it into a pair of
streams for good. One connection may carry both.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import cast

from idl.paths import short_path
from xapi.database.schema import NULL_REF
from xapi.datamodel.model import HttpAction
from xapi.errors import XenAPIError
from xapi.server import http_registry, rpc
from xapi.server.authentication import local_user, pool_secret
from xapi.server.context import App, Context, Origin
from xapi.server.dispatch import as_api_error
from xapi.server.forwarding import gate
from xapi.server.http_types import (
    REASONS,
    BodyReader,
    Head,
    HttpError,
    Reply,
    Request,
    parse_cookies,
    parse_head,
    parse_query,
)
from xapi.server.sessions import assert_http_permitted, login_failed

log = logging.getLogger(__name__)

MAX_HEAD = 8192
FIRST_REQUEST_LIMIT = 60.0
HIGH_WATER = 1 << 20
STREAM_BUFFER = 1 << 18
DRAIN_LIMIT = 5.0
DRAIN_BYTES = 64 << 20
RPC_HEADERS = (
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: X-Requested-With\r\nCache-Control: no-cache, no-store\r\n"
)
PAGE = (
    "<html><body><h1>{status} {text}</h1>Your request could not be served. Additional information:"
    "<pre>{detail}</pre></body></html>"
)


class Door(asyncio.Protocol):
    """One accepted connection in its lean mode."""

    def __init__(self, app: App, local_root: bool) -> None:
        self._app = app
        self._origin = Origin(local_root=local_root)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._fresh = False
        """Whether a PROXY line may still come."""
        self._head: Head | None = None
        self._timer: asyncio.TimerHandle | None = None
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
            self._timer = asyncio.get_running_loop().call_later(FIRST_REQUEST_LIMIT, self._too_slow)

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._advance()
        elif len(self._buffer) > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def _too_slow(self) -> None:
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
            self._app.spawn(self._answer(head, body), "rpc")

    def _take_head(self) -> Head | None:
        if self._fresh and self._buffer.startswith(b"PROXY ") and not self._take_proxy_line():
            return None
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD:
            if len(self._buffer) > MAX_HEAD:
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
            content_type, reply = await rpc.answer(self._app, _with_agent(self._origin, head), head, body)
        except HttpError as error:
            self._busy = False
            return self._refuse(error)
        self._busy = False
        if self._closing or self._transport is None:
            return
        keep = head.keep_alive
        connection = "keep-alive" if keep else "close"
        self._transport.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(reply)}\r\n"
            f"{RPC_HEADERS}Connection: {connection}\r\n\r\n".encode()
            + reply
        )
        if not keep:
            self._transport.close()
            return
        self._transport.resume_reading()
        if self._buffer:
            self._advance()

    def _refuse(self, error: HttpError) -> None:
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._stop_timer()
        self._transport.write(_page(error))
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
        self._app.spawn(_Streams(self._app, self._origin, reader, writer).run(head), "http")


def _with_agent(origin: Origin, head: Head) -> Origin:
    return Origin(
        origin.local_root,
        origin.address,
        head.headers.get("user-agent", ""),
        head.headers.get("originator", ""),
        origin.encrypted,
    )


def _page(error: HttpError) -> bytes:
    reason = REASONS.get(error.status, "Error")
    body = PAGE.format(status=error.status, text=reason, detail=escape(error.text)).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
    return (
        f"HTTP/1.1 {error.status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{more}"
        "Cache-Control: no-cache, no-store\r\nConnection: close\r\n\r\n"
    ).encode() + body


class _Streams:
    """One connection that carries uploads, downloads, consoles; and RPC, if the client mixes them."""

    def __init__(self, app: App, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._app = app
        self._origin = origin
        self._reader = reader
        self._writer = writer

    async def run(self, head: Head) -> None:
        try:
            next_head: Head | None = head
            while next_head is not None and await self._serve(next_head):
                next_head = await self._next_head()
        except HttpError as error:
            self._writer.write(_page(error))
            await _let_go(self._writer, BodyReader(self._reader, None))
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError) as error:
            log.debug("connection from %s dropped: %s", self._origin.address, error)
        finally:
            self._writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await self._writer.wait_closed()

    async def _next_head(self) -> Head | None:
        try:
            block = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        except asyncio.LimitOverrunError:
            raise HttpError(431, "the request's header is too large") from None
        if len(block) > MAX_HEAD:
            raise HttpError(431, "the request's header is too large")
        return parse_head(block[:-4])

    async def _serve(self, head: Head) -> bool:
        """Answer one request; return whether the connection goes on."""
        if rpc.is_rpc(head):
            return await self._serve_rpc(head)
        if "transfer-encoding" in head.headers:
            raise HttpError(403, "a chunked body is not accepted here")
        action = http_registry.route(head.method, head.path)
        if action is None:
            if head.method not in http_registry.METHODS:
                raise HttpError(501, f"unknown method {head.method}")
            raise HttpError(403, f"there is nothing at {head.path}")
        return await self._handle(action, head)

    async def _serve_rpc(self, head: Head) -> bool:
        length = head.content_length
        if length is None or length > rpc.MAX_BODY:
            raise HttpError(500, "the body is missing or too large")
        body = await self._reader.readexactly(length)
        content_type, reply = await rpc.answer(self._app, _with_agent(self._origin, head), head, body)
        answer = Reply(self._reader, self._writer, head.keep_alive)
        await answer.finish(200, {"Content-Type": content_type, **_cors()}, reply)
        return answer.keep_alive

    async def _handle(self, action: HttpAction, head: Head) -> bool:
        length = head.content_length
        has_body = head.method in ("PUT", "POST")
        request = Request(
            head.method,
            head.path,
            parse_query(head.target),
            head.headers,
            parse_cookies(head.headers.get("cookie", "")),
            head.version,
            BodyReader(self._reader, length if has_body else 0),
            length,
            _with_agent(self._origin, head),
        )
        reply = Reply(self._reader, self._writer, head.keep_alive and not (has_body and length is None), version=head.version)
        ctx = Context(self._app, request.origin, name=f"http/{action.name}")
        async with _authenticated(ctx, action, request):
            await _run_handler(ctx, action, request, reply)
        if request.body.unread != 0:
            reply.keep_alive = False
            if not reply.taken:
                await _let_go(self._writer, request.body)
        return reply.keep_alive and not reply.taken


async def _let_go(writer: asyncio.StreamWriter, body: BodyReader) -> None:
    """Say that nothing more comes, then read what is still on its way: closing at once would make the kernel drop the
    answer together with the unread body.
    """
    with contextlib.suppress(ConnectionError, TimeoutError):
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(DRAIN_LIMIT):
            left = DRAIN_BYTES
            while left > 0 and (data := await body.read()):
                left -= len(data)


def _cors() -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "X-Requested-With",
        "Cache-Control": "no-cache, no-store",
    }


@contextlib.asynccontextmanager
async def _authenticated(ctx: Context, action: HttpAction, request: Request) -> AsyncIterator[None]:
    """Find out who asks; a session made for Basic authentication ends with the block.

    Order: session, pool secret, Basic. Without any: 401. :raises HttpError: 401, 403.
    """
    if not action.rbac_check:
        yield
        return
    sessions = ctx.app.sessions
    made = NULL_REF
    session = request.parameter("session_id")
    secret = request.parameter("pool_secret")
    basic = request.headers.get("authorization", "")
    try:
        if session:
            await gate.session_known(ctx, session)
            sessions.check(session)
            ctx.session = session
        elif request.origin.local_root:
            made = ctx.session = sessions.create(request.origin, superuser=True)
        elif secret:
            if secret != pool_secret(ctx.app):
                raise _unauthorised(action)
            made = ctx.session = sessions.create(request.origin, superuser=True, pool=True)
        elif basic.lower().startswith("basic "):
            made = ctx.session = await _basic_login(ctx, action, basic[6:])
        else:
            raise _unauthorised(action)
        assert_http_permitted(ctx, action.name)
        yield
    except XenAPIError as reason:
        _fail_given_task(ctx, request, reason)
        if reason.code == "RBAC_PERMISSION_DENIED":
            raise HttpError(403, _text(reason)) from reason
        if reason.code == "SESSION_INVALID":
            raise _unauthorised(action) from reason
        raise HttpError(500, _text(reason)) from reason
    finally:
        if made != NULL_REF:
            sessions.destroy(made)


def _unauthorised(action: HttpAction) -> HttpError:
    return HttpError(401, "log in first", {"WWW-Authenticate": f'Basic realm="{action.name}"'})


def _text(reason: XenAPIError) -> str:
    return f"{reason.code}: [ {'; '.join(reason.params)} ]"


async def _basic_login(ctx: Context, action: HttpAction, encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unauthorised(action) from None
    if not await local_user(ctx.app, user, password):
        await login_failed(ctx, user)
        raise _unauthorised(action)
    return ctx.app.sessions.create(ctx.origin, superuser=True, user_name=user, originator="http Basic auth")


def _fail_given_task(ctx: Context, request: Request, reason: XenAPIError) -> None:
    task = request.parameter("task_id")
    if task and ctx.db.exists("task", task):
        ctx.app.tasks.fail(task, reason)


NO_TASK = frozenset(
    {
        "get_root", "post_cli", "rrd_updates", "vm_rrd", "host_rrd", "sr_rrd", "get_vm_rrds", "get_host_rrds", "get_blob",
        "connect_console", "connect_console_ws", "post_remote_db_access_v2",
    }
)  # fmt: skip
"""Handlers whose requests have no task row of their own."""


async def _run_handler(ctx: Context, action: HttpAction, request: Request, reply: Reply) -> None:
    """Run a handler under the client's task, or one made for the request."""
    handler = http_registry.handler(action.name)
    assert handler is not None
    task = request.parameter("task_id")
    if task:
        if not ctx.db.exists("task", task):
            raise HttpError(400, "the task does not exist")
        ctx.task = task
        ctx.app.tasks.adopt(ctx)
    elif action.name not in NO_TASK:
        ctx.task = ctx.app.tasks.create(ctx, f"{request.method} {request.path}")
    try:
        result = await handler(ctx, request, reply)
        await ctx.db.durable()
        if ctx.has_task:
            ctx.app.tasks.succeed(ctx.task, result or "")
    except (HttpError, ConnectionError, XenAPIError) as reason:
        await _handler_failed(ctx, reply, reason)
    except asyncio.CancelledError:
        if ctx.has_task:
            ctx.app.tasks.fail(ctx.task, XenAPIError("TASK_CANCELLED", [ctx.task]))
        raise
    except Exception as reason:
        # The top of a request.
        await _handler_failed(ctx, reply, as_api_error(ctx, reason))
    finally:
        if not task and ctx.has_task:
            ctx.app.tasks.forget(ctx.task)


async def _handler_failed(ctx: Context, reply: Reply, reason: Exception) -> None:
    api_error = reason if isinstance(reason, XenAPIError) else XenAPIError("INTERNAL_ERROR", [str(reason)])
    if ctx.has_task:
        ctx.app.tasks.fail(ctx.task, api_error)
    reply.keep_alive = False
    if isinstance(reason, ConnectionError):
        raise reason
    if not reply.started:
        raise reason if isinstance(reason, HttpError) else HttpError(500, _text(api_error)) from reason


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
