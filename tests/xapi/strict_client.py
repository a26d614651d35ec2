"""Reads records as a strictly typed client does: every field of the datamodel there, and of exactly its wire type."""

import re
import xmlrpc.client
from collections.abc import Callable, Iterator
from typing import Any, Literal

from xapi.datamodel import MODEL
from xapi.datamodel.model import (
    Bool,
    Class,
    DateTime,
    Enum,
    Float,
    Int,
    Map,
    MessageKind,
    Option,
    Record,
    Ref,
    Set,
    State,
    String,
    Type,
)

Form = Literal["xml", "json"]
Call = Callable[..., Any]

_DATE = re.compile(r"\d{8}T\d\d:\d\d:\d\dZ")
_INT = re.compile(r"-?\d+")
_REF = re.compile(r"OpaqueRef:([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|NULL)|")


def faults(type: Type, value: Any, form: Form, place: str) -> Iterator[str]:
    """Yield what is wrong with a value, with its place."""
    match type:
        case Set(of):
            if not isinstance(value, list):
                yield f"{place}: not an array: {value!r}"
                return
            for number, item in enumerate(value):
                yield from faults(of, item, form, f"{place}[{number}]")
        case Map(key, of):
            if not isinstance(value, dict):
                yield f"{place}: not a struct: {value!r}"
                return
            for name, item in value.items():
                yield from faults(key, name, "xml", f"{place} key {name!r}")
                yield from faults(of, item, form, f"{place}[{name}]")
        case Record(cls):
            yield from record_faults(MODEL.classes[cls], value, form, place)
        case Option(of):
            yield from faults(of, value, form, place)
        case _:
            if not _is_scalar(type, value, form):
                yield f"{place}: not of type {type}: {value!r}"


def _is_scalar(type: Type, value: Any, form: Form) -> bool:
    match type:
        case String():
            return isinstance(value, str)
        case Ref():
            return isinstance(value, str) and _REF.fullmatch(value) is not None
        case Enum(name):
            return isinstance(value, str) and value in MODEL.enums[name]
        case Bool():
            return isinstance(value, bool)
        case Float():
            return isinstance(value, float) or (form == "json" and (value is None or isinstance(value, int)))
        case Int():
            if form == "json":
                return isinstance(value, int) and not isinstance(value, bool)
            return isinstance(value, str) and _INT.fullmatch(value) is not None
        case DateTime():
            text = value.value if isinstance(value, xmlrpc.client.DateTime) else value
            return isinstance(value, str if form == "json" else xmlrpc.client.DateTime) and bool(_DATE.fullmatch(str(text)))
    return False


def record_faults(cls: Class, record: Any, form: Form, place: str) -> Iterator[str]:
    if not isinstance(record, dict):
        yield f"{place}: not a struct: {record!r}"
        return
    fields = {field.name: field.type for field in cls.record_fields}
    for name in fields.keys() ^ record.keys():
        if not isinstance(fields.get(name), Option):
            yield f"{place}: field {name} is {'missing' if name in fields else 'not in the model'}"
    for name in fields.keys() & record.keys():
        yield from faults(fields[name], record[name], form, f"{place}.{name}")


def listed_classes() -> list[Class]:
    """Return the classes whose records clients can read all at once."""
    return [
        cls
        for cls in MODEL.classes.values()
        if cls.state is not State.REMOVED and (MessageKind.GET_ALL_RECORDS in cls.generates or cls.name == "message")
    ]


def walk(call: Call, form: Form) -> tuple[int, list[str]]:
    """Read all records of every class through *call*; return how many there were, and all that is wrong with them."""
    count = 0
    wrong: list[str] = []
    for cls in listed_classes():
        records = call(f"{cls.name}.get_all_records")
        for ref, record in records.items():
            count += 1
            wrong += faults(Ref(cls.name), ref, form, f"{cls.name} ref")
            wrong += record_faults(cls, record, form, f"{cls.name} {ref}")
    return count, wrong
