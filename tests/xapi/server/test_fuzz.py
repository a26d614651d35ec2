"""Nonsense at every parser and at the door: an error that says so, never a traceback, a hang or a growing process."""

import asyncio
import contextlib
import json
import logging
import string
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.xapi.fixture import make, serving, wire, xml_call
from xapi.database.filters import BadExpression, UnknownColumn, predicate
from xapi.database.schema import from_model
from xapi.database.store import Row, Store
from xapi.datamodel import MODEL
from xapi.datamodel.model import Impl, Message
from xapi.errors import XenAPIError
from xapi.server import dispatch, jsonrpc, xmlrpc
from xapi.server.context import App, Context, Origin
from xapi.server.encoding import encoder
from xapi.server.event_records import Subscriptions
from xapi.server.events import _parse_token
from xapi.server.http_types import HttpError, parse_cookies, parse_head, parse_query
from xapi.server.marshal import native

SCHEMA = from_model()
NASTY = st.sampled_from(
    ["\x00", "\ufffe", "\ud800", "&", "<", "]]>", "'", '"', "\\", "%", "OpaqueRef:NULL", "OpaqueRef:", "9" * 30]
)
TEXT = st.text(max_size=40) | NASTY
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
CALLS = [
    xml_call("VM.set_name_label", "OpaqueRef:s", "OpaqueRef:v", "text"),
    b"<methodCall><methodName>a</methodName><params><param><value><struct><member><name>n</name><value><array><data>"
    b"<value><int>1</int></value><value><double>1.5</double></value><value><nil/></value></data></array></value></member>"
    b"</struct></value></param></params></methodCall>",
    b'{"jsonrpc":"2.0","id":1,"method":"VM.get_all","params":["OpaqueRef:s"]}',
    b'{"id":"x","method":"event.from","params":["s",["*"],"",1.0]}',
]
HEADS = [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nCookie: session_id=a; b=c\r\n",
    b"GET /rrd_updates?start=1&session_id=%41 HTTP/1.0\r\nAuthorization: Basic cm9vdDp4\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nPUT /import_raw_vdi?vdi=x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    b"FRAME 000000000010OPTIONS /jsonrpc HTTP/1.1\r\n",
]


@st.composite
def mutated(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A good sample with some of its bytes replaced, removed, doubled or followed by others."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        until = min(len(data), at + draw(st.integers(0, 8)))
        data[at:until] = draw(st.binary(max_size=6) | st.just(bytes(data[at:until] * 3)))
    return bytes(data)


@given(mutated(CALLS) | st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
@example(b"<methodCall><methodName>a</methodName><params><param><value>" + b"<array>" * 3000)
@example(
    b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><methodCall><methodName>&b;</methodName></methodCall>'
)
@example(b'<?xml version="1.0" encoding="no-such"?><methodCall/>')
@example(b'<?xml version="1.0" encoding="utf-16"?><methodCall/>')
@example(b"[" * 100_000)
@example(b'{"method":"\\ud800","id":1,"params":[]}')
@example(b'{"method":"a","id":' + b"9" * 10_000 + b',"params":[]}')
def test_bodies_are_calls_or_refused(body: bytes) -> None:
    for parse in (xmlrpc.parse_call, jsonrpc.parse_call):
        with contextlib.suppress(xmlrpc.BadRequest, xmlrpc.BadText):
            parse(body)


@given(mutated(HEADS) | st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_heads_are_requests_or_refused(block: bytes) -> None:
    try:
        head = parse_head(block)
        parse_query(head.target)
        parse_cookies(head.headers.get("cookie", ""))
        assert head.keep_alive in (True, False)
        assert head.content_length is None or head.content_length >= 0
    except HttpError as refused:
        assert refused.status == 400


@given(st.text(string.ascii_letters + "=;&% \t,\x00ü", max_size=200))
def test_cookies_are_pairs(text: str) -> None:
    assert all(isinstance(value, str) for value in parse_cookies(text).values())


WORDS = st.sampled_from(
    ["field", '"uuid"', '"name__label"', '"no such"', "=", "and", "or", "not", "(", ")", "true", "false", '"', "x", "\n"]
)


@given(st.lists(WORDS, max_size=30).map(" ".join) | TEXT)
@settings(max_examples=300, deadline=None)
@example(" and ".join(["true"] * 900))
@example("(" * 5000)
@example("not " * 1900 + "true")
def test_filters_are_predicates_or_refused(text: str) -> None:
    store = Store(SCHEMA)
    store.create("VM", name_label="x")
    row: Row = next(store.rows("VM"))
    with contextlib.suppress(BadExpression, UnknownColumn):
        assert predicate(text, SCHEMA["VM"])(row) in (True, False)


@given(TEXT | st.from_regex(r"[0-9]{1,25},[0-9]{0,25}"))
def test_tokens_are_generations_or_refused(text: str) -> None:
    try:
        assert _parse_token(text) >= 0
    except XenAPIError as refused:
        assert refused.code == "EVENT_FROM_TOKEN_PARSE_FAILURE"


@given(st.lists(TEXT | st.from_regex(r"(vm|VM|\*|host)?/?[a-zA-Z:/]{0,9}"), max_size=5))
def test_subscriptions_are_subscriptions_or_refused(words: list[str]) -> None:
    try:
        Subscriptions(words, SCHEMA).tables(SCHEMA)
    except XenAPIError as refused:
        assert refused.code == "EVENT_SUBSCRIPTION_PARSE_FAILURE"


TYPES = sorted({field.type for cls in MODEL.classes.values() for field in cls.fields}, key=str)


@given(st.sampled_from(TYPES), VALUES)
@settings(max_examples=400, deadline=None)
def test_parameters_are_of_their_type_or_refused(type_: Any, value: Any) -> None:
    try:
        converted = native(type_)(value)
    except XenAPIError as refused:
        assert refused.code in ("INTERNAL_ERROR", "INVALID_VALUE")
        return
    assert xmlrpc.success([encoder(type_, "xml")(converted).encode()])
    json.loads(encoder(type_, "json")(converted))


# -- through the dispatcher and the door --

FROM_STORE = [
    message for message in MODEL.messages.values() if message.needs_session and message.impl is Impl.DB and message.cls in SCHEMA
]


def in_a_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What xapi logged as its own failure: the traceback of something that nobody expected."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@given(st.lists(st.tuples(st.sampled_from(FROM_STORE), st.lists(VALUES, max_size=4)), min_size=5, max_size=10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_messages_that_the_store_answers_have_an_answer_to_anything(
    tmp_path: Path, complaints: Callable[[], list[str]], calls: list[tuple[Message, list[Any]]]
) -> None:
    async def work() -> None:
        app = make(tmp_path)
        session = app.sessions.create(Origin(), superuser=True)
        refs = [None, *app.db.refs("VM"), *app.db.refs("host")]
        for number, (message, params) in enumerate(calls):
            # Now and then something that is there.
            given = [refs[number % 3] if at == 0 and refs[number % 3] else value for at, value in enumerate(params)]
            try:
                await dispatch.call(Context(app, Origin()), message.wire_name, [session, *given])
            except XenAPIError as refused:
                dispatch_answer = xmlrpc.failure(refused.description)
                assert b"Traceback" not in dispatch_answer

    in_a_loop(work)
    assert complaints() == []


def _posted(body: bytes, path: bytes) -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


WIRE = (
    st.builds(_posted, mutated(CALLS) | st.binary(max_size=100), st.sampled_from([b"/", b"/json", b"/jsonrpc", b"/RPC2"]))
    | mutated(HEADS).map(lambda head: head + b"\r\nabcde")
    | st.binary(max_size=300)
)


@given(st.lists(WIRE, min_size=10, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_door_answers_or_hangs_up(tmp_path: Path, complaints: Callable[[], list[str]], streams: list[bytes]) -> None:
    async def one(port: int, stream: bytes) -> None:
        async with wire(port) as connection, asyncio.timeout(20):
            await connection.send(stream)
            connection.writer.write_eof()
            try:
                answer = await connection.rest()
            except ConnectionError:
                return
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ") or b"thin CLI" in answer
            assert b"Traceback" not in answer and b".py" not in answer

    async def work() -> None:
        app: App = make(tmp_path)
        async with serving(app) as port:
            for stream in streams:
                await one(port, stream)
            async with wire(port) as connection:
                assert b"<value>still here</value>" in await connection.post(xml_call("system.isAlive", "still here"))

    in_a_loop(work)
    assert complaints() == []
