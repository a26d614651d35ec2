"""Dump and restore of the whole database through the door, and what a dump of another machine becomes here."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.database.test_xml_form import OLDER, records
from tests.xapi.fixture import DOM0_UUID, HOST_UUID, make, serving, wire
from xapi import restore
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.server.context import App

MACHINE = restore.Machine("host-here", "dom0-here", {"eth0": "aa:aa:aa:aa:aa:aa"}, ("eth0", -1))


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app, local_root=True) as number:
        yield number


async def dumped(port: int) -> bytes:
    async with wire(port) as connection:
        await connection.send(b"GET /pool/xmldbdump HTTP/1.1\r\n\r\n")
        head, _, body = (await connection.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in head
    return body


async def put(app: App, port: int, document: bytes, query: str = "") -> dict[str, Any]:
    """Upload *document* under a task of ours and return the task's record."""
    task = app.db.create("task", name_label="restore", status="pending")
    async with wire(port) as connection:
        head = f"PUT /pool/xmldbdump?task_id={task}{query} HTTP/1.1\r\nContent-Length: {len(document)}\r\n\r\n"
        await connection.send(head.encode() + document)
        assert (await connection.rest()).startswith(b"HTTP/1.1 200 ")
    return app.db.record("task", task)


async def test_a_restored_dump_is_what_the_next_start_has(app: App, port: int, tmp_path: Path) -> None:
    vm = app.db.create("VM", name_label="precious  VM", other_config={"a": "b%c"}, domain_type="hvm")
    expected = records(app.db)
    document = await dumped(port)
    app.db.destroy("VM", vm)

    left = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, left.set)
    try:
        assert (await put(app, port, document))["status"] == "success"
        async with asyncio.timeout(10):
            await left.wait()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    waiting = app.root.under(restore.RESTORE)
    again = Store(from_model())
    again.create("VM", name_label="of the time between")
    await restore.take_over(again, waiting)
    assert records(again) == expected
    assert not waiting.exists()


async def test_a_dry_run_changes_nothing(app: App, port: int) -> None:
    before = records(app.db)
    assert (await put(app, port, await dumped(port), "&dry_run=true"))["status"] == "success"
    assert records(app.db) == before
    assert not app.root.under(restore.RESTORE).exists()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"nonsense", "INTERNAL_ERROR"),
        (OLDER, "INTERNAL_ERROR"),
        (OLDER.replace(b'minor_vsn" value="120"', b'minor_vsn" value="99999"'), "RESTORE_INCOMPATIBLE_VERSION"),
    ],
)
async def test_the_task_says_what_is_wrong_with_a_dump(app: App, port: int, document: bytes, code: str) -> None:
    task = await put(app, port, document, "&dry_run=true")
    assert (task["status"], task["error_info"][0]) == ("failure", code)


async def test_an_upload_without_a_length_is_refused(port: int) -> None:
    async with wire(port) as connection:
        await connection.send(b"PUT /pool/xmldbdump HTTP/1.1\r\n\r\n")
        assert (await connection.rest()).startswith(b"HTTP/1.1 400 ")


async def test_a_dump_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "restore_db.db").write_bytes(b"half of it")
    store = Store(from_model())
    vm = store.create("VM")
    await restore.take_over(store, tmp_path / "restore_db.db")
    assert store.exists("VM", vm)
    assert (tmp_path / "restore_db.db.bad").exists()


async def test_our_own_identity_is_kept(app: App) -> None:
    machine = restore.this_machine(app.db, app.localhost, app.inventory)
    assert (machine.host_uuid, machine.control_domain_uuid) == (HOST_UUID, DOM0_UUID)


def another_pool() -> Store:
    db = Store(from_model())
    one, two = db.create("host", name_label="one"), db.create("host", name_label="two")
    db.create("pool", master=one)
    for host in (one, two):
        domain = db.create("VM", is_control_domain=True, resident_on=host, name_label="dom0", power_state="Running")
        db.set("host", host, control_domain=domain)
        network = db.create("network")
        db.create("PIF", host=host, network=network, device="eth0", physical=True, VLAN=-1, MAC="00:00:00:00:00:01")
        db.create("VM", resident_on=host, name_label="guest", power_state="Running", domid=7)
    return db


def test_a_dump_becomes_a_pool_of_this_machine() -> None:
    db = another_pool()
    restore.adopt(db, MACHINE)
    [host] = db.refs("host")
    assert db.get("host", host, "uuid") == "host-here"
    assert db.get("VM", db.get("host", host, "control_domain"), "uuid") == "dom0-here"
    [pif] = db.refs("PIF")
    assert (db.get("PIF", pif, "MAC"), db.get("PIF", pif, "management")) == ("aa:aa:aa:aa:aa:aa", True)
    guests = {(db.get("VM", vm, "resident_on"), db.get("VM", vm, "power_state")) for vm in db.by_name("VM", "guest")}
    assert guests == {(host, "Running"), (NULL_REF, "Halted")}


@pytest.mark.parametrize(
    ("machine", "description"),
    [
        (restore.Machine("h", "d", {}, None), ["RESTORE_TARGET_MISSING_DEVICE", "eth0"]),
        (restore.Machine("h", "d", {"eth0": "x"}, ("eth1", -1)), ["RESTORE_TARGET_MGMT_IF_NOT_IN_BACKUP"]),
    ],
)
def test_a_dump_of_a_machine_with_other_devices_is_refused(machine: restore.Machine, description: list[str]) -> None:
    with pytest.raises(XenAPIError) as caught:
        restore.adopt(another_pool(), machine)
    assert caught.value.description == description


@pytest.mark.parametrize(
    ("version", "table", "before", "after"),
    [
        ((5, 120), "VM", {"domain_type": "unspecified", "HVM_boot_policy": "BIOS order"}, {"domain_type": "hvm"}),
        ((5, 120), "VM", {"domain_type": "unspecified", "HVM_boot_policy": ""}, {"domain_type": "pv"}),
        ((5, 135), "VM", {"domain_type": "unspecified"}, {"domain_type": "unspecified"}),
        ((5, 61), "VDI", {"type": "metadata"}, {"type": "redo_log"}),
        ((5, 62), "VDI", {"type": "metadata"}, {"type": "metadata"}),
        ((5, 57), "VM", {"ha_restart_priority": "2"}, {"ha_restart_priority": "restart", "order": 2}),
        ((5, 57), "VM", {"ha_restart_priority": "best-effort"}, {"ha_restart_priority": "best-effort"}),
        ((5, 90), "VM", {"has_vendor_device": True}, {"has_vendor_device": False}),
        ((5, 91), "VM", {"has_vendor_device": True}, {"has_vendor_device": True}),
    ],
)
def test_an_older_schemas_meanings_are_brought_up(
    version: tuple[int, int], table: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    db = Store(from_model())
    ref = db.create(table, **before)
    restore.upgrade(db, version)
    assert {name: db.get(table, ref, name) for name in after} == after
