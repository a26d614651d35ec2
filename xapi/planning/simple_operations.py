"""What appliances, networks, clusters and passed-through devices allow now: each a rule or two. Pure.

*current* are the operations under way (of a ``current_operations`` map: its keys do as well).
"""

from collections.abc import Collection

from xapi.datamodel import MODEL
from xapi.planning.vm_operations import HALTED, RUNNING


def appliance_allowed(power_states: Collection[str], current: Collection[str]) -> list[str]:
    """Return what an appliance of VMs in *power_states* allows: what at least one of them is in the state for."""
    if current:
        return []
    startable = any(state in (HALTED, "Suspended") for state in power_states)
    stoppable = any(state != HALTED for state in power_states)
    return ["start"] * startable + ["clean_shutdown", "hard_shutdown", "shutdown"] * stoppable


def network_allowed(current: Collection[str]) -> list[str]:
    """Return what a network allows: any number of hosts may attach to it at once."""
    return list(MODEL.enums["network_operations"])


def cluster_allowed(current: Collection[str]) -> list[str]:
    """Return what a cluster allows: one thing at a time."""
    return [] if current else list(MODEL.enums["cluster_operation"])


def cluster_host_allowed(enabled: bool, current: Collection[str]) -> list[str]:
    """Return what a cluster's host allows."""
    return [] if current else ["disable", "destroy"] if enabled else ["enable", "destroy"]


def vtpm_allowed(power_state: str, current: Collection[str]) -> list[str]:
    """Return what a virtual TPM allows: to be taken out of a VM that is off."""
    return ["destroy"] if power_state == HALTED and not current else []


def vusb_allowed(power_state: str, attached: bool, current: Collection[str]) -> list[str]:
    """Return what a passed-through USB device allows: USB is hotplugged by every guest."""
    if current:
        return []
    names = ["attach"] * (not attached)
    if power_state == RUNNING:
        names.append("unplug" if attached else "plug")
    return names
