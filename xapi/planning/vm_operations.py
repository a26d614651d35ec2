"""Which operation a VM allows now, and the error that says why not. Pure: a `VmFacts` in, an error or a list out.

Operations and power states are the datamodel's words. Checks run in a fixed order, and the first that fails is the
answer; ``strict`` adds the checks that a forced call skips.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xapi import errors
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError, error

HALTED, PAUSED, SUSPENDED, RUNNING = "Halted", "Paused", "Suspended", "Running"
LIVE: Final = frozenset({PAUSED, RUNNING})
ANY_STATE: Final = (HALTED, PAUSED, SUSPENDED, RUNNING)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TABLE: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        (HALTED,),
        "make_into_template provision start start_on changing_shadow_memory changing_NVRAM create_vtpm changing_VCPUs"
        " changing_static_range changing_memory_limits",
    ),
    ((PAUSED,), "unpause"),
    ((SUSPENDED,), "csvm resume resume_on"),
    (
        (RUNNING,),
        "awaiting_memory_live call_plugin clean_reboot clean_shutdown changing_memory_live changing_shadow_memory_live"
        " changing_VCPUs_live data_source_op pause pool_migrate send_sysrq send_trigger snapshot_with_quiesce sysprep suspend",
    ),
    ((HALTED, RUNNING), "changing_dynamic_range"),
    ((HALTED,), "clone copy"),
    ((HALTED, SUSPENDED), "create_template destroy export"),
    ((PAUSED, RUNNING), "hard_reboot"),
    ((PAUSED, SUSPENDED, RUNNING), "checkpoint get_boot_record shutdown hard_shutdown"),
    ((HALTED, SUSPENDED, RUNNING), "migrate_send"),
    (
        ANY_STATE,
        "assert_operation_valid metadata_export power_state_reset revert reverting snapshot update_allowed_operations"
        " query_services",
    ),
    ((), "import"),
)

POWER_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    operation: states for states, operations in _TABLE for operation in operations.split()
}

_CONTROL_DOMAIN_ALSO_RUNNING: Final = frozenset({"changing_VCPUs", "changing_static_range", "changing_memory_limits"})

_ON_TEMPLATES: Final = _words(
    "changing_dynamic_range changing_static_range changing_memory_limits changing_shadow_memory changing_VCPUs"
    " changing_NVRAM clone copy export metadata_export provision"
)
_ON_OWN_TEMPLATES: Final = frozenset({"destroy", "migrate_send"})
_ON_SNAPSHOTS: Final = _words("revert clone copy export destroy hard_shutdown metadata_export")
_ON_CONTROL_DOMAINS: Final = _words(
    "data_source_op changing_memory_live awaiting_memory_live metadata_export changing_dynamic_range"
    " changing_memory_limits changing_static_range start start_on changing_VCPUs destroy"
)
_MOVES: Final = frozenset({"suspend", "checkpoint", "pool_migrate", "migrate_send"})

_FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "suspend": ("feature-suspend",),
    "checkpoint": ("feature-suspend",),
    "pool_migrate": ("feature-suspend",),
    "migrate_send": ("feature-suspend",),
    "clean_shutdown": ("feature-shutdown", "feature-poweroff"),
    "clean_reboot": ("feature-shutdown", "feature-reboot"),
    "changing_VCPUs_live": ("feature-vcpu-hotplug",),
}
"""Operation -> features of which the guest must announce one."""

_IN_ROLLING_UPGRADE_FORBIDDEN: Final = _words(
    "snapshot checkpoint revert changing_VCPUs changing_VCPUs_live changing_memory_live changing_memory_limits"
    " changing_static_range changing_dynamic_range changing_shadow_memory changing_shadow_memory_live"
)

UNLISTED: Final = _words(
    "create_template power_state_reset csvm get_boot_record send_sysrq send_trigger query_services shutdown call_plugin"
    " changing_memory_live awaiting_memory_live changing_memory_limits changing_shadow_memory_live changing_VCPUs"
    " assert_operation_valid data_source_op update_allowed_operations import reverting"
)
"""Never in ``allowed_operations``, whatever the state."""

_LISTED: Final = tuple(operation for operation in MODEL.enums["vm_operations"] if operation not in UNLISTED)

_TOGETHER: Final = (frozenset({"clone", "copy", "export"}), frozenset({"snapshot", "checkpoint"}), frozenset({"get_boot_record"}))

SHUTDOWN_PREEMPTS: Final = _words("clean_shutdown clean_reboot hard_reboot pool_migrate call_plugin shutdown suspend")
"""What a hard shutdown cancels first."""
REBOOT_PREEMPTS: Final = frozenset({"clean_shutdown", "clean_reboot", "pool_migrate", "call_plugin", "suspend"})
"""What a hard reboot cancels first."""


@dataclass(frozen=True, slots=True)
class VmFacts:
    """All that the rules look at, read from the store in one go."""

    ref: str
    power_state: str = HALTED
    current: Mapping[str, str] = field(default_factory=dict)
    """Task -> operation under way."""
    blocked: Mapping[str, str] = field(default_factory=dict)
    """Operation -> the reason it is blocked for."""
    is_template: bool = False
    is_default_template: bool = False
    is_snapshot: bool = False
    is_control_domain: bool = False
    is_dom0: bool = False
    immobile: bool = False
    nested_virt: bool = False
    features: Mapping[str, str] | None = None
    """What the guest's agent announced (``feature-…`` keys); None when it announced nothing, and then nothing is demanded:
    fully virtualised guests answer ACPI, paravirtualised ones always could."""
    cant_suspend: str | None = None
    """Why the guest says that it cannot be suspended now."""
    resets_on_boot: bool = False
    """A disk of it has on_boot=reset."""
    caches_reset_disk: bool = False
    has_pci: bool = False
    has_vgpu: bool = False
    has_vusb: bool = False
    has_vtpm: bool = False
    appliance: str | None = None
    protection_policy: str | None = None
    snapshot_schedule: str | None = None
    is_system_domain: bool = False
    clone_suspended: bool = False
    """The pool allows cloning suspended VMs."""
    rolling_upgrade: bool = False


def states_for(facts: VmFacts, operation: str) -> tuple[str, ...]:
    """Return the power states in which this VM takes *operation*."""
    states = POWER_STATES[operation]
    if operation in ("clone", "copy") and (facts.is_snapshot or facts.clone_suspended):
        return (HALTED, SUSPENDED)
    if operation in _CONTROL_DOMAIN_ALSO_RUNNING and facts.is_control_domain:
        return (HALTED, RUNNING)
    return states


def runs_beside(operation: str, current: frozenset[str]) -> bool:
    """Return whether *operation* may start while *current* are under way."""
    if not current:
        return True
    if any(current | {operation} <= family for family in _TOGETHER):
        return True
    match operation:
        case "hard_shutdown":
            return "hard_shutdown" not in current
        case "hard_reboot":
            return not current & {"hard_shutdown", "hard_reboot"}
        case "snapshot":
            return current == {"snapshot_with_quiesce"}
        case "metadata_export" | "clean_shutdown" | "clean_reboot":
            return current == {"migrate_send"}
        case _:
            return False


def refusal(facts: VmFacts, operation: str, strict: bool = True) -> XenAPIError | None:
    """Return the error that forbids *operation* now, or None if it is allowed."""
    for check in _CHECKS:
        reason = check(facts, operation, strict)
        if reason is not None:
            return reason
    return None


def assert_valid(facts: VmFacts, operation: str, strict: bool = True) -> None:
    """:raises XenAPIError: *operation* is not allowed now."""
    reason = refusal(facts, operation, strict)
    if reason is not None:
        raise reason


def allowed(facts: VmFacts) -> list[str]:
    """Return ``allowed_operations`` in the datamodel's order."""
    # Which refs and tasks they are is for the errors only: most VMs of a pool are alike in all else.
    anonymous = {str(number): operation for number, operation in enumerate(facts.current.values())}
    alike = dataclasses.replace(facts, ref="", current=anonymous)
    return list(_allowed(tuple([_hashable(getattr(alike, name)) for name in _FACTS])))


@functools.lru_cache(maxsize=2048)
def _allowed(values: tuple[Any, ...]) -> tuple[str, ...]:
    given: list[Any] = [dict(value) if isinstance(value, tuple) else value for value in values]
    facts = VmFacts(*given)
    # Most operations fail for the power state: that is asked first, without making an error of it.
    return tuple(op for op in _LISTED if facts.power_state in states_for(facts, op) and refusal(facts, op) is None)


_FACTS = [field.name for field in dataclasses.fields(VmFacts)]


def _hashable(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


def one_of(values: "list[str]") -> str:
    """Return how several values are written where an error's parameter has room for one."""
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def _blocked(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if operation in facts.blocked:
        return errors.operation_blocked(facts.ref, facts.blocked[operation])
    return None


def _power_state(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    states = states_for(facts, operation)
    if facts.power_state in states:
        return None
    return errors.vm_bad_power_state(facts.ref, ", ".join(states).lower(), facts.power_state.lower())


def _concurrency(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if runs_beside(operation, frozenset(facts.current.values())):
        return None
    operations, tasks = list(facts.current.values()), list(facts.current)
    return errors.other_operation_in_progress("VM", facts.ref, one_of(operations), one_of(tasks))


def _template(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if not facts.is_template or facts.is_snapshot or operation in _ON_TEMPLATES:
        return None
    if operation in _ON_OWN_TEMPLATES and not facts.is_default_template:
        return None
    # The operation follows the reference, though the error is declared with one parameter: clients print both.
    return XenAPIError("VM_IS_TEMPLATE", [facts.ref, operation])


def _snapshot(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if facts.is_snapshot and operation not in _ON_SNAPSHOTS:
        return errors.vm_is_snapshot(facts.ref, operation)
    return None


def _kind(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if operation == "provision" and not facts.is_template:
        return error("PROVISION_ONLY_ALLOWED_ON_TEMPLATE")
    if operation == "revert" and not facts.is_snapshot:
        return XenAPIError("REVERT_ONLY_ALLOWED_ON_SNAPSHOT")
    return None


def _mobility(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if strict and operation in _MOVES and (facts.immobile or facts.nested_virt):
        return error("VM_IS_IMMOBILE", facts.ref)
    if strict and operation == "changing_dynamic_range" and facts.nested_virt:
        return error("VM_IS_USING_NESTED_VIRT", facts.ref)
    return None


def _control_domain(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if facts.is_dom0 and operation in ("changing_VCPUs", "destroy"):
        return errors.operation_not_allowed("This operation is not allowed on dom0")
    if facts.is_control_domain and operation not in _ON_CONTROL_DOMAINS:
        return errors.operation_not_allowed("This operation is not allowed on a control domain")
    return None


def _guest_features(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if facts.power_state not in LIVE or operation not in _FEATURES:
        return None
    if operation in _MOVES and facts.cant_suspend is not None:
        return error("VM_NON_SUSPENDABLE", facts.ref, facts.cant_suspend)
    if facts.features is None or (not strict and operation != "changing_VCPUs_live"):
        return None
    if any(facts.features.get(name) == "1" for name in _FEATURES[operation]):
        return None
    return errors.vm_lacks_feature(facts.ref)


def _disks(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if operation == "snapshot_with_quiesce":
        return error("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", facts.ref, "quiesced snapshots are not offered")
    incompatible = (facts.resets_on_boot and operation in ("checkpoint", "snapshot", "suspend")) or (
        facts.caches_reset_disk and operation == "pool_migrate"
    )
    return error("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION") if incompatible else None


def _devices(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if facts.has_pci and operation in _MOVES:
        return error("VM_HAS_PCI_ATTACHED", facts.ref)
    at_rest = (operation == "migrate_send" and facts.power_state == HALTED) or (
        operation == "checkpoint" and facts.power_state == SUSPENDED
    )
    if facts.has_vgpu and operation in _MOVES and not at_rest:
        return error("VM_HAS_VGPU", facts.ref)
    if facts.has_vusb and operation in (*_MOVES, "snapshot"):
        return error("VM_HAS_VUSBS", facts.ref)
    return None


def _memberships(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if operation != "make_into_template":
        return None
    for code, owner in (
        ("VM_IS_PART_OF_AN_APPLIANCE", facts.appliance),
        ("VM_ASSIGNED_TO_PROTECTION_POLICY", facts.protection_policy),
        ("VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE", facts.snapshot_schedule),
    ):
        if owner is not None:
            return error(code, facts.ref, owner)
    return None


def _rest(facts: VmFacts, operation: str, strict: bool) -> XenAPIError | None:
    if operation == "query_services" and not facts.is_system_domain:
        return errors.operation_not_allowed("Not a system domain")
    if facts.rolling_upgrade and operation in _IN_ROLLING_UPGRADE_FORBIDDEN:
        return error("NOT_SUPPORTED_DURING_UPGRADE")
    if operation == "create_vtpm" and facts.has_vtpm:
        return error("VTPM_MAX_AMOUNT_REACHED", 1)
    return None


_CHECKS: Final = (
    _blocked,
    _power_state,
    _concurrency,
    _template,
    _snapshot,
    _kind,
    _mobility,
    _control_domain,
    _guest_features,
    _disks,
    _devices,
    _memberships,
    _rest,
)
"""In order of precedence: clients see the first that fails."""
