"""Strict clients type every field of every record: none may be missing, none of another type (XML-RPC and JSON-RPC)."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from tests.xapi.fixture import PASSWORD, make, serving
from tests.xapi.strict_client import listed_classes, walk
from xapi.server.context import App


@pytest.fixture
async def app(tmp_path: Path) -> App:
    """An app with an object of every class, holding what a new object holds."""
    app = make(tmp_path)
    for cls in listed_classes():
        if cls.name != "role":
            app.db.create(cls.name)
    return app


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


async def test_every_record_of_every_class_through_the_official_sdk(port: int) -> None:
    def use() -> tuple[int, list[str]]:
        session = XenAPI.Session(f"http://127.0.0.1:{port}")
        session.xenapi.login_with_password("root", PASSWORD, "1.0", "test")
        return walk(lambda method: session.xenapi_request(method, ()), "xml")

    count, wrong = await asyncio.to_thread(use)
    assert count > len(listed_classes()) and wrong == []


async def test_every_record_of_every_class_in_json(port: int) -> None:
    def use() -> tuple[int, list[str]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def call(method: str, *params: Any) -> Any:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            connection.request("POST", "/jsonrpc", body)
            return json.loads(connection.getresponse().read())["result"]

        session = call("session.login_with_password", "root", PASSWORD)
        return walk(lambda method: call(method, session), "json")

    count, wrong = await asyncio.to_thread(use)
    assert count > len(listed_classes()) and wrong == []


def test_all_classes_of_the_database_that_can_be_listed_are_walked() -> None:
    assert len(listed_classes()) >= 60
