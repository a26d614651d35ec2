"""Behaviour of the XenAPI classes, one module per class (or idea within one). Listed by hand."""

from importlib import import_module

MODULES = (
    "blob", "crashdump", "event", "host", "message", "network", "pbd", "pif", "pool", "secret", "session", "sr", "task", "vdi",
    "vdi_records",
)  # fmt: skip


def load() -> None:
    """Import every module, so that what it implements is registered."""
    for name in MODULES:
        import_module(f"xapi.classes.{name}")
    for name in ("server.cors", "cli.handler"):
        import_module(f"xapi.{name}")
