"""All figures of the core, on a host of the benchmark's own."""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.core import calls, events, guests, records
from tests.bench.core.host import BenchHost, bench_host, login
from tests.bench.core.stock import fill
from tests.bench.core.wire import request
from tests.bench.figures import Figure
from tests.bench.generator import load

Piece = Callable[[], list[Figure]]
Measure = Callable[[Mapping[str, Piece]], tuple[list[Figure], bool]]
"""Runs pieces by name; a piece that fails does not keep the others."""

STARTS = 3
CACHE_FILLERS = 10


def start_up(host: BenchHost) -> list[Figure]:
    """Leave xapi running after several measured starts, none of which has answered anything but the first call."""
    spent = []
    for _ in range(STARTS):
        host.stop("xapi")
        spent.append(host.start_xapi())
    memory = host.usage().rss_bytes / 1e6
    return [
        Figure(name="start to the first answered call", value=statistics.median(spent), unit="s", limit=5.0),
        Figure(name="memory after start", value=memory, unit="MB", limit=350.0),
    ]


def filled_caches(host: BenchHost, api: Any) -> list[Figure]:
    """Ten clients at once read the whole database through event.from, five in XML and five in JSON."""
    session = api._session
    half = CACHE_FILLERS // 2
    scripts = [
        [request(protocol, "event.from", session, ["*"], "", 30.0)] for protocol in calls.PROTOCOLS for _ in range(half)
    ]
    done = load(host.address, scripts, connections=CACHE_FILLERS)
    note = f"ten at once: the last after {done.seconds:.1f} s"
    memory = host.usage().rss_bytes / 1e6
    return [Figure(name="memory after ten clients' first fill", value=memory, unit="MB", limit=600.0, note=note)]


def _pieces(host: BenchHost, api: Any, seconds: float, rounds: int) -> dict[str, Piece]:
    """Return what can be measured, in the order in which one disturbs the next least."""
    return {
        "fill": lambda: [
            *(figure for protocol in calls.PROTOCOLS for figure in events.first_fill(host, api, protocol, rounds)),
            *filled_caches(host, api),
        ],
        "small": lambda: calls.small_calls(host, api, seconds, rounds),
        "all": lambda: [
            figure for protocol in calls.PROTOCOLS for figure in records.all_records(host, api, protocol, 2 * rounds + 1)
        ],
        "where": lambda: records.searches(host, api, rounds),
        "changes": lambda: events.one_change(host, api, 2 * rounds + 1),
        "writes": lambda: calls.durable_writes(host, api, seconds, rounds),
        "logins": lambda: calls.logins(host, seconds, rounds),
        "clones": lambda: guests.clones(host, api, rounds),
        "starts": lambda: guests.starts(host, api, 60),
        "creation": lambda: guests.creation(host, api),
    }


def figures(wanted: Sequence[str], seconds: float, rounds: int, measure: Measure) -> tuple[list[Figure], bool]:
    """Measure the *wanted* pieces (all, if none is named) on a host that is started for it; whether all could be."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, bench_host(Path(folder), fill) as host:
        found, complete = measure({"start-up": lambda: start_up(host)})
        with login(host) as api:
            pieces = _pieces(host, api, seconds, rounds)
            more, all_done = measure({name: piece for name, piece in pieces.items() if not wanted or name in wanted})
        return found + more, complete and all_done
