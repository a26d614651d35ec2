"""The pool's database as one XML document, in the original's layout: what backups hold and other xapis read.

An element for every table, a row with an attribute for every column, values in their string form. Reading takes older
and newer schemas: columns that are missing get their defaults, unknown ones are left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from lxml import etree

from xapi.database.rows import Table
from xapi.database.schema import KEPT_BESIDE, Column, Schema, TableSchema
from xapi.database.stored_form import BadForm, native_form, stored_form


class BadDump(ValueError):
    """A document that is no database; the text says where."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The schema's version, and the generation at which the document was made."""

    major: int
    minor: int
    generation: int


class DumpedRow(NamedTuple):
    table: str
    ref: str
    created: int
    modified: int
    values: Mapping[str, Any]
    """By wire name, native."""


# -- writing --

_PROTECTED = str.maketrans({"%": "%%", " ": "%.", "\t": "%t", "\n": "%n", "\r": "%r"})
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _attribute(text: str) -> str:
    """Return *text* as the content of an attribute; XML readers make one space of all white space, so it is hidden."""
    return _UNWRITABLE.sub("", text).translate(_PROTECTED).translate(_MARKUP)


class Picture:
    """The store's tables as they were at one moment, to be written while the store goes on changing."""

    def __init__(self, schema: Schema, tables: Mapping[str, Table], manifest: Manifest) -> None:
        self._manifest = manifest
        # Values are replaced, never changed in place, but for the sets that the store keeps.
        self._tables = [
            (
                schema[name],
                [(row.ref, row.created, row.modified, _copied(schema[name], row.values)) for row in table.rows.values()],
            )
            for name, table in tables.items()
            if name not in KEPT_BESIDE
        ]

    def text(self) -> Iterator[str]:
        """Yield the document piece by piece, a piece a row."""
        yield "<database><manifest>"
        pairs = (
            ("schema_major_vsn", self._manifest.major),
            ("schema_minor_vsn", self._manifest.minor),
            ("generation_count", self._manifest.generation),
        )
        for key, value in pairs:
            yield f'<pair key="{key}" value="{value}"/>'
        yield "</manifest>"
        for schema, rows in self._tables:
            yield f'<table name="{schema.name}">'
            for ref, created, modified, values in rows if schema.persist else ():
                columns = " ".join(
                    f'{column.column}="{_attribute(stored_form(values[name], column.is_set))}"'
                    for name, column in schema.columns.items()
                )
                shown = _attribute(ref)
                yield f'<row ref="{shown}" __ctime="{created}" __mtime="{modified}" _ref="{shown}" {columns}/>'
            yield "</table>"
        yield "</database>"


def _copied(schema: TableSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if schema.columns[name].computed else value for name, value in values.items()}


# -- reading --

_HIDDEN = re.compile("%(.)", re.S)
_SHOWN = {"%": "%", ".": " ", "t": "\t", "n": "\n", "r": "\r", "_": "  "}
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9:|._-]{0,199}")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def _shown(text: str) -> str:
    return _HIDDEN.sub(lambda match: _SHOWN.get(match[1], match[0]), text)


def read(file: IO[bytes], schema: Schema) -> tuple[Manifest, list[DumpedRow]]:
    """Return what a document holds. :raises BadDump: it is no database, or a row of it is broken."""
    found: dict[str, int] = {}
    rows: list[DumpedRow] = []
    table = ""
    try:
        context = etree.iterparse(
            file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        for event, element in context:
            match event, element.tag:
                case "start", "database":
                    if element.getroottree().docinfo.internalDTD is not None:
                        raise BadDump("a document type is refused")
                case "start", "manifest" | "pair" | "row":
                    pass
                case "start", "table":
                    table = element.get("name", "")
                case "start", other:
                    raise BadDump(f"unknown element {other}")
                case "end", "pair":
                    found[element.get("key", "")] = _whole(element.get("value", ""))
                case "end", "row":
                    if table in schema and schema[table].persist:
                        rows.append(_row(schema[table], element.attrib))
                    element.clear()
                case "end", "table":
                    element.clear()
    except etree.XMLSyntaxError as error:
        raise BadDump(f"not XML: {error}") from error
    if context.root is None or context.root.tag != "database":
        raise BadDump("not a database")
    if not {"schema_major_vsn", "schema_minor_vsn"} <= found.keys():
        raise BadDump("the manifest does not say which schema this is")
    _assert_unique(rows)
    return Manifest(found["schema_major_vsn"], found["schema_minor_vsn"], found.get("generation_count", 0)), rows


def _whole(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise BadDump(f"not a whole number: {text[:40]!r}")
    return int(text)


def _row(schema: TableSchema, attributes: Mapping[Any, Any]) -> DumpedRow:
    ref = _shown(str(attributes.get("ref", "")))
    if _REF.fullmatch(ref) is None:
        raise BadDump(f"a row of {schema.name} has the reference {ref[:60]!r}")
    values = {name: _value(schema, ref, column, attributes.get(column.column)) for name, column in schema.columns.items()}
    created, modified = (_whole(str(attributes.get(key, "0"))) for key in ("__ctime", "__mtime"))
    return DumpedRow(schema.name, ref, created, modified, {name: value for name, value in values.items() if value is not None})


def _value(schema: TableSchema, ref: str, column: Column, text: Any) -> Any:
    """Return a column's value; None where the store makes it or the document has none."""
    if column.computed or text is None:
        return None
    try:
        return native_form(_shown(str(text)), column.type)
    except BadForm as error:
        raise BadDump(f"{schema.name} {ref}, {column.column}: {error}") from error


def _assert_unique(rows: Iterable[DumpedRow]) -> None:
    seen: set[str] = set()
    for row in rows:
        for key in {row.ref, str(row.values.get("uuid") or row.ref)}:
            if key in seen:
                raise BadDump(f"{key} is there twice")
            seen.add(key)
