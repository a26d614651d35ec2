"""The one JSON-RPC-over-named-Unix-socket transport of the toolstack.

An interface is a :class:`typing.Protocol` whose async methods carry ``@wire("Class.method")``. A daemon
implements it and hands the object to :func:`serve`; a caller gets a typed proxy from :func:`client`.

On the wire each call is an HTTP/1.1 POST with a JSON-RPC 1.0 body whose ``params`` is one object with the
named parameters; an error is a variant, ``"Name"`` or ``["Name", argument]`` or ``["Name", [a, b]]``.
Variants of typed values are ``msgspec`` tagged ``array_like`` structs, which have the same shape.
A server may also answer plain HTTP requests (metrics) through *http*.
"""

import asyncio
import contextlib
import functools
import inspect
import logging
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from idl.paths import short_path

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
MAX_HEAD = 64 * 1024

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
T = TypeVar("T")


class RpcError(Exception):
    """An error a daemon answers: a variant name and its parameters, e.g. ``Does_not_exist("VM", uuid)``."""

    def __init__(self, name: str, *params: Any) -> None:
        super().__init__(name, *params)
        self.name = name
        self.params = list(params)

    def __str__(self) -> str:
        return f"{self.name}{self.params}" if self.params else self.name


class Unreachable(ConnectionError):
    """The daemon's socket could not be connected to, or it went away during a call."""


def wire(name: str) -> Callable[[F], F]:
    """Mark an interface method with its name on the wire."""

    def mark(function: F) -> F:
        function.__wire__ = name  # type: ignore[attr-defined]
        return function

    return mark


@dataclass(frozen=True, slots=True)
class _Method:
    attribute: str
    wire_name: str
    params: tuple[str, ...]
    decode_params: msgspec.json.Decoder[Any]
    decode_result: msgspec.json.Decoder[Any]


@functools.cache
def _methods(interface: type) -> Mapping[str, _Method]:
    """Read the wire methods of *interface*: attribute name -> description."""
    methods = {}
    for attribute, function in inspect.getmembers(interface, inspect.isfunction):
        wire_name = getattr(function, "__wire__", None)
        if wire_name is None:
            continue
        hints = typing.get_type_hints(function)
        fields: list[Any] = []
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            kind = hints[parameter.name]
            if parameter.default is inspect.Parameter.empty:
                fields.append((parameter.name, kind))
            else:
                fields.append((parameter.name, kind, parameter.default))
        struct = msgspec.defstruct(f"{attribute}_params", fields, kw_only=True)
        result = hints.get("return", type(None))
        methods[attribute] = _Method(
            attribute,
            wire_name,
            tuple(entry[0] for entry in fields),
            msgspec.json.Decoder(struct),
            msgspec.json.Decoder(result),
        )
    return methods


class _Call(msgspec.Struct):
    method: str
    params: msgspec.Raw = msgspec.Raw(b"[]")


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


def _encode_error(error: RpcError) -> Any:
    match error.params:
        case []:
            return error.name
        case [single]:
            return [error.name, single]
        case several:
            return [error.name, several]


def _decode_error(value: Any) -> RpcError:
    match value:
        case str(name):
            return RpcError(name)
        case [str(name), [*several]]:
            return RpcError(name, *several)
        case [str(name), *params]:
            return RpcError(name, *params)
        case _:
            return RpcError("Unknown_error", str(value))


@dataclass(slots=True)
class HttpRequest:
    """A plain HTTP request to a daemon's socket: method, path, raw query string, headers, body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class HttpResponse:
    """A daemon's answer to a plain HTTP request; *body* is sent whole with its Content-Length."""

    status: int = 200
    reason: str = "OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


HttpHandler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class _Connection:
    """Serve one accepted connection: requests in order, one at a time, until the peer closes."""

    def __init__(self, methods: Mapping[str, tuple[_Method, Any]], http: HttpHandler | None) -> None:
        self._methods = methods
        self._http = http

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await self._read(reader)
                if request is None:
                    return
                response = await self._answer(request)
                writer.write(_render(response))
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            log.debug("connection dropped: %s", error)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> HttpRequest | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as partial:
            if partial.partial:
                raise
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            if line:
                key, _, value = line.partition(":")
                headers[key.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise ValueError(f"body of {length} bytes refused")
        body = await reader.readexactly(length) if length else b""
        path, _, query = target.partition("?")
        return HttpRequest(method, path, query, headers, body)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.path == "/":
            return HttpResponse(headers={"Content-Type": "application/json"}, body=await self._call(request.body))
        if self._http is not None:
            return await self._http(request)
        return HttpResponse(404, "Not Found")

    async def _call(self, body: bytes) -> bytes:
        try:
            call = msgspec.json.decode(body, type=_Call)
            found = self._methods.get(call.method)
            if found is None:
                raise RpcError("Unimplemented", call.method)
            method, function = found
            raw = bytes(call.params).strip()
            if raw in (b"[]", b"null"):
                raw = b"[{}]"
            try:
                # params is a list with one object: the named parameters.
                params = method.decode_params.decode(raw[1:-1] if raw[:1] == b"[" else raw)
            except msgspec.DecodeError as error:
                raise RpcError("Internal_error", f"{call.method}: {error}") from error
            result = await function(**{name: getattr(params, name) for name in method.params})
            return b'{"result":' + msgspec.json.encode(result) + b',"error":null,"id":0}'
        except RpcError as error:
            return _failure(error)
        except msgspec.DecodeError as error:
            return _failure(RpcError("Internal_error", f"not a JSON-RPC call: {error}"))
        except Exception as error:
            # The top of a request: the unexpected becomes an answer here, and only here.
            log.exception("call failed: %s", body[:200])
            return _failure(RpcError("Internal_error", f"{type(error).__name__}: {error}"))


def _failure(error: RpcError) -> bytes:
    return b'{"result":null,"error":' + msgspec.json.encode(_encode_error(error)) + b',"id":0}'


def _render(response: HttpResponse) -> bytes:
    headers = "".join(f"{key}: {value}\r\n" for key, value in response.headers.items())
    head = f"HTTP/1.1 {response.status} {response.reason}\r\n{headers}Content-Length: {len(response.body)}\r\n\r\n"
    return head.encode("latin-1") + response.body


@contextlib.asynccontextmanager
async def serve(socket_path: Path, *implementations: tuple[type, object], http: HttpHandler | None = None) -> AsyncIterator[None]:
    """Serve the (interface, implementation) pairs on a Unix socket while the block runs.

    Missing parent directories are made; a stale socket file is replaced. Calls that are running when the block
    ends are cancelled.
    """
    methods: dict[str, tuple[_Method, Any]] = {}
    for interface, implementation in implementations:
        for method in _methods(interface).values():
            methods[method.wire_name] = (method, getattr(implementation, method.attribute))
    socket_path.parent.mkdir(parents=True, exist_ok=True)
    socket_path.unlink(missing_ok=True)
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            # Cancelled only by the end of serve(): the stream server would log that as a failure.
            with contextlib.suppress(asyncio.CancelledError):
                await _Connection(methods, http).run(reader, writer)
        finally:
            connections.discard(task)

    with short_path(socket_path) as bindable:
        server = await asyncio.start_unix_server(accept, bindable, limit=MAX_HEAD, backlog=128)
    socket_path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        socket_path.unlink(missing_ok=True)


class Connector:
    """Connections to one daemon's socket: kept open, one call at a time each, reopened when the daemon restarts."""

    def __init__(self, socket_path: Path, patience: float) -> None:
        self._path = socket_path
        self._patience = patience
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, body: bytes) -> bytes:
        """Send one POST and return the body of its answer.

        :raises Unreachable: no daemon within *patience* seconds, or it went away before it answered (the call may have
            been carried out).
        """
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        # One turn of the loop, so that the end of a daemon that has died is seen before its connection is used again.
        await asyncio.sleep(0)
        while self._idle:
            reader, writer = self._idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                continue
            return await self._on(reader, writer, head + body)
        reader, writer = await self._connect()
        return await self._on(reader, writer, head + body)

    async def _on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
        try:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = _content_length(answer)
            body = await reader.readexactly(length)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            writer.close()
            raise Unreachable(f"{self._path} went away during a call") from error
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return body

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        deadline = asyncio.get_running_loop().time() + self._patience
        pause = 0.02
        while True:
            try:
                with short_path(self._path) as name:
                    return await asyncio.open_unix_connection(name, limit=MAX_HEAD)
            except (FileNotFoundError, ConnectionError) as error:
                # Nobody listens: the daemon is (re)starting. There is no event for that to wait on.
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise Unreachable(f"{self._path}: {error}") from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise ConnectionError("answer without a length")


class _Proxy:
    def __init__(self, connector: Connector, methods: Mapping[str, _Method]) -> None:
        self._connector = connector
        self._methods = methods
        self._id = 0

    def __getattr__(self, attribute: str) -> Any:
        try:
            method = self._methods[attribute]
        except KeyError:
            raise AttributeError(attribute) from None

        async def call(*args: Any, **kwargs: Any) -> Any:
            named = dict(zip(method.params, args, strict=False)) | kwargs
            self._id += 1
            body = msgspec.json.encode({"method": method.wire_name, "params": [named], "id": self._id})
            reply = msgspec.json.decode(await self._connector.exchange(body), type=_Reply)
            if reply.error is not None:
                raise _decode_error(reply.error)
            return method.decode_result.decode(reply.result)

        setattr(self, attribute, call)
        return call

    def close(self) -> None:
        self._connector.close()


def client(interface: type[T], socket_path: Path, patience: float = 10.0) -> T:
    """Return a typed proxy for the daemon that serves *interface* on *socket_path*.

    Calls raise :class:`RpcError` for what the daemon answers, :class:`Unreachable` where there is no answer.
    *patience*: seconds to wait for a daemon that is not (yet) listening.
    """
    protocol: type = interface
    return cast(T, _Proxy(Connector(socket_path, patience), _methods(protocol)))
