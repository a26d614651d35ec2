"""Connections to xapi: which transport for which server, and the framed channel that carries a command.

The default server is this machine's Unix socket, then plain TCP. Any other name is TLS (nobody vouches for the
certificate, as pools sign their own: `known_hosts` remembers it) unless --nossl. Second connections for files and
consoles go the way the command went; a URL that names a host goes to that host.
"""

import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from idl import cli
from xe.errors import ClientError, ConnectFailed, ConnectionLost
from xe.options import Invocation

LOCAL_SOCKET: Final = "/var/lib/xcp/xapi"
HTTP_PORT: Final = 80
TLS_PORT: Final = 443
BLOCK: Final = 65536
SOCKET_PATH_LIMIT: Final = 108


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection goes: a Unix socket, or TCP, or the first and, if nobody listens there, the second."""

    unix: str | None = None
    host: str | None = None
    port: int = HTTP_PORT
    tls: bool = False


def target(invocation: Invocation) -> Target:
    """The way to the server of an invocation."""
    if not invocation.is_local:
        port = invocation.port or (TLS_PORT if invocation.tls else HTTP_PORT)
        return Target(host=invocation.server.removeprefix("[").removesuffix("]"), port=port, tls=invocation.tls)
    if invocation.root is None:
        return Target(unix=LOCAL_SOCKET, host=invocation.server, port=invocation.port or HTTP_PORT)
    # Port 80 of this machine is some other host's: only a port given on purpose is tried for a host in a folder.
    unix = invocation.root.rstrip("/") + LOCAL_SOCKET
    return Target(unix=unix, host=invocation.server if invocation.port else None, port=invocation.port or HTTP_PORT)


def target_of_url(command: Target, url: str) -> tuple[Target, str]:
    """Where a transfer's URL points, and its path: a full URL names a host, anything else is the command's server."""
    if not url.startswith(("https://", "http://")):
        return command, url
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not parts.hostname:
        return command, path
    if command.host is not None and not command.tls and command.unix is None:
        # The user said --nossl: the port given belongs to that server, the others listen where they all do.
        return replace(command, host=parts.hostname, port=parts.port or command.port), path
    return Target(host=parts.hostname, port=parts.port or TLS_PORT, tls=True), path


def connect(where: Target) -> socket.socket:
    """A connected stream; a TLS server's certificate is checked against the one seen before. Raises ClientError."""
    if where.unix is not None:
        try:
            return _connect_unix(where.unix)
        except OSError as error:
            if where.host is None:
                raise ConnectFailed(error) from error
    assert where.host is not None
    plain = _connect_tcp(where.host, where.port)
    return _wrap_tls(plain, f"{where.host}:{where.port}") if where.tls else plain


def _connect_unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if len(os.fsencode(path)) < SOCKET_PATH_LIMIT:
            connection.connect(path)
        else:
            _connect_deep(connection, path)
    except OSError:
        connection.close()
        raise
    return connection


def _connect_deep(connection: socket.socket, path: str) -> None:
    """Connects to a socket whose path does not fit into an address: by its folder's descriptor."""
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def _connect_tcp(host: str, port: int) -> socket.socket:
    try:
        connection = socket.create_connection((host, port))
    except socket.gaierror as error:
        raise ClientError(f"Host '{host}' not found.") from error
    except OSError as error:
        raise ConnectFailed(error) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _wrap_tls(plain: socket.socket, server: str) -> socket.socket:
    import ssl  # a third of the client's start-up time, and a local command needs none of it

    from xe import known_hosts

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        wrapped = context.wrap_socket(plain)
    except OSError as error:
        plain.close()
        raise ClientError("Unable to contact server. Please check server and port settings.") from error
    try:
        known_hosts.of_user().check(server, wrapped.getpeercert(binary_form=True) or b"")
    except ClientError:
        wrapped.close()
        raise
    return wrapped


class Channel:
    """The connection of one command: messages in, messages and raw bytes out.

    Every failure of the transport is a ConnectionLost, every malformed frame a cli.ProtocolError.
    """

    def __init__(self, connection: socket.socket, request: bytes) -> None:
        """Sends the request and shakes hands. Raises ClientError if nobody there speaks our protocol."""
        self._connection = connection
        self._decoder = cli.Decoder()
        self._ready: deque[cli.Message | cli.Data] = deque()
        with suppress(ConnectionLost):  # a server that refuses a request may not read all of it; what it says counts
            self.send_raw(request)
        self.version = _check_version(self._read_handshake())
        self.send_raw(cli.handshake())

    def send(self, *messages: cli.Message) -> None:
        self.send_raw(b"".join(map(cli.encode, messages)))

    def send_raw(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ConnectionLost from error

    def receive(self, before_waiting: Callable[[], None]) -> cli.Message | cli.Data:
        """The next message; `before_waiting` is called whenever none has arrived yet."""
        while not self._ready:
            before_waiting()
            data = self._receive(BLOCK)
            if not data:
                raise ConnectionLost
            self._decoder.feed(data)
            self._ready.extend(self._decoder)
        return self._ready.popleft()

    def _receive(self, size: int) -> bytes:
        try:
            return self._connection.recv(size)
        except OSError as error:
            raise ConnectionLost from error

    def _read_handshake(self) -> bytes:
        received = b""
        while len(received) < cli.HANDSHAKE_SIZE:
            data = self._receive(cli.HANDSHAKE_SIZE - len(received))
            if not data:
                break
            received += data
        return received


def _check_version(answer: bytes) -> cli.Version:
    """The server's version, from the first bytes that it sent (all of them, if it closed early)."""
    if not answer:
        raise ClientError("Unable to contact server. Please check server and port settings.")
    if answer.startswith(b"HTTP"):
        raise ClientError("Server internal error.")
    if len(answer) < cli.HANDSHAKE_SIZE and cli.MAGIC.startswith(answer[: len(cli.MAGIC)]):
        raise ConnectionLost
    try:
        version = cli.parse_handshake(answer)
    except cli.ProtocolError as error:
        raise ClientError(
            "No management agent answers at this address.\nPlease check the server and port settings.", usage=True
        ) from error
    if version.major != cli.MAJOR:
        raise ClientError(
            f"Protocol version mismatch: the server speaks {version.major}.{version.minor}, this client {cli.MAJOR}.{cli.MINOR}",
            usage=True,
        )
    return version
