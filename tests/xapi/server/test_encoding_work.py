"""What is encoded is encoded once: rows until they change, an event's answer for everybody who waits for the same."""

import asyncio
import json
import xmlrpc.client
from pathlib import Path

import pytest

from tests.xapi import fixture
from xapi.datamodel import MODEL
from xapi.server.context import App, Origin
from xapi.server.encoding import Encoded, Form, RowRecords, escape, result_parts, row_bytes

VM = MODEL.classes["VM"]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return fixture.make(tmp_path)


def token_of(answer: Encoded) -> str:
    return str(json.loads(b"".join(answer.parts("json")))["token"])


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_row_is_written_again_only_after_it_changed(app: App, form: Form) -> None:
    refs = [app.db.create("VM", name_label=f"vm {number}") for number in range(3)]
    before = [row_bytes(VM, app.db.row("VM", ref), form) for ref in refs]
    app.db.set("VM", refs[1], name_label="another")
    after = [row_bytes(VM, app.db.row("VM", ref), form) for ref in refs]
    assert after[0] is before[0]
    assert after[2] is before[2]
    assert b"another" in after[1]


def test_all_records_are_the_rows_own_bytes(app: App) -> None:
    rows = [app.db.row("VM", app.db.create("VM")) for _ in range(4)]
    parts = result_parts(None, RowRecords(VM, rows), "xml")
    assert all(any(part is row_bytes(VM, row, "xml") for part in parts) for row in rows)


async def test_fifty_watchers_of_everything_share_one_answer(app: App) -> None:
    vm = app.db.create("VM")
    sessions = [app.sessions.create(Origin(), superuser=True) for _ in range(50)]
    token = token_of(await app.events.changes(sessions[0], ["*"], "", 0.0))
    watchers = [asyncio.create_task(app.events.changes(session, ["*"], token, 30.0)) for session in sessions]
    while app.events.waiting < len(watchers):
        await asyncio.sleep(0)
    app.db.set("VM", vm, name_label="told to all")
    answers = await asyncio.gather(*watchers)
    assert len({id(answer) for answer in answers}) == 1
    assert answers[0].parts("xml")[0] is answers[-1].parts("xml")[0]
    assert b"told to all" in answers[0].parts("xml")[0]


async def test_an_answer_is_not_shared_beyond_the_next_change_nor_with_other_wishes(app: App) -> None:
    vm = app.db.create("VM")
    session = app.sessions.create(Origin(), superuser=True)
    token = token_of(await app.events.changes(session, ["*"], "", 0.0))
    app.db.set("VM", vm, name_label="first")
    every = await app.events.changes(session, ["*"], token, 0.0)
    only_hosts = await app.events.changes(session, ["host"], token, 0.0)
    assert b"first" not in b"".join(only_hosts.parts("json"))
    app.db.set("VM", vm, name_label="second")
    later = await app.events.changes(session, ["*"], token, 0.0)
    assert later is not every
    assert b"second" in b"".join(later.parts("json"))


@pytest.mark.parametrize("text", ["", "plain", "a & b", '<"tag">', "bell\x07 and \x1b", "&amp;", "é\N{SNOWMAN}"])
def test_text_is_escaped(text: str) -> None:
    visible = "".join(char for char in text if char >= " ")
    (value,), _ = xmlrpc.client.loads(f"<params><param><value><string>{escape(text)}</string></value></param></params>")
    assert value == visible
