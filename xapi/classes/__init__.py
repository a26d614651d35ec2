"""Behaviour of the XenAPI classes, one module per class (or idea within one). Listed by hand."""

from importlib import import_module

from xapi import transfer

MODULES = (
    "auth", "blob", "bond", "certificate", "console", "crashdump", "diagnostics", "event", "extensions", "host",
    "host_power", "host_settings", "management", "message", "network", "pbd", "pif", "pool", "pool_settings",
    "role", "sdn_controller", "secret", "session", "sr", "subject", "task", "tunnel", "user", "vbd", "vdi",
    "vdi_records", "vif", "vif_addresses", "vlan", "vm", "vm_appliance", "vm_boot", "vm_copies",
    "vm_data_sources", "vm_group", "vm_guest", "vm_memory", "vm_placement", "vm_power", "vm_provision",
    "vm_recovery", "vm_revert", "vm_secureboot", "vm_settings", "vm_suspend", "vm_vcpus", "vmss",
)  # fmt: skip


def load() -> None:
    """Import every module, so that what it implements is registered."""
    for name in MODULES:
        import_module(f"xapi.classes.{name}")
    for name in ("server.cors", "cli.handler"):
        import_module(f"xapi.{name}")
    transfer.load()
