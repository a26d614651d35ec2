"""Calls per second, beside a bare handler that answers the same bytes, in alternating rounds."""

import contextlib
import http.client
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.bench.generator import Load, load, post

ROUNDS = 3



@contextlib.contextmanager
def bare(body: bytes) -> Iterator[str]:
    """Run the bare handler, which answers *body*; give its address."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = [sys.executable, "-m", "tests.bench.bare", file.name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                yield f"127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.stdin.close()
                process.wait(timeout=30)


def answer_to(address: str, request: bytes) -> bytes:
    """Return the body that a server answers a raw request with."""
    head, _, body = request.partition(b"\r\n\r\n")
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        connection.request("POST", head.split(b" ", 2)[1].decode(), body, {"Content-Type": "text/xml"})
        return connection.getresponse().read()
    finally:
        connection.close()


class Pair:
    """Alternating rounds against us and against the bare handler."""

    def __init__(self, ours: list[Load], theirs: list[Load]) -> None:
        self.ours, self.theirs = ours, theirs

    @property
    def rate(self) -> float:
        return statistics.median(round_.per_second for round_ in self.ours)

    @property
    def rate_ratio(self) -> float:
        """Of each round's neighbours, the middle one: what disturbs the machine disturbs both of a round."""
        return statistics.median(our.per_second / their.per_second for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def time_ms(self) -> float:
        return statistics.median(round_.median_ms for round_ in self.ours)

    @property
    def time_ratio(self) -> float:
        return statistics.median(our.median_ms / their.median_ms for our, their in zip(self.ours, self.theirs, strict=True))


def against_bare(
    address: str, request: bytes, *, seconds: float, connections: int, fresh: bool = False, rounds: int = ROUNDS
) -> Pair:
    """Put *address* and a bare handler answering the same bytes under the same load in turn."""
    ours, theirs = [], []
    with bare(answer_to(address, request)) as other:
        for _ in range(rounds):
            theirs.append(load(other, [[request]], seconds=seconds, connections=connections, fresh=fresh))
            ours.append(load(address, [[request]], seconds=seconds, connections=connections, fresh=fresh))
    return Pair(ours, theirs)


def compare(name: str, url: str, body: bytes, *, seconds: float, connections: int) -> list[Figure]:
    """Return calls per second and the median time of a call, with the ratio to the bare handler."""
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or 80}"
    pair = against_bare(address, post(body, parts.path or "/"), seconds=seconds, connections=connections)
    note = f"{connections} connections, {pair.ours[0].bytes:,} bytes"
    return [
        Figure(name=f"{name}: calls", value=pair.rate, unit="1/s", ratio=pair.rate_ratio, note=note),
        Figure(name=f"{name}: median", value=pair.time_ms, unit="ms", ratio=pair.time_ratio, note=note),
    ]
