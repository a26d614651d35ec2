"""May this host join that pool? Pure: both sides are values, the first objection is raised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from xapi import errors
from xapi.errors import XenAPIError, error

MOST_HOSTS: Final = 64


@dataclass(frozen=True, slots=True)
class Certificate:
    ref: str
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a join: a pool, seen through its coordinator. On the joining side that is the joining host."""

    host: str = ""
    """Its coordinator's ref."""
    uuid: str = ""
    hosts: int = 1
    address_type: str = "IPv4"
    ha_enabled: bool = False
    clusters: tuple[str, ...] = ()
    has_management: bool = True
    running_vms: int = 0
    busy_vms: int = 0
    mandatory_guidance: tuple[str, ...] = ()
    """Hosts that must be restarted or the like before anything else."""
    brand: str = ""
    platform: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What of the software version must be equal."""
    cpu_vendor: str = ""
    shared_srs: int = 0
    bonds: int = 0
    tunnels: int = 0
    sriovs: int = 0
    other_vlans: int = 0
    management_vlan: int = -1
    auth: tuple[str, str] = ("", "")
    """Type and name of the external directory."""
    edition: str = ""
    backend: str = "bridge"
    sdn_controllers: frozenset[str] = frozenset()
    api_version: str = ""
    schema: str = ""
    updates: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    """Of its networks."""
    tls_verification: bool = True
    ca_certificates: tuple[Certificate, ...] = ()
    upgrading: bool = False
    sm_features: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sm_refs: Mapping[str, str] = field(default_factory=dict)
    """Type of storage -> its record, and what it can do."""


def _not_allowed(text: str) -> XenAPIError:
    return errors.operation_not_allowed(text)


def _guidance(local: Side, remote: Side) -> XenAPIError | None:
    pending = (*local.mandatory_guidance, *remote.mandatory_guidance)
    return error("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", pending[0]) if pending else None


def _compatible(local: Side, remote: Side) -> bool:
    if local.brand and remote.brand:
        return local.brand == remote.brand
    return local.platform == remote.platform


def _ca_conflict(local: Side, remote: Side) -> XenAPIError | None:
    theirs = {certificate.name: certificate.fingerprint for certificate in remote.ca_certificates}
    names = [c.name for c in local.ca_certificates if theirs.get(c.name, c.fingerprint) != c.fingerprint]
    return XenAPIError("POOL_JOINING_HOST_CA_CERTIFICATES_CONFLICT", sorted(names)) if names else None


def _sm_conflict(local: Side, remote: Side) -> XenAPIError | None:
    """A storage type of the pool must not lose abilities by the new host."""
    for kind, features in remote.sm_features.items():
        if kind in local.sm_features and not features <= local.sm_features[kind]:
            return error("POOL_JOINING_SM_FEATURES_INCOMPATIBLE", remote.sm_refs[kind], local.sm_refs[kind])
    return None


def _versions(local: Side, remote: Side) -> XenAPIError | None:
    return None if local.versions == remote.versions else error("HOSTS_NOT_HOMOGENEOUS", "Software version differs")


def _cpus(local: Side, remote: Side) -> XenAPIError | None:
    return None if local.cpu_vendor == remote.cpu_vendor else error("HOSTS_NOT_HOMOGENEOUS", "CPUs differ")


Check: TypeAlias = Callable[[Side, Side], XenAPIError | None]


def _when(condition: Callable[[Side, Side], bool], make: Callable[[Side, Side], XenAPIError]) -> Check:
    return lambda local, remote: make(local, remote) if condition(local, remote) else None


def _plain(code: str) -> Callable[[Side, Side], XenAPIError]:
    return lambda local, remote: error(code)


def _purposes_clash(local: Side, remote: Side) -> bool:
    both = local.purposes | remote.purposes
    return {"nbd", "insecure_nbd"} <= both


HOMOGENEITY: Final = frozenset({_versions, _cpus})
"""What ``pool.join_force`` does not ask."""

CHECKS: Final[tuple[Check, ...]] = (
    _when(lambda a, b: not a.has_management, _plain("HOST_STILL_BOOTING")),
    _when(lambda a, b: a.ha_enabled, _plain("HA_IS_ENABLED")),
    _when(lambda a, b: bool(a.clusters), lambda a, b: error("CLUSTERING_ENABLED", a.clusters[0])),
    _when(lambda a, b: b.ha_enabled, _plain("HA_IS_ENABLED")),
    _when(lambda a, b: a.uuid == b.uuid, lambda a, b: _not_allowed("Host cannot become slave of itself")),
    _when(lambda a, b: a.hosts > 1, _plain("JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS")),
    _when(lambda a, b: a.running_vms > 0, _plain("JOINING_HOST_CANNOT_HAVE_RUNNING_VMS")),
    _when(lambda a, b: a.busy_vms > 0, _plain("JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS")),
    _guidance,
    _when(lambda a, b: not _compatible(a, b), _plain("HOSTS_NOT_COMPATIBLE")),
    _versions,
    _cpus,
    _when(lambda a, b: a.shared_srs > 0, _plain("JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS")),
    _when(lambda a, b: a.bonds > 0, _plain("POOL_JOINING_HOST_HAS_BONDS")),
    _when(lambda a, b: a.tunnels > 0, _plain("POOL_JOINING_HOST_HAS_TUNNELS")),
    _when(lambda a, b: a.sriovs > 0, _plain("POOL_JOINING_HOST_HAS_NETWORK_SRIOVS")),
    _when(lambda a, b: a.other_vlans > 0, _plain("POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS")),
    _when(
        lambda a, b: a.management_vlan != b.management_vlan,
        lambda a, b: error("POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH", a.management_vlan, b.management_vlan),
    ),
    _when(lambda a, b: a.auth != b.auth, _plain("POOL_JOINING_EXTERNAL_AUTH_MISMATCH")),
    _when(
        lambda a, b: a.edition != b.edition,
        lambda a, b: XenAPIError("LICENSE_HOST_POOL_MISMATCH", [f"Edition {a.edition} differs from the pool's: {b.edition}"]),
    ),
    _when(lambda a, b: a.backend != b.backend, lambda a, b: _not_allowed("Network backends differ")),
    _when(lambda a, b: a.sdn_controllers != b.sdn_controllers, lambda a, b: _not_allowed("SDN controller differs")),
    _when(lambda a, b: a.address_type != b.address_type, lambda a, b: _not_allowed("Primary address type differs")),
    _when(
        lambda a, b: a.api_version != b.api_version,
        lambda a, b: error("POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION", b.api_version, a.api_version),
    ),
    _when(
        lambda a, b: a.schema != b.schema,
        lambda a, b: error("POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA", b.schema, a.schema),
    ),
    _when(
        lambda a, b: a.updates != b.updates,
        lambda a, b: error("HOSTS_NOT_HOMOGENEOUS", "Different updates are applied"),
    ),
    _when(_purposes_clash, lambda a, b: _not_allowed("Incompatible network purposes: nbd and insecure_nbd")),
    _when(lambda a, b: a.tls_verification != b.tls_verification, _plain("POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH")),
    _ca_conflict,
    _when(lambda a, b: a.upgrading or b.upgrading, _plain("NOT_SUPPORTED_DURING_UPGRADE")),
    _sm_conflict,
)
"""In the order of asking."""


def check(local: Side, remote: Side, *, force: bool = False) -> None:
    """:raises XenAPIError: the first reason why *local* cannot join *remote*; *force* skips what makes hosts alike."""
    for ask in CHECKS:
        if force and ask in HOMOGENEITY:
            continue
        objection = ask(local, remote)
        if objection is not None:
            raise objection
