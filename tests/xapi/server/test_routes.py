"""Where messages run in a pool of three hosts: the coordinator, and two others with local and shared storage."""

from dataclasses import dataclass
from typing import Any

import pytest

from xapi import loading
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.server.forwarding.routes import destination


@dataclass
class House:
    db: Store
    names: dict[str, str]

    def goes_to(self, message: str, *values: Any) -> str:
        """Return the name of the host that a call runs on."""
        host = destination(self.db, MODEL.messages[message], [self.names.get(str(value), value) for value in values])
        return "coordinator" if host is None else next(name for name, ref in self.names.items() if ref == host)


@pytest.fixture
def house() -> House:
    loading.load()
    db, names = Store(from_model()), {}
    for name in ("coordinator", "left", "right"):
        names[name] = db.create("host", metrics=db.create("host_metrics", live=True), enabled=True)
    db.create("pool", master=names["coordinator"])
    names["shared"] = db.create("SR", shared=True)
    names["local"] = db.create("SR")
    for host in ("coordinator", "left", "right"):
        db.create("PBD", host=names[host], SR=names["shared"], currently_attached=True)
    names["pbd"] = db.create("PBD", host=names["left"], SR=names["local"], currently_attached=True)
    names["shared disk"] = db.create("VDI", SR=names["shared"])
    names["local disk"] = db.create("VDI", SR=names["local"])
    for vm, disk in (("on shared", "shared disk"), ("on local", "local disk")):
        names[vm] = db.create("VM")
        names[f"vbd {vm}"] = db.create("VBD", VM=names[vm], VDI=names[disk])
    names["pif"] = db.create("PIF", host=names["right"])
    return House(db, names)


@pytest.mark.parametrize(
    ("call", "host"),
    [
        (("host.dmesg", "left"), "left"),
        (("host.dmesg", "coordinator"), "coordinator"),
        (("host.disable", "left"), "coordinator"),
        (("host.destroy", "left"), "coordinator"),
        (("VM.clone", "on local", "name"), "left"),
        (("VM.clone", "on shared", "name"), "coordinator"),
        (("VM.start_on", "on shared", "right", False, False), "right"),
        (("VM.get_possible_hosts", "on local"), "coordinator"),
        (("VM.power_state_reset", "on local"), "coordinator"),
        (("VBD.plug", "vbd on local"), "left"),
        (("VDI.snapshot", "local disk", {}), "left"),
        (("VDI.snapshot", "shared disk", {}), "coordinator"),
        (("SR.scan", "local"), "left"),
        (("SR.scan", "shared"), "coordinator"),
        (("SR.create", "right", {}, 0, "", "", "file", "", False, {}), "right"),
        (("PBD.plug", "pbd"), "left"),
        (("PIF.plug", "pif"), "right"),
        (("VLAN.create", "pif", 5, "OpaqueRef:n"), "right"),
        (("pool.sync_database",), "coordinator"),
        (("VM.get_name_label", "on local"), "coordinator"),
        (("VM.set_name_label", "on local", "x"), "coordinator"),
        (("VM.clone", "OpaqueRef:nobody", "name"), "coordinator"),
    ],
)
def test_a_message_runs_where_its_object_is(house: House, call: tuple[Any, ...], host: str) -> None:
    assert house.goes_to(*call) == host


def test_what_concerns_a_running_vm_runs_on_its_host(house: House) -> None:
    db, names = house.db, house.names
    db.set("VM", names["on shared"], resident_on=names["right"], power_state="Running")
    db.set("VBD", names["vbd on shared"], currently_attached=True)
    assert house.goes_to("VM.pause", "on shared") == "right"
    assert house.goes_to("VBD.unplug", "vbd on shared") == "right"
    # The disk's datapath is there.
    assert house.goes_to("VDI.snapshot", "shared disk", {}) == "right"
    assert house.goes_to("VM.pool_migrate", "on shared", "left", {}) == "right"
    assert house.goes_to("VM.pool_migrate_complete", "on shared", "left") == "left"


def test_a_disk_is_made_where_its_storage_is(house: House) -> None:
    db, names = house.db, house.names
    assert destination(db, MODEL.messages["VDI.create"], [{"SR": names["local"]}]) == names["left"]
    assert destination(db, MODEL.messages["VDI.create"], [{"SR": names["shared"]}]) is None


def test_a_dead_host_is_not_asked(house: House) -> None:
    db, names = house.db, house.names
    db.set("host_metrics", db.get("host", names["left"], "metrics"), live=False)
    with pytest.raises(XenAPIError) as caught:
        house.goes_to("host.dmesg", "left")
    assert caught.value.description == ["HOST_OFFLINE", names["left"]]
    # Its storage cannot be reached: the coordinator says what is wrong.
    assert house.goes_to("SR.scan", "local") == "coordinator"


def test_every_exception_names_a_message() -> None:
    from xapi.server.forwarding.routes import EXCEPTIONS

    assert sorted(EXCEPTIONS.keys() - MODEL.messages.keys()) == []
