"""Which operation a VIF allows now, and the error that says why not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from xapi import errors
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.planning.vm_operations import one_of


@dataclass(frozen=True, slots=True)
class VifFacts:
    """All that the rules look at."""

    ref: str
    vm: str
    power_state: str
    current: Mapping[str, str] = field(default_factory=dict)
    """Task -> operation under way on the VIF."""
    attached: bool = False
    hotplug: bool = True
    """False when the guest said that it cannot take network interfaces at run time."""


def refusal(facts: VifFacts, operation: str) -> XenAPIError | None:
    """Return the error that forbids *operation* now, or None."""
    for check in _CHECKS:
        reason = check(facts, operation)
        if reason is not None:
            return reason
    return None


def assert_valid(facts: VifFacts, operation: str) -> None:
    reason = refusal(facts, operation)
    if reason is not None:
        raise reason


def allowed(facts: VifFacts) -> list[str]:
    """Return ``allowed_operations`` in the datamodel's order."""
    return [operation for operation in MODEL.enums["vif_operations"] if refusal(facts, operation) is None]


def _concurrency(facts: VifFacts, operation: str) -> XenAPIError | None:
    if not facts.current:
        return None
    return errors.other_operation_in_progress("VIF", facts.ref, one_of(list(facts.current.values())), one_of(list(facts.current)))


def _power_state(facts: VifFacts, operation: str) -> XenAPIError | None:
    if operation in ("plug", "unplug") and facts.power_state != "Running":
        return errors.vm_bad_power_state(facts.vm, "running", facts.power_state.lower())
    return None


def _attachment(facts: VifFacts, operation: str) -> XenAPIError | None:
    # Interfaces of a suspended VM stay attached in name, and are attached again at its resume.
    if operation in ("attach", "plug") and facts.attached and facts.power_state != "Suspended":
        return errors.device_already_attached(facts.ref)
    if operation == "unplug" and not facts.attached:
        return errors.device_already_detached(facts.ref)
    if operation in ("plug", "unplug") and not facts.hotplug:
        return errors.operation_not_allowed("The guest does not support plugging network interfaces at run time")
    return None


_CHECKS: Final = (_concurrency, _power_state, _attachment)
