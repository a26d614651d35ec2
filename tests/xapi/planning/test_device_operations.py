"""Which operation a VBD or a VIF allows, and which error says why not."""

from typing import Any

import pytest

from xapi.planning import vbd_operations, vif_operations
from xapi.planning.vbd_operations import VbdFacts
from xapi.planning.vif_operations import VifFacts

DISK: dict[str, Any] = {"vdi": "disk", "sr": "sr", "power_state": "Running"}
CD: dict[str, Any] = {"is_cd": True, "empty": True, "read_only": True, "power_state": "Running"}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (DISK, "attach plug"),
        (DISK | {"attached": True}, "unplug unplug_force pause unpause"),
        (DISK | {"attached": True, "unpluggable": False}, "pause unpause"),
        (DISK | {"power_state": "Halted"}, "attach"),
        (DISK | {"power_state": "Suspended", "attached": True}, "attach pause unpause"),
        (DISK | {"hotplug": False}, "attach"),
        (DISK | {"vdi_missing": True}, ""),
        (CD, "attach insert"),
        (CD | {"empty": False, "vdi": "iso"}, "attach eject"),
        (CD | {"power_state": "Suspended"}, "attach"),
        (CD | {"hvm": False}, "attach insert plug"),
    ],
)
def test_vbds_allow(facts: dict[str, Any], expected: str) -> None:
    assert sorted(vbd_operations.allowed(VbdFacts("vbd", "vm", **facts))) == sorted(expected.split())


@pytest.mark.parametrize(
    ("operation", "facts", "expected"),
    [
        ("plug", DISK | {"current": {"task": "unplug"}}, ["OTHER_OPERATION_IN_PROGRESS", "VBD", "vbd", "unplug", "task"]),
        ("plug", DISK | {"power_state": "Paused"}, ["VM_BAD_POWER_STATE", "vm", "running", "paused"]),
        ("plug", DISK | {"others_attached": 1}, ["VDI_IN_USE", "disk", "plug"]),
        ("plug", DISK | {"read_only": True, "others_attached": 1, "others_writing": 1}, ["VDI_IN_USE", "disk", "plug"]),
        ("plug", DISK | {"vdi_current": {"task": "resize"}}, ["OTHER_OPERATION_IN_PROGRESS", "VDI", "disk", "resize", "task"]),
        ("plug", DISK | {"vdi_missing": True}, ["VDI_MISSING", "sr", "disk"]),
        ("plug", DISK | {"empty": True}, ["VBD_IS_EMPTY", "vbd"]),
        ("plug", CD, ["OPERATION_NOT_ALLOWED"]),
        ("unplug", DISK, ["DEVICE_ALREADY_DETACHED", "vbd"]),
        ("unplug", DISK | {"attached": True, "unpluggable": False}, ["VBD_NOT_UNPLUGGABLE", "vbd"]),
        ("insert", DISK, ["VBD_NOT_REMOVABLE_MEDIA", "vbd"]),
        ("eject", CD, ["VBD_IS_EMPTY", "vbd"]),
        ("insert", CD | {"empty": False}, ["VBD_NOT_EMPTY", "vbd"]),
        ("pause", DISK, ["DEVICE_NOT_ATTACHED", "vbd"]),
    ],
)
def test_vbds_refuse(operation: str, facts: dict[str, Any], expected: list[str]) -> None:
    reason = vbd_operations.refusal(VbdFacts("vbd", "vm", **facts), operation)
    assert reason is not None and reason.description[: len(expected)] == expected


@pytest.mark.parametrize(
    "facts",
    [DISK | {"vdi_shared": True, "others_attached": 2, "others_writing": 2}, DISK | {"read_only": True, "others_attached": 1}],
)
def test_shared_disks_and_readers_have_company(facts: dict[str, Any]) -> None:
    assert "plug" in vbd_operations.allowed(VbdFacts("vbd", "vm", **facts))


def test_a_disk_is_paused_while_a_reboot_holds_it() -> None:
    facts = VbdFacts("vbd", "vm", **DISK, attached=True, current={"task": "attach"})
    assert vbd_operations.allowed(facts) == ["pause", "unpause"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"power_state": "Running"}, ["attach", "plug"]),
        ({"power_state": "Running", "attached": True}, ["unplug"]),
        ({"power_state": "Running", "hotplug": False}, ["attach"]),
        ({"power_state": "Halted"}, ["attach"]),
        ({"power_state": "Suspended", "attached": True}, ["attach"]),
        ({"power_state": "Running", "current": {"task": "plug"}}, []),
    ],
)
def test_vifs_allow(facts: dict[str, Any], expected: list[str]) -> None:
    assert vif_operations.allowed(VifFacts("vif", "vm", **facts)) == expected
