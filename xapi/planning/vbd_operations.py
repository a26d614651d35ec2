"""Which operation a VBD allows now, and the error that says why not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from xapi import errors
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError, error
from xapi.planning.vm_operations import one_of

_PARALLEL: Final = frozenset({"pause", "unpause"})
_PLUGGING: Final = frozenset({"plug", "unplug", "unplug_force"})
_MEDIA: Final = frozenset({"insert", "eject"})
_TAKES_DISK: Final = frozenset({"attach", "insert", "plug"})


@dataclass(frozen=True, slots=True)
class VbdFacts:
    """All that the rules look at."""

    ref: str
    vm: str
    power_state: str
    hvm: bool = True
    current: Mapping[str, str] = field(default_factory=dict)
    """Task -> operation under way on the VBD."""
    attached: bool = False
    is_cd: bool = False
    empty: bool = False
    unpluggable: bool = True
    read_only: bool = False
    hotplug: bool = True
    """False when the guest said that it cannot take disks at run time."""
    vdi: str = ""
    vdi_current: Mapping[str, str] = field(default_factory=dict)
    """Task -> operation under way on the disk that precludes using it."""
    vdi_shared: bool = False
    others_attached: int = 0
    """Other VBDs that hold the same disk now."""
    others_writing: int = 0
    vdi_missing: bool = False
    sr: str = ""


def refusal(facts: VbdFacts, operation: str) -> XenAPIError | None:
    """Return the error that forbids *operation* now, or None."""
    for check in _CHECKS:
        reason = check(facts, operation)
        if reason is not None:
            return reason
    return None


def assert_valid(facts: VbdFacts, operation: str) -> None:
    reason = refusal(facts, operation)
    if reason is not None:
        raise reason


def allowed(facts: VbdFacts) -> list[str]:
    """Return ``allowed_operations`` in the datamodel's order."""
    return [operation for operation in MODEL.enums["vbd_operations"] if refusal(facts, operation) is None]


def _concurrency(facts: VbdFacts, operation: str) -> XenAPIError | None:
    current = set(facts.current.values())
    if not current or current | {operation} <= _PARALLEL:
        return None
    # A reboot holds `attach` while the disk's content may be swapped under it.
    if operation in _PARALLEL and current <= _PARALLEL | {"attach"}:
        return None
    return errors.other_operation_in_progress("VBD", facts.ref, one_of(list(facts.current.values())), one_of(list(facts.current)))


def _kind(facts: VbdFacts, operation: str) -> XenAPIError | None:
    if operation in ("unplug", "unplug_force") and not facts.unpluggable:
        return error("VBD_NOT_UNPLUGGABLE", facts.ref)
    if operation not in _MEDIA:
        return None
    if not facts.is_cd:
        return errors.vbd_not_removable_media(facts.ref)
    if operation == "eject" and facts.empty:
        return errors.vbd_is_empty(facts.ref)
    if operation == "insert" and not facts.empty:
        return errors.vbd_not_empty(facts.ref)
    return None


def _power_state(facts: VbdFacts, operation: str) -> XenAPIError | None:
    if operation in _PLUGGING and facts.power_state != "Running":
        return errors.vm_bad_power_state(facts.vm, "running", facts.power_state.lower())
    if operation in _MEDIA and facts.power_state == "Suspended":
        return errors.vm_bad_power_state(facts.vm, "running, paused, halted", "suspended")
    if operation in ("pause", "unpause") and not facts.attached:
        return error("DEVICE_NOT_ATTACHED", facts.ref)
    return None


def _attachment(facts: VbdFacts, operation: str) -> XenAPIError | None:
    # Disks of a suspended VM stay attached in name, and are attached again at its resume.
    if operation in ("attach", "plug") and facts.attached and facts.power_state != "Suspended":
        return errors.device_already_attached(facts.ref)
    if operation in ("unplug", "unplug_force") and not facts.attached:
        return errors.device_already_detached(facts.ref)
    if operation == "plug" and facts.empty and not facts.is_cd:
        return errors.vbd_is_empty(facts.ref)
    if operation in _PLUGGING and facts.is_cd and facts.hvm:
        return errors.operation_not_allowed("HVM CD drives cannot be plugged or unplugged at run time")
    if operation in _PLUGGING and not facts.hotplug:
        return errors.operation_not_allowed("The guest does not support plugging disks at run time")
    return None


def _disk(facts: VbdFacts, operation: str) -> XenAPIError | None:
    if operation not in _TAKES_DISK or (facts.empty and operation != "insert") or not facts.vdi:
        return None
    if facts.vdi_missing:
        return errors.vdi_missing(facts.sr, facts.vdi)
    if facts.vdi_current:
        busy, task = list(facts.vdi_current.values()), list(facts.vdi_current)
        return errors.other_operation_in_progress("VDI", facts.vdi, one_of(busy), one_of(task))
    if facts.vdi_shared:
        return None
    contested = facts.others_writing if facts.read_only else facts.others_attached
    return errors.vdi_in_use(facts.vdi, operation) if contested else None


_CHECKS: Final = (_concurrency, _kind, _power_state, _attachment, _disk)
