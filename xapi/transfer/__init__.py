"""HTTP handlers that move bytes: disk images, consoles, metrics, blobs, files. Listed by hand."""

from importlib import import_module

MODULES = ("audit_log", "blobs", "console", "disks", "files", "metrics")


def load() -> None:
    """Import every module, so that what it serves is registered."""
    for name in MODULES:
        import_module(f"xapi.transfer.{name}")
