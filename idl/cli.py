"""The thin-CLI protocol between ``xe`` and xapi: constants, frames, handshake and the request that opens it.

Bytes in, typed values out, and back; no I/O, so client and server share it. Integers are 4 bytes little-endian
two's complement, strings are a length and bytes. The protocol names no charset: text is UTF-8 here, and bytes that
are not survive a round trip as surrogate escapes. The one surprise: the data announced by a `Chunk` follows its frame
raw, outside any frame, which is why `Decoder` has to know about it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct
from typing import Final

MAGIC: Final = b"XenSource thin CLI protocol"
MAJOR: Final = 0
MINOR: Final = 2
USER_AGENT: Final = "xe-cli/Unix/0.2"
PATH: Final = "/cli"

TERMINAL_HEADER: Final = "terminal"
"""A request's header that only stands there if a person reads along: which of `Terminal` they can be given.

No part of the original protocol; its servers and clients do not look at it.
"""


class Terminal(StrEnum):
    """What the client's terminal can show."""

    COLOUR = "colour"
    """Standard output is a terminal that knows colours."""
    HINTS = "hints"
    """Standard error is a terminal: suggestions and progress are welcome."""


MAX_BODY: Final = 204_800
"""Bytes of arguments that the server accepts; more is answered with an HTTP error instead of the handshake."""

MAX_UPLOAD: Final = 33_554_432
"""Bytes that the server accepts in answer to one `Load` (all chunks together)."""

MAX_FRAME: Final = 256 * 1024 * 1024
"""Bytes of one frame; a longer one can only be garbage (a table of 100,000 VMs is far below)."""

HEARTBEAT_SECONDS: Final = 300.0
"""A client that copies a file or relays a console says `Wait` when this long has passed since it last did."""

_INT: Final = Struct("<i")
_ENVELOPE_COMMAND: Final = 9
_ENVELOPE_RESPONSE: Final = 10
_ENVELOPE_BLOB: Final = 11


class ProtocolError(Exception):
    """The peer sent bytes that the protocol does not allow."""


class UnknownTag(ProtocolError):
    """A well-formed frame whose envelope or message tag is not known."""

    def __init__(self, kind: str, tag: int) -> None:
        super().__init__(f"unknown {kind} tag {tag}")
        self.kind = kind
        self.tag = tag


# Commands: server to client.


@dataclass(frozen=True, slots=True)
class Print:
    """Write the text and a newline to standard output."""

    text: str


@dataclass(frozen=True, slots=True)
class PrintStderr:
    """Write the text to standard error, without a newline."""

    text: str


@dataclass(frozen=True, slots=True)
class Debug:
    """Text for whoever asked for --debug."""

    text: str


@dataclass(frozen=True, slots=True)
class Load:
    """Send the file: `Ok`, chunks, `End`; or `Failed`."""

    filename: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Read one line from the user and send it: chunks, `End` (no `Ok`)."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The command is over; `code` is the client's exit code."""

    code: int


@dataclass(frozen=True, slots=True)
class Error:
    """An API error whose code has no description."""

    code: str
    params: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpGet:
    """Download `url` on a connection of its own into `filename` (empty: standard output)."""

    filename: str
    url: str


@dataclass(frozen=True, slots=True)
class HttpPut:
    """Upload `filename` to `url` on a connection of its own."""

    filename: str
    url: str


@dataclass(frozen=True, slots=True)
class HttpConnect:
    """Relay the terminal to `url` on a connection of its own."""

    url: str


# Responses and blob headers: client to server.


@dataclass(frozen=True, slots=True)
class Ok:
    """Done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Could not be done."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Still busy; the next frame may take as long again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`size` raw bytes follow this frame."""

    size: int


@dataclass(frozen=True, slots=True)
class End:
    """No more chunks."""


@dataclass(frozen=True, slots=True)
class Data:
    """Raw bytes of a chunk, as far as they have arrived (never on the wire as a frame)."""

    data: bytes


Command = Print | PrintStderr | Debug | Load | Prompt | Exit | Error | HttpGet | HttpPut | HttpConnect
Response = Ok | Failed | Wait
Blob = Chunk | End
Message = Command | Response | Blob

_TAGS: Final[dict[type[Message], tuple[int, int]]] = {
    Print: (_ENVELOPE_COMMAND, 0),
    Load: (_ENVELOPE_COMMAND, 1),
    Prompt: (_ENVELOPE_COMMAND, 3),
    Exit: (_ENVELOPE_COMMAND, 4),
    HttpGet: (_ENVELOPE_COMMAND, 12),
    HttpPut: (_ENVELOPE_COMMAND, 13),
    Error: (_ENVELOPE_COMMAND, 14),
    Debug: (_ENVELOPE_COMMAND, 15),
    PrintStderr: (_ENVELOPE_COMMAND, 16),
    HttpConnect: (_ENVELOPE_COMMAND, 17),
    Ok: (_ENVELOPE_RESPONSE, 5),
    Failed: (_ENVELOPE_RESPONSE, 6),
    Wait: (_ENVELOPE_RESPONSE, 18),
    Chunk: (_ENVELOPE_BLOB, 7),
    End: (_ENVELOPE_BLOB, 8),
}
_BY_TAG: Final = {tags: kind for kind, tags in _TAGS.items()}
_ENVELOPES: Final = {_ENVELOPE_COMMAND: "command", _ENVELOPE_RESPONSE: "response", _ENVELOPE_BLOB: "blob"}


def text_to_bytes(text: str) -> bytes:
    """The bytes that stand for a text on the wire, on the terminal and in file names."""
    return text.encode("utf-8", "surrogateescape")


def bytes_to_text(data: bytes) -> str:
    """Inverse of `text_to_bytes`; never fails."""
    return data.decode("utf-8", "surrogateescape")


def encode(message: Message) -> bytes:
    """One frame: payload length, envelope tag, message tag, body."""
    envelope, tag = _TAGS[type(message)]
    payload = _INT.pack(envelope) + _INT.pack(tag) + _body(message)
    return _INT.pack(len(payload)) + payload


def _body(message: Message) -> bytes:
    match message:
        case Print(text) | PrintStderr(text) | Debug(text):
            return _string(text)
        case Load(filename):
            return _string(filename)
        case Exit(number) | Chunk(number):
            return _INT.pack(number)
        case Error(code, params):
            return _string(code) + _INT.pack(len(params)) + b"".join(map(_string, params))
        case HttpGet(filename, url) | HttpPut(filename, url):
            return _string(filename) + _string(url)
        case HttpConnect(url):
            return _string(url)
        case Prompt() | Ok() | Failed() | Wait() | End():
            return b""


def _string(text: str) -> bytes:
    data = text_to_bytes(text)
    return _INT.pack(len(data)) + data


class _Reader:
    """Takes typed values off the front of one payload; running out of bytes is a `ProtocolError`."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._position = 0

    def number(self) -> int:
        (value,) = _INT.unpack(self._take(4))
        return int(value)

    def string(self) -> str:
        return bytes_to_text(self._take(self.number()))

    def strings(self) -> tuple[str, ...]:
        count = self.number()
        if not 0 <= count <= len(self._payload) // 4:
            raise ProtocolError(f"a list of {count} items in a frame of {len(self._payload)} bytes")
        return tuple(self.string() for _ in range(count))

    def finish(self) -> None:
        if self._position != len(self._payload):
            raise ProtocolError(f"{len(self._payload) - self._position} bytes too many in a frame")

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if size < 0 or end > len(self._payload):
            raise ProtocolError(f"{size} bytes announced where {len(self._payload) - self._position} are left")
        piece = self._payload[self._position : end]
        self._position = end
        return piece


def decode(payload: bytes) -> Message:
    """The message in one frame (without the frame's length). Raises ProtocolError, UnknownTag."""
    reader = _Reader(payload)
    envelope = reader.number()
    if envelope not in _ENVELOPES:
        raise UnknownTag("envelope", envelope)
    tag = reader.number()
    kind = _BY_TAG.get((envelope, tag))
    if kind is None:
        raise UnknownTag(_ENVELOPES[envelope], tag)
    message = _decode_body(kind, reader)
    reader.finish()
    return message


def _decode_body(kind: type[Message], reader: _Reader) -> Message:
    if kind in (Print, PrintStderr, Debug, Load, HttpConnect):
        return kind(reader.string())
    if kind in (HttpGet, HttpPut):
        return kind(reader.string(), reader.string())
    if kind is Exit:
        return Exit(reader.number())
    if kind is Error:
        return Error(reader.string(), reader.strings())
    if kind is Chunk:
        size = reader.number()
        if size < 0:
            raise ProtocolError(f"a chunk of {size} bytes")
        return Chunk(size)
    return kind()  # type: ignore[call-arg]


class Decoder:
    """Cuts a byte stream (after the handshake) into messages, whatever the sizes of the pieces that arrive.

    A `Chunk` is followed by `Data` pieces that add up to its size. Iterating yields what is complete so far;
    call `feed` and iterate again. Raises ProtocolError; the stream is then useless.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._raw_left = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def idle(self) -> bool:
        """True between messages: the peer may close here without having cut anything short."""
        return not self._buffer and not self._raw_left

    def __iter__(self) -> Iterator[Message | Data]:
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | Data | None:
        if self._raw_left:
            return self._next_raw()
        if len(self._buffer) < 4:
            return None
        (size,) = _INT.unpack_from(self._buffer)
        if not 8 <= size <= MAX_FRAME:
            raise ProtocolError(f"a frame of {size} bytes")
        if len(self._buffer) < 4 + size:
            return None
        payload = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        message = decode(payload)
        if isinstance(message, Chunk):
            self._raw_left = message.size
        return message

    def _next_raw(self) -> Data | None:
        piece = bytes(self._buffer[: self._raw_left])
        if not piece:
            return None
        del self._buffer[: len(piece)]
        self._raw_left -= len(piece)
        return Data(piece)


HANDSHAKE_SIZE: Final = len(MAGIC) + 8


def handshake(major: int = MAJOR, minor: int = MINOR) -> bytes:
    """What each side says first (server first); not framed."""
    return MAGIC + _INT.pack(major) + _INT.pack(minor)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int

    @property
    def takes_heartbeats(self) -> bool:
        """Whether a server of this version understands `Wait`."""
        return self >= Version(0, 2)


def parse_handshake(data: bytes) -> Version:
    """The version in the peer's `HANDSHAKE_SIZE` bytes. Raises ProtocolError if it speaks something else."""
    if len(data) != HANDSHAKE_SIZE or not data.startswith(MAGIC):
        raise ProtocolError("not the thin CLI protocol")
    (major,), (minor,) = _INT.unpack(data[-8:-4]), _INT.unpack(data[-4:])
    return Version(major, minor)


def request(
    arguments: Sequence[str],
    *,
    traceparent: str | None = None,
    baggage: str | None = None,
    terminal: Sequence[Terminal] = (),
) -> bytes:
    """The HTTP request that opens a command: head and body, one argument per line."""
    body = text_to_bytes("\n".join(arguments))
    head = [f"POST {PATH} HTTP/1.0", f"User-agent: {USER_AGENT}", "originator: cli"]
    if traceparent:
        head.append(f"traceparent: {traceparent}")
    if baggage:
        head.append(f"baggage: {baggage}")
    if terminal:
        head.append(f"{TERMINAL_HEADER}: {' '.join(terminal)}")
    head += [f"content-length: {len(body)}", "", ""]
    return text_to_bytes("\r\n".join(head)) + body


@dataclass(frozen=True, slots=True)
class Request:
    """What the body of a request says."""

    arguments: tuple[str, ...]
    session: str | None = None
    """A session made by whoever forwarded the command: use it, and leave it open at the end."""


def parse_request(body: bytes) -> Request:
    """The arguments in a request's body: one per line, a carriage return at a line's end does not count."""
    lines = [line.removesuffix("\r") for line in bytes_to_text(body).split("\n")]
    if lines[0].startswith("session_id="):
        return Request(tuple(lines[1:]), session=lines[0].removeprefix("session_id="))
    return Request(tuple(lines))
