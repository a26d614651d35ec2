"""Where things live under a host's root directory.

On an installed host the root is ``/``; an embedded host lives in a folder. Names are the original's
wherever a user or a tool may look for them.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Root:
    """A host's root directory; every path of the toolstack hangs under it."""

    path: Path

    def under(self, absolute: str) -> Path:
        """Return the place of an installed host's absolute path under this root."""
        return self.path / absolute.lstrip("/")

    @property
    def is_installed_host(self) -> bool:
        return self.path == Path("/")

    # Sockets of the daemons (JSON-RPC over HTTP POST, except xapi's, which is XenAPI).
    @property
    def xapi_socket(self) -> Path:
        return self.under("/var/lib/xcp/xapi")

    @property
    def xenopsd_socket(self) -> Path:
        return self.under("/var/lib/xcp/xenopsd")

    @property
    def storage_socket(self) -> Path:
        return self.under("/var/lib/xcp/storage")

    @property
    def networkd_socket(self) -> Path:
        return self.under("/var/lib/xcp/networkd")

    @property
    def rrdd_socket(self) -> Path:
        return self.under("/var/lib/xcp/xcp-rrdd")

    @property
    def inventory(self) -> Path:
        return self.under("/etc/xensource-inventory")

    @property
    def pool_conf(self) -> Path:
        return self.under("/etc/xensource/pool.conf")

    @property
    def pool_secret(self) -> Path:
        return self.under("/etc/xensource/ptoken")

    @property
    def run(self) -> Path:
        """State that survives a daemon's restart but not a reboot."""
        return self.under("/var/run/nonpersistent")


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name for *path* that fits a Unix socket address (108 bytes), through the parent's descriptor."""
    if len(os.fsencode(path)) < 104:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
