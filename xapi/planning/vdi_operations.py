"""Which operation a disk image allows now, as a pure function of what is known about it and its repository.

Checks run in a fixed order and the first that fails names the error: work in progress, the repository's reachability,
the driver's abilities, attachments, then what the operation itself asks of the image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xapi import errors
from xapi.errors import XenAPIError

REQUIRED_FEATURE: Mapping[str, str] = {
    "clone": "VDI_CLONE",
    "snapshot": "VDI_SNAPSHOT",
    "resize": "VDI_RESIZE",
    "resize_online": "VDI_RESIZE_ONLINE",
    "destroy": "VDI_DELETE",
    "update": "VDI_UPDATE",
    "generate_config": "VDI_GENERATE_CONFIG",
    "mirror": "VDI_MIRROR",
    "set_on_boot": "VDI_RESET_ON_BOOT",
    "enable_cbt": "VDI_CONFIG_CBT",
    "disable_cbt": "VDI_CONFIG_CBT",
    "data_destroy": "VDI_CONFIG_CBT",
    "list_changed_blocks": "VDI_CONFIG_CBT",
    "revert_to": "VDI_REVERT",
    "revert_from": "VDI_REVERT",
}
LIVE = frozenset({"snapshot", "clone", "resize_online", "mirror", "enable_cbt", "disable_cbt", "blocked", "revert_from"})
"""May be done while a guest writes. A clone of an attached disk is what the driver froze the moment it began."""
WITH_READERS = LIVE | {"copy"}
"""May be done while the disk is attached read-only."""
RECORD_ONLY = frozenset({"forget", "update", "generate_config", "force_unlock", "blocked"})
"""Neither touch the data, so a copy that is being read does not mind."""
BESIDE_A_COPY = frozenset({"copy", "clone", "snapshot", "generate_config", "update", "force_unlock"})
NEEDS_NO_STORAGE = frozenset({"forget", "force_unlock", "blocked"})
CBT_METADATA_OPERATIONS = frozenset({"destroy", "forget", "update", "list_changed_blocks", "blocked"})
UNMANAGED_OPERATIONS = frozenset({"forget", "update", "blocked"})
HA_TYPES = frozenset({"ha_statefile", "redo_log"})
LISTED = (
    "snapshot", "clone", "copy", "resize", "resize_online", "destroy", "forget", "update", "generate_config",
    "force_unlock", "enable_cbt", "disable_cbt", "data_destroy", "list_changed_blocks", "set_on_boot", "revert_to",
    "revert_from",
)  # fmt: skip
"""What ``allowed_operations`` may show, in this order."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VBD of the image: plugged now (or kept for a VM that is suspended), and what is being done to it."""

    ref: str
    active: bool
    writable: bool
    operations: tuple[tuple[str, str], ...] = ()
    """(task, operation) pairs."""


@dataclass(frozen=True, slots=True)
class Vdi:
    """What the rules need to know of an image."""

    ref: str
    sr: str
    type: str = "user"
    sr_type: str = "file"
    sr_has_pbds: bool = True
    sr_attached: bool = True
    """Some host has the repository plugged."""
    sr_is_tools: bool = False
    features: frozenset[str] = frozenset()
    managed: bool = True
    missing: bool = False
    sharable: bool = False
    is_a_snapshot: bool = False
    resets_on_boot: bool = False
    cbt_enabled: bool = False
    keeps_ha_alive: bool = False
    """HA or the redo log is on and uses it."""
    operations: tuple[tuple[str, str], ...] = ()
    """(task, operation) pairs under way."""
    attachments: tuple[Attachment, ...] = field(default=())


def problem(vdi: Vdi, operation: str) -> XenAPIError | None:
    """Return why *operation* (a ``vdi_operations`` word) is not possible now, or None."""
    for check in (_concurrency, _reachability, _ability, _attachment, _kind, _special):
        found = check(vdi, operation)
        if found is not None:
            return found
    return None


def assert_valid(vdi: Vdi, operation: str) -> None:
    found = problem(vdi, operation)
    if found is not None:
        raise found


def allowed(vdi: Vdi) -> list[str]:
    """Return the operations that would be accepted now."""
    return [operation for operation in LISTED if problem(vdi, operation) is None]


def _concurrency(vdi: Vdi, operation: str) -> XenAPIError | None:
    for task, running in vdi.operations:
        if running == "copy" and operation in BESIDE_A_COPY:
            continue
        # A mirror that ends throws its own source away.
        if running == "mirror" and operation == "destroy":
            continue
        return errors.other_operation_in_progress("VDI", vdi.ref, running, task)
    return None


def _reachability(vdi: Vdi, operation: str) -> XenAPIError | None:
    if operation in NEEDS_NO_STORAGE:
        return None
    if not vdi.sr_has_pbds:
        return errors.sr_has_no_pbds(vdi.sr)
    if not vdi.sr_attached:
        return errors.sr_not_attached(vdi.sr)
    return None


def _ability(vdi: Vdi, operation: str) -> XenAPIError | None:
    needed = REQUIRED_FEATURE.get(operation)
    if needed is not None and needed not in vdi.features:
        return errors.sr_operation_not_supported(vdi.sr)
    if vdi.sr_is_tools and operation == "destroy":
        return errors.sr_operation_not_supported(vdi.sr)
    return None


def _attachment(vdi: Vdi, operation: str) -> XenAPIError | None:
    if operation in LIVE or operation in RECORD_ONLY - {"forget"}:
        return None
    readers_are_fine = operation in WITH_READERS
    for attachment in vdi.attachments:
        if attachment.active and (attachment.writable or not readers_are_fine):
            return errors.vdi_in_use(vdi.ref, operation)
    for attachment in vdi.attachments:
        for task, running in attachment.operations:
            return errors.other_operation_in_progress("VDI", vdi.ref, running, task)
    return None


def _kind(vdi: Vdi, operation: str) -> XenAPIError | None:
    if not vdi.managed and operation not in UNMANAGED_OPERATIONS:
        return errors.vdi_not_managed(vdi.ref)
    if vdi.missing and operation not in UNMANAGED_OPERATIONS | {"destroy"}:
        return errors.vdi_missing(vdi.sr, vdi.ref)
    if vdi.type == "cbt_metadata" and operation not in CBT_METADATA_OPERATIONS:
        return errors.vdi_incompatible_type(vdi.ref, vdi.type)
    return None


def _special(vdi: Vdi, operation: str) -> XenAPIError | None:
    match operation:
        case "destroy":
            return _destroy(vdi)
        case "forget" | "resize" | "resize_online" if vdi.keeps_ha_alive:
            return errors.error("HA_IS_ENABLED")
        case "data_destroy":
            return _data_destroy(vdi)
        case "snapshot":
            return _snapshot(vdi)
        case "copy" if vdi.type in HA_TYPES:
            return errors.operation_not_allowed(f"{vdi.type} images belong to high availability and cannot be copied")
        case "enable_cbt" | "disable_cbt":
            return _tracking(vdi)
        case "revert_to" if vdi.is_a_snapshot:
            return errors.operation_not_allowed(f"VDI is a snapshot: {vdi.ref}")
        case "revert_from" if not vdi.is_a_snapshot:
            return errors.operation_not_allowed(f"VDI is not a snapshot: {vdi.ref}")
    return None


def _destroy(vdi: Vdi) -> XenAPIError | None:
    if vdi.sr_type == "udev":
        return errors.error("VDI_IS_A_PHYSICAL_DEVICE", vdi.ref)
    if vdi.type == "rrd":
        return errors.error("VDI_HAS_RRDS", vdi.ref)
    return errors.error("HA_IS_ENABLED") if vdi.keeps_ha_alive else None


def _data_destroy(vdi: Vdi) -> XenAPIError | None:
    if vdi.sr_type == "udev":
        return errors.error("VDI_IS_A_PHYSICAL_DEVICE", vdi.ref)
    if not vdi.is_a_snapshot:
        return errors.operation_not_allowed(f"VDI is not a snapshot: {vdi.ref}")
    return None if vdi.cbt_enabled else errors.error("VDI_NO_CBT_METADATA", vdi.ref)


def _snapshot(vdi: Vdi) -> XenAPIError | None:
    if vdi.sharable:
        return errors.error("VDI_IS_SHARABLE", vdi.ref)
    return errors.error("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION") if vdi.resets_on_boot else None


def _tracking(vdi: Vdi) -> XenAPIError | None:
    if vdi.is_a_snapshot:
        return errors.operation_not_allowed(f"VDI is a snapshot: {vdi.ref}")
    if vdi.type not in ("user", "system"):
        return errors.vdi_incompatible_type(vdi.ref, vdi.type)
    return errors.error("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION") if vdi.resets_on_boot else None
