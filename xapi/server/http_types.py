"""What HTTP handlers are given: a request whose body is a stream, and a reply to write."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qsl, unquote

from xapi.server.context import App, Context, Origin

BLOCK = 65536
STREAM_HEAD = 65536
FRAME = b"FRAME "
FRAME_SIZE = len(FRAME) + 12


class HttpError(Exception):
    """A request that gets an HTTP status and a small page, not a XenAPI answer."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text
        self.headers = dict(headers or {})


REASONS = {
    101: "Switching Protocols", 200: "OK", 301: "Moved Permanently", 302: "Found", 400: "Bad Request", 401: "Unauthorised",
    403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 413: "Payload Too Large",
    431: "Request Header Fields Too Large", 500: "Internal Error", 501: "Method Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


PAGE = (
    "<html><body><h1>{status} {text}</h1>Your request could not be served. Additional information:"
    "<pre>{detail}</pre></body></html>"
)


def error_page(error: HttpError) -> bytes:
    """Return a whole answer that says what was wrong and closes the connection."""
    reason = REASONS.get(error.status, "Error")
    body = PAGE.format(status=error.status, text=reason, detail=escape(error.text)).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
    return (
        f"HTTP/1.1 {error.status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{more}"
        "Cache-Control: no-cache, no-store\r\nConnection: close\r\n\r\n"
    ).encode() + body


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of a request: everything before its body."""

    method: str
    target: str
    version: str
    headers: dict[str, str]
    """Names in lower case; of repeated headers the first."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def content_length(self) -> int | None:
        """:raises HttpError: 400, it is not a number."""
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 19:
            raise HttpError(400, "Content-Length is not a number")
        return int(text)

    @property
    def keep_alive(self) -> bool:
        wanted = self.headers.get("connection", "").lower()
        return "keep-alive" in wanted if self.version == "1.0" else "close" not in wanted


def parse_head(block: bytes) -> Head:
    """Parse a request's head (without the final empty line). :raises HttpError: 400."""
    if block.startswith(FRAME):
        # Another xapi tells the head's length beforehand; we find its end without.
        block = block[FRAME_SIZE:]
    lines = block.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/") or not parts[0].isalpha():
        raise HttpError(400, "the request line is not HTTP")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(400, "a header line has no name")
        headers.setdefault(name.lower(), value.strip())
    return Head(parts[0], parts[1], parts[2][5:], headers)


def with_agent(origin: Origin, head: Head) -> Origin:
    """Return the connection's origin with what this request says of its client."""
    return Origin(
        origin.local_root,
        origin.address,
        head.headers.get("user-agent", ""),
        head.headers.get("originator", ""),
        origin.encrypted,
    )


def parse_query(target: str) -> dict[str, str]:
    """Return the query's pairs; commas stay, of repeated keys the first counts."""
    pairs: dict[str, str] = {}
    for key, value in parse_qsl(target.partition("?")[2], keep_blank_values=True):
        pairs.setdefault(key, value)
    return pairs


def parse_cookies(text: str) -> dict[str, str]:
    """Return the cookies' pairs, separated by ``;`` or (where there is none) ``&``."""
    pairs: dict[str, str] = {}
    for part in text.split(";" if ";" in text else "&"):
        key, equals, value = part.partition("=")
        if equals:
            pairs.setdefault(unquote(key.strip()), unquote(value.strip()))
    return pairs


def head_limit(app: App, origin: Origin) -> int:
    """Return how many bytes a request's head may have; ``/etc/xapi.conf`` key ``max_header_length_tcp``."""
    # Browsers with a few cookies need more than the original's 1024. Root on the local socket needs no rein.
    return STREAM_HEAD if origin.local_root else app.config.integer("max_header_length_tcp", 8192)


class BodyReader:
    """A request's body, read as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, length: int | None) -> None:
        self._reader = reader
        self._left = length

    async def read(self, limit: int = BLOCK) -> bytes:
        """Return up to *limit* bytes, ``b""`` at the end.

        :raises ConnectionError: the peer went away before the announced length.
        """
        if self._left == 0:
            return b""
        data = await self._reader.read(limit if self._left is None else min(limit, self._left))
        if self._left is not None:
            if not data:
                raise ConnectionError(f"the connection ended {self._left} bytes before the end of the body")
            self._left -= len(data)
        return data

    async def read_all(self, most: int) -> bytes:
        """Return the whole body. :raises HttpError: 413, it has more than *most* bytes."""
        parts = []
        size = 0
        while data := await self.read():
            size += len(data)
            if size > most:
                raise HttpError(413, f"the body has more than {most} bytes")
            parts.append(data)
        return b"".join(parts)

    @property
    def unread(self) -> int | None:
        """Bytes still to come; None when nobody knows."""
        return self._left


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    cookies: dict[str, str]
    version: str
    body: BodyReader
    content_length: int | None
    origin: Origin

    def parameter(self, name: str) -> str | None:
        """Return a parameter from a cookie, else from the query."""
        return self.cookies.get(name, self.query.get(name))

    @property
    def arguments(self) -> dict[str, str]:
        """All parameters; those in cookies win."""
        return {**self.query, **self.cookies}


@dataclass(slots=True)
class Reply:
    """What a handler answers with; either :meth:`finish`, or :meth:`start` and writes, or :meth:`take_over`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    keep_alive: bool
    default_headers: dict[str, str] = field(default_factory=dict)
    started: bool = False
    taken: bool = False
    version: str = "1.1"

    async def start(self, status: int, headers: Mapping[str, str] | None = None, reason: str | None = None) -> None:
        """Send the head. Without a Content-Length the connection is closed at the end."""
        given = {**self.default_headers, **(headers or {})}
        names = {name.lower() for name in given}
        if "content-length" not in names and status != 101:
            self.keep_alive = False
        if "connection" not in names:
            given["Connection"] = "keep-alive" if self.keep_alive else "close"
        lines = [f"HTTP/1.1 {status} {reason or REASONS.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in given.items()]
        self.started = True
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        await self.writer.drain()

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def finish(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Send a whole short answer."""
        await self.start(status, {**(headers or {}), "Content-Length": str(len(body))})
        if body:
            await self.write(body)

    async def take_over(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Hand the raw connection to the handler; it is closed when the handler returns."""
        self.started = self.taken = True
        self.keep_alive = False
        return self.reader, self.writer


Handler = Callable[[Context, Request, Reply], Awaitable[str | None]]
"""Returns the task's result as an XML fragment, or None for no result."""
