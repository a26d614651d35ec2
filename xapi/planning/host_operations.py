"""Which operation a host or a pool allows now, and the error that says why not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from xapi import errors
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError

_GUESTS: Final = frozenset({"vm_start", "vm_resume", "vm_migrate", "provision"})
"""What brings guests to a host; goes on side by side."""
_LEAVING: Final = frozenset({"shutdown", "reboot"})


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the rules need to know of a host."""

    ref: str
    enabled: bool = True
    current: Mapping[str, str] = field(default_factory=dict)
    """Task -> operation under way."""
    can_be_powered_on: bool = False


def host_refusal(facts: HostFacts, operation: str) -> XenAPIError | None:
    """Return the error that forbids *operation* (a ``host_allowed_operations`` word) now, or None.

    A host that goes down or is updated does nothing else; one that is emptied takes no guests.
    """
    for task, running in facts.current.items():
        exclusive = running in _LEAVING | {"apply_updates", "power_on"} or operation in _LEAVING | {"apply_updates"}
        emptied = "evacuate" in (running, operation) and (operation == running or operation in _GUESTS or running in _GUESTS)
        if exclusive or emptied or (running == operation == "enable"):
            return errors.other_operation_in_progress("host", facts.ref, running, task)
    if operation in _GUESTS and not facts.enabled:
        return errors.error("HOST_DISABLED", facts.ref)
    if operation in _LEAVING and facts.enabled:
        return errors.host_not_disabled()
    if operation == "power_on" and not facts.can_be_powered_on:
        return errors.error("HOST_POWER_ON_MODE_DISABLED")
    return None


def host_allowed(facts: HostFacts) -> list[str]:
    return [name for name in MODEL.enums["host_allowed_operations"] if host_refusal(facts, name) is None]


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What the rules need to know of a pool."""

    ref: str
    ha_enabled: bool = False
    current: Mapping[str, str] = field(default_factory=dict)


_POOL_TOGETHER: Final = frozenset({"get_updates", "apply_updates"})
"""Hosts are told of their updates, and updated, independently."""


def pool_refusal(facts: PoolFacts, operation: str) -> XenAPIError | None:
    """Return the error that forbids *operation* (a ``pool_allowed_operations`` word) now, or None: one at a time."""
    for task, running in facts.current.items():
        if not (running in _POOL_TOGETHER and operation in _POOL_TOGETHER):
            return errors.other_operation_in_progress("pool", facts.ref, running, task)
    if facts.ha_enabled and operation in ("ha_enable", "designate_new_master", "eject"):
        return errors.error("HA_IS_ENABLED")
    if not facts.ha_enabled and operation == "ha_disable":
        return errors.error("HA_NOT_ENABLED")
    return None


def pool_allowed(facts: PoolFacts) -> list[str]:
    return [name for name in MODEL.enums["pool_allowed_operations"] if pool_refusal(facts, name) is None]
