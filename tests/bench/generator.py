"""The load generator: a small C program, compiled when it is first needed, that runs as a process of its own.

It takes scripts of raw HTTP requests and says when each answer had arrived, on the clock that `time.monotonic` shows too.
"""

import contextlib
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

SOURCE = Path(__file__).with_name("load.c")
PROGRAM = Path(__file__).resolve().parents[2] / "var" / "bench" / "load"
NIL = "OpaqueRef:00000000-0000-0000-0000-000000000000"
"""In all requests of a script but the first this becomes the ref that the first one's answer holds."""
PATIENCE = 300.0

Script = Sequence[bytes]
"""Raw HTTP requests, sent one after the other over one connection."""


class NotMeasured(Exception):
    """A figure that could not be taken; the text says why."""


class Step(msgspec.Struct, frozen=True):
    """The requests at one position of the scripts: seconds each took, and when each had its answer."""

    spent: list[float]
    ended: list[float]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.spent) * 1000


class Load(msgspec.Struct, frozen=True):
    """The load generator's report; *bytes* of the largest answer."""

    begun: float
    seconds: float
    bytes: int
    failures: int
    failure: str
    steps: list[Step]

    @property
    def calls(self) -> int:
        return sum(len(step.spent) for step in self.steps)

    @property
    def per_second(self) -> float:
        """Finished scripts per second."""
        return len(self.steps[-1].spent) / self.seconds

    @property
    def median_ms(self) -> float:
        return self.steps[0].median_ms


def program() -> Path:
    """Return the compiled generator, which is made if it is missing or older than its source."""
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < SOURCE.stat().st_mtime:
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(PROGRAM), str(SOURCE)], check=True, timeout=120)
    return PROGRAM


def load(address: str, scripts: Sequence[Script], *, connections: int, seconds: float = 0.0, fresh: bool = False) -> Load:
    """Put *address* (host:port or a Unix socket's path) under load: for *seconds*, or each script once.

    :raises NotMeasured: the server hung up, or a call failed.
    """
    with parked(address, scripts, connections=connections, seconds=seconds, fresh=fresh) as finish:
        return finish()


@contextlib.contextmanager
def parked(
    address: str, scripts: Sequence[Script], *, connections: int, seconds: float = 0.0, fresh: bool = False
) -> Iterator[Callable[[], Load]]:
    """As `load`, but the block begins when the first requests are on their way; what it is given waits for the end."""
    command = [str(program()), address, str(connections), str(seconds), *(["fresh"] if fresh else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None

        def finish() -> Load:
            assert process.stdout is not None and process.stderr is not None
            output = process.stdout.read()
            if process.wait(timeout=PATIENCE):
                raise NotMeasured(process.stderr.read().decode(errors="replace").strip())
            report = msgspec.json.decode(output, type=Load)
            if report.failures:
                raise NotMeasured(f"{report.failures} calls failed: {report.failure[:600]}")
            return report

        try:
            process.stdin.write(b"".join(map(_written, scripts)))
            process.stdin.close()
            if process.stdout.readline() != b"sent\n":
                raise NotMeasured(process.stderr.read().decode(errors="replace").strip())
            yield finish
        finally:
            process.kill()


def _written(script: Script) -> bytes:
    return b"script %d\n" % len(script) + b"".join(b"%d\n%s\n" % (len(request), request) for request in script)


def post(body: bytes, path: str = "/", *, keep_alive: bool = True) -> bytes:
    """Return a raw HTTP request that posts *body*."""
    connection = "keep-alive" if keep_alive else "close"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nUser-Agent: bench\r\n"
        f"Connection: {connection}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def settle(seconds: float = 0.3) -> None:
    """Give a server time to have read what was sent to it: nothing outside shows when a call waits in it."""
    time.sleep(seconds)
