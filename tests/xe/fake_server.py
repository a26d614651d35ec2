"""A scripted xapi for the client's tests: real sockets, one function per connection, a dialogue in each.

The functions are called in the order in which connections arrive; whatever they assert fails the test.
"""

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idl import cli

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self.connection = connection
        self._decoder = cli.Decoder()
        self._received: list[cli.Message | cli.Data] = []
        self._bytes = b""

    def read_head(self) -> list[str]:
        """The lines of an HTTP header."""
        while b"\r\n\r\n" not in self._bytes:
            data = self.connection.recv(65536)
            assert data, "the client closed within the header"
            self._bytes += data
        head, _, self._bytes = self._bytes.partition(b"\r\n\r\n")
        return head.decode().split("\r\n")

    def read_exactly(self, size: int) -> bytes:
        while len(self._bytes) < size:
            data = self.connection.recv(65536)
            assert data, "the client closed too early"
            self._bytes += data
        data, self._bytes = self._bytes[:size], self._bytes[size:]
        return data

    def read_to_end(self) -> bytes:
        data, self._bytes = self._bytes, b""
        while piece := self.connection.recv(65536):
            data += piece
        return data

    def read_request(self) -> list[str]:
        """The arguments of the command, handshake not yet made."""
        head = self.read_head()
        assert head[0] == "POST /cli HTTP/1.0"
        (length,) = [int(line.split(": ")[1]) for line in head if line.lower().startswith("content-length: ")]
        return self.read_exactly(length).decode("utf-8", "surrogateescape").split("\n")

    def greet(self) -> list[str]:
        """Reads the request and shakes hands; the arguments."""
        arguments = self.read_request()
        self.connection.sendall(cli.handshake())
        assert self.read_exactly(35) == cli.handshake()
        return arguments

    def say(self, *messages: cli.Message) -> None:
        self.connection.sendall(b"".join(map(cli.encode, messages)))

    def hear(self) -> cli.Message | cli.Data:
        while not self._received:
            data = self._bytes or self.connection.recv(65536)
            self._bytes = b""
            assert data, "the client closed where a message was due"
            self._decoder.feed(data)
            self._received += self._decoder
        return self._received.pop(0)

    def hear_blob(self) -> bytes:
        """One chunk with its bytes, and the end."""
        chunk = self.hear()
        assert isinstance(chunk, cli.Chunk)
        data = b""
        while len(data) < chunk.size:
            piece = self.hear()
            assert isinstance(piece, cli.Data)
            data += piece.data
        assert self.hear() == cli.End()
        return data


Script = Callable[[Peer], None]


@dataclass
class FakeServer:
    """Serves scripts on an already bound listening socket."""

    listener: socket.socket
    scripts: Sequence[Script]
    certificate: Path | None = None
    failures: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> "FakeServer":
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._accepting.join(PATIENCE)
        self.listener.close()
        if self.failures:
            raise self.failures[0]

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def _accept(self) -> None:
        conversations = []
        for script in self.scripts:
            try:
                connection, _ = self.listener.accept()
            except OSError as error:
                self.failures.append(error)
                break
            conversations.append(threading.Thread(target=self._converse, args=(connection, script)))
            conversations[-1].start()
        for conversation in conversations:
            conversation.join(PATIENCE)

    def _converse(self, connection: socket.socket, script: Script) -> None:
        try:
            if self.certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                script(Peer(connection))
        except BaseException as error:
            self.failures.append(error)


def unix_server(root: Path, *scripts: Script) -> FakeServer:
    """A host in a folder."""
    path = root / "var/lib/xcp/xapi"
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return FakeServer(listener, scripts)


def tcp_server(*scripts: Script, certificate: Path | None = None) -> FakeServer:
    return FakeServer(socket.create_server(("127.0.0.1", 0)), scripts, certificate)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: bytes
    err: str


Run = Callable[..., Outcome]
"""The type of the fixture `run`."""


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(REPOSITORY), **(extra or {})}


def xe(*arguments: str, home: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"", cwd: Path | None = None) -> Outcome:
    """Runs the client as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "xe", *arguments],
        input=stdin,
        capture_output=True,
        env=environment(home, env),
        cwd=cwd or home,
        timeout=PATIENCE,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode())
