"""``GET /metrics``: what xapi measures of itself, in the OpenMetrics text format that Prometheus reads.

Basic authentication, a session or the pool's secret let in whoever may read the performance counters.
"""

import os
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xapi.server.context import App, Context
from xapi.server.http_registry import serves
from xapi.server.http_types import Reply, Request
from xapi.server.measures import BOUNDS, Histogram

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_Labels = Mapping[str, str]


@serves("get_metrics")
async def metrics(ctx: Context, request: Request, reply: Reply) -> None:
    text = "".join(f"{line}\n" for line in exposition(ctx.app))
    await reply.finish(200, {"Content-Type": CONTENT_TYPE}, text.encode())


def exposition(app: App) -> Iterator[str]:
    """Yield the lines of the answer."""
    measured, db = app.measures, app.db
    calls = [({"class": cls, "kind": kind}, histogram) for (cls, kind), histogram in sorted(measured.calls.items())]
    yield from _histogram("xapi_call_duration_seconds", "XenAPI calls from parsed head to answer, waiting included.", calls)
    failures = [({"class": cls, "code": code}, count) for (cls, code), count in sorted(measured.failures.items())]
    yield from _counter("xapi_call_failures", "XenAPI calls that were answered with an error.", failures)
    yield from _gauge("xapi_sessions", "Sessions that are logged in.", [({}, db.count("session"))])
    statuses = Counter(str(row.values["status"]) for row in db.rows("task"))
    yield from _gauge(
        "xapi_tasks", "Tasks by status.", [({"status": status}, count) for status, count in sorted(statuses.items())]
    )
    yield from _gauge("xapi_event_waiters", "Calls of event.from that wait for a change.", [({}, app.events.waiting)])
    rows = [({"table": name}, len(table.rows)) for name, table in db.tables.items() if table.rows]
    yield from _gauge("xapi_database_rows", "Rows by table.", rows)
    yield from _counter("xapi_database_generations", "Changes of the database, over restarts.", [({}, db.generation)])
    written = db.written
    yield from _counter("xapi_database_commits", "Transactions on disk since the start.", [({}, written.commits)])
    yield from _counter("xapi_database_rows_written", "Rows written or deleted on disk since the start.", [({}, written.rows)])
    yield from _counter("xapi_database_commit_seconds", "Time spent in transactions.", [({}, written.seconds)], unit="seconds")
    yield from _histogram("xapi_event_loop_lag_seconds", "How late the event loop comes back.", [({}, measured.loop_lag)])
    yield from _process()
    yield "# EOF"


def _process() -> Iterator[str]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    spent, memory = usage.ru_utime + usage.ru_stime, pages * resource.getpagesize()
    yield from _counter("process_cpu_seconds", "Processor time.", [({}, spent)], unit="seconds")
    yield from _gauge("process_resident_memory_bytes", "Resident memory.", [({}, memory)], unit="bytes")
    yield from _gauge("process_open_fds", "Open file descriptors.", [({}, len(os.listdir("/proc/self/fd")))])  # noqa: PTH208


def _family(name: str, kind: str, text: str, unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {text}"


def _gauge(name: str, text: str, samples: Iterable[tuple[_Labels, float]], unit: str = "") -> Iterator[str]:
    yield from _family(name, "gauge", text, unit)
    yield from (f"{name}{_labels(labels)} {value}" for labels, value in samples)


def _counter(name: str, text: str, samples: Iterable[tuple[_Labels, float]], unit: str = "") -> Iterator[str]:
    yield from _family(name, "counter", text, unit)
    yield from (f"{name}_total{_labels(labels)} {value}" for labels, value in samples)


def _histogram(name: str, text: str, samples: Iterable[tuple[_Labels, Histogram]]) -> Iterator[str]:
    yield from _family(name, "histogram", text, "seconds")
    for labels, histogram in samples:
        sum_ = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), histogram.counts, strict=True):
            sum_ += count
            yield f"{name}_bucket{_labels({**labels, 'le': bound})} {sum_}"
        yield f"{name}_count{_labels(labels)} {sum_}"
        yield f"{name}_sum{_labels(labels)} {histogram.total}"


def _labels(labels: _Labels) -> str:
    # None of them holds what would need escaping: they are the datamodel's words.
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else ""
