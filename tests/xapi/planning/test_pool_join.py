"""Every objection to joining a pool, with its exact code; the first in order is the one that is told."""

from dataclasses import replace
from typing import Any

import pytest

from xapi.errors import XenAPIError
from xapi.planning.pool_join import Certificate, Side, check

LOCAL = Side(
    host="OpaqueRef:local", uuid="local", brand="B", platform="P", versions={"xapi": "1"}, cpu_vendor="V",
    sm_features={"file": frozenset({"A", "B"})}, sm_refs={"file": "OpaqueRef:sm-local"}, api_version="2.21", schema="5.909",
)  # fmt: skip
POOL = replace(LOCAL, host="OpaqueRef:pool", uuid="pool", hosts=3, shared_srs=2, sm_refs={"file": "OpaqueRef:sm-pool"})

OBJECTIONS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"has_management": False}, {}, ["HOST_STILL_BOOTING"]),
    ({"ha_enabled": True}, {}, ["HA_IS_ENABLED"]),
    ({}, {"ha_enabled": True}, ["HA_IS_ENABLED"]),
    ({"clusters": ("OpaqueRef:c",)}, {}, ["CLUSTERING_ENABLED", "OpaqueRef:c"]),
    ({"uuid": "pool"}, {}, ["OPERATION_NOT_ALLOWED", "Host cannot become slave of itself"]),
    ({"hosts": 2}, {}, ["JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"]),
    ({"running_vms": 1}, {}, ["JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"]),
    ({"busy_vms": 1}, {}, ["JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS"]),
    ({"mandatory_guidance": ("OpaqueRef:h",)}, {}, ["HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", "OpaqueRef:h"]),
    ({}, {"mandatory_guidance": ("OpaqueRef:g",)}, ["HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", "OpaqueRef:g"]),
    ({"brand": "other"}, {}, ["HOSTS_NOT_COMPATIBLE"]),
    ({"brand": "", "platform": "other"}, {}, ["HOSTS_NOT_COMPATIBLE"]),
    ({"versions": {"xapi": "2"}}, {}, ["HOSTS_NOT_HOMOGENEOUS", "Software version differs"]),
    ({"cpu_vendor": "W"}, {}, ["HOSTS_NOT_HOMOGENEOUS", "CPUs differ"]),
    ({"shared_srs": 1}, {}, ["JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS"]),
    ({"bonds": 1}, {}, ["POOL_JOINING_HOST_HAS_BONDS"]),
    ({"tunnels": 1}, {}, ["POOL_JOINING_HOST_HAS_TUNNELS"]),
    ({"sriovs": 1}, {}, ["POOL_JOINING_HOST_HAS_NETWORK_SRIOVS"]),
    ({"other_vlans": 1}, {}, ["POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS"]),
    ({"management_vlan": 5}, {}, ["POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH", "5", "-1"]),
    ({"auth": ("AD", "example")}, {}, ["POOL_JOINING_EXTERNAL_AUTH_MISMATCH"]),
    (
        {"edition": "free"}, {"edition": "premium"},
        ["LICENSE_HOST_POOL_MISMATCH", "Edition free differs from the pool's: premium"],
    ),
    ({"backend": "openvswitch"}, {}, ["OPERATION_NOT_ALLOWED", "Network backends differ"]),
    ({"sdn_controllers": frozenset({"x"})}, {}, ["OPERATION_NOT_ALLOWED", "SDN controller differs"]),
    ({"address_type": "IPv6"}, {}, ["OPERATION_NOT_ALLOWED", "Primary address type differs"]),
    ({"api_version": "2.20"}, {}, ["POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION", "2.21", "2.20"]),
    ({"schema": "5.1"}, {}, ["POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA", "5.909", "5.1"]),
    ({"updates": frozenset({"u"})}, {}, ["HOSTS_NOT_HOMOGENEOUS", "Different updates are applied"]),
    (
        {"purposes": frozenset({"nbd"})}, {"purposes": frozenset({"insecure_nbd"})},
        ["OPERATION_NOT_ALLOWED", "Incompatible network purposes: nbd and insecure_nbd"],
    ),
    ({"tls_verification": False}, {}, ["POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH"]),
    (
        {"ca_certificates": (Certificate("r", "a.pem", "1"),)}, {"ca_certificates": (Certificate("s", "a.pem", "2"),)},
        ["POOL_JOINING_HOST_CA_CERTIFICATES_CONFLICT", "a.pem"],
    ),
    ({"upgrading": True}, {}, ["NOT_SUPPORTED_DURING_UPGRADE"]),
    ({}, {"upgrading": True}, ["NOT_SUPPORTED_DURING_UPGRADE"]),
    (
        {"sm_features": {"file": frozenset({"A"})}}, {},
        ["POOL_JOINING_SM_FEATURES_INCOMPATIBLE", "OpaqueRef:sm-pool", "OpaqueRef:sm-local"],
    ),
]  # fmt: skip


def objection(local: Side, remote: Side, *, force: bool = False) -> list[str]:
    try:
        check(local, remote, force=force)
    except XenAPIError as reason:
        return reason.description
    return []


def test_a_host_like_the_others_may_join() -> None:
    assert objection(LOCAL, POOL) == []


@pytest.mark.parametrize(("here", "there", "expected"), OBJECTIONS, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_each_difference_has_its_code(here: dict[str, Any], there: dict[str, Any], expected: list[str]) -> None:
    assert objection(replace(LOCAL, **here), replace(POOL, **there)) == expected


@pytest.mark.parametrize("difference", [{"versions": {"xapi": "2"}}, {"cpu_vendor": "W"}])
def test_force_lets_unlike_hosts_in(difference: dict[str, Any]) -> None:
    assert objection(replace(LOCAL, **difference), POOL, force=True) == []


def test_force_lets_nothing_else_in() -> None:
    skipped = ["HOSTS_NOT_HOMOGENEOUS", "Software version differs"], ["HOSTS_NOT_HOMOGENEOUS", "CPUs differ"]
    for here, there, expected in OBJECTIONS:
        forced = objection(replace(LOCAL, **here), replace(POOL, **there), force=True)
        assert forced == ([] if expected in skipped else expected)


def test_the_first_objection_is_told() -> None:
    assert objection(replace(LOCAL, running_vms=1, bonds=1, brand="other"), POOL) == ["JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"]


def test_a_certificate_that_both_have_is_no_conflict() -> None:
    same = (Certificate("r", "a.pem", "1"),)
    assert objection(replace(LOCAL, ca_certificates=same), replace(POOL, ca_certificates=same)) == []
