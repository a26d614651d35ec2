"""What Prometheus reads: a real parser takes it, the figures are right, and not everybody sees it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed

from tests.xapi.fixture import PASSWORD, make, serving, wire, xml_call
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.server.context import App, Origin
from xapi.server.measures import BOUNDS, Measures
from xapi.transfer.openmetrics import CONTENT_TYPE

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    journal = Journal(tmp_path / "db")
    store = Store(from_model(), journal)
    journal.start()
    yield make(tmp_path, store)
    await journal.stop()


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


async def get(port: int, more: str = "", query: str = "") -> tuple[bytes, bytes]:
    async with wire(port) as connection:
        await connection.send(f"GET /metrics{query} HTTP/1.1\r\n{more}\r\n".encode())
        return await connection.reply()


async def scrape(port: int) -> Samples:
    user = base64.b64encode(f"root:{PASSWORD}".encode()).decode()
    head, body = await get(port, f"Authorization: Basic {user}\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and CONTENT_TYPE.encode() in head
    families = list(parsed(body.decode()))  # type: ignore[no-untyped-call]
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_calls_are_counted_by_class_kind_and_outcome(app: App, port: int) -> None:
    session = app.sessions.create(Origin(), superuser=True)
    async with wire(port) as connection:
        for _ in range(3):
            await connection.post(xml_call("VM.get_name_label", session, app.db.refs("VM")[0]))
        await connection.post(xml_call("VM.get_name_label", session, "OpaqueRef:none"))
        await connection.post(xml_call("Nothing.here", session))
    samples = await scrape(port)
    of_getters = (("class", "VM"), ("kind", "getter"))
    assert samples["xapi_call_duration_seconds_count", of_getters] == 4
    assert samples["xapi_call_duration_seconds_bucket", (*of_getters, ("le", "+Inf"))] == 4
    assert 0 < samples["xapi_call_duration_seconds_sum", of_getters] < 10
    assert samples["xapi_call_failures_total", (("class", "VM"), ("code", "HANDLE_INVALID"))] == 1
    assert samples["xapi_call_failures_total", (("class", ""), ("code", "MESSAGE_METHOD_UNKNOWN"))] == 1


async def test_the_state_of_things_is_told(app: App, port: int) -> None:
    session = app.sessions.create(Origin(), superuser=True)
    app.db.create("task", status="pending")
    waiting = asyncio.create_task(app.events.changes(session, ["vm"], f"{10**10:020d},0", 30.0))
    while not app.events.waiting:
        await asyncio.sleep(0)
    await app.db.durable()
    samples = await scrape(port)
    waiting.cancel()
    assert samples["xapi_event_waiters", ()] == 1
    assert samples["xapi_sessions", ()] == 2, "ours and the scraper's"
    assert samples["xapi_tasks", (("status", "pending"),)] == 1
    assert samples["xapi_database_rows", (("table", "host"),)] == 1
    assert samples["xapi_database_commits_total", ()] >= 1
    assert samples["xapi_database_rows_written_total", ()] >= 3
    assert samples["process_resident_memory_bytes", ()] > 1 << 20


async def test_only_who_may_read_performance_counters_gets_in(app: App, port: int) -> None:
    nobody = app.sessions.create(Origin(), superuser=False, roles=frozenset())
    assert (await get(port))[0].startswith(b"HTTP/1.1 401 ")
    assert (await get(port, query=f"?session_id={nobody}"))[0].startswith(b"HTTP/1.1 403 ")
    assert (await get(port, "Cookie: pool_secret=secret\r\n"))[0].startswith(b"HTTP/1.1 200 ")


def test_a_duration_is_in_the_bucket_that_bounds_it() -> None:
    measures = Measures()
    for seconds in (BOUNDS[0], BOUNDS[0] + 1e-9, 1e9):
        measures.called("VM.start", seconds)
    [(key, histogram)] = measures.calls.items()
    assert key == ("VM", "custom")
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)


def test_codes_that_scripts_make_up_are_one() -> None:
    measures = Measures()
    for number in range(100):
        measures.failed("SR.scan", f"SR_BACKEND_FAILURE_MADE_UP_{number}")
    assert measures.failures == {("SR", "other"): 100}
