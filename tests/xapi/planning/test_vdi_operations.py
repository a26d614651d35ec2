"""What a disk image allows, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from xapi.errors import XenAPIError
from xapi.planning.vdi_operations import REQUIRED_FEATURE, Attachment, Vdi, allowed, assert_valid, problem

PLAIN = Vdi("vdi", "sr", features=frozenset(REQUIRED_FEATURE.values()))
WRITER = Attachment("vbd", active=True, writable=True)
READER = Attachment("vbd", active=True, writable=False)
UNPLUGGED = Attachment("vbd", active=False, writable=True)
PLUGGING = Attachment("vbd", active=False, writable=True, operations=(("task", "plug"),))


def codes(vdi: Vdi, operation: str) -> list[str]:
    found = problem(vdi, operation)
    return [] if found is None else found.description


def test_an_unused_image_allows_all_but_what_snapshots_are_for() -> None:
    assert set(REQUIRED_FEATURE) - set(allowed(PLAIN)) == {"mirror", "data_destroy", "revert_from"}
    assert {"forget", "force_unlock", "copy"} <= set(allowed(PLAIN))


@pytest.mark.parametrize(
    ("operation", "vdi", "expected"),
    [
        ("destroy", {"attachments": (WRITER,)}, ["VDI_IN_USE", "vdi", "destroy"]),
        ("destroy", {"attachments": (READER,)}, ["VDI_IN_USE", "vdi", "destroy"]),
        ("destroy", {"attachments": (UNPLUGGED,)}, []),
        ("destroy", {"attachments": (PLUGGING,)}, ["OTHER_OPERATION_IN_PROGRESS", "VDI", "vdi", "plug", "task"]),
        ("resize", {"attachments": (WRITER,)}, ["VDI_IN_USE", "vdi", "resize"]),
        ("forget", {"attachments": (WRITER,)}, ["VDI_IN_USE", "vdi", "forget"]),
        ("copy", {"attachments": (WRITER,)}, ["VDI_IN_USE", "vdi", "copy"]),
        ("copy", {"attachments": (READER,)}, []),
        ("snapshot", {"attachments": (WRITER,)}, []),
        ("clone", {"attachments": (WRITER,)}, []),
        ("resize_online", {"attachments": (WRITER,)}, []),
        ("update", {"attachments": (WRITER,)}, []),
        ("destroy", {"operations": (("t", "copy"),)}, ["OTHER_OPERATION_IN_PROGRESS", "VDI", "vdi", "copy", "t"]),
        ("copy", {"operations": (("t", "copy"),)}, []),
        ("destroy", {"operations": (("t", "mirror"),)}, []),
        ("snapshot", {"operations": (("t", "resize"),)}, ["OTHER_OPERATION_IN_PROGRESS", "VDI", "vdi", "resize", "t"]),
        ("clone", {"features": frozenset()}, ["SR_OPERATION_NOT_SUPPORTED", "sr"]),
        ("enable_cbt", {"features": frozenset()}, ["SR_OPERATION_NOT_SUPPORTED", "sr"]),
        ("clone", {"sr_has_pbds": False, "sr_attached": False}, ["SR_HAS_NO_PBDS", "sr"]),
        ("clone", {"sr_attached": False}, ["SR_NOT_ATTACHED", "sr"]),
        ("forget", {"sr_has_pbds": False, "sr_attached": False}, []),
        ("snapshot", {"managed": False}, ["VDI_NOT_MANAGED", "vdi"]),
        ("destroy", {"missing": True}, []),
        ("copy", {"missing": True}, ["VDI_MISSING", "sr", "vdi"]),
        ("snapshot", {"sharable": True}, ["VDI_IS_SHARABLE", "vdi"]),
        ("snapshot", {"resets_on_boot": True}, ["VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"]),
        ("destroy", {"sr_type": "udev"}, ["VDI_IS_A_PHYSICAL_DEVICE", "vdi"]),
        ("destroy", {"type": "rrd"}, ["VDI_HAS_RRDS", "vdi"]),
        ("destroy", {"keeps_ha_alive": True}, ["HA_IS_ENABLED"]),
        ("destroy", {"sr_is_tools": True}, ["SR_OPERATION_NOT_SUPPORTED", "sr"]),
        ("clone", {"type": "cbt_metadata"}, ["VDI_INCOMPATIBLE_TYPE", "vdi", "cbt_metadata"]),
        ("enable_cbt", {"type": "suspend"}, ["VDI_INCOMPATIBLE_TYPE", "vdi", "suspend"]),
        ("enable_cbt", {"is_a_snapshot": True}, ["OPERATION_NOT_ALLOWED", "VDI is a snapshot: vdi"]),
        ("data_destroy", {"is_a_snapshot": True}, ["VDI_NO_CBT_METADATA", "vdi"]),
        ("data_destroy", {"is_a_snapshot": True, "cbt_enabled": True}, []),
        ("data_destroy", {}, ["OPERATION_NOT_ALLOWED", "VDI is not a snapshot: vdi"]),
    ],
)  # fmt: skip
def test_refusals(operation: str, vdi: dict[str, Any], expected: list[str]) -> None:
    assert codes(replace(PLAIN, **vdi), operation) == expected


def test_work_in_progress_is_told_before_use() -> None:
    busy = replace(PLAIN, operations=(("t", "resize"),), attachments=(WRITER,))
    with pytest.raises(XenAPIError, match="OTHER_OPERATION_IN_PROGRESS"):
        assert_valid(busy, "destroy")
