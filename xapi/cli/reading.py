"""From an object and a row to the texts that `xe` shows."""

from collections.abc import Sequence
from typing import Any

from xapi.cli import enum_texts, values
from xapi.cli.api import Object, Objects
from xapi.cli.records.model import Field, RecordType, Subject, Value
from xapi.cli.values import NOT_IN_DATABASE
from xapi.datamodel import MODEL
from xapi.datamodel.model import Bool, Enum, Float, Map, Ref, Set, Type
from xapi.errors import XenAPIError

INVALID_REFERENCE = "<invalid reference>"
EXPENSIVE = "<expensive field>"


async def value_of(field: Field, subject: Subject) -> Value:
    """What the field holds. Raises XenAPIError if it cannot be read and the row does not say what to show then."""
    try:
        if not isinstance(field.source, str):
            return await field.source(subject)
        path = field.source.split(".")
        value = await _follow(subject.objects, subject.cls, subject.record, path, field.none)
    except XenAPIError as error:
        if field.failed is not None:
            return field.failed
        if error.code == "HANDLE_INVALID":
            return INVALID_REFERENCE
        raise
    if field.mark.is_set and isinstance(value, dict):
        return list(value.values())  # current-operations: a map by task, shown as the set of operations
    return value


async def text_of(field: Field, subject: Subject) -> str:
    """What is printed. Raises as `value_of`."""
    return join(field, await value_of(field, subject))


def join(field: Field, value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "; ".join(f"{key}: {item}" for key, item in value.items())
    return field.separator.join(value)


async def _follow(objects: Objects, cls: str, record: Object, path: list[str], none: str) -> Value:
    attribute, *rest = path
    kind = MODEL.classes[cls].by_name[attribute].type
    value = record[attribute]
    if not rest:
        return await show(objects, kind, value)
    if isinstance(kind, Ref):
        target = await objects.get(kind.cls, value)
        return none if target is None else await _follow(objects, kind.cls, target, rest, none)
    assert isinstance(kind, Set) and isinstance(kind.of, Ref), f"{cls}.{attribute} cannot be followed"
    found: list[str] = []
    for ref in value:
        target = await objects.get(kind.of.cls, ref)
        part = none if target is None else await _follow(objects, kind.of.cls, target, rest, none)
        found += [part] if isinstance(part, str) else part
    return found


async def show(objects: Objects, kind: Type, value: Any) -> Value:
    """An API value in texts, by its type in the datamodel."""
    if isinstance(kind, Set):
        return [await _item(objects, kind.of, item) for item in value]
    if isinstance(kind, Map):
        return {await _item(objects, kind.key, key): await _item(objects, kind.value, item) for key, item in value.items()}
    return await _item(objects, kind, value)


async def _item(objects: Objects, kind: Type, value: Any) -> str:
    if isinstance(kind, Ref):
        target = await objects.get(kind.cls, value)
        return NOT_IN_DATABASE if target is None else str(target["uuid"])
    if isinstance(kind, Enum):
        return enum_texts.show(kind.name, value)
    if isinstance(kind, Bool):
        return values.show_boolean(value)
    if isinstance(kind, Float):
        return values.show_float(value)
    return str(value)


Cell = tuple[Field, Value]
"""A field of a record and what it holds."""


def shown(record: RecordType, chosen: frozenset[str] | None) -> list[Field]:
    """The fields chosen (None: all) that are not hidden."""
    return [field for field in record.fields if not field.hidden and (chosen is None or field.name in chosen)]


async def cells(fields: Sequence[Field], subject: Subject, *, brief: bool) -> list[Cell]:
    """The fields with their values. `brief` leaves out what costs a call."""
    return [(field, EXPENSIVE if brief and field.expensive else await value_of(field, subject)) for field in fields]


async def row(record: RecordType, subject: Subject, chosen: frozenset[str] | None, *, brief: bool) -> list[tuple[str, str]]:
    """Labels and texts of the fields chosen."""
    found = await cells(shown(record, chosen), subject, brief=brief)
    return [(field.label, join(field, value)) for field, value in found]
