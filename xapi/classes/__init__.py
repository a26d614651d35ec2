"""Behaviour of the XenAPI classes, one module per class (or idea within one). Listed by hand."""

from importlib import import_module

MODULES = ("event", "host", "message", "network", "pif", "pool", "session", "task")


def load() -> None:
    """Import every module, so that what it implements is registered."""
    for name in MODULES:
        import_module(f"xapi.classes.{name}")
    for name in ("server.cors", "cli.handler"):
        import_module(f"xapi.{name}")
