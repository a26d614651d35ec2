"""Every module that answers a message or serves a path, listed by hand: importing it registers what it answers."""

from importlib import import_module

CLASSES = (
    "auth", "blob", "bond", "certificate", "console", "crashdump", "diagnostics", "event", "extensions", "external_auth",
    "host", "host_evacuate", "host_membership", "host_power", "host_settings", "management", "message", "network", "pbd", "pif",
    "pool", "pool_membership", "pool_settings", "role", "sdn_controller", "secret", "session", "sr", "subject", "task", "tunnel",
    "user", "vbd", "vdi", "vdi_records", "vif", "vif_addresses", "vlan", "vm", "vm_appliance", "vm_boot", "vm_copies",
    "vm_data_sources", "vm_group", "vm_guest", "vm_memory", "vm_migrate", "vm_placement", "vm_power", "vm_provision",
    "vm_recovery", "vm_revert", "vm_secureboot", "vm_settings", "vm_suspend", "vm_vcpus", "vmss",
)  # fmt: skip
TRANSFER = ("audit_log", "blobs", "console", "disks", "files", "metrics")
OTHERS = ("server.cors", "cli.handler", "pool.door")


def load() -> None:
    """Import them all."""
    for room, names in (("xapi.classes", CLASSES), ("xapi.transfer", TRANSFER), ("xapi", OTHERS)):
        for name in names:
            import_module(f"{room}.{name}")
