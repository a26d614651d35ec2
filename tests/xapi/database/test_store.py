"""The store keeps relations, indexes, generations and the disk in step with every write."""

from pathlib import Path
from typing import Any

import pytest

from xapi.database.journal import Journal
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import DuplicateKey, NotUnique, Row, RowMissing, Store, UuidMissing

SCHEMA = from_model()


@pytest.fixture
def store() -> Store:
    return Store(SCHEMA)


def make_vbd(store: Store, vm: str, **more: Any) -> str:
    return store.create("VBD", VM=vm, VDI=NULL_REF, **more)


def test_a_new_row_has_defaults_and_a_uuid(store: Store) -> None:
    vm = store.create("VM", name_label="one")
    assert store.get("VM", vm, "name_label") == "one"
    assert store.get("VM", vm, "power_state") == "Halted"
    assert store.by_uuid("VM", store.get("VM", vm, "uuid")) == vm
    assert store.by_name("VM", "one") == [vm]


def test_the_far_end_of_a_relation_follows(store: Store) -> None:
    one, two = store.create("VM"), store.create("VM")
    vbd = make_vbd(store, one)
    assert store.get("VM", one, "VBDs") == [vbd]
    store.set("VBD", vbd, VM=two)
    assert (store.get("VM", one, "VBDs"), store.get("VM", two, "VBDs")) == ([], [vbd])
    store.destroy("VBD", vbd)
    assert store.get("VM", two, "VBDs") == []


def test_both_ends_of_a_many_to_many_relation_are_kept(store: Store) -> None:
    vm, group = store.create("VM"), store.create("VM_group")
    store.set("VM", vm, groups=[group])
    assert store.get("VM_group", group, "VMs") == [vm]
    store.remove_from_set("VM", vm, "groups", group)
    assert store.get("VM_group", group, "VMs") == []


def test_a_change_is_told_by_generation_also_to_the_far_end(store: Store) -> None:
    vm = store.create("VM")
    before = store.generation - 1
    vbd = make_vbd(store, vm)
    assert [row.ref for row in store.changed_since("VBD", before).added] == [vbd]
    assert [row.ref for row in store.changed_since("VM", before).modified] == [vm]
    store.destroy("VBD", vbd)
    assert store.changed_since("VBD", before).deleted == []
    assert [tomb.ref for tomb in store.changed_since("VBD", store.generation - 2).deleted] == [vbd]


def test_an_equal_write_is_no_change(store: Store) -> None:
    vm = store.create("VM", name_label="same")
    generation = store.generation
    assert not store.set("VM", vm, name_label="same")
    assert store.generation == generation


def test_changes_come_in_order_of_the_last_change(store: Store) -> None:
    vms = [store.create("VM") for _ in range(3)]
    before = store.generation - 1
    for vm in (vms[2], vms[0], vms[2]):
        store.set("VM", vm, name_description=str(store.generation))
    assert [row.ref for row in store.changed_since("VM", before).modified] == [vms[0], vms[2]]


def test_renaming_moves_the_name_index(store: Store) -> None:
    vm = store.create("VM", name_label="old")
    store.set("VM", vm, name_label="new")
    assert (store.by_name("VM", "old"), store.by_name("VM", "new")) == ([], [vm])


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(RowMissing):
        store.get("VM", "OpaqueRef:none", "uuid")
    with pytest.raises(UuidMissing):
        store.by_uuid("VM", "none")
    vm = store.create("VM", other_config={"a": "1"})
    with pytest.raises(DuplicateKey):
        store.add_to_map("VM", vm, "other_config", "a", "2")
    with pytest.raises(NotUnique):
        store.create("host", uuid=store.get("VM", vm, "uuid"))


def test_a_reader_cannot_change_what_is_stored(store: Store) -> None:
    vm = store.create("VM", other_config={"a": "1"})
    store.get("VM", vm, "other_config")["b"] = "2"
    store.record("VM", vm)["other_config"]["c"] = "3"
    assert store.get("VM", vm, "other_config") == {"a": "1"}


async def test_durable_rows_come_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state.db")
    store = Store(SCHEMA, journal)
    journal.start()
    vm = store.create("VM", name_label="kept", power_state="Running", current_operations={"t": "start"})
    vbd = make_vbd(store, vm)
    gone = store.create("VM")
    session = store.create("session")
    store.destroy("VM", gone)
    await store.durable()
    token = store.generation
    await journal.stop()

    again = Store(SCHEMA, Journal(tmp_path / "state.db"))
    assert again.get("VM", vm, "name_label") == "kept"
    assert again.get("VM", vm, "current_operations") == {}
    assert again.get("VM", vm, "VBDs") == [vbd]
    assert not again.exists("VM", gone)
    assert not again.exists("session", session)
    assert again.generation > token


async def test_a_sequence_without_await_reaches_the_disk_as_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state.db")
    store = Store(SCHEMA, journal)
    journal.start()
    commits = journal.written.commits
    for number in range(50):
        store.create("VM", name_label=str(number))
    await store.durable()
    assert journal.written.commits == commits + 1 or journal.written.commits == commits + 2
    await journal.stop()


def test_a_search_costs_what_it_finds_once_it_was_asked_before(store: Store) -> None:
    for number in range(50):
        store.create("VM", name_label=f"vm {number}", resident_on=f"OpaqueRef:{number % 5}", is_a_template=number == 7)
    rows = store.tables["VM"].rows
    assert len(store.where("VM", resident_on="OpaqueRef:3")) == 10
    looked_at: list[str] = []

    class Counting(dict[str, Row]):
        def __getitem__(self, ref: str) -> Row:
            looked_at.append(ref)
            return super().__getitem__(ref)

    store.tables["VM"].rows = Counting(rows)
    found = store.where("VM", resident_on="OpaqueRef:2", is_a_template=True)
    assert len(looked_at) == 1
    assert [store.get("VM", ref, "name_label") for ref in found] == ["vm 7"]


def test_a_search_sees_every_later_write(store: Store) -> None:
    first, second = (store.create("VM", power_state="Halted") for _ in range(2))
    assert store.where("VM", power_state="Halted") == [first, second]
    store.set("VM", first, power_state="Running")
    assert store.where("VM", power_state="Halted") == [second]
    store.set("VM", first, power_state="Halted")
    assert store.where("VM", power_state="Halted") == [first, second]
    store.destroy("VM", second)
    third = store.create("VM", power_state="Halted")
    assert store.where("VM", power_state="Halted") == [first, third]
    assert store.where("VM", power_state="Paused") == []
