"""Calls are traced when an observer asks for it: in files, or posted to a collector; otherwise nothing is kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.client import Client
from tests.xapi.fixture import serving, wire, xml_call
from xapi.server import tracing
from xapi.server.tracing import FILE


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tracing, "EXPORT_PERIOD", 60.0)
    return Client(tmp_path)


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    """A collector's URL, and what was posted to it."""
    posted: asyncio.Queue[Any] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        posted.put_nowait((head.split(b" ")[1].decode(), json.loads(await reader.readexactly(length))))
        writer.write(b"HTTP/1.0 202 Accepted\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v2/spans", posted
    server.close()


def spans(client: Client) -> list[dict[str, Any]]:
    file = client.root.under(FILE)
    return [span for line in file.read_text().splitlines() for span in json.loads(line)] if file.exists() else []


async def call(client: Client, name: str, *params: Any, more: str = "") -> None:
    """Make a call at the door and wait until its trace, if any, is written."""
    async with serving(client.app) as port, wire(port) as connection:
        await connection.post(xml_call(name, client.ctx.session, *params), more=more)
        await client.app.tracer.export()


async def test_nothing_is_kept_for_nobody(client: Client) -> None:
    await client("Observer.create", {"name_label": "off", "endpoints": ["bugtool"]})
    await client("Observer.create", {"name_label": "other", "endpoints": ["bugtool"], "enabled": True, "components": ["smapi"]})
    await call(client, "VM.get_all")
    assert spans(client) == []


async def test_a_call_is_a_span_of_the_callers_trace(client: Client) -> None:
    observer = await client("Observer.create", {"name_label": "o", "endpoints": ["bugtool"], "attributes": {"site": "lab"}})
    await client("Observer.set_enabled", observer, True)
    trace, parent = "a" * 32, "b" * 16
    await call(client, "VM.get_all", more=f"traceparent: 00-{trace}-{parent}-01\r\nUser-Agent: backup/1\r\n")
    await call(client, "VM.get_record", "OpaqueRef:none")
    first, second = spans(client)
    assert (first["name"], first["traceId"], first["parentId"]) == ("VM.get_all", trace, parent)
    assert first["tags"]["site"] == "lab" and first["tags"]["http.user_agent"] == "backup/1" and "error" not in first["tags"]
    assert (second["name"], second["tags"]["error"]) == ("VM.get_record", "HANDLE_INVALID") and "parentId" not in second
    await client("Observer.set_enabled", observer, False)
    await call(client, "VM.get_all")
    assert len(spans(client)) == 2


async def test_spans_are_posted(client: Client, collector: tuple[str, asyncio.Queue[Any]]) -> None:
    url, posted = collector
    await client("Observer.create", {"name_label": "o", "endpoints": [url, "http://127.0.0.1:1/"], "enabled": True})
    await call(client, "VM.get_all")
    async with asyncio.timeout(5):
        path, (span,) = await posted.get()
    assert path == "/api/v2/spans" and span["name"] == "VM.get_all" and span["localEndpoint"] == {"serviceName": "xapi"}
