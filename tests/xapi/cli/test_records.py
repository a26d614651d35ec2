"""The rows against the datamodel, and against the recorded facts where they are present."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xapi.cli import enum_texts
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Class, Field
from xapi.datamodel import MODEL
from xapi.datamodel.model import Enum, Ref, Set, Type

FACTS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/records.json").exists()]
ROWS = [(cls, field) for cls in CLASSES.values() for field in cls.record.fields]


def test_every_path_exists_in_the_datamodel() -> None:
    for cls, field in ROWS:
        if isinstance(field.source, str):
            _walk(cls.record.cls, field.source.split("."))


def _walk(cls: str, path: list[str]) -> None:
    kind = MODEL.classes[cls].by_name[path[0]].type
    if len(path) > 1:
        kind = kind.of if isinstance(kind, Set) else kind
        assert isinstance(kind, Ref), f"{cls}.{path[0]} cannot be followed"
        _walk(kind.cls, path[1:])


def test_every_way_to_write_is_a_message() -> None:
    for cls, field in ROWS:
        writes = field.writes
        for message in (writes.set, writes.add, writes.remove, writes.set_in_map, writes.set_map, writes.clear_map):
            assert message is None or f"{cls.record.cls}.{message}" in MODEL.messages, (cls.name, field.name)


def test_defaults_and_filters_name_fields() -> None:
    for cls in CLASSES.values():
        names = set(cls.record.by_name)
        assert (cls.defaults or frozenset()) <= names
        assert {name for name, _ in cls.filters} <= names
        assert len(names) == len(cls.record.fields)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    if not FACTS:
        pytest.skip("no recorded facts on this machine")
    loaded: dict[str, Any] = json.loads(FACTS[0].read_text())
    return loaded


def test_classes_are_the_recorded_ones(facts: dict[str, Any]) -> None:
    assert set(CLASSES) == {known["class"] for known in facts["classes"]}
    for known in facts["classes"]:
        cls = CLASSES[known["class"]]
        assert cls.filters == tuple(tuple(pair) for pair in known["default_filter"])
        missing = known.get("default_fields_not_in_record", [])
        expected = known["default_fields"]
        assert cls.defaults == (None if expected == "all" else frozenset(expected) - frozenset(missing))


def test_rows_are_the_recorded_ones_in_their_order(facts: dict[str, Any]) -> None:
    for known in facts["classes"]:
        cls = CLASSES[known["class"]]
        rows = facts["records"][known["record"]]["fields"]
        assert [_shape(field) for field in cls.record.fields] == [_known_shape(row) for row in rows]
        for field, row in zip(cls.record.fields, rows, strict=True):
            _compare_writes(cls, field, row)


def _shape(field: Field) -> tuple[str, str, bool, bool, bool, bool]:
    return (
        field.name,
        field.label.removeprefix(field.name),
        field.hidden,
        field.expensive,
        field.ignore_case,
        field.comma,
    )


def _known_shape(row: dict[str, Any]) -> tuple[str, str, bool, bool, bool, bool]:
    flags = (bool(row.get(flag)) for flag in ("hidden", "expensive", "nocase"))
    hidden, expensive, ignore_case = flags
    return row["f"], row["label"], hidden, expensive, ignore_case, "-comma" in row["fmt"] or "list-comma" in row["fmt"]


def _compare_writes(cls: Class, field: Field, row: dict[str, Any]) -> None:
    writes = field.writes
    for message, keys in (
        (writes.set, ["set"]),
        (writes.add, ["add_to_set", "add_to_map"]),
        (writes.remove, ["remove_from_set", "remove_from_map"]),
        (writes.set_in_map, ["set_in_map"]),
        (writes.set_map, ["set_map"]),
        (writes.clear_map, ["clear_map"]),
    ):
        known = next((row[key].split(" ")[0].rstrip(";") for key in keys if key in row), None)
        ours = None if message is None else f"{cls.record.cls}.{message}"
        assert (ours or "").lower() == (known or "").lower(), (cls.name, field.name)


def test_enums_read_as_recorded(facts: dict[str, Any]) -> None:
    """Every field that shows an enum shows the recorded text for each of its values."""
    compared, wrong = 0, []
    for cls, field, row in _rows(facts):
        known = facts["enums"].get(row["fmt"].rpartition("enum:")[2].partition(" ")[0]) if "enum" in row["fmt"] else None
        kind = _end(cls.record.cls, str(field.source).split(".")) if isinstance(field.source, str) else None
        if known is None or not isinstance(kind, Enum):
            continue
        for value, text in known["show"].items():
            compared += 1
            if enum_texts.show(kind.name, value) != text:
                wrong.append(f"{cls.name} {field.name}: {value} reads {enum_texts.show(kind.name, value)}, recorded {text}")
    assert compared > 100 and not wrong, "\n".join(wrong)


def test_what_is_shown_in_place_of_a_value_is_recorded(facts: dict[str, Any]) -> None:
    wrong = []
    for cls, field, row in _rows(facts):
        if isinstance(field.source, str) and row.get("none", field.none) != field.none:
            wrong.append(f"{cls.name} {field.name}: without a value {field.none}, recorded {row['none']}")
        # A path fails only where it leads nowhere; what is computed says itself what a failure shows.
        shown = field.none if isinstance(field.source, str) and field.failed is None else field.failed or ""
        if row.get("err", shown) != shown:
            wrong.append(f"{cls.name} {field.name}: {shown!r} if reading fails, recorded {row['err']!r}")
    assert not wrong, "\n".join(wrong)


def _rows(facts: dict[str, Any]) -> Iterator[tuple[Class, Field, dict[str, Any]]]:
    for known in facts["classes"]:
        cls = CLASSES[known["class"]]
        for field, row in zip(cls.record.fields, facts["records"][known["record"]]["fields"], strict=True):
            yield cls, field, row


def _end(cls: str, path: list[str]) -> Type:
    """The type at the end of a path, or what a set holds."""
    kind = MODEL.classes[cls].by_name[path[0]].type
    kind = kind.of if isinstance(kind, Set) else kind
    return _end(kind.cls, path[1:]) if len(path) > 1 and isinstance(kind, Ref) else kind
