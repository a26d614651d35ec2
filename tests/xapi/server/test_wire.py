"""Golden samples of the wire: what is sent, and what comes back to the byte."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.xapi.fixture import HOST_UUID, PASSWORD, make, serving, wire
from xapi.server.context import App, Origin

XML_HEAD = b'<?xml version="1.0"?><methodResponse><params><param>'
XML_TAIL = b"</param></params></methodResponse>"


def xml_success(value: bytes) -> bytes:
    members = b"<member><name>Status</name><value>Success</value></member><member><name>Value</name>" + value + b"</member>"
    return XML_HEAD + b"<value><struct>" + members + b"</struct></value>" + XML_TAIL


def xml_failure(*words: str) -> bytes:
    told = "".join(f"<value>{word}</value>" for word in words).encode()
    members = (
        b"<member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name>"
        b"<value><array><data>" + told + b"</data></array></value></member>"
    )
    return XML_HEAD + b"<value><struct>" + members + b"</struct></value>" + XML_TAIL


def xml_call(name: str, *values: str) -> bytes:
    params = "".join(f"<param>{value}</param>" for value in values)
    return f'<?xml version="1.0"?><methodCall><methodName>{name}</methodName><params>{params}</params></methodCall>'.encode()


class Sample:
    """One object of everything, and a session."""

    def __init__(self, app: App) -> None:
        self.app = app
        db = app.db
        self.session = app.sessions.create(Origin(), superuser=True)
        self.vm = db.create(
            "VM",
            "OpaqueRef:vm",
            uuid="u",
            name_label='<a & "b">',
            other_config={"k": "v", "<": ">"},
            tags=["one", "two"],
            memory_static_max=2**53 + 1,
            is_a_template=True,
            snapshot_time="20260102T03:04:05Z",
            power_state="Halted",
        )
        self.cpu = db.create("host_cpu", "OpaqueRef:cpu", utilisation=0.1)
        self.busy_cpu = db.create("host_cpu", "OpaqueRef:cpu2", utilisation=1e20)


@pytest.fixture
async def sample(tmp_path: Path) -> Sample:
    return Sample(make(tmp_path))


@pytest.fixture
async def port(sample: Sample) -> AsyncIterator[int]:
    async with serving(sample.app) as number:
        yield number


def text(value: str) -> str:
    return f"<value><string>{value}</string></value>"


READS = [
    ("VM.get_name_label", "vm", b"<value>&lt;a &amp; &quot;b&quot;&gt;</value>", b'"<a & \\"b\\">"'),
    ("VM.get_memory_static_max", "vm", b"<value>9007199254740993</value>", b"9007199254740993"),
    ("VM.get_is_a_template", "vm", b"<value><boolean>1</boolean></value>", b"true"),
    ("VM.get_is_control_domain", "vm", b"<value><boolean>0</boolean></value>", b"false"),
    ("VM.get_power_state", "vm", b"<value>Halted</value>", b'"Halted"'),
    ("VM.get_affinity", "vm", b"<value>OpaqueRef:NULL</value>", b'"OpaqueRef:NULL"'),
    (
        "VM.get_snapshot_time",
        "vm",
        b"<value><dateTime.iso8601>20260102T03:04:05Z</dateTime.iso8601></value>",
        b'"20260102T03:04:05Z"',
    ),
    ("VM.get_tags", "vm", b"<value><array><data><value>one</value><value>two</value></data></array></value>", b'["one","two"]'),
    ("VM.get_VBDs", "vm", b"<value><array><data></data></array></value>", b"[]"),
    (
        "VM.get_other_config",
        "vm",
        b"<value><struct><member><name>k</name><value>v</value></member>"
        b"<member><name>&lt;</name><value>&gt;</value></member></struct></value>",
        b'{"k":"v","<":">"}',
    ),
    ("VM.get_platform", "vm", b"<value><struct></struct></value>", b"{}"),
    ("host_cpu.get_utilisation", "cpu", b"<value><double>0.1</double></value>", b"0.1"),
    ("host_cpu.get_utilisation", "busy_cpu", b"<value><double>1e+20</double></value>", b"1e+20"),
]


@pytest.mark.parametrize("path", ["/", "/RPC2", "/json", "/anything/else"])
@pytest.mark.parametrize(("method", "attribute", "as_xml", "as_json"), READS, ids=[read[0] for read in READS])
async def test_values_in_xml(
    sample: Sample, port: int, path: str, method: str, attribute: str, as_xml: bytes, as_json: bytes
) -> None:
    async with wire(port) as connection:
        body = xml_call(method, text(sample.session), text(getattr(sample, attribute)))
        assert await connection.post(body, path) == xml_success(as_xml)


@pytest.mark.parametrize(("method", "attribute", "as_xml", "as_json"), READS, ids=[read[0] for read in READS])
async def test_values_in_json(sample: Sample, port: int, method: str, attribute: str, as_xml: bytes, as_json: bytes) -> None:
    call = f'"method":"{method}","params":["{sample.session}","{getattr(sample, attribute)}"]'
    async with wire(port) as connection:
        two = await connection.post(f'{{"jsonrpc":"2.0","id":0,{call}}}'.encode(), "/jsonrpc")
        one = await connection.post(f'{{"id":"a\\"b",{call}}}'.encode(), "/jsonrpc")
    assert two == b'{"jsonrpc":"2.0","result":' + as_json + b',"id":0}'
    assert one == b'{"result":' + as_json + b',"error":null,"id":"a\\"b"}'


@pytest.mark.parametrize(
    ("field", "written", "stored"),
    [
        ("order", "<value>5</value>", 5),
        ("order", "<value><int>5</int></value>", 5),
        ("order", "<value><i8>5</i8></value>", 5),
        ("order", "<value><i4> 5 </i4></value>", 5),
        ("name_label", "<value>bare</value>", "bare"),
        ("name_label", "<value/>", ""),
        ("name_label", "<value></value>", ""),
        ("name_label", "<value><string/></value>", ""),
        ("name_label", "<value><string>&lt;&#65;&#x42;</string></value>", "<AB"),
        ("name_label", "<value><![CDATA[<&>]]></value>", "<&>"),
        ("is_a_template", "<value><boolean>1</boolean></value>", True),
        ("is_a_template", "<value><boolean>true</boolean></value>", False),
        ("tags", "<value><array><data><value>a</value><value><string>b</string></value></data></array></value>", ["a", "b"]),
        ("tags", "<value><array><data/></array></value>", []),
        (
            "other_config",
            "<value>\n <struct>\n <member> <name>a</name> <value>b</value> </member>\n </struct>\n</value>",
            {"a": "b"},
        ),
        ("other_config", "<value><array><data/></array></value>", {}),
        ("actions_after_crash", "<value>RESTART</value>", "restart"),
    ],
)
async def test_what_is_accepted_in_xml(sample: Sample, port: int, field: str, written: str, stored: object) -> None:
    async with wire(port) as connection:
        reply = await connection.post(xml_call(f"VM.set_{field}", text(sample.session), text(sample.vm), written))
    assert reply == xml_success(b"<value></value>")
    assert sample.app.db.get("VM", sample.vm, field) == stored


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (("VM.get_name_label",), ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_name_label", "1", "-1"]),
        (("VM.get_name_label", "none"), ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_name_label", "1", "0"]),
        (("VM.get_name_label", "none", "x"), ["SESSION_INVALID", "none"]),
        (("VMPP.get_all", "none"), ["SESSION_INVALID", "none"]),
        (("Async.VM.get_name_label", "SESSION", "x"),
         ["Fault", "No async mode for this operation (rpc: Async.VM.get_name_label)"]),
        (("VM.get_name_label", "SESSION", "OpaqueRef:x"), ["HANDLE_INVALID", "VM", "OpaqueRef:x"]),
        (("VM.get_by_uuid", "SESSION", "x"), ["UUID_INVALID", "VM", "x"]),
        (("VM.add_to_other_config", "SESSION", "OpaqueRef:vm", "k", "w"),
         ["MAP_DUPLICATE_KEY", "VM", "other_config", "OpaqueRef:vm", "k"]),
        (("VM.set_actions_after_crash", "SESSION", "OpaqueRef:vm", "dance"), ["INVALID_VALUE", "dance"]),
        (("no.such", "x"), ["MESSAGE_METHOD_UNKNOWN", "no.such"]),
    ],
)  # fmt: skip
async def test_failures_in_both_protocols(sample: Sample, port: int, call: tuple[str, ...], answer: list[str]) -> None:
    name, *given = call
    params = [sample.session if value == "SESSION" else value for value in given]
    listed = ",".join(f'"{value}"' for value in params)
    told = ",".join(f'"{word}"' for word in answer)
    async with wire(port) as connection:
        assert await connection.post(xml_call(name, *map(text, params))) == xml_failure(*answer)
        two = await connection.post(f'{{"jsonrpc":"2.0","id":5,"method":"{name}","params":[{listed}]}}'.encode(), "/jsonrpc")
        one = await connection.post(f'{{"id":5,"method":"{name}","params":[{listed}]}}'.encode(), "/jsonrpc")
    rest = ",".join(f'"{word}"' for word in answer[1:])
    error = f'{{"code":1,"message":"{answer[0]}","data":[{rest}]}}'
    assert two == f'{{"jsonrpc":"2.0","error":{error},"id":5}}'.encode()
    assert one == f'{{"result":null,"error":[{told}],"id":5}}'.encode()


async def test_a_wrong_type_is_shown_as_the_original_shows_it(sample: Sample, port: int) -> None:
    async with wire(port) as connection:
        reply = await connection.post(
            xml_call("VM.set_name_label", text(sample.session), text(sample.vm), "<value><int>0</int></value>")
        )
    assert reply == xml_failure("INTERNAL_ERROR", "Failure(&quot;Expected string, got 'I(0)'&quot;)")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"<methodCall><methodName>a</methodName><params><param><value>\xff</value></param></params></methodCall>", "/"),
        (b'{"id":1,"jsonrpc":"2.0","method":"a","params":["\xff"]}', "/jsonrpc"),
    ],
)
async def test_text_that_is_not_utf8_is_an_invalid_value(port: int, body: bytes, path: str) -> None:
    async with wire(port) as connection:
        reply = await connection.post(body, path)
    assert b"INVALID_VALUE" in reply and b"Invalid UTF-8 string in parameter" in reply


async def test_text_that_no_xml_can_hold_is_not_stored(sample: Sample, port: int) -> None:
    call = f'{{"id":1,"jsonrpc":"2.0","method":"VM.set_name_label","params":["{sample.session}","{sample.vm}","a\\u0001"]}}'
    async with wire(port) as connection:
        assert b'"message":"INVALID_VALUE"' in await connection.post(call.encode(), "/jsonrpc")
    assert "\x01" not in sample.app.db.get("VM", sample.vm, "name_label")


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ("", b'{"jsonrpc":"2.0","result":"","id":1}'),
        (',"params":null', b'{"jsonrpc":"2.0","result":"","id":1}'),
        (',"params":{"a":1}', b'{"jsonrpc":"2.0","result":{"a":1},"id":1}'),
    ],
)
async def test_params_of_json_rpc_two(port: int, params: str, answer: bytes) -> None:
    async with wire(port) as connection:
        call = f'{{"jsonrpc":"2.0","id":1,"method":"system.isAlive:me"{params}}}'
        assert await connection.post(call.encode(), "/jsonrpc") == answer


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"method":"a","params":[]}',
        b'{"method":"a","params":[],"id":null}',
        b'{"method":"a","params":[],"id":1.5}',
        b'{"method":"a","id":1}',
        b'{"method":"a","params":{},"id":1}',
        b'{"jsonrpc":"1.0","method":"a","params":[],"id":1}',
        b'{"jsonrpc":"2.0","method":"a","params":5,"id":1}',
    ],
)
async def test_json_that_is_no_call_is_a_transport_fault(port: int, body: bytes) -> None:
    async with wire(port) as connection:
        await connection.send(b"POST /jsonrpc HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await connection.rest()).startswith(b"HTTP/1.1 500 Internal Error\r\n")


async def test_the_dispatchers_own_messages_have_no_status(port: int) -> None:
    async with wire(port) as connection:
        assert await connection.post(xml_call("system.isAlive:x", text("here"))) == XML_HEAD + b"<value>here</value>" + XML_TAIL
        names = await connection.post(xml_call("system.listMethods"))
    assert names.startswith(XML_HEAD + b"<value><array><data><value>")
    assert b"<value>VM.start</value>" in names and b"<value>Async.VM.start</value>" in names


# -- HTTP --

ALIVE = xml_call("system.isAlive", text("y"))
ANSWER = XML_HEAD + b"<value>y</value>" + XML_TAIL


def alive(line: bytes = b"POST / HTTP/1.1", *headers: bytes) -> bytes:
    return b"\r\n".join([line, *headers, b"Content-Length: %d" % len(ALIVE), b"", b""]) + ALIVE


@pytest.mark.parametrize(
    ("line", "header", "kept"),
    [
        (b"POST / HTTP/1.1", (), True),
        (b"POST / HTTP/1.1", (b"Connection: close",), False),
        (b"POST / HTTP/1.1", (b"CONNECTION: Keep-Alive, TE",), True),
        (b"POST / HTTP/1.0", (), False),
        (b"POST / HTTP/1.0", (b"Connection: keep-alive",), True),
    ],
)
async def test_which_connections_stay(port: int, line: bytes, header: tuple[bytes, ...], kept: bool) -> None:
    async with wire(port) as connection:
        await connection.send(alive(line, *header))
        head, body = await connection.reply()
        assert body == ANSWER
        assert (b"Connection: keep-alive\r\n" in head) is kept and (b"Connection: close\r\n" in head) is not kept
        if kept:
            await connection.send(alive())
            assert (await connection.reply())[1] == ANSWER
        else:
            assert await connection.rest() == b""


async def test_one_connection_carries_calls_and_other_requests(port: int) -> None:
    async with wire(port) as connection:
        await connection.send(alive())
        await connection.reply()
        await connection.send(b"OPTIONS / HTTP/1.1\r\n\r\n" + alive())
        await connection.reply()
        head, body = await connection.reply()
    assert body == ANSWER and b"Content-Type: text/xml\r\n" in head


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n",
        b"FRAME 000000000051",
        b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\nFRAME 000000000051",
    ],
)
async def test_what_may_come_before_a_request(port: int, prefix: bytes) -> None:
    async with wire(port) as connection:
        await connection.send(prefix + alive())
        assert (await connection.reply())[1] == ANSWER
        await connection.send(b"FRAME 000000000051" + alive())
        assert (await connection.reply())[1] == ANSWER


@pytest.mark.parametrize("path", ["/", "/json", "/jsonrpc"])
async def test_preflight(port: int, path: str) -> None:
    async with wire(port) as connection:
        await connection.send(
            f"OPTIONS {path} HTTP/1.1\r\nOrigin: http://x\r\nAccess-Control-Request-Headers: content-type\r\n\r\n".encode()
        )
        head, body = await connection.reply()
    assert body == b""
    assert head == (
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Access-Control-Allow-Headers: content-type, X-Requested-With\r\nAccess-Control-Allow-Methods: PUT\r\n"
        b"Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"
    )


async def test_json_answers_have_their_headers(port: int) -> None:
    async with wire(port) as connection:
        await connection.send(
            b'POST /jsonrpc HTTP/1.1\r\nContent-Length: 47\r\n\r\n{"id":1,"method":"system.isAlive","params":[]} '
        )
        head, body = await connection.reply()
    assert head == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Access-Control-Allow-Headers: X-Requested-With\r\nCache-Control: no-cache, no-store\r\n"
        b"Connection: keep-alive\r\n\r\n" % len(body)
    )


BASIC = base64.b64encode(f"root:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /audit_log", "", 401),
        ("GET /audit_log?session_id=SESSION", "", 200),
        ("GET /audit_log?session_id=%4fpaqueRef%3Anone", "", 401),
        ("GET /audit_log", "Cookie: session_id=SESSION\r\n", 200),
        ("GET /audit_log", "Cookie: a=b; session_id=SESSION\r\n", 200),
        ("GET /audit_log", "Cookie: a=b&session_id=SESSION\r\n", 200),
        ("GET /audit_log?session_id=none", "Cookie: session_id=SESSION\r\n", 200),
        ("GET /audit_log?session_id=SESSION", "Cookie: session_id=none\r\n", 401),
        ("GET /audit_log?pool_secret=secret", "", 200),
        ("GET /audit_log", "Cookie: pool_secret=wrong\r\n", 401),
        ("GET /audit_log", f"Authorization: Basic {BASIC}\r\n", 200),
        ("GET /audit_log", f"authorization: basic {BASIC}\r\n", 200),
        ("GET /audit_log", "Authorization: Basic cm9vdDp4\r\n", 401),
        ("GET /audit_log", "Authorization: Basic %%%\r\n", 401),
        ("GET /audit_log", "Authorization: Bearer x\r\n", 401),
    ],
)
async def test_who_is_let_in(sample: Sample, port: int, request_line: str, headers: str, status: int) -> None:
    request = f"{request_line} HTTP/1.1\r\n{headers}\r\n".replace("SESSION", sample.session)
    before = sample.app.db.count("session")
    async with wire(port) as connection:
        await connection.send(request.encode())
        head = await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"")
    assert int(head.split()[1]) == status
    if status == 401:
        assert b'WWW-Authenticate: Basic realm="get_audit_log"\r\n' in head
    while sample.app.jobs:
        await asyncio.sleep(0.01)
    assert sample.app.db.count("session") == before, "a session made for a request ends with it"


async def test_who_is_not_let_in_fails_the_task_that_he_names(sample: Sample, port: int) -> None:
    task = sample.app.db.create("task", status="pending")
    async with wire(port) as connection:
        await connection.send(f"GET /audit_log?task_id={task} HTTP/1.1\r\n\r\n".encode())
        assert (await connection.reply())[0].startswith(b"HTTP/1.1 401 ")
    record = sample.app.db.record("task", task)
    assert (record["status"], record["error_info"][0]) == ("failure", "SESSION_AUTHENTICATION_FAILED")


async def test_special_headers_reach_the_task_of_a_call(sample: Sample, port: int) -> None:
    db = sample.app.db
    parent = db.create("task", status="pending")
    made: list[dict[str, object]] = []
    db.listen(lambda table, ref: made.append(db.record(table, ref)) if table == "task" and db.exists(table, ref) else None)
    async with wire(port) as connection:
        await connection.post(
            xml_call("Async.VM.set_memory_dynamic_range", text(sample.session), text("none"), text("1"), text("2")),
            more=f"subtask-of: {parent}\r\nX-HTTP-Other-Config-Colour: blue\r\n",
        )
    assert any(task["subtask_of"] == parent and task["other_config"] == {"http:colour": "blue"} for task in made)


@pytest.mark.parametrize(("limit", "status"), [("", b"200"), ("1024", b"431")])
async def test_the_limit_of_a_head_is_configurable(tmp_path: Path, limit: str, status: bytes) -> None:
    app = make(tmp_path)
    if limit:
        app.config._values["max_header_length_tcp"] = limit
    async with serving(app) as port, wire(port) as connection:
        await connection.send(alive(b"POST / HTTP/1.1", b"X: " + b"y" * 1100))
        assert (await connection.reply())[0].startswith(b"HTTP/1.1 " + status)


async def test_a_body_of_exactly_the_limit_is_taken(port: int) -> None:
    body = ALIVE + b" " * (300 * 1024 - len(ALIVE))
    async with wire(port) as connection:
        assert await connection.post(body) == ANSWER
        await connection.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1))
        assert (await connection.rest()).startswith(b"HTTP/1.1 500 ")


async def test_records_have_every_field_in_flat_names(sample: Sample, port: int) -> None:
    host = sample.app.localhost
    async with wire(port) as connection:
        reply = await connection.post(xml_call("host.get_record", text(sample.session), text(host)))
    assert reply.startswith(XML_HEAD + b"<value><struct><member><name>Status</name><value>Success</value></member>")
    assert b"<member><name>uuid</name><value>" + HOST_UUID.encode() + b"</value></member>" in reply
    for field in (b"name_label", b"memory_overhead", b"API_version_major", b"license_params"):
        assert b"<member><name>" + field + b"</name><value>" in reply
    assert b"> <" not in reply and b">\n<" not in reply
