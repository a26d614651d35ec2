"""Calls per second, beside a bare handler that answers as many bytes, in alternating rounds."""

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator

import msgspec

from tests.bench.figures import Figure

ROUNDS = 3


class Load(msgspec.Struct, frozen=True):
    """The load generator's report."""

    calls: int
    seconds: float
    median_ms: float
    bytes: int

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


class NotMeasured(Exception):
    """A figure that could not be taken; the text says why."""


def load(url: str, body: bytes, seconds: float, connections: int) -> Load:
    """Put *url* under load from another process."""
    command = [sys.executable, "-m", "tests.bench.load", url, str(seconds), str(connections)]
    done = subprocess.run(command, input=body, capture_output=True, timeout=seconds + 120, check=False)
    if done.returncode:
        raise NotMeasured(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return msgspec.convert(json.loads(done.stdout), Load)


@contextlib.contextmanager
def bare(size: int) -> Iterator[str]:
    """Run the bare handler; give its URL."""
    command = [sys.executable, "-m", "tests.bench.bare", str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def compare(name: str, url: str, body: bytes, *, seconds: float, connections: int) -> list[Figure]:
    """Return calls per second and the median time of a call, with the ratio to the bare handler."""
    size = load(url, body, 1.0, 1).bytes
    ours, theirs = [], []
    with bare(size) as other:
        for _ in range(ROUNDS):
            theirs.append(load(other, body, seconds, connections))
            ours.append(load(url, body, seconds, connections))
    rate = statistics.median(round_.per_second for round_ in ours)
    bare_rate = statistics.median(round_.per_second for round_ in theirs)
    time = statistics.median(round_.median_ms for round_ in ours)
    bare_time = statistics.median(round_.median_ms for round_ in theirs)
    note = f"{connections} connections, {size:,} bytes"
    return [
        Figure(name=f"{name}: calls", value=rate, unit="1/s", ratio=rate / bare_rate, note=note),
        Figure(name=f"{name}: median", value=time, unit="ms", ratio=time / bare_time, note=note),
    ]
