"""How enum values read in `xe` where that is not the API's own spelling, and how they are typed. Pure."""

from collections.abc import Mapping
from typing import Final

from xapi.cli.failures import CommandFailure
from xapi.datamodel import MODEL
from xapi.errors import invalid_value

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "allocation_algorithm": {"depth_first": "depth-first", "breadth_first": "breadth-first"},
    "domain_type": {"pv_in_pvh": "pv-in-pvh"},
    "host_allowed_operations": {"vm_start": "VM.start", "vm_resume": "VM.resume", "vm_migrate": "VM.migrate"},
    "on_crash_behaviour": {
        "destroy": "Destroy",
        "coredump_and_destroy": "Core dump and destroy",
        "restart": "Restart",
        "coredump_and_restart": "Core dump and restart",
        "preserve": "Preserve",
        "rename_restart": "Rename restart",
    },
    "on_normal_exit": {"destroy": "Destroy", "restart": "Restart"},
    "on_softreboot_behavior": {
        "destroy": "Destroy",
        "restart": "Restart",
        "preserve": "Preserve",
        "soft_reboot": "Soft reboot",
    },
    "console_protocol": {"vt100": "VT100", "rfb": "RFB", "rdp": "RDP"},
    "pvs_proxy_status": {
        "incompatible_write_cache_mode": "incompatible-write-cache-mode",
        "incompatible_protocol_version": "incompatible-protocol-version",
    },
    "storage_operations": {
        "vdi_create": "VDI.create",
        "vdi_introduce": "VDI.introduce",
        "vdi_destroy": "VDI.destroy",
        "vdi_resize": "VDI.resize",
        "vdi_clone": "VDI.clone",
        "vdi_snapshot": "VDI.snapshot",
        "vdi_mirror": "VDI.mirror",
        "vdi_enable_cbt": "VDI.enable_cbt",
        "vdi_disable_cbt": "VDI.disable_cbt",
        "vdi_data_destroy": "VDI.data_destroy",
        "vdi_list_changed_blocks": "VDI.list_changed_blocks",
        "vdi_set_on_boot": "VDI.set_on_boot",
        "vdi_blocked": "VDI.blocked",
        "vdi_copy": "VDI.copy",
        "vdi_force_unlock": "VDI.force_unlock",
        "vdi_forget": "VDI.forget",
        "vdi_generate_config": "VDI.generate_config",
        "vdi_resize_online": "VDI.resize_online",
        "vdi_update": "VDI.update",
        "vdi_revert": "VDI.revert",
        "pbd_create": "PBD.create",
        "pbd_destroy": "PBD.destroy",
    },
    "task_allowed_operations": {"cancel": "Cancel", "destroy": "Destroy"},
    "tristate_type": {"yes": "true", "no": "false"},
    "vdi_type": {
        "system": "System",
        "user": "User",
        "ephemeral": "Ephemeral",
        "suspend": "Suspend",
        "crashdump": "Crashdump",
        "ha_statefile": "HA statefile",
        "metadata": "Metadata",
        "redo_log": "Redo log",
        "pvs_cache": "PVS cache",
        "cbt_metadata": "CBT metadata",
    },
    "vm_operations": {
        "create_template": "(unknown operation)",
        "query_services": "(unknown operation)",
        "changing_memory_limits": "(unknown operation)",
        "changing_VCPUs": "(unknown operation)",
        "assert_operation_valid": "assertoperationvalid",
        "data_source_op": "data_sources_op",
    },
    "placement_policy": {"anti_affinity": "anti-affinity"},
    "vm_power_state": {"Halted": "halted", "Paused": "paused", "Running": "running", "Suspended": "suspended"},
}
"""Datamodel enum -> API value -> text, for the values that differ."""

_TYPED_AS_SHOWN: Final = frozenset({"allocation_algorithm", "placement_policy", "domain_type"})
_TYPED_EXACTLY: Final = {"vm_operations": "blocked_operation"}
"""Typed exactly as shown, or INVALID_VALUE about this name."""

_NEVER_TYPED: Final = frozenset({("domain_type", "unspecified")})


def show(name: str, value: str) -> str:
    """The text of an enum value."""
    return TEXTS.get(name, {}).get(value, value)


def parse(name: str, parameter: str, text: str) -> str:
    """The API value of a typed word, in any case. Raises CommandFailure, XenAPIError."""
    if name in _TYPED_EXACTLY:
        exact = next((value for value in MODEL.enums[name] if show(name, value) == text), None)
        if exact is None:
            raise invalid_value(_TYPED_EXACTLY[name], text)
        return exact
    word = text.lower()
    if name == "bond_mode" and not word:
        return "balance-slb"
    for value in MODEL.enums[name]:
        spelling = show(name, value) if name in _TYPED_AS_SHOWN else value
        if spelling.lower() == word and (name, value) not in _NEVER_TYPED:
            return value
    known = ", ".join(MODEL.enums[name])
    raise CommandFailure(f"Failed to parse parameter '{parameter}': '{text}' is not one of: {known}")
