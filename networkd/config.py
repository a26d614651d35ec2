"""The desired state of the host's network, and its file ``/var/lib/xcp/networkd.db`` (JSON, the original's names).

Every change is written at once and atomically, except between :meth:`Store.clear` and :meth:`Store.sync`: xapi pushes
its whole configuration in between, and half of it must not survive a crash.
"""

import logging
import os
from pathlib import Path

import msgspec

from idl.network import BridgeConfig, InterfaceConfig
from networkd.order import Device

log = logging.getLogger(__name__)

DATABASE = "/var/lib/xcp/networkd.db"


class Desired(msgspec.Struct, kw_only=True, omit_defaults=True):
    interface_config: dict[str, InterfaceConfig] = {}
    bridge_config: dict[str, BridgeConfig] = {}
    gateway_interface: str | None = None
    dns_interface: str | None = None
    interface_order: list[Device] | None = None


def load(path: Path) -> Desired | None:
    """Read the file; None when it is absent or cannot be understood (it is then kept beside, for a human)."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Desired)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        aside = path.with_suffix(".db.bad")
        path.replace(aside)
        log.error("%s cannot be read (%s); kept as %s, starting without it", path, error, aside)
        return None


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content so that a reader or a crash sees the old or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Store:
    """The desired state in memory, and its file kept equal."""

    def __init__(self, path: Path, desired: Desired) -> None:
        self._path = path
        self._suspended = False
        self.desired = desired

    def clear(self) -> None:
        """Forget all but the cards' order; nothing is written until :meth:`sync`."""
        self._suspended = True
        self.desired = Desired(interface_order=self.desired.interface_order)

    def sync(self) -> None:
        self._suspended = False
        self.save()

    def save(self) -> None:
        if not self._suspended:
            write_atomically(self._path, msgspec.json.format(msgspec.json.encode(self.desired)))
