"""Values to wire text, by type: one compiled encoder per type and form (XML-RPC or JSON).

A row's encoding is kept with the row until the row changes, so reading many records is mostly joining.
"""

import functools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from xapi.database.store import Row
from xapi.datamodel import MODEL
from xapi.datamodel.model import Bool, Class, DateTime, Enum, Float, Int, Map, Option, Record, Ref, Set, String, Type

Form = Literal["xml", "json"]
Encode = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class RowRecord:
    """The result of a ``get_record``: encoded from the row itself."""

    cls: Class
    row: Row


@dataclass(frozen=True, slots=True)
class RowRecords:
    """The result of a ``get_all_records``: a map ref -> record."""

    cls: Class
    rows: list[Row]


_SPECIAL = re.compile(r'[&<>"\x00-\x08\x0b\x0c\x0e-\x1f]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text: str) -> str:
    """Return XML text: four characters become entities, control characters are dropped."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match.group(), ""), text)


_json_text = msgspec.json.Encoder()


def _json_string(value: Any) -> str:
    return _json_text.encode(value).decode()


def _xml_text(value: Any) -> str:
    return f"<value>{escape(value)}</value>"


def _xml_int(value: Any) -> str:
    return f"<value>{value:d}</value>"


def _xml_float(value: Any) -> str:
    return f"<value><double>{value:.16g}</double></value>"


def _xml_bool(value: Any) -> str:
    return "<value><boolean>1</boolean></value>" if value else "<value><boolean>0</boolean></value>"


def _xml_date(value: Any) -> str:
    return f"<value><dateTime.iso8601>{value}</dateTime.iso8601></value>"


def _json_float(value: Any) -> str:
    # JSON has no NaN: null is what other servers send.
    return repr(float(value)) if math.isfinite(value) else "null"


def _json_bool(value: Any) -> str:
    return "true" if value else "false"


def xml_array(items: Iterable[str]) -> str:
    return f"<value><array><data>{''.join(items)}</data></array></value>"


def xml_struct(members: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<member><name>{escape(name)}</name>{value}</member>" for name, value in members)
    return f"<value><struct>{body}</struct></value>"


def json_array(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"


def json_object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{_json_string(name)}:{value}" for name, value in members) + "}"


_SCALARS: dict[Form, dict[type, Encode]] = {
    "xml": {
        String: _xml_text, Ref: _xml_text, Enum: _xml_text, Int: _xml_int, Float: _xml_float, Bool: _xml_bool,
        DateTime: _xml_date,
    },
    "json": {
        String: _json_string, Ref: _json_string, Enum: _json_string, DateTime: _json_string, Int: str,
        Float: _json_float, Bool: _json_bool,
    },
}  # fmt: skip


@functools.cache
def encoder(type: Type, form: Form) -> Encode:
    """Return the function that writes a native value of *type* in *form*."""
    array, struct = (xml_array, xml_struct) if form == "xml" else (json_array, json_object)
    match type:
        case Set(of):
            item = encoder(of, form)
            return lambda value: array([item(entry) for entry in value])
        case Map(_, of):
            entry = encoder(of, form)
            return lambda value: struct([(str(key), entry(item)) for key, item in value.items()])
        case Option(of):
            return encoder(of, form)
        case Record(name):
            return _record_encoder(MODEL.classes[name], form)
        case _:
            return _SCALARS[form][type.__class__]


def _record_encoder(cls: Class, form: Form) -> Encode:
    struct = xml_struct if form == "xml" else json_object

    def encode(record: Any) -> str:
        # An option without a value is left out.
        return struct(
            (field.name, encoder(field.type, form)(record[field.name]))
            for field in cls.record_fields
            if not (isinstance(field.type, Option) and record.get(field.name) is None)
        )

    return encode


@functools.cache
def _row_encoder(cls: Class, form: Form) -> Encode:
    """As a record's encoder, with the constant parts of every member made beforehand."""
    fields = cls.record_fields
    if form == "xml":
        heads = [f"<member><name>{field.name}</name>" for field in fields]
        tail, start, end, between = "</member>", "<value><struct>", "</struct></value>", ""
    else:
        heads = [f"{_json_string(field.name)}:" for field in fields]
        tail, start, end, between = "", "{", "}", ","
    parts = [(head, field.name, encoder(field.type, form)) for head, field in zip(heads, fields, strict=True)]

    def encode(values: Any) -> str:
        return start + between.join([head + write(values[name]) + tail for head, name, write in parts]) + end

    return encode


def row_text(cls: Class, row: Row, form: Form) -> str:
    """Return the row's record in *form*, from its cache if it has not changed."""
    text: str | None = row.cache.get(form)
    if text is None:
        text = row.cache[form] = _row_encoder(cls, form)(row.values)
    return text


def result_text(type: Type | None, value: Any, form: Form) -> str:
    """Return a call's result in *form*; no result is an empty string."""
    if isinstance(value, RowRecord):
        return row_text(value.cls, value.row, form)
    if isinstance(value, RowRecords):
        if form == "xml":
            members = [f"<member><name>{row.ref}</name>{row_text(value.cls, row, form)}</member>" for row in value.rows]
            return f"<value><struct>{''.join(members)}</struct></value>"
        return "{" + ",".join([f'"{row.ref}":{row_text(value.cls, row, form)}' for row in value.rows]) + "}"
    if type is None:
        return "<value></value>" if form == "xml" else '""'
    if isinstance(value, Encoded):
        return value.xml() if form == "xml" else value.json()
    return encoder(type, form)(value)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A result that is not of a datamodel type (``event.from``): it knows how to write itself."""

    xml: Callable[[], str]
    json: Callable[[], str]
