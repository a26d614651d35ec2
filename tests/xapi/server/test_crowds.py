"""Many, slow and silent clients: everybody else goes on being served. The crowd lives in processes of its own."""

import asyncio
import contextlib
import json
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.xapi.fixture import make, serving, wire, xml_call
from xapi.server import http
from xapi.server.context import App, Origin
from xapi.startup import allow_connections

PARKED = 10_000
IDLE = 1_000
DRIPPING = 200


@pytest.fixture(autouse=True)
def many_files() -> None:
    allow_connections(PARKED + IDLE + DRIPPING + 500)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < PARKED + IDLE + DRIPPING + 100:
        pytest.skip("so many files may not be opened here")


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


class Crowd:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        async with asyncio.timeout(60):
            return (await self._process.stdout.readline()).decode().strip()


@contextlib.asynccontextmanager
async def crowd(port: int, session: str) -> AsyncIterator[Crowd]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.xapi.server.crowd", str(port), session,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Crowd(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def served(port: int, session: str) -> float:
    """Make some calls, each on a connection of its own, and return the median time of one."""
    spent = []
    for _ in range(20):
        began = time.perf_counter()
        async with wire(port) as connection:
            assert b"Success" in await connection.post(xml_call("host.get_all", session))
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_ten_thousand_parked_calls_and_a_thousand_idle_connections(app: App, port: int) -> None:
    session = app.sessions.create(Origin(), superuser=True)
    async with crowd(port, session) as people:
        await people.do(f"idle {IDLE}")
        await people.do(f"token {app.db.generation - 1:020d},{0:020d}")
        await people.do(f"park {PARKED}")
        await until(lambda: app.events.waiting == PARKED)

        assert await served(port, session) < 0.1
        app.db.set("host", app.localhost, name_description="nobody of them asked for this")
        assert await served(port, session) < 0.1
        assert app.events.waiting == PARKED

        app.db.create("VM", name_label="for all of them")
        assert await people.do("woken") == str(PARKED)
        assert await served(port, session) < 0.1


async def test_calls_that_wait_for_events_end_with_their_clients(app: App, port: int) -> None:
    session = app.sessions.create(Origin(), superuser=True)
    async with crowd(port, session) as people:
        await people.do(f"token {app.db.generation - 1:020d},{0:020d}")
        await people.do("park 100")
        await until(lambda: app.events.waiting == 100)
        await people.do("leave")
        await until(lambda: not app.events.waiting and not app.listening)


async def test_dripping_clients_keep_nobody_waiting_and_are_let_go(app: App, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_LIMIT", 1.0)
    monkeypatch.setattr(http, "FIRST_REQUEST_LIMIT", 3.0)
    session = app.sessions.create(Origin(), superuser=True)
    async with crowd(port, session) as people:
        await people.do(f"drip {DRIPPING}")
        assert await served(port, session) < 0.1
        async with wire(port) as connection:
            began = time.monotonic()
            await connection.send(b"POST / HTTP/1.1\r\nX: ")
            for _ in range(20):
                await asyncio.sleep(0.25)
                with contextlib.suppress(ConnectionError):
                    await connection.send(b"x")
                if connection.reader.at_eof() or connection.reader._buffer:  # type: ignore[attr-defined]
                    break
            assert b" 408 " in await connection.reader.readline()
            assert 2.0 < time.monotonic() - began < 5.0


async def test_a_silent_connection_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_LIMIT", 0.3)
    async with wire(port) as connection, asyncio.timeout(10):
        assert (await connection.rest()).startswith(b"HTTP/1.1 408 ")


async def test_who_does_not_read_his_answers_is_not_sent_more(app: App, port: int) -> None:
    session = app.sessions.create(Origin(), superuser=True)
    for number in range(300):
        app.db.create("VM", name_label=str(number))
    call = {"jsonrpc": "2.0", "id": 1, "method": "VM.get_all_records", "params": [session]}
    body = json.dumps(call).encode()
    request = b"POST /jsonrpc HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    requests = 60
    async with wire(port) as connection:
        await connection.send(request * requests)
        await until(lambda: app.measures.calls)
        assert await served(port, session) < 0.5
        [count] = [sum(h.counts) for (cls, kind), h in app.measures.calls.items() if (cls, kind) == ("VM", "get_all_records")]
        assert count < requests, "answered although nobody reads"
        for _ in range(requests):
            assert (await connection.reply())[1].startswith(b'{"jsonrpc":"2.0","result":')
