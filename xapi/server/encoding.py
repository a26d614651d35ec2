"""Values to wire text, by type: one compiled encoder per type and form (XML-RPC or JSON).

A row's encoding is kept with the row, as bytes, until the row changes, so reading many records is mostly joining. Long
answers are lists of such parts until they are joined, once, by whoever sends them.
"""

import functools
import math
import operator
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
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def escape(text: str) -> str:
    """Return XML text: four characters become entities, control characters are dropped."""
    if _SPECIAL.search(text) is None:
        return text
    entities = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _CONTROL.sub("", entities)


class _Memo(dict[str, str]):
    """How texts that many rows share (refs, enums, empty ones) are written; forgotten when there are too many."""

    MOST = 20_000
    LONGEST = 80

    def __init__(self, write: Encode) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: str) -> str:
        text = self._write(value)
        if len(text) <= self.LONGEST:
            if len(self) >= self.MOST:
                self.clear()
            self[value] = text
        return text


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


_xml_known = _Memo(_xml_text).__getitem__
_json_known = _Memo(_json_string).__getitem__
_xml_names = _Memo(escape)
_SCALARS: dict[Form, dict[type, Encode]] = {
    "xml": {
        String: _xml_known, Ref: _xml_known, Enum: _xml_known, Int: _xml_int, Float: _xml_float, Bool: _xml_bool,
        DateTime: _xml_date,
    },
    "json": {
        String: _json_known, Ref: _json_known, Enum: _json_known, DateTime: _json_string, Int: str,
        Float: _json_float, Bool: _json_bool,
    },
}  # fmt: skip


@functools.cache
def encoder(type: Type, form: Form) -> Encode:
    """Return the function that writes a native value of *type* in *form*."""
    match type:
        case Set(of):
            return _set_encoder(of, form)
        case Map(_, of):
            return _map_encoder(of, form)
        case Option(of):
            return encoder(of, form)
        case Record(name):
            return _record_encoder(MODEL.classes[name], form)
        case _:
            return _SCALARS[form][type.__class__]


_TEXTS = String | Ref | Enum | DateTime


def _set_encoder(of: Type, form: Form) -> Encode:
    if form == "json" and isinstance(of, _TEXTS):
        return lambda value: _json_string(list(value)) if value else "[]"
    array, item = xml_array if form == "xml" else json_array, encoder(of, form)
    empty = array(())
    return lambda value: array([item(entry) for entry in value]) if value else empty


def _map_encoder(of: Type, form: Form) -> Encode:
    item = encoder(of, form)
    if form == "json":
        if isinstance(of, _TEXTS):
            return lambda value: _json_string(value) if value else "{}"
        return lambda value: json_object([(str(key), item(entry)) for key, entry in value.items()])

    def write(value: Any) -> str:
        if not value:
            return "<value><struct></struct></value>"
        members = [f"<member><name>{_xml_names[str(key)]}</name>{item(entry)}</member>" for key, entry in value.items()]
        return f"<value><struct>{''.join(members)}</struct></value>"

    return write


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
    template = start + between.join(f"{head}%s{tail}" for head in heads) + end
    writers = [encoder(field.type, form) for field in fields]
    names = [field.name for field in fields]
    # One name alone would be read as a value, not as a tuple of one.
    read = operator.itemgetter(*names) if len(names) > 1 else lambda values: [values[name] for name in names]

    def encode(values: Any) -> str:
        return template % tuple([write(value) for write, value in zip(writers, read(values), strict=True)])

    return encode


def row_bytes(cls: Class, row: Row, form: Form) -> bytes:
    """Return the row's record in *form*, from its cache if it has not changed."""
    text: bytes | None = row.cache.get(form)
    if text is None:
        text = row.cache[form] = _row_encoder(cls, form)(row.values).encode("utf-8", "replace")
    return text


def result_parts(type: Type | None, value: Any, form: Form) -> list[bytes]:
    """Return a call's result in *form*, to be joined; no result is an empty string."""
    if isinstance(value, RowRecord):
        return [row_bytes(value.cls, value.row, form)]
    if isinstance(value, RowRecords):
        return _members(value, form)
    if type is None:
        return [b"<value></value>" if form == "xml" else b'""']
    if isinstance(value, Encoded):
        return value.parts(form)
    return [encoder(type, form)(value).encode("utf-8", "replace")]


def result_text(type: Type | None, value: Any, form: Form) -> str:
    """As `result_parts`, as one text."""
    return b"".join(result_parts(type, value, form)).decode()


def _members(records: RowRecords, form: Form) -> list[bytes]:
    cls, parts = records.cls, [b"<value><struct>" if form == "xml" else b"{"]
    if form == "xml":
        for row in records.rows:
            parts += (f"<member><name>{row.ref}</name>".encode(), row_bytes(cls, row, form), b"</member>")
        parts.append(b"</struct></value>")
        return parts
    for row in records.rows:
        parts += (f'"{row.ref}":'.encode(), row_bytes(cls, row, form), b",")
    if records.rows:
        parts.pop()
    parts.append(b"}")
    return parts


class Encoded:
    """A result that is not of a datamodel type (``event.from``): it knows how to write itself.

    *shared*: it is what several clients are told, and is written once for all of them.
    """

    __slots__ = ("_shared", "_write", "_written")

    def __init__(self, write: Callable[[Form], list[bytes]], *, shared: bool = False) -> None:
        self._write = write
        self._shared = shared
        self._written: dict[Form, bytes] = {}

    def parts(self, form: Form) -> list[bytes]:
        if not self._shared:
            return self._write(form)
        if form not in self._written:
            self._written[form] = b"".join(self._write(form))
        return [self._written[form]]
