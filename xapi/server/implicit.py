"""The messages that follow from the datamodel: getters, setters, records, constructors. No class is named here."""

from collections.abc import Callable
from typing import Any

from xapi import errors
from xapi.database.filters import predicate
from xapi.datamodel import MODEL
from xapi.datamodel.model import Message, MessageKind
from xapi.server.context import Context
from xapi.server.encoding import RowRecord, RowRecords
from xapi.server.marshal import constructor_arguments

Answer = Callable[..., Any]


def answer(message: Message) -> Answer | None:
    """Return the function ``(ctx, *params)`` that answers an implicit *message* from the store, or None."""
    make = _ANSWERS.get(message.kind)
    return make(message) if make else None


def _getter(message: Message) -> Answer:
    assert message.field is not None
    cls, name = message.cls, message.field.name
    return lambda ctx, ref: ctx.db.get(cls, ref, name)


def _setter(message: Message) -> Answer:
    assert message.field is not None
    cls, name = message.cls, message.field.name
    return lambda ctx, ref, value: ctx.db.set(cls, ref, **{name: value}) and None


def _add(message: Message) -> Answer:
    assert message.field is not None
    cls, name = message.cls, message.field.name
    if len(message.params) == 2:
        return lambda ctx, ref, value: ctx.db.add_to_set(cls, ref, name, value)
    return lambda ctx, ref, key, value: ctx.db.add_to_map(cls, ref, name, key, value)


def _remove(message: Message) -> Answer:
    assert message.field is not None
    cls, name = message.cls, message.field.name
    if message.name.startswith("remove_from_"):
        return lambda ctx, ref, key: ctx.db.remove_from_map(cls, ref, name, key)
    return lambda ctx, ref, value: ctx.db.remove_from_set(cls, ref, name, value)


def _create(message: Message) -> Answer:
    cls = MODEL.classes[message.cls]

    def create(ctx: Context, given: dict[str, Any]) -> str:
        return ctx.db.create(cls.name, **constructor_arguments(cls, given))

    return create


def _destroy(message: Message) -> Answer:
    cls = message.cls
    return lambda ctx, ref: ctx.db.destroy(cls, ref)


def _by_uuid(message: Message) -> Answer:
    cls = message.cls
    return lambda ctx, uuid: ctx.db.by_uuid(cls, uuid)


def _by_name(message: Message) -> Answer:
    cls = message.cls
    return lambda ctx, label: ctx.db.by_name(cls, label)


def _record(message: Message) -> Answer:
    cls = MODEL.classes[message.cls]
    return lambda ctx, ref: RowRecord(cls, ctx.db.row(cls.name, ref))


def _all(message: Message) -> Answer:
    cls = message.cls
    return lambda ctx: ctx.db.refs(cls)


def _all_records(message: Message) -> Answer:
    cls = MODEL.classes[message.cls]
    return lambda ctx: RowRecords(cls, list(ctx.db.rows(cls.name)))


def _matching(ctx: Context, cls: str, expression: str) -> list[Any]:
    try:
        keep = predicate(expression, ctx.db.schema[cls])
    except ValueError as reason:
        raise errors.invalid_value(expression, reason) from reason
    return [row for row in ctx.db.rows(cls) if keep(row)]


def _all_where(message: Message) -> Answer:
    cls = message.cls
    return lambda ctx, expression: [row.ref for row in _matching(ctx, cls, expression)]


def _all_records_where(message: Message) -> Answer:
    cls = MODEL.classes[message.cls]
    return lambda ctx, expression: RowRecords(cls, _matching(ctx, cls.name, expression))


_ANSWERS: dict[MessageKind, Callable[[Message], Answer]] = {
    MessageKind.GETTER: _getter,
    MessageKind.SETTER: _setter,
    MessageKind.ADD: _add,
    MessageKind.REMOVE: _remove,
    MessageKind.CREATE: _create,
    MessageKind.DESTROY: _destroy,
    MessageKind.GET_BY_UUID: _by_uuid,
    MessageKind.GET_BY_NAME_LABEL: _by_name,
    MessageKind.GET_RECORD: _record,
    MessageKind.GET_ALL: _all,
    MessageKind.GET_ALL_WHERE: _all_where,
    MessageKind.GET_ALL_RECORDS_WHERE: _all_records_where,
    MessageKind.GET_ALL_RECORDS: _all_records,
}
