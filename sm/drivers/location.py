"""Where a ``location`` of device_config is on this host."""

from pathlib import Path

from idl.paths import Root
from sm.errors import Fault, failure


def resolve(root: Root, location: str) -> Path:
    """Return the directory meant by *location*.

    An embedded host's directories live under its root, so there a location that does not exist as it stands is taken
    under the root.

    :raises RpcError: ``SR_BACKEND_FAILURE_1`` for a path that is not absolute.
    """
    path = Path(location)
    if not path.is_absolute() or ".." in path.parts:
        raise failure(Fault.INVALID_ARGUMENT, f"location must be an absolute path, not {location!r}")
    if root.is_installed_host or path.is_relative_to(root.path) or path.exists():
        return path
    return root.under(location)
