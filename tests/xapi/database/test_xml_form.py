"""The XML database: what goes out comes back the same, and the original's documents load."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xapi.database.journal import Journal
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import Store
from xapi.database.stored_form import BadForm, native_form, stored_form
from xapi.database.xml_form import BadDump, Manifest, Picture, read
from xapi.datamodel.model import Bool, Float, Int, Map, Set, String

SCHEMA = from_model()
AWKWARD = "50% of  two\ttabs\nlines\r & <tags> \"quotes\" 'n' \\slashes\\ ünïcödé 🐡 (a 'list')"


def dumped(store: Store) -> bytes:
    return "".join(Picture(SCHEMA, store.tables, Manifest(5, 909, store.generation)).text()).encode()


def loaded(document: bytes) -> Store:
    store = Store(SCHEMA)
    store.replace(read(io.BytesIO(document), SCHEMA)[1])
    return store


def records(store: Store) -> dict[str, dict[str, Any]]:
    """Every record of the tables that are kept; what is not persistent is blank after a restart, too."""
    return {
        row.ref: {
            "table": name,
            **{
                field: value
                for field, value in store.record(name, row.ref).items()
                if (column := table.schema.columns[field]).persist or column.computed
            },
        }
        for name, table in store.tables.items()
        if table.schema.persist and name != "message"
        for row in store.rows(name)
    }


def furnished() -> Store:
    store = Store(SCHEMA)
    host = store.create("host", virtual_hardware_platform_versions=[0, 1, 2], name_label=AWKWARD)
    vm = store.create("VM", name_label=AWKWARD, resident_on=host, other_config={"": "", AWKWARD: AWKWARD}, tags=["a b", AWKWARD])
    store.create("VM_metrics", numa_node_memory={0: 5, 1: 2**62}, start_time="20260102T03:04:05Z")
    store.create("VBD", VM=vm, VDI=NULL_REF, mode="RO", empty=True)
    group = store.create("VM_group", name_label="group")
    store.set("VM", vm, groups=[group], memory_static_max=2**40, is_a_template=True, snapshot_info={})
    return store


def test_a_dump_restores_to_identical_records() -> None:
    store = furnished()
    assert records(loaded(dumped(store))) == records(store)


async def test_they_are_still_the_same_on_disk(tmp_path: Path) -> None:
    document = dumped(furnished())
    journal = Journal(tmp_path / "db")
    store = Store(SCHEMA, journal)
    journal.start()
    old = store.create("VM", name_label="to be replaced")
    message = store.create("message", name="KEPT")
    await store.durable()
    store.replace(read(io.BytesIO(document), SCHEMA)[1])
    await store.durable()
    await journal.stop()

    again = Store(SCHEMA, Journal(tmp_path / "db"))
    assert records(again) == records(loaded(document))
    assert not again.exists("VM", old)
    assert again.exists("message", message)


def test_the_layout_is_the_originals() -> None:
    store = Store(SCHEMA)
    store.create("secret", "OpaqueRef:1", uuid="u-1", value="a b%\t<", other_config={"k": "it's"})
    assert (
        '<table name="secret"><row ref="OpaqueRef:1" __ctime="1" __mtime="1" _ref="OpaqueRef:1" uuid="u-1" value="a%.b%%%t&lt;" '
        "other_config=\"(('k'%.'it\\'s'))\"/></table>"
    ) in dumped(store).decode()
    assert dumped(store).startswith(
        b'<database><manifest><pair key="schema_major_vsn" value="5"/><pair key="schema_minor_vsn" value="909"/>'
        b'<pair key="generation_count" value="2"/></manifest>'
    )
    assert dumped(store).count(b"<table ") == len(SCHEMA) - 1, "every table, but messages have files of their own"


OLDER = b"""<?xml version="1.0" encoding="UTF-8"?>
<database>
  <manifest>
    <pair key="schema_major_vsn" value="5"/> <pair key="schema_minor_vsn" value="120"/>
    <pair key="generation_count" value="4711"/>
  </manifest>
  <table name="VM">
    <row ref="OpaqueRef:vm" __ctime="17" __mtime="4000" _ref="OpaqueRef:vm" uuid="vm-uuid" name__label="an%_old%.one"
      power_state="Halted" memory__static_max="1073741824" is_a_template="false" VBDs="('OpaqueRef:vbd'%.'OpaqueRef:gone')"
      platform="(('acpi'%.'true')%.(&quot;nx&quot;%.true))" current_operations="(('OpaqueRef:t'%.'start'))"
      a_field_of_the_past="whatever" HVM__boot_policy="BIOS order"/>
  </table>
  <table name="VBD">
    <row ref="OpaqueRef:vbd" _ref="OpaqueRef:vbd" uuid="vbd-uuid" VM="OpaqueRef:vm" VDI="OpaqueRef:NULL" mode="RW"/>
  </table>
  <table name="a_class_of_the_past"><row ref="OpaqueRef:x" _ref="OpaqueRef:x"/></table>
  <table name="session"><row ref="OpaqueRef:s" _ref="OpaqueRef:s" uuid="s-uuid"/></table>
  <table name="host"/>
</database>"""


def test_an_older_documents_gaps_are_filled_and_its_surplus_is_dropped() -> None:
    manifest, _ = read(io.BytesIO(OLDER), SCHEMA)
    store = loaded(OLDER)
    assert manifest == Manifest(5, 120, 4711)
    record = store.record("VM", "OpaqueRef:vm")
    assert record["name_label"] == "an  old one"
    assert record["memory_static_max"] == 2**30 and record["is_a_template"] is False
    assert record["platform"] == {"acpi": "true", "nx": "true"}
    assert record["VBDs"] == ["OpaqueRef:vbd"], "the far end is what points here, not what was written"
    assert record["current_operations"] == {}, "not persistent"
    assert record["has_vendor_device"] is True and record["groups"] == [], "younger than the document"
    assert store.refs("session") == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "not XML"),
        (b"<database/>", "manifest"),
        (b"<a/>", "unknown element"),
        (OLDER[:-40], "not XML"),
        (OLDER.replace(b'value="120"', b'value="x"'), "whole number"),
        (OLDER.replace(b'"1073741824"', b'"much"'), "not a number"),
        (OLDER.replace(b'uuid="vbd-uuid"', b'uuid="vm-uuid"'), "twice"),
        (OLDER.replace(b'ref="OpaqueRef:vbd"', b'ref="&quot;&gt;"', 1), "reference"),
        (OLDER.replace(b"(('acpi'", b"((('acpi'"), "list"),
        (b'<!DOCTYPE database [<!ENTITY e "x">]>' + OLDER.split(b"?>", 1)[1], "document type"),
    ],
)
def test_what_is_no_database_is_refused_with_a_reason(document: bytes, words: str) -> None:
    with pytest.raises(BadDump, match=words):
        read(io.BytesIO(document), SCHEMA)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r %'\\"))


@given(TEXT, st.dictionaries(TEXT, TEXT), st.lists(TEXT))
@settings(max_examples=50, deadline=None)
def test_any_text_survives(label: str, config: dict[str, str], tags: list[str]) -> None:
    store = Store(SCHEMA)
    store.create("VM", "OpaqueRef:v", name_label=label, other_config=config, tags=tags)
    assert records(loaded(dumped(store))) == records(store)


@given(st.one_of(TEXT, st.text("()'\"\\; ab", max_size=30)))
def test_any_form_is_a_value_or_refused(text: str) -> None:
    for type_ in (Set(String()), Map(String(), Int()), Int(), Float(), Bool()):
        try:
            value = native_form(text, type_)
        except BadForm:
            continue
        expected = pytest.approx(value, nan_ok=True) if isinstance(value, float) else value
        assert native_form(stored_form(value), type_) == expected
