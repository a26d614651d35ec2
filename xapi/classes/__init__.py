"""Behaviour of the XenAPI classes, one module per class (or idea within one). Listed by hand."""

from importlib import import_module

from xapi import transfer

MODULES = (
    "blob", "bond", "console", "crashdump", "event", "host", "management", "message", "network", "pbd", "pif",
    "pool", "role", "secret", "session", "sr", "subject", "task", "tunnel", "user", "vbd", "vdi", "vdi_records",
    "vif", "vlan", "vm", "vm_appliance", "vm_copies", "vm_data_sources", "vm_group", "vm_memory", "vm_placement",
    "vm_power", "vm_provision", "vm_revert", "vm_settings", "vm_suspend",
)  # fmt: skip


def load() -> None:
    """Import every module, so that what it implements is registered."""
    for name in MODULES:
        import_module(f"xapi.classes.{name}")
    for name in ("server.cors", "cli.handler"):
        import_module(f"xapi.{name}")
    transfer.load()
