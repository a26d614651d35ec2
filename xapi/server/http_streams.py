"""A connection that carries more than XenAPI calls: uploads, downloads, consoles; and calls, if the client mixes them."""

import asyncio
import contextlib
import logging
import ssl

from xapi.datamodel.model import HttpAction
from xapi.server import http_registry, rpc
from xapi.server.context import App, Context, Origin
from xapi.server.http_login import authenticated
from xapi.server.http_tasks import run_handler
from xapi.server.http_types import (
    BodyReader,
    Head,
    HttpError,
    Reply,
    Request,
    error_page,
    head_limit,
    parse_cookies,
    parse_head,
    parse_query,
    with_agent,
)

log = logging.getLogger(__name__)

DRAIN_LIMIT = 5.0
DRAIN_BYTES = 64 << 20


class Streams:
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
            self._writer.write(error_page(error))
            await _let_go(self._writer, BodyReader(self._reader, None))
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError) as error:
            log.debug("connection from %s dropped: %s", self._origin.address, error)
        except Exception:
            # The top of a request; nothing of it goes out.
            log.exception("a request from %s failed", self._origin.address)
            self._writer.write(error_page(HttpError(500, "the server failed; its log says why")))
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
        if len(block) > head_limit(self._app, self._origin):
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
        content_type, reply = await rpc.answer(self._app, with_agent(self._origin, head), head, body)
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
            with_agent(self._origin, head),
        )
        reply = Reply(self._reader, self._writer, head.keep_alive and not (has_body and length is None), version=head.version)
        ctx = Context(self._app, request.origin, name=f"http/{action.name}")
        async with authenticated(ctx, action, request):
            await run_handler(ctx, action, request, reply)
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
