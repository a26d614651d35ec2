"""What hosts, pools and the objects with a rule or two allow, and what they answer when they do not."""

import pytest

from xapi.datamodel import MODEL
from xapi.planning.host_operations import HostFacts, PoolFacts, host_allowed, host_refusal, pool_allowed, pool_refusal
from xapi.planning.simple_operations import (
    appliance_allowed,
    cluster_allowed,
    cluster_host_allowed,
    network_allowed,
    vtpm_allowed,
    vusb_allowed,
)


def host(*running: str, enabled: bool = True, power_on: bool = False) -> HostFacts:
    return HostFacts("h", enabled, {f"t{at}": name for at, name in enumerate(running)}, power_on)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (host(), "provision evacuate vm_start vm_resume vm_migrate apply_updates enable"),
        (host(power_on=True), "provision evacuate power_on vm_start vm_resume vm_migrate apply_updates enable"),
        (host(enabled=False), "evacuate shutdown reboot apply_updates enable"),
        (host("vm_start"), "provision vm_start vm_resume vm_migrate enable"),
        (host("vm_start", "vm_migrate"), "provision vm_start vm_resume vm_migrate enable"),
        (host("evacuate", enabled=False), "enable"),
        (host("shutdown", enabled=False), ""),
        (host("reboot", enabled=False), ""),
        (host("apply_updates"), ""),
        (host("enable"), "provision evacuate vm_start vm_resume vm_migrate"),
    ],
)
def test_a_host_allows(facts: HostFacts, expected: str) -> None:
    assert host_allowed(facts) == expected.split()


@pytest.mark.parametrize(
    ("facts", "operation", "expected"),
    [
        (host("evacuate"), "vm_start", ["OTHER_OPERATION_IN_PROGRESS", "host", "h", "evacuate", "t0"]),
        (host("vm_start"), "evacuate", ["OTHER_OPERATION_IN_PROGRESS", "host", "h", "vm_start", "t0"]),
        (host(), "shutdown", ["HOST_NOT_DISABLED"]),
        (host(enabled=False), "vm_start", ["HOST_DISABLED", "h"]),
        (host(), "power_on", ["HOST_POWER_ON_MODE_DISABLED"]),
    ],
)
def test_a_host_says_why_not(facts: HostFacts, operation: str, expected: list[str]) -> None:
    reason = host_refusal(facts, operation)
    assert reason is not None and reason.description == expected


def pool(*running: str, ha: bool = False) -> PoolFacts:
    return PoolFacts("p", ha, {f"t{at}": name for at, name in enumerate(running)})


def test_a_pool_does_one_thing_at_a_time() -> None:
    every = list(MODEL.enums["pool_allowed_operations"])
    assert pool_allowed(pool()) == [name for name in every if name != "ha_disable"]
    assert pool_allowed(pool(ha=True)) == [name for name in every if name not in ("ha_enable", "designate_new_master", "eject")]
    assert pool_allowed(pool("sync_updates")) == []
    assert pool_allowed(pool("get_updates")) == ["get_updates", "apply_updates"]
    refusal = pool_refusal(pool("eject"), "cert_refresh")
    assert refusal is not None and refusal.description == ["OTHER_OPERATION_IN_PROGRESS", "pool", "p", "eject", "t0"]
    assert [r.code for r in (pool_refusal(pool(ha=True), "ha_enable"), pool_refusal(pool(), "ha_disable")) if r] == [
        "HA_IS_ENABLED", "HA_NOT_ENABLED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("states", "current", "expected"),
    [
        ([], [], ""),
        (["Halted"], [], "start"),
        (["Suspended"], [], "start clean_shutdown hard_shutdown shutdown"),
        (["Running", "Paused"], [], "clean_shutdown hard_shutdown shutdown"),
        (["Halted", "Running"], [], "start clean_shutdown hard_shutdown shutdown"),
        (["Halted", "Running"], ["start"], ""),
    ],
)
def test_an_appliance_allows(states: list[str], current: list[str], expected: str) -> None:
    assert appliance_allowed(states, current) == expected.split()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (network_allowed([]), "attaching"),
        (network_allowed(["attaching"]), "attaching"),
        (cluster_allowed([]), "add remove enable disable destroy"),
        (cluster_allowed(["add"]), ""),
        (cluster_host_allowed(True, []), "disable destroy"),
        (cluster_host_allowed(False, []), "enable destroy"),
        (cluster_host_allowed(False, ["enable"]), ""),
        (vtpm_allowed("Halted", []), "destroy"),
        (vtpm_allowed("Running", []), ""),
        (vtpm_allowed("Halted", ["destroy"]), ""),
        (vusb_allowed("Halted", False, []), "attach"),
        (vusb_allowed("Running", False, []), "attach plug"),
        (vusb_allowed("Running", True, []), "unplug"),
        (vusb_allowed("Running", True, ["unplug"]), ""),
    ],
)
def test_the_small_ones_allow(answer: list[str], expected: str) -> None:
    assert answer == expected.split()
