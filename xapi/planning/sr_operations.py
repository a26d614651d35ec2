"""Which operation a storage repository allows now, as a pure function of what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from xapi import errors
from xapi.errors import XenAPIError

REQUIRED_FEATURE: Mapping[str, str] = {
    "scan": "SR_SCAN",
    "destroy": "SR_DELETE",
    "update": "SR_UPDATE",
    "vdi_create": "VDI_CREATE",
    "vdi_introduce": "VDI_INTRODUCE",
    "vdi_destroy": "VDI_DELETE",
    "vdi_resize": "VDI_RESIZE",
    "vdi_resize_online": "VDI_RESIZE_ONLINE",
    "vdi_clone": "VDI_CLONE",
    "vdi_snapshot": "VDI_SNAPSHOT",
    "vdi_mirror": "VDI_MIRROR",
    "vdi_enable_cbt": "VDI_CONFIG_CBT",
    "vdi_disable_cbt": "VDI_CONFIG_CBT",
    "vdi_data_destroy": "VDI_CONFIG_CBT",
    "vdi_list_changed_blocks": "VDI_CONFIG_CBT",
    "vdi_set_on_boot": "VDI_RESET_ON_BOOT",
    "vdi_generate_config": "VDI_GENERATE_CONFIG",
    "vdi_update": "VDI_UPDATE",
    "vdi_revert": "VDI_REVERT",
}
WITHOUT_STORAGE = frozenset({"forget", "plug", "unplug", "pbd_create", "pbd_destroy", "vdi_forget", "vdi_force_unlock",
                             "vdi_blocked"})  # fmt: skip
"""Work on records, or are what makes the storage reachable."""
LISTED = (
    "scan", "destroy", "forget", "plug", "unplug", "update", "pbd_create", "pbd_destroy", "vdi_create", "vdi_introduce",
    "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot", "vdi_mirror", "vdi_enable_cbt", "vdi_disable_cbt",
    "vdi_data_destroy", "vdi_list_changed_blocks", "vdi_set_on_boot",
)  # fmt: skip
"""What ``allowed_operations`` may show, in this order."""


@dataclass(frozen=True, slots=True)
class Sr:
    """What the rules need to know of a repository."""

    ref: str
    features: frozenset[str] = frozenset()
    has_pbds: bool = True
    attached: bool = True
    """Some host has it plugged."""
    operations: tuple[tuple[str, str], ...] = ()
    """(task, operation) pairs under way."""


def problem(sr: Sr, operation: str) -> XenAPIError | None:
    """Return why *operation* (a ``storage_operations`` word) is not possible now, or None."""
    for task, running in sr.operations:
        if not _side_by_side(running, operation):
            return errors.other_operation_in_progress("SR", sr.ref, running, task)
    if operation in ("destroy", "forget") and sr.attached:
        return errors.sr_has_pbd(sr.ref)
    if operation == "destroy" and not sr.has_pbds:
        return errors.sr_has_no_pbds(sr.ref)
    if operation not in WITHOUT_STORAGE and operation != "destroy":
        if not sr.has_pbds:
            return errors.sr_has_no_pbds(sr.ref)
        if not sr.attached:
            return errors.sr_not_attached(sr.ref)
    needed = REQUIRED_FEATURE.get(operation)
    return errors.sr_operation_not_supported(sr.ref) if needed is not None and needed not in sr.features else None


def assert_valid(sr: Sr, operation: str) -> None:
    found = problem(sr, operation)
    if found is not None:
        raise found


def allowed(sr: Sr) -> list[str]:
    """Return the operations that would be accepted now."""
    return [operation for operation in LISTED if problem(sr, operation) is None]


def _side_by_side(running: str, wanted: str) -> bool:
    """Images of one repository are worked on independently; several hosts may plug or unplug at once."""
    if running.startswith("vdi_") and wanted.startswith("vdi_"):
        return True
    return running == wanted and wanted in ("plug", "unplug")
