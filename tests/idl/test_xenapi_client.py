"""The daemons' XenAPI client: sessions, errors, events, and an xapi that is not there (yet)."""

import asyncio
from pathlib import Path

import pytest

from idl import xenapi_client
from idl.xenapi_client import Failure, Session, Unavailable, keep_session, session
from tests.idl.fake_xapi import FakeXapi, http_on, serving


async def test_a_session_logs_in_calls_and_logs_out(tmp_path: Path) -> None:
    xapi = FakeXapi(tables={"host": {"OpaqueRef:h": {"uuid": "u"}}})
    async with serving(tmp_path / "xapi", xapi), session(tmp_path / "xapi", "tester") as opened:
        assert await opened.records("host") == {"OpaqueRef:h": {"uuid": "u"}}
    assert xapi.sessions == ["tester"]
    assert [method for method, _ in xapi.calls] == ["session.login_with_password", "host.get_all_records", "session.logout"]


async def test_integers_travel_as_text(tmp_path: Path) -> None:
    xapi = FakeXapi()
    async with serving(tmp_path / "xapi", xapi):
        await Session(tmp_path / "xapi", "s").call("message.create", "ALARM", 3, True)
    assert xapi.calls == [("message.create", ("ALARM", "3", True))]


async def test_an_error_keeps_its_code_and_parameters(tmp_path: Path) -> None:
    xapi = FakeXapi(refuse={"VM.start": ("VM_BAD_POWER_STATE", "vm", "Halted")})
    async with serving(tmp_path / "xapi", xapi):
        with pytest.raises(Failure) as caught:
            await Session(tmp_path / "xapi").call("VM.start", "vm")
    assert (caught.value.code, caught.value.params) == ("VM_BAD_POWER_STATE", ["vm", "Halted"])


@pytest.mark.parametrize("nonsense", [b"", b"<html/>", b"<methodResponse/>", b"\xff\xfe"])
async def test_nonsense_is_an_unavailable_xapi(tmp_path: Path, nonsense: bytes) -> None:
    async def answer(_target: str, _body: bytes) -> bytes:
        return nonsense

    async with http_on(tmp_path / "xapi", answer):
        with pytest.raises(Unavailable):
            await Session(tmp_path / "xapi").call("VM.start")


async def test_no_xapi_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await Session(tmp_path / "xapi").call("VM.start")


async def test_changes_begin_with_everything_and_go_on_with_what_is_new(tmp_path: Path) -> None:
    xapi = FakeXapi(tables={"PBD": {"p": {"uuid": "1"}}, "VM": {"v": {}}})
    async with serving(tmp_path / "xapi", xapi):
        opened = Session(tmp_path / "xapi")
        token, events = await opened.changes(["pbd"], "", 0.0)
        assert [(event.cls, event.operation, event.ref) for event in events] == [("pbd", "add", "p")]
        waiting = asyncio.create_task(opened.changes(["pbd"], token, 30.0))
        await xapi.put("PBD", "p", {"uuid": "2"})
        _, events = await waiting
        assert events[-1].record == {"uuid": "2"}


async def test_work_begins_again_when_xapi_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xenapi_client, "FIRST_PAUSE_S", 0.01)
    rounds: asyncio.Queue[str] = asyncio.Queue()

    async def work(opened: Session) -> None:
        rounds.put_nowait(opened.ref)
        await opened.call("host.wait")
        await opened.changes(["pbd"], "0", 3600.0)

    keeper = asyncio.create_task(keep_session(tmp_path / "xapi", "tester", work))
    try:
        for _ in range(2):
            async with serving(tmp_path / "xapi", FakeXapi(refuse={"host.wait": ("SESSION_INVALID", "s")})):
                async with asyncio.timeout(30):
                    assert await rounds.get() == "OpaqueRef:session-1"
            while not rounds.empty():
                rounds.get_nowait()
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
