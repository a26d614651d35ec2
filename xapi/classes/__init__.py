"""Behaviour of the XenAPI classes, one module per class (or idea within one). Listed by hand."""

from importlib import import_module

from xapi import transfer

MODULES = (
    "session", "subject", "role", "user", "task", "event", "message", "blob", "secret",
    "pool", "host",
    "network", "pif", "vlan", "bond", "tunnel", "management",
    "sr", "pbd", "vdi", "vdi_records", "crashdump",
    "vm", "vm_boot", "vm_copies", "vm_data_sources", "vm_guest", "vm_memory", "vm_placement", "vm_power", "vm_provision",
    "vm_recovery", "vm_revert", "vm_secureboot", "vm_settings", "vm_suspend", "vm_vcpus",
    "vbd", "vif", "vif_addresses", "console",
    "vm_appliance", "vm_group", "vmss",
)  # fmt: skip


def load() -> None:
    """Import every module, so that what it implements is registered."""
    for name in MODULES:
        import_module(f"xapi.classes.{name}")
    for name in ("server.cors", "cli.handler"):
        import_module(f"xapi.{name}")
    transfer.load()
