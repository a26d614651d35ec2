"""Files over a second connection: download (GET) and upload (PUT), with redirects and heartbeats.

Only HTTP/1.0 as the protocol fixes it: a GET's body ends with the stream; a PUT waits for the answer's header before it
sends its body. What counts as success is the task on the server; here it is "all bytes moved".
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SHUT_WR, socket
from typing import BinaryIO, Final

from idl import cli
from xe.connection import BLOCK, Target, connect, target_of_url
from xe.errors import TransferFailed
from xe.progress import Meter

MAX_REDIRECTS: Final = 10
MAX_HEAD: Final = 65536


class Refused(Exception):
    """The server answered with a status that is not success."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


class Broken(Exception):
    """The second connection broke off, or what came was not HTTP."""


class Heartbeat:
    """Calls `beat` from `tick` when the protocol's interval has passed since the last time."""

    def __init__(self, beat: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._beat = beat
        self._clock = clock
        self._last = clock()

    def tick(self) -> None:
        if self._clock() - self._last >= cli.HEARTBEAT_SECONDS:
            self._beat()
            self._last = self._clock()


class Remote:
    """The far end of a second connection: what it does to us is Broken, never an OSError."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._pushed_back = b""
        self.length: int | None = None
        """Bytes of the answer's body, if its header says so."""

    def fileno(self) -> int:
        return self._connection.fileno()

    @property
    def pending(self) -> bool:
        """Whether bytes are here that `select` cannot see: read with the header, or decrypted already."""
        return bool(self._pushed_back or getattr(self._connection, "pending", int)())

    def receive(self) -> bytes:
        """The next bytes; empty at the end of the stream."""
        if data := self._pushed_back:
            self._pushed_back = b""
            return data
        try:
            return self._connection.recv(BLOCK)
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error

    def push_back(self, data: bytes) -> None:
        self._pushed_back = data

    def send(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error

    def send_some(self, data: bytes) -> bytes:
        """Sends what fits now and returns the rest."""
        try:
            return data[self._connection.send(data) :]
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error

    def finish_sending(self) -> None:
        try:
            self._connection.shutdown(SHUT_WR)
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error


@contextmanager
def opened(where: Target, method: str, url: str, headers: tuple[str, ...] = ()) -> Iterator[Remote]:
    """Sends a request and yields once the server has said 200, following redirects.

    Raises Refused for any other status, Broken, and ClientError if a connection cannot be made.
    """
    for _ in range(MAX_REDIRECTS):
        where, path = target_of_url(where, url)
        with connect(where) as connection:
            remote = Remote(connection)
            lines = (f"{method} {path} HTTP/1.0", *headers, "", "")
            remote.send(cli.text_to_bytes("\r\n".join(lines)))
            status, reason, fields = _read_head(remote)
            location = fields.get("location", "")
            if status == 302 and location:
                url = location
                continue
            if status != 200:
                raise Refused(status, reason)
            length = fields.get("content-length", "")
            remote.length = int(length) if length.isascii() and length.isdigit() else None
            yield remote
            return
    raise Refused(302, "too many redirects")


def _read_head(remote: Remote) -> tuple[int, str, dict[str, str]]:
    """Status, reason and fields (names in lower case); what came after the header is pushed back."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = remote.receive()
        if not data or len(received) > MAX_HEAD:
            raise Broken("no HTTP answer")
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    remote.push_back(body)
    first, *rest = cli.bytes_to_text(head).split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise Broken("not an HTTP answer")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(words[1]), " ".join(words[2:]), fields


def download(where: Target, url: str, filename: str, stdout: BinaryIO, heartbeat: Heartbeat, meter: Meter) -> None:
    """Fetches `url` into a new file (never over an existing one), or to `stdout` if the name is empty.

    A file that could not be filled is removed again.

    Raises TransferFailed if the file cannot be made or written; Refused, Broken and ClientError as `opened`.
    """
    with opened(where, "GET", url) as remote, _local_errors(filename):
        if not filename:
            _copy_in(remote, stdout, heartbeat, meter)
            stdout.flush()
            return
        # Nobody else's file is overwritten, and nobody else may read the export of a VM.
        descriptor = os.open(filename, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _copy_in(remote, file, heartbeat, meter)
        except BaseException:
            os.unlink(filename)  # noqa: PTH108
            raise


def _copy_in(remote: Remote, file: BinaryIO, heartbeat: Heartbeat, meter: Meter) -> None:
    meter.total = left = remote.length
    try:
        while data := remote.receive():
            file.write(data)
            meter.moved(len(data))
            heartbeat.tick()
            left = None if left is None else left - len(data)
    finally:
        meter.finish()
    if left:
        raise Broken(f"the last {left} bytes are missing")


def upload(where: Target, url: str, filename: str, heartbeat: Heartbeat, meter: Meter) -> None:
    """Sends a file to `url`. Raises as `download`."""
    with _local_errors(filename), Path(filename).open("rb") as file:
        details = os.fstat(file.fileno())
        size = details.st_size if stat.S_ISREG(details.st_mode) else None
        headers = () if size is None else (f"Content-length: {size}",)
        with opened(where, "PUT", url, headers) as remote:
            try:
                _copy_out(file, remote, size, heartbeat, meter)
            finally:
                meter.finish()


def _copy_out(file: BinaryIO, remote: Remote, size: int | None, heartbeat: Heartbeat, meter: Meter) -> None:
    meter.total = left = size
    while data := file.read(BLOCK if left is None else min(BLOCK, left)):
        remote.send(data)
        meter.moved(len(data))
        heartbeat.tick()
        if left is not None:
            left -= len(data)
    if left:
        raise TransferFailed(f"{left} bytes missing: the file became shorter while it was sent")
    if size is None:
        remote.finish_sending()


@contextmanager
def _local_errors(filename: str) -> Iterator[None]:
    """Turns what the operating system says about a local file into TransferFailed."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise TransferFailed(f"{filename}: {reason}" if filename else reason) from error
