"""``/console``: a guest's screen or serial line through this connection, raw (CONNECT) or as a WebSocket (GET)."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Upgrade
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from idl.paths import short_path
from idl.xenops import Console
from xapi import errors
from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request
from xapi.server.sessions import assert_http_permitted
from xapi.transfer.relay import Peer, Quiet, StreamPeer, is_rfb_activity, relay

_WIRE_NAME = {"rfb": "Rfb", "vt100": "Vt100"}
_OPEN: dict[str, list[str]] = {}
"""Who looks at which VM's consoles through this process: VM ref -> user names. References are unique, so no app is named."""


def find_console(ctx: Context, request: Request) -> tuple[str, str]:
    """Return (VM, protocol) of what ``ref`` or ``uuid`` names: a console, or a VM (its screen).

    :raises HttpError: 400 without a name, 404 where nothing has it.
    """
    ref, uuid = request.query.get("ref"), request.query.get("uuid")
    if not ref and not uuid:
        raise HttpError(400, "one of the parameters ref and uuid is needed")
    for cls in ("VM", "console"):
        for found in [ref] if ref else ctx.db.where(cls, uuid=uuid):
            if not ctx.db.exists(cls, found):
                continue
            if cls == "console":
                return ctx.db.get("console", found, "VM"), ctx.db.get("console", found, "protocol")
            return found, "rfb"
    raise HttpError(404, "there is no such console")


def _assert_permitted(ctx: Context, vm: str, handler: str, of_a_host: str) -> None:
    """Consoles of control domains demand a permission of their own."""
    if ctx.db.get("VM", vm, "is_control_domain"):
        assert_http_permitted(ctx, handler, of_a_host)


async def _locate(ctx: Context, vm: str, protocol: str) -> Console:
    """Ask the domain manager where the console is. :raises HttpError: 404, it has none of that protocol."""
    state, host = ctx.db.get("VM", vm, "power_state"), ctx.db.get("VM", vm, "resident_on")
    if state not in ("Running", "Paused"):
        raise errors.vm_bad_power_state(vm, "running", state.lower())
    if host != ctx.app.localhost:
        raise errors.vm_not_resident_here(vm, ctx.app.localhost)
    _, live = await ctx.services.xenops.vm_stat(ctx.dbg, ctx.db.get("VM", vm, "uuid"))
    for console in live.consoles:
        if console.protocol == _WIRE_NAME.get(protocol) and (console.path or console.port):
            return console
    raise HttpError(404, f"the VM has no {protocol} console")


async def _connect(console: Console) -> Peer:
    try:
        if console.path:
            with short_path(Path(console.path)) as name:
                return StreamPeer(*await asyncio.open_unix_connection(name))
        return StreamPeer(*await asyncio.open_connection("127.0.0.1", console.port))
    except OSError as reason:
        raise HttpError(404, f"the console does not answer: {reason}") from reason


def _is_limited(ctx: Context) -> bool:
    return any(row.values["limit_console_sessions"] for row in ctx.db.rows("pool"))


def _user(ctx: Context) -> str:
    if not ctx.db.exists("session", ctx.session):
        return "root"
    name: str = ctx.db.get("session", ctx.session, "auth_user_name")
    return name or "root"


@contextlib.contextmanager
def _seat(ctx: Context, vm: str) -> Iterator[None]:
    """Count a user in. :raises HttpError: 503, only one may look and somebody does."""
    present = _OPEN.setdefault(vm, [])
    if present and _is_limited(ctx):
        raise HttpError(503, f"Connection Limit Exceeded: {', '.join(present)} is connected")
    name = _user(ctx)
    present.append(name)
    try:
        yield
    finally:
        present.remove(name)
        if not present:
            _OPEN.pop(vm, None)


def _quiet(ctx: Context, vm: str, protocol: str) -> Quiet:
    """Return how long the console may be left alone before it is closed; 0 seconds: for ever."""
    if ctx.db.get("VM", vm, "is_control_domain"):
        seconds = ctx.db.get("host", ctx.app.localhost, "console_idle_timeout")
    else:
        seconds = max((row.values["vm_console_idle_timeout"] for row in ctx.db.rows("pool")), default=0)
    return Quiet(float(seconds), is_rfb_activity if protocol == "rfb" else bool)


@serves("connect_console")
async def connect_console(ctx: Context, request: Request, reply: Reply) -> str | None:
    """After the answer's head the connection is the console's, byte by byte."""
    vm, protocol = find_console(ctx, request)
    _assert_permitted(ctx, vm, "connect_console", "host_console")
    with _seat(ctx, vm):
        console = await _connect(await _locate(ctx, vm, protocol))
        user = StreamPeer(*await reply.take_over())
        await user.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nCache-Control: no-cache, no-store\r\n\r\n")
        await relay(user, console, _quiet(ctx, vm, protocol))
    return None


class WebSocketPeer:
    """A WebSocket's messages as one stream of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._protocol = Protocol(Side.SERVER, max_size=1 << 20)
        self._reader, self._writer = reader, writer

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> bytes:
        while self._protocol.state is State.OPEN:
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                return b""
            if not data:
                return b""
            self._protocol.receive_data(data)
            # Pings, closing handshakes and protocol errors are answered here.
            await self._flush()
            payload = b"".join(
                bytes(event.data)
                for event in self._protocol.events_received()
                if isinstance(event, Frame) and event.opcode in _DATA
            )
            if payload:
                return payload
        return b""

    async def write(self, data: bytes) -> None:
        self._protocol.send_binary(data)
        await self._flush()

    def close(self) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close()
            for data in self._protocol.data_to_send():
                if data:
                    self._writer.write(data)
        self._writer.close()


_DATA = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)


def _binary(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take ``binary`` where it is offered; a client that offers nothing gets no sub-protocol."""
    return next((name for name in offered if name == "binary"), None)


def _handshake(request: Request) -> bytes:
    """Return the answer to the opening handshake. :raises HttpError: 501, it is none."""
    handshake = ServerProtocol(select_subprotocol=_binary)
    response = handshake.accept(Upgrade(request.path, Headers(request.headers.items())))
    if response.status_code != 101:
        raise HttpError(501, "not a WebSocket handshake")
    return response.serialize()


@serves("connect_console_ws")
async def connect_console_ws(ctx: Context, request: Request, reply: Reply) -> str | None:
    """As a WebSocket with sub-protocol ``binary``: browsers use ``console.location`` as it is."""
    if _is_limited(ctx):
        raise HttpError(503, "Connection Limit Exceeded: consoles of this pool are not shown in browsers")
    vm, protocol = find_console(ctx, request)
    _assert_permitted(ctx, vm, "connect_console_ws", "host_console_ws")
    answer = _handshake(request)
    with _seat(ctx, vm):
        console = await _connect(await _locate(ctx, vm, protocol))
        reader, writer = await reply.take_over()
        writer.write(answer)
        user = WebSocketPeer(reader, writer)
        await relay(user, console, _quiet(ctx, vm, protocol))
    return None
