"""The door: what comes back on the wire, byte for byte where clients rely on it, and what is refused."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import XenAPI

from tests.xapi.fixture import PASSWORD, make, serving, wire, xml_call
from xapi.server.context import App


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


async def login(port: int) -> str:
    async with wire(port) as connection:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "session.login_with_password", "params": ["root", PASSWORD]})
        return str(json.loads(await connection.post(body.encode(), "/jsonrpc"))["result"])


async def test_the_official_sdk_logs_in_reads_and_logs_out(port: int) -> None:
    def use() -> tuple[str, str]:
        session = XenAPI.Session(f"http://127.0.0.1:{port}")
        session.xenapi.login_with_password("root", PASSWORD, "1.0", "test")
        host = session.xenapi.host.get_all()[0]
        record = session.xenapi.host.get_record(host)
        task = session.xenapi.Async.pool.sync_database()
        session.xenapi.task.get_status(task)
        session.xenapi.session.logout()
        return record["uuid"], record["API_version_major"]

    assert await asyncio.to_thread(use) == ("11111111-2222-3333-4444-555555555555", "2")


async def test_a_wrong_password_is_refused(port: int) -> None:
    async with wire(port) as connection:
        reply = await connection.post(xml_call("session.login_with_password", "root", "wrong"))
    words = (b"SESSION_AUTHENTICATION_FAILED", b"root", b"Authentication failure")
    assert b"".join(b"<value>%s</value>" % word for word in words) in reply


async def test_an_xml_reply_to_the_byte(port: int) -> None:
    session = await login(port)
    async with wire(port) as connection:
        call = xml_call("pool.get_name_label", session, "OpaqueRef:none")
        await connection.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(call) + call)
        head, body = await connection.reply()
    assert head == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Access-Control-Allow-Headers: X-Requested-With\r\nCache-Control: no-cache, no-store\r\n"
        b"Connection: keep-alive\r\n\r\n" % len(body)
    )
    assert body == (
        b'<?xml version="1.0"?><methodResponse><params><param><value><struct><member><name>Status</name>'
        b"<value>Failure</value></member><member><name>ErrorDescription</name><value><array><data>"
        b"<value>HANDLE_INVALID</value><value>pool</value><value>OpaqueRef:none</value>"
        b"</data></array></value></member></struct></value></param></params></methodResponse>"
    )


async def test_json_rpc_two_has_no_error_member_on_success_and_echoes_the_id(port: int) -> None:
    session = await login(port)
    call = {"jsonrpc": "2.0", "id": "x", "method": "host.get_all", "params": [session]}
    async with wire(port) as connection:
        reply = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc"))
    assert set(reply) == {"jsonrpc", "result", "id"} and reply["id"] == "x"


async def test_json_rpc_one_has_both_members(port: int) -> None:
    call = {"id": 3, "method": "host.get_all", "params": ["OpaqueRef:none"]}
    async with wire(port) as connection:
        reply = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc"))
    assert reply == {"result": None, "error": ["SESSION_INVALID", "OpaqueRef:none"], "id": 3}


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("VM.explode", [], ["MESSAGE_METHOD_UNKNOWN", "VM.explode"]),
        ("VM.get_record", ["SESSION"], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0"]),
        ("VM.get_record", ["SESSION", "a", "b"], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "2"]),
        ("VM.get_by_uuid", ["SESSION", "none"], ["UUID_INVALID", "VM", "none"]),
        ("VM.get_all_records_where", ["SESSION", "field"], ["INVALID_VALUE"]),
        ("VM.set_name_label", ["SESSION", "OpaqueRef:x", 5], ["INTERNAL_ERROR"]),
        ("event.from", ["SESSION", ["*"], "12", 1.0], ["EVENT_FROM_TOKEN_PARSE_FAILURE", "12"]),
        ("event.from", ["SESSION", ["VM/"], "", 1.0], ["EVENT_SUBSCRIPTION_PARSE_FAILURE", "VM/"]),
        ("VMPP.get_all", ["SESSION"], ["MESSAGE_REMOVED"]),
    ],
)
async def test_a_bad_call_gets_the_originals_error(port: int, method: str, params: list[object], error: list[str]) -> None:
    session = await login(port)
    call = {"id": 1, "method": method, "params": [session if value == "SESSION" else value for value in params]}
    async with wire(port) as connection:
        reply = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc"))
    assert reply["error"][: len(error)] == error


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\n\r\n", b"500"),
        (b"POST / HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n", b"500"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"500"),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n<a>", b"500"),
        (b"POST /jsonrpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"500"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n\xff\xfe\xfd\xfc\xfb", b"500"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 10000, b"431"),
        (b"BREW /pot HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /rrd_updates?start=0 HTTP/1.1\r\n\r\n", b"401"),
    ],
)
async def test_what_is_not_a_good_request_gets_a_status(port: int, request_bytes: bytes, status: bytes) -> None:
    async with wire(port) as connection:
        await connection.send(request_bytes)
        assert (await connection.rest()).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><methodCall><methodName>&e;</methodName></methodCall>',
        b"<methodCall><methodName>VM.get_all</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
        b"<methodCall>" + b"<value><array><data>" * 500,
        *(
            f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE a [<!ENTITY e 'x'>]>"
            "<methodCall><methodName>VM.get_all</methodName></methodCall>".encode(encoding)
            for encoding in ("utf-8", "utf-16", "utf-16-le")
        ),
    ],
)
async def test_hostile_xml_is_refused(port: int, body: bytes) -> None:
    async with wire(port) as connection:
        await connection.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert b" 500 " in (await connection.rest())[:20]


async def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    call = xml_call("system.isAlive", "you")
    async with wire(port) as connection:
        request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(call) + call
        await connection.send(request + request[:30])
        first = await connection.reply()
        await connection.send(request[30:])
        assert (await connection.reply())[1] == first[1]
    assert b"<value>you</value>" in first[1]


async def test_one_connection_takes_both_protocols_in_turn(port: int) -> None:
    xml, json_rpc = xml_call("system.isAlive", "you"), b'{"jsonrpc":"2.0","method":"system.isAlive","params":["you"],"id":1}'
    async with wire(port) as connection:
        turns = ((xml, "/"), (json_rpc, "/jsonrpc"), (json_rpc, "/jsonrpc"), (xml, "/"))
        answers = [await connection.post(*turn) for turn in turns]
    assert [answer[:1] for answer in answers] == [b"<", b"{", b"{", b"<"]


async def test_http_one_zero_closes_and_the_proxy_line_is_taken(port: int) -> None:
    call = xml_call("system.isAlive", "you")
    async with wire(port) as connection:
        await connection.send(
            b"PROXY TCP4 192.0.2.7 127.0.0.1 5 443\r\nPOST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(call)
        )
        await connection.send(call)
        assert (await connection.rest()).endswith(b"</methodResponse>")


async def test_a_browser_may_ask_beforehand(port: int) -> None:
    def ask() -> http.client.HTTPResponse:
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("OPTIONS", "/jsonrpc", headers={"Access-Control-Request-Headers": "content-type"})
        return client.getresponse()

    response = await asyncio.to_thread(ask)
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, X-Requested-With"


async def test_a_waiting_event_from_hears_of_a_change_at_once(app: App, port: int) -> None:
    session = await login(port)

    def call(token: str, timeout: float) -> bytes:
        params = [session, ["vm"], token, timeout]
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "event.from", "params": params}).encode()

    async with wire(port) as connection:
        first = json.loads(await connection.post(call("", 0.0), "/jsonrpc"))["result"]
        waiting = asyncio.create_task(connection.post(call(first["token"], 30.0), "/jsonrpc"))
        while not app.events.waiting:
            await asyncio.sleep(0)
        vm = app.db.create("VM", name_label="new")
        second = json.loads(await waiting)["result"]
    assert [event["operation"] for event in first["events"]] == ["add"]
    assert [(event["operation"], event["class"], event["ref"]) for event in second["events"]] == [("add", "vm", vm)]
    assert second["events"][0]["snapshot"]["name_label"] == "new"
    assert second["valid_ref_counts"]["vm"] == 2


async def test_logging_out_wakes_the_sessions_waiting_calls(app: App, port: int) -> None:
    session = await login(port)
    async with wire(port) as connection:
        params = [session, ["VM"], "9" * 20 + ",0", 30.0]
        call = json.dumps({"id": 1, "method": "event.from", "params": params}).encode()
        waiting = asyncio.create_task(connection.post(call, "/jsonrpc"))
        while not app.events.waiting:
            await asyncio.sleep(0)
        app.sessions.destroy(session)
        assert json.loads(await waiting)["error"] == ["SESSION_INVALID", session]


async def test_an_unexpected_failure_is_an_internal_error_without_a_traceback(
    app: App, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await login(port)
    monkeypatch.setattr(app.db, "refs", None)
    async with wire(port) as connection:
        call = json.dumps({"id": 1, "method": "VM.get_all", "params": [session]}).encode()
        reply = json.loads(await connection.post(call, "/jsonrpc"))
    assert reply["error"][0] == "INTERNAL_ERROR" and "Traceback" not in reply["error"][1]


async def test_an_upload_that_is_refused_still_gets_its_answer(port: int) -> None:
    def upload() -> int:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        client.request("PUT", "/import_raw_vdi?vdi=none", body=bytes(8 << 20))
        return client.getresponse().status

    assert await asyncio.to_thread(upload) == 401
