"""From a method name and parameters to a result: the same steps for all messages, from the datamodel.

Name -> message -> parameters counted and converted -> session -> role -> task -> implementation -> durable -> result.
Whatever goes wrong leaves here as a `XenAPIError`.
"""

import functools
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from idl.rpc import RpcError, Unreachable
from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.database.store import DuplicateKey, NotUnique, Row, RowMissing, UuidMissing
from xapi.datamodel import MODEL
from xapi.datamodel.model import NO_DEFAULT, Class, Impl, Message, MessageKind, Ref, Set, Type
from xapi.errors import XenAPIError
from xapi.server import audit, implicit, registry
from xapi.server.context import Context
from xapi.server.daemon_errors import translate
from xapi.server.encoding import Encoded, RowRecord, RowRecords, result_text
from xapi.server.marshal import constructor_arguments, native
from xapi.server.sessions import assert_permitted

log = logging.getLogger(__name__)

INTERNAL = "InternalAsync."
ASYNC_PREFIXES = ("Async.", INTERNAL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value and the type to write it by (None: no result)."""

    type: Type | None
    value: Any


@dataclass(frozen=True, slots=True)
class Handler:
    """A message made ready to be called."""

    message: Message
    run: Callable[..., Any]
    converters: tuple[Callable[[Any], Any], ...]
    required: int
    has_optional: bool
    needs_task: bool
    key_at: int | None
    """Position of the map key that RBAC looks at, if any."""
    has_effect: bool
    """Its calls go to the audit log."""


def find(name: str) -> Handler | None:
    """Return the handler of a wire name, also in its ``Class_method`` spelling; None for an unknown one."""
    message = MODEL.messages.get(name) or _by_alias().get(name)
    # Only what the datamodel names is kept: unknown names are without end.
    return None if message is None else _handler(message.wire_name)


@functools.cache
def _handler(wire_name: str) -> Handler:
    message = MODEL.messages[wire_name]
    run = answer_to(message) or _not_there_yet(message)
    if message.kind is MessageKind.CREATE:
        cls = MODEL.classes[message.cls]
        converters: tuple[Callable[[Any], Any], ...] = (
            (lambda given: constructor_arguments(cls, given)) if message.impl is not Impl.DB else (lambda given: given),
        )
    else:
        converters = tuple(native(param.type) for param in message.params)
    has_key = message.map_key_roles and message.name.startswith(("add_to_", "remove_from_"))
    cls_tasks = not MODEL.classes[message.cls].no_task and message.cls not in ("session", "event", "task")
    return Handler(
        message,
        run,
        converters,
        message.required_params,
        message.required_params < len(message.params),
        message.is_async and cls_tasks,
        1 if has_key else None,
        audit.has_effect(message),
    )


def answer_to(message: Message) -> Callable[..., Any] | None:
    """Return what answers *message*: its registered function, else the store; None where nothing does yet."""
    run = registry.implementation(message.wire_name)
    if run is not None:
        return run
    # Constructors, destructors and setters that need code are not to be answered by writing rows only.
    needs_code = message.kind in (MessageKind.CUSTOM, MessageKind.CREATE, MessageKind.DESTROY, MessageKind.SETTER)
    return None if needs_code and message.impl is not Impl.DB else implicit.answer(message)


@functools.cache
def _by_alias() -> dict[str, Message]:
    return {f"{message.cls}_{message.name}": message for message in MODEL.messages.values()}


def _not_there_yet(message: Message) -> Callable[..., Any]:
    def refuse(ctx: Context, *params: Any) -> Any:
        raise errors.not_implemented(message.wire_name)

    return refuse


def _split(name: str) -> tuple[str, bool]:
    for prefix in ASYNC_PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :], True
    return name, False


async def call(ctx: Context, name: str, params: list[Any]) -> Outcome:
    """Answer one call. *params* are parsed wire values, the session first where the message needs one.

    :raises XenAPIError: whatever the client is to see.
    """
    plain_name, wants_task = _split(name)
    handler = find(plain_name)
    if handler is None:
        raise errors.message_method_unknown(name)
    message = handler.message
    if wants_task and not message.is_async:
        raise XenAPIError("Fault", [f"No async mode for this operation (rpc: {name})"])
    ctx.name = message.wire_name
    given = params[1:] if message.needs_session else params
    _assert_count(handler, len(given) if params or not message.needs_session else -1)
    if message.impl is Impl.REMOVED:
        _check_session(ctx, params)
        raise errors.message_removed()
    values = _convert(handler, given)
    if message.needs_session:
        _check_session(ctx, params)
    if message.pool_internal and not _is_pool(ctx):
        raise errors.internal_error(f"{message.wire_name} may only be called by the pool itself")
    if message.needs_session:
        assert_permitted(ctx, message, values[handler.key_at] if handler.key_at is not None else None)
        if ctx.other_database is not None:
            _keep_to_reading(ctx, message)
    if wants_task:
        return Outcome(Ref("task"), _start(ctx, handler, values, internal=name.startswith(INTERNAL)))
    return Outcome(message.result, await _run_now(ctx, handler, values))


def _keep_to_reading(ctx: Context, message: Message) -> None:
    """:raises XenAPIError: OPERATION_NOT_ALLOWED for what does more than read, where the database is another one."""
    if message.cls in ("session", "task"):
        # They are of this pool, whatever the session reads.
        ctx.other_database = None
    elif message.kind not in _READS:
        raise errors.operation_not_allowed("this session only reads a copy of a database")


def _assert_count(handler: Handler, given: int) -> None:
    if given < handler.required or (given > len(handler.message.params) and not handler.has_optional):
        raise errors.message_parameter_count_mismatch(handler.message.wire_name, handler.required, given)


def _check_session(ctx: Context, params: list[Any]) -> None:
    """Take the session, which comes first, as the call's."""
    session = params[0] if params else ""
    if not isinstance(session, str):
        raise errors.internal_error("the session must be a string")
    ctx.session = session
    sessions = ctx.app.sessions
    sessions.check(session)
    if sessions.other_databases:
        ctx.other_database = sessions.other_databases.get(session)


def _convert(handler: Handler, params: list[Any]) -> list[Any]:
    message = handler.message
    values = [convert(value) for convert, value in zip(handler.converters, params, strict=False)]
    for param in message.params[len(values) :]:
        assert param.default is not NO_DEFAULT
        values.append(_copy(param.default))
    return values


def _copy(value: object) -> object:
    return dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value


def _is_pool(ctx: Context) -> bool:
    if ctx.origin.local_root or ctx.app.sessions.is_local(ctx.session):
        return True
    db = ctx.app.db
    return db.exists("session", ctx.session) and db.get("session", ctx.session, "pool") is True


async def _run_now(ctx: Context, handler: Handler, values: list[Any]) -> Any:
    """Run a synchronous call; a side-effecting one has a task that others can see while it runs."""
    made = NULL_REF
    if ctx.task == NULL_REF:
        if handler.needs_task:
            made = ctx.task = ctx.app.tasks.create(ctx, handler.message.wire_name)
        else:
            ctx.task = f"DummyRef:|{handler.message.wire_name}|"
    try:
        generation = ctx.db.generation
        if handler.needs_task:
            with ctx.app.tasks.cancellable(ctx):
                value = await invoke(ctx, handler, values)
        else:
            value = await invoke(ctx, handler, values)
        if ctx.db.generation != generation and handler.message.kind not in _READS:
            await ctx.db.durable()
        return value
    finally:
        if made != NULL_REF:
            ctx.app.tasks.forget(made)


_READS = frozenset(
    {
        MessageKind.GETTER,
        MessageKind.GET_RECORD,
        MessageKind.GET_ALL,
        MessageKind.GET_ALL_RECORDS,
        MessageKind.GET_ALL_WHERE,
        MessageKind.GET_ALL_RECORDS_WHERE,
        MessageKind.GET_BY_UUID,
        MessageKind.GET_BY_NAME_LABEL,
    }
)


def _start(ctx: Context, handler: Handler, values: list[Any], *, internal: bool) -> str:
    """Begin an ``Async.`` call and return its task; an *internal* one is a part of the task that it was called under."""
    message = handler.message
    if internal and ctx.has_task:
        ctx.subtask_of = ctx.task
    ctx.task = ctx.app.tasks.create(ctx, f"Async.{message.wire_name}", ephemeral=False)

    async def work() -> str:
        return result_text(message.result, await invoke(ctx, handler, values), "xml")

    ctx.app.tasks.start(ctx, work())
    return ctx.task


async def invoke(ctx: Context, handler: Handler, values: list[Any]) -> Any:
    """Run a handler; every failure becomes the `XenAPIError` that the client is to see."""
    name = handler.message.wire_name
    arguments = audit.describe(ctx, handler.message, values) if handler.has_effect else []
    try:
        value = handler.run(ctx, *values)
        result = await value if inspect.isawaitable(value) else value
    except Exception as reason:
        error = as_api_error(ctx, reason)
        if handler.has_effect:
            audit.record(ctx, "API", name, f"ERROR:{error.code}: {', '.join(error.params)}", arguments)
        if error is reason:
            raise
        raise error from reason
    if handler.has_effect:
        audit.record(ctx, "API", name, "OK", arguments)
    return result


def as_api_error(ctx: Context, reason: Exception) -> XenAPIError:
    """Return what the client is to see for any exception; the unexpected is logged with its traceback."""
    match reason:
        case XenAPIError():
            return reason
        case RowMissing():
            return errors.handle_invalid(reason.table, reason.ref)
        case UuidMissing():
            return errors.uuid_invalid(reason.table, reason.uuid)
        case DuplicateKey():
            return errors.map_duplicate_key(reason.table, reason.field, reason.ref, reason.key)
        case NotUnique():
            return errors.uniqueness_violation("", "uuid", str(reason))
        case RpcError() | Unreachable():
            return translate(ctx, reason)
        case _:
            log.error("%s failed", ctx.name, exc_info=reason)
            return errors.internal_error(f"{type(reason).__name__}: {reason}")


async def call_as(ctx: Context, name: str, *params: Any) -> Any:
    """Call a message from inside with native parameters, under *ctx*'s session (xe's commands, HTTP handlers).

    The result is native too: records are dicts, ``get_all_records`` a dict ref -> record.
    """
    return await call_under(inside(ctx), ctx.session, name, *params)


def inside(ctx: Context) -> Context:
    """Return the context of a call that is made inside of another."""
    return Context(ctx.app, ctx.origin, subtask_of=ctx.task if ctx.has_task else NULL_REF)


async def call_under(inner: Context, session: str, name: str, *params: Any) -> Any:
    """Call as `call_as` does, in a context that the caller keeps: its task tells how far the call is."""
    message = find(_split(name)[0])
    first = [session] if message is None or message.message.needs_session else []
    value = (await call(inner, name, [*first, *params])).value
    match value:
        case RowRecord():
            return _plain(value.cls, value.row)
        case RowRecords():
            return {row.ref: _plain(value.cls, row) for row in value.rows}
        case Encoded():
            return msgspec.json.decode(b"".join(value.parts("json")))
        case _:
            return value


def _plain(cls: Class, row: Row) -> dict[str, Any]:
    """Return a copy of what clients see of a row."""
    return {field.name: _copied(field.type, row.values[field.name]) for field in cls.record_fields}


def _copied(type: Type, value: Any) -> Any:
    # Reverse sets are dicts inside of the store.
    return list(value) if isinstance(type, Set) else dict(value) if isinstance(value, dict) else value
