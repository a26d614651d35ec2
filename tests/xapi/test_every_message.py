"""Every message of the API answers: with a value of its type or with an error of the API, whatever it is called with.

One host in memory whose other daemons are fakes or away. Each message is called under each of its names, with what a
client could mean, with nonsense of the right types and with values of the wrong ones. A defect shows as a logged traceback.
"""

import asyncio
import logging
import os
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from idl.rpc import Unreachable
from tests.xapi.classes.vm_pool import Pool
from xapi.database.schema import NULL_REF
from xapi.datamodel import MODEL
from xapi.datamodel.model import (
    Bool,
    DateTime,
    Enum,
    Float,
    Impl,
    Int,
    Map,
    Message,
    MessageKind,
    Option,
    Record,
    Ref,
    Set,
    String,
    Type,
)
from xapi.errors import XenAPIError
from xapi.server import dispatch
from xapi.server.context import Context, Origin
from xapi.server.encoding import result_text

PATIENCE = 10.0
WAITING = {"event.next", "event.from"}
"""They wait for something to happen, as they should."""
TEXTS = ("", "x", "\u2028 \U0001f600", "../../etc/passwd", "'; DROP TABLE VM;--", "%s%n{0}", "A" * 5000, "-1", "<a/>")
NUMBERS = (0, -1, 2**63 - 1, -(2**63), 4096)
UNFIT: tuple[Any, ...] = (None, "x", -1, 1.5, float("nan"), True, [], {}, [[]], {"a": {"b": [None]}}, b"bytes")


class Away:
    """A daemon that is not there."""

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> None:
            raise Unreachable("the daemon is away")

        return call


class Stock:
    """Values for parameters: refs are of rows that exist when they are asked for."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._refs: dict[str, str] = {}
        self._making: set[str] = set()

    def ref(self, cls: str) -> str:
        db = self.pool.db
        if cls in ("session", "role") or cls not in MODEL.classes or not MODEL.classes[cls].in_database:
            return self.pool_session if cls == "session" else NULL_REF
        known = {"host": self.pool.host, "pool": self.pool.pool, "SR": self.pool.sr}.get(cls) or self._refs.get(cls, "")
        if db.exists(cls, known):
            return known
        if cls in self._making:
            return NULL_REF
        self._making.add(cls)
        given: dict[str, Any] = {
            field.name: self.ref(field.type.cls)
            for field in MODEL.classes[cls].fields
            if isinstance(field.type, Ref) and field.type.cls != cls and cls not in ("host", "pool")
        }
        made = self._refs[cls] = db.create(cls, **given)
        self._making.remove(cls)
        return made

    @property
    def pool_session(self) -> str:
        known = self._refs.get("session", "")
        if not self.pool.db.exists("session", known):
            known = self._refs["session"] = self.pool.app.sessions.create(Origin(local_root=True), superuser=True)
        return known

    def plausible(self, type: Type) -> Any:
        match type:
            case Ref(cls):
                return self.ref(cls)
            case Set(of):
                return [self.plausible(of)]
            case Map(key, of):
                return {self.plausible(key): self.plausible(of)}
            case Enum(name):
                return MODEL.enums[name][0]
            case Record(cls) if cls in MODEL.classes:
                return {field.name: self.plausible(field.type) for field in MODEL.classes[cls].record_fields}
            case Option(of):
                return self.plausible(of)
            case Int():
                return 1
            case Float():
                return 0.1
            case Bool():
                return True
            case DateTime():
                return "20260101T00:00:00Z"
        return "something"

    def odd(self, type: Type, turn: int) -> Any:
        """A value of the type that makes little sense."""
        match type:
            case Ref():
                return (NULL_REF, "", "OpaqueRef:none", self.pool.host)[turn % 4]
            case Set(of):
                return ([], [self.odd(of, turn)] * 2)[turn % 2]
            case Map(key, of):
                return ({}, {self.odd(key, turn): self.odd(of, turn)})[turn % 2]
            case Enum(name):
                return MODEL.enums[name][-1]
            case Int():
                return NUMBERS[turn % len(NUMBERS)]
            case Float():
                return (float("nan"), float("inf"), -1.0)[turn % 3]
            case Bool():
                return bool(turn % 2)
            case String():
                return TEXTS[turn % len(TEXTS)]
        return self.plausible(type)


def _arguments(stock: Stock, message: Message) -> Iterator[list[Any]]:
    types = [param.type for param in message.params]
    yield [stock.plausible(type) for type in types]
    for turn in range(len(TEXTS)):
        # The object exists, what is wanted of it is odd; then that is odd too.
        yield [stock.plausible(t) if at == 0 and isinstance(t, Ref) else stock.odd(t, turn) for at, t in enumerate(types)]
        yield [stock.odd(type, turn) for type in types]
    for unfit in UNFIT:
        yield [unfit for _ in types]
    yield [stock.plausible(type) for type in types][:-1]
    yield [*(stock.plausible(type) for type in types), "one more"]


@pytest.fixture
async def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    async def no_command(*command: str, **options: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", command[0])

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_command)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    made = Pool(tmp_path)
    made.app.services.network = made.app.services.metrics = Away()
    for fake in (made.storage, made.xenops):
        fake.__class__ = type("Partly", (Away, type(fake)), {})
    password = tmp_path / "password"
    password.write_text("x")
    made.app.config = type(made.app.config)({"root-password-file": str(password), "login-failure-delay": "0"})
    await made.start()
    yield made
    await made.stop()


class Traces(logging.Handler):
    """Collects what was logged with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[2]:
            innermost = traceback.extract_tb(record.exc_info[2])[-1]
            place = f"{Path(innermost.filename).name}:{innermost.lineno}"
            self.seen.append(f"{record.getMessage()}: {record.exc_info[1]!r:.200} at {place}")


@pytest.fixture
def traces() -> Iterator[Traces]:
    handler = Traces()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


async def _answer(stock: Stock, message: Message, name: str, params: list[Any]) -> None:
    """Make one call as the front door does, and write its result as both protocols do."""
    ctx = Context(stock.pool.app, Origin(local_root=True))
    session = [stock.pool_session] if message.needs_session else []
    try:
        async with asyncio.timeout(0.1 if message.wire_name in WAITING else PATIENCE):
            outcome = await dispatch.call(ctx, name, [*session, *params])
        result_text(outcome.type, outcome.value, "xml")
        result_text(outcome.type, outcome.value, "json")
    except TimeoutError:
        assert message.wire_name in WAITING, f"{name}{params!r:.200} does not answer"
    except XenAPIError as error:
        assert error.code in MODEL.errors or error.code == "Fault", f"{name}{params!r:.200} answers {error}"
        assert all(isinstance(param, str) for param in error.params), f"{name} answers {error}"


CLASSES = sorted({message.cls for message in MODEL.messages.values()})


@pytest.mark.parametrize("cls", CLASSES)
async def test_every_message_of_a_class_answers(pool: Pool, traces: Traces, cls: str) -> None:
    stock = Stock(pool)
    for message in [m for m in MODEL.messages.values() if m.cls == cls]:
        for params in _arguments(stock, message):
            if message.wire_name in WAITING:
                continue
            await _answer(stock, message, message.wire_name, params)
    assert not traces.seen, "\n".join(sorted(set(traces.seen)))


@pytest.mark.parametrize("cls", CLASSES)
async def test_every_message_answers_under_all_its_names(pool: Pool, traces: Traces, cls: str) -> None:
    stock = Stock(pool)
    for message in [m for m in MODEL.messages.values() if m.cls == cls and m.wire_name not in WAITING]:
        for name in (f"{cls}_{message.name}", f"Async.{message.wire_name}", f"InternalAsync.{message.wire_name}"):
            await _answer(stock, message, name, [stock.plausible(param.type) for param in message.params])
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(job for job in pool.app.jobs if "updates" not in job.get_name()), return_exceptions=True)
    assert not traces.seen, "\n".join(sorted(set(traces.seen)))


async def test_names_that_are_none(pool: Pool) -> None:
    stock = Stock(pool)
    ctx = Context(pool.app, Origin(local_root=True))
    for name in ("", "VM", "VM.", ".start", "VM.start.now", "vm.start", "Async.", "Async.Async.VM.start", "VM_", "__class__"):
        with pytest.raises(XenAPIError) as refused:
            await dispatch.call(ctx, name, [stock.pool_session])
        assert refused.value.code == "MESSAGE_METHOD_UNKNOWN", name


def test_the_model_has_them_all() -> None:
    assert len(MODEL.messages) == 2258
    assert sum(message.kind is MessageKind.CUSTOM for message in MODEL.messages.values()) == 678
    assert all(dispatch.find(name) is not None for name in MODEL.messages)
    assert all(dispatch.answer_to(m) or m.impl for m in MODEL.messages.values() if m.impl is not Impl.REMOVED)
