"""Every module that answers a message or serves a path, listed by hand: importing it registers what it answers."""

from importlib import import_module

CLASSES = (
    "auth", "blob", "bond", "certificate", "console", "crashdump", "database_session", "diagnostics", "event",
    "extensions", "external_auth", "gpu", "ha_plan", "host", "host_access", "host_boot_options", "host_clock",
    "host_crashdump", "host_driver", "host_power", "host_settings", "left_over", "limits", "management", "message",
    "network", "network_sriov", "observer", "old_updates", "pbd", "pif", "pool", "pool_settings", "pvs",
    "repository", "role", "sdn_controller", "secret", "server_certificate", "session", "sr", "subject", "task",
    "trust", "tunnel", "usb", "user", "vbd", "vdi", "vdi_records", "vif", "vif_addresses", "vlan", "vm",
    "vm_appliance", "vm_boot", "vm_copies", "vm_data_sources", "vm_group", "vm_guest", "vm_memory", "vm_placement",
    "vm_power", "vm_provision", "vm_recovery", "vm_revert", "vm_secureboot", "vm_settings", "vm_suspend",
    "vm_vcpus", "vmss", "vtpm", "web_access", "wlb",
)  # fmt: skip
TRANSFER = ("audit_log", "blobs", "console", "disks", "files", "metrics")
OTHERS = ("server.cors", "cli.handler")


def load() -> None:
    """Import them all."""
    for room, names in (("xapi.classes", CLASSES), ("xapi.transfer", TRANSFER), ("xapi", OTHERS)):
        for name in names:
            import_module(f"{room}.{name}")
