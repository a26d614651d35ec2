"""Which modules answer messages and requests: all of `xapi.classes` and `xapi.transfer`, and a few of other rooms."""

from importlib import import_module
from pkgutil import iter_modules

import xapi.classes
import xapi.transfer

OTHERS = ("xapi.server.cors", "xapi.cli.handler")


def load() -> None:
    """Import them, so that what they implement is registered."""
    for package in (xapi.classes, xapi.transfer):
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for name in OTHERS:
        import_module(name)
