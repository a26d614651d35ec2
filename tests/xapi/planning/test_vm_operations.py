"""Which operation a VM allows, state by state, and which error comes first."""

import dataclasses
from typing import Any

import pytest

from xapi.datamodel import MODEL
from xapi.planning.vm_operations import POWER_STATES, VmFacts, allowed, refusal

ALL = MODEL.enums["vm_operations"]


def code(operation: str, **facts: Any) -> str | None:
    strict = facts.pop("strict", True)
    reason = refusal(VmFacts("vm", **facts), operation, strict)
    return reason.code if reason else None


def test_the_table_knows_every_operation_and_no_other() -> None:
    assert set(POWER_STATES) == set(ALL)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            "Halted",
            "snapshot clone copy revert? checkpoint? start start_on changing_dynamic_range changing_static_range"
            " changing_shadow_memory changing_NVRAM make_into_template export metadata_export destroy migrate_send create_vtpm",
        ),
        (
            "Running",
            "snapshot checkpoint pause clean_shutdown clean_reboot hard_shutdown hard_reboot suspend pool_migrate migrate_send"
            " changing_dynamic_range changing_VCPUs_live metadata_export sysprep",
        ),
        ("Paused", "snapshot checkpoint unpause hard_shutdown hard_reboot metadata_export"),
        ("Suspended", "snapshot checkpoint hard_shutdown resume resume_on migrate_send export metadata_export destroy"),
    ],
)
def test_an_ordinary_vm_allows(state: str, expected: str) -> None:
    wanted = [operation for operation in expected.split() if not operation.endswith("?")]
    assert allowed(VmFacts("vm", power_state=state)) == sorted(wanted, key=ALL.index)


def test_the_power_state_error_names_what_is_expected() -> None:
    reason = refusal(VmFacts("vm", power_state="Running"), "start")
    assert reason is not None and reason.description == ["VM_BAD_POWER_STATE", "vm", "halted", "running"]


def test_templates_are_cloned_and_provisioned_but_not_started() -> None:
    template = VmFacts("vm", is_template=True)
    assert allowed(template) == [
        "clone", "copy", "provision", "migrate_send", "changing_dynamic_range", "changing_static_range", "changing_shadow_memory",
        "changing_NVRAM", "export", "metadata_export", "destroy",
    ]  # fmt: skip
    default = dataclasses.replace(template, is_default_template=True)
    assert "destroy" not in allowed(default)
    reason = refusal(template, "start")
    assert reason is not None and reason.description == ["VM_IS_TEMPLATE", "vm", "start"]


def test_snapshots_are_reverted_and_cloned_also_when_suspended() -> None:
    snapshot = VmFacts("vm", is_template=True, is_snapshot=True, power_state="Suspended")
    assert allowed(snapshot) == ["clone", "copy", "revert", "hard_shutdown", "export", "metadata_export", "destroy"]


@pytest.mark.parametrize(
    ("operation", "current", "expected"),
    [
        ("clone", ["copy"], None),
        ("clone", ["clone", "export"], None),
        ("clone", ["start"], "OTHER_OPERATION_IN_PROGRESS"),
        ("start", ["clone"], "OTHER_OPERATION_IN_PROGRESS"),
    ],
)
def test_what_runs_beside_what_when_halted(operation: str, current: list[str], expected: str | None) -> None:
    assert code(operation, current={f"t{i}": name for i, name in enumerate(current)}) == expected


@pytest.mark.parametrize(
    ("operation", "current", "expected"),
    [
        ("snapshot", ["checkpoint"], None),
        ("hard_shutdown", ["clean_shutdown"], None),
        ("hard_shutdown", ["hard_shutdown"], "OTHER_OPERATION_IN_PROGRESS"),
        ("hard_reboot", ["clean_reboot"], None),
        ("hard_reboot", ["hard_shutdown"], "OTHER_OPERATION_IN_PROGRESS"),
        ("clean_shutdown", ["migrate_send"], None),
        ("pause", ["migrate_send"], "OTHER_OPERATION_IN_PROGRESS"),
    ],
)
def test_what_runs_beside_what_when_running(operation: str, current: list[str], expected: str | None) -> None:
    assert code(operation, power_state="Running", current=dict.fromkeys(current, current[0])) == expected


def test_several_operations_in_the_way_are_named_together() -> None:
    reason = refusal(VmFacts("vm", current={"t1": "clone", "t2": "copy"}), "start")
    assert reason is not None and reason.params == ["VM", "vm", "{clone,copy}", "{t1,t2}"]


@pytest.mark.parametrize(
    ("operation", "facts", "expected"),
    [
        ("start", {"blocked": {"start": "why"}, "power_state": "Running"}, "OPERATION_BLOCKED"),
        ("revert", {}, "REVERT_ONLY_ALLOWED_ON_SNAPSHOT"),
        ("provision", {}, "PROVISION_ONLY_ALLOWED_ON_TEMPLATE"),
        ("suspend", {"power_state": "Running", "immobile": True}, "VM_IS_IMMOBILE"),
        ("suspend", {"power_state": "Running", "immobile": True, "strict": False}, None),
        ("suspend", {"power_state": "Running", "cant_suspend": "busy"}, "VM_NON_SUSPENDABLE"),
        ("suspend", {"power_state": "Running", "features": {"feature-shutdown": "1"}}, "VM_LACKS_FEATURE"),
        ("clean_shutdown", {"power_state": "Running", "features": {"feature-poweroff": "1"}}, None),
        ("clean_shutdown", {"power_state": "Running"}, None),
        ("snapshot", {"resets_on_boot": True}, "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"),
        ("suspend", {"power_state": "Running", "has_pci": True}, "VM_HAS_PCI_ATTACHED"),
        ("snapshot", {"has_vusb": True}, "VM_HAS_VUSBS"),
        ("make_into_template", {"appliance": "app"}, "VM_IS_PART_OF_AN_APPLIANCE"),
        ("destroy", {"is_control_domain": True, "is_dom0": True}, "OPERATION_NOT_ALLOWED"),
        ("pause", {"is_control_domain": True, "power_state": "Running"}, "OPERATION_NOT_ALLOWED"),
        ("snapshot", {"rolling_upgrade": True}, "NOT_SUPPORTED_DURING_UPGRADE"),
        ("create_vtpm", {"has_vtpm": True}, "VTPM_MAX_AMOUNT_REACHED"),
    ],
)
def test_what_stands_in_the_way(operation: str, facts: dict[str, Any], expected: str | None) -> None:
    assert code(operation, **facts) == expected


def test_vms_that_are_alike_are_judged_once_and_apart_from_each_other() -> None:
    one, other = allowed(VmFacts("OpaqueRef:1")), allowed(VmFacts("OpaqueRef:2"))
    assert one == other
    one.clear()
    assert allowed(VmFacts("OpaqueRef:1")) == other
    assert allowed(VmFacts("OpaqueRef:1", blocked={"start": "later"})) != other
    assert allowed(VmFacts("OpaqueRef:1", current={"task": "start"})) != other
    assert allowed(VmFacts("OpaqueRef:1", power_state="Running", features={})) != allowed(
        VmFacts("OpaqueRef:1", power_state="Running", features={"feature-suspend": "1"})
    )
