"""Whatever was written, in whatever order: after a restart it is there again, relations and indexes included."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xapi.database.test_xml_form import records
from xapi.database.journal import Journal
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import NotUnique, Store

SCHEMA = from_model()
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "VM": {
        "name_label": st.text(max_size=3),
        "other_config": st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
        "memory_static_max": st.integers(0, 2**62),
        "is_a_template": st.booleans(),
        "snapshot_of": st.just("VM"),
    },
    "VBD": {"VM": st.just("VM"), "VDI": st.just("VDI"), "empty": st.booleans()},
    "VDI": {"name_label": st.text(max_size=3), "snapshot_of": st.just("VDI")},
    "VM_group": {"VMs": st.just(["VM"])},
    "VM_metrics": {"numa_node_memory": st.dictionaries(st.integers(0, 9), st.integers(), max_size=2)},
}
PICK = st.integers(0, 5)


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, str, int, int, dict[str, Any]]:
    table = draw(st.sampled_from(sorted(FIELDS)))
    action = draw(st.sampled_from(["create", "create", "set", "set", "destroy", "commit"]))
    names = draw(st.lists(st.sampled_from(sorted(FIELDS[table])), unique=True, max_size=3))
    return action, table, draw(PICK), draw(PICK), {name: draw(FIELDS[table][name]) for name in names}


def one_of(store: Store, table: str, number: int) -> str:
    refs = store.refs(table)
    return refs[number % len(refs)] if refs else NULL_REF


def resolved(store: Store, table: str, fields: dict[str, Any], number: int) -> dict[str, Any]:
    """Put refs where the strategies named a table."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        column = SCHEMA[table].columns[name]
        if column.is_ref:
            found[name] = one_of(store, value, number)
        elif value == ["VM"]:
            found[name] = store.refs("VM")[:number]
        else:
            found[name] = value
    return found


async def play(store: Store, script: list[tuple[str, str, int, int, dict[str, Any]]]) -> None:
    for action, table, which, other, fields in script:
        ref = one_of(store, table, which)
        match action:
            case "create":
                store.create(table, **resolved(store, table, fields, other))
            case "set" if ref != NULL_REF:
                store.set(table, ref, **resolved(store, table, fields, other))
            case "destroy" if ref != NULL_REF:
                store.destroy(table, ref)
            case "commit":
                await asyncio.sleep(0)


@given(st.lists(steps(), max_size=25))
@settings(max_examples=30, deadline=None)
def test_a_restart_changes_nothing(tmp_path_factory: pytest.TempPathFactory, script: list[Any]) -> None:
    path: Path = tmp_path_factory.mktemp("restart") / "db"

    async def before() -> Store:
        journal = Journal(path)
        store = Store(SCHEMA, journal)
        journal.start()
        await play(store, script)
        await store.durable()
        await journal.stop()
        return store

    store = asyncio.run(before())
    again = Store(SCHEMA, Journal(path))
    sets = {"VBDs", "snapshots", "crash_dumps", "VMs", "groups"}

    def comparable(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            ref: {name: sorted(value) if name in sets else value for name, value in record.items()}
            for ref, record in found.items()
        }

    assert comparable(records(again)) == comparable(records(store))
    for vm in store.refs("VM"):
        assert again.by_uuid("VM", store.get("VM", vm, "uuid")) == vm
        assert sorted(again.by_name("VM", store.get("VM", vm, "name_label"))) == sorted(
            store.by_name("VM", store.get("VM", vm, "name_label"))
        )
    assert again.generation >= store.generation


def test_a_uuid_cannot_be_given_twice() -> None:
    store = Store(SCHEMA)
    one, two = store.create("VM"), store.create("VDI")
    taken = store.get("VM", one, "uuid")
    with pytest.raises(NotUnique):
        store.set("VDI", two, name_label="half", uuid=taken)
    assert store.get("VDI", two, "name_label") == ""
    store.set("VM", one, uuid=taken)
    assert store.by_uuid("VM", taken) == one


async def test_a_value_that_is_no_text_keeps_nobody_elses_rows_from_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db")
    store = Store(SCHEMA, journal)
    journal.start()
    odd = store.create("VM", name_label="half a pair: \ud83d", other_config={"\udc80": "x"})
    other = store.create("VM", name_label="another")
    await store.durable()
    await journal.stop()
    again = Store(SCHEMA, Journal(tmp_path / "db"))
    assert again.get("VM", odd, "name_label") == "half a pair: ?"
    assert again.get("VM", odd, "other_config") == {"?": "x"}
    assert again.get("VM", other, "name_label") == "another"
