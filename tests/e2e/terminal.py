"""A guest's console as a client has it: through ``/console`` of xapi, raw or in TLS, never past it."""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.e2e.embedded_host import Api, NotInTime, wait_for

BOOT_SECONDS = 150.0
REPLY_SECONDS = 30.0
COUNTER = r"counter (\d+)\r?\n"


class Closed(AssertionError):
    """The connection ended while something was expected."""


class Stream:
    """Bytes from and to a console."""

    def __init__(self, connection: socket.socket, already: bytes = b"") -> None:
        self.connection = connection
        self._already = already

    def read(self, seconds: float) -> bytes:
        """Return what comes next. :raises TimeoutError: nothing came. :raises Closed: nothing will."""
        if self._already:
            data, self._already = self._already, b""
            return data
        self.connection.settimeout(max(seconds, 0.001))
        data = self.connection.recv(65536)
        if not data:
            raise Closed("the console's connection was closed")
        return data

    def write(self, data: bytes) -> None:
        self.connection.sendall(data)

    def read_exactly(self, count: int, seconds: float = REPLY_SECONDS) -> bytes:
        deadline = time.monotonic() + seconds
        data = b""
        while len(data) < count:
            data += self.read(deadline - time.monotonic())
        self._already = data[count:] + self._already
        return data[:count]


class Terminal:
    """A guest's serial line with somebody reading and typing."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.seen = ""

    def expect(self, pattern: str, seconds: float = REPLY_SECONDS) -> re.Match[str]:
        """Read until *pattern* matches; what was read up to its end is used up."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            try:
                self.seen += self._stream.read(deadline - time.monotonic()).decode(errors="replace")
            except TimeoutError:
                raise NotInTime(f"{pattern!r} not within {seconds:.0f} s; the console ended with:\n{self.seen[-1500:]}") from None
            except (Closed, ConnectionError) as reason:
                raise Closed(f"closed before {pattern!r}; the console ended with:\n{self.seen[-1500:]}") from reason
        self.seen = self.seen[match.end() :]
        return match

    def count(self, seconds: float = REPLY_SECONDS) -> int:
        """Return the next number that the guest counts."""
        return int(self.expect(COUNTER, seconds)[1])

    def latest_count(self) -> int:
        """Return a number counted from now on: what had been waiting unread is skipped."""
        self.drain()
        return self.count()

    def drain(self, quiet: float = 0.05) -> str:
        """Take what is there until nothing comes for *quiet* seconds; return it."""
        try:
            while True:
                self.seen += self._stream.read(quiet).decode(errors="replace")
        except TimeoutError:
            text, self.seen = self.seen, ""
            return text

    def type(self, line: str) -> None:
        """Type *line* and Enter."""
        self._stream.write(line.encode() + b"\n")

    def run(self, command: str, seconds: float = REPLY_SECONDS) -> str:
        """Run *command* in the guest's shell, return what it printed without the counter's lines; it must succeed."""
        text, status = self.attempt(command, seconds)
        assert status == 0, f"{command}: status {status}\n{text}"
        return text

    def attempt(self, command: str, seconds: float = REPLY_SECONDS) -> tuple[str, int]:
        """Run *command* in the guest's shell; return what it printed and its status."""
        # The terminal shows what is typed: quotes in the middle of the marks tell the echo from the output.
        self.type(f"echo be''gins; {command}; echo en''ds=$?")
        self.expect(r"begins\r?\n", seconds)
        match = self.expect(r"(?s)(.*?)ends=(\d+)\r?\n", seconds)
        return re.sub(COUNTER, "", match[1]).replace("\r", ""), int(match[2])

    def close(self) -> None:
        self._stream.connection.close()


def request_console(connection: socket.socket, target: str) -> Stream:
    """Send the CONNECT of a console and return the stream behind the answer's head."""
    connection.settimeout(REPLY_SECONDS)
    connection.sendall(f"CONNECT {target} HTTP/1.0\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        assert data, f"closed in the answer's head: {head!r}"
        head += data
    head, already = head.split(b"\r\n\r\n", 1)
    assert head.split()[1] == b"200", head.decode(errors="replace")
    return Stream(connection, already)


def location(api: Api, vm: str, protocol: str) -> str:
    """Return where the console of *protocol* is, for this session."""
    # A guest that is just rebooting has none until its new domain is there.
    consoles = wait_for(api, "VM", vm, lambda record: record["consoles"])["consoles"]
    records = [api.xenapi.console.get_record(console) for console in consoles]
    [place] = [record["location"] for record in records if record["protocol"] == protocol]
    return f"{place}&session_id={api._session}"


def open_console(api: Api, vm: str, protocol: str) -> Stream:
    """Open ``console.location`` as it is: over TLS, at the address and port it names."""
    url = urlsplit(location(api, vm, protocol))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((url.hostname or "", url.port or 443), timeout=REPLY_SECONDS)
    try:
        return request_console(context.wrap_socket(plain, server_hostname=url.hostname), f"{url.path}?{url.query}")
    except BaseException:
        plain.close()
        raise


@contextmanager
def terminal(api: Api, vm: str) -> Iterator[Terminal]:
    """Sit at the guest's serial line."""
    stream = open_console(api, vm, "vt100")
    try:
        yield Terminal(stream)
    finally:
        stream.connection.close()
