"""Which plugins there are and when each is read.

Every file in the metrics directory is a plugin (V2 unless it registered as V1), except ``*.tmp`` and ``tap-*``. The
directory is listed once per cycle: that costs microseconds and needs no watch. A plugin that fails, or has nothing new,
is left alone for 2, 4, .. 256 cycles.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from rrdd.metric import Reading
from rrdd.plugin_protocol import NoUpdate, PluginError, Protocol, Reader

log = logging.getLogger(__name__)

LONGEST_BACK_OFF = 256


@dataclass(slots=True)
class _Plugin:
    reader: Reader
    back_off: int = 1
    skip: int = 0


@dataclass(slots=True)
class Plugins:
    """The registered plugins of *directory*, by file name."""

    directory: Path
    _known: dict[str, _Plugin] = field(default_factory=dict)
    _dismissed: set[str] = field(default_factory=set)

    def register(self, uid: str, protocol: Protocol) -> None:
        """Read *uid* from now on; again is no error, and forgives its failures."""
        known = self._known.get(uid)
        if known is None or known.reader.protocol is not protocol:
            self._known[uid] = _Plugin(Reader(protocol))
        else:
            known.back_off, known.skip = 1, 0
        self._dismissed.discard(uid)

    def deregister(self, uid: str) -> None:
        """Stop reading *uid*, until it registers or its file is made anew. Unknown is no error."""
        if self._known.pop(uid, None) is not None:
            self._dismissed.add(uid)

    def registered(self, uid: str) -> bool:
        return uid in self._known

    def poll(self) -> list[Reading]:
        """Read what is due and return it."""
        self._discover()
        found: list[Reading] = []
        for uid, plugin in self._known.items():
            if plugin.skip > 0:
                plugin.skip -= 1
                continue
            try:
                found += plugin.reader.read((self.directory / uid).read_bytes())
                plugin.back_off = 1
            except (OSError, PluginError) as error:
                plugin.back_off = min(plugin.back_off * 2, LONGEST_BACK_OFF)
                plugin.skip = plugin.back_off
                level = logging.DEBUG if isinstance(error, NoUpdate | FileNotFoundError) else logging.WARNING
                log.log(level, "plugin %s skipped for %d cycles: %s", uid, plugin.skip, error)
        return found

    def _discover(self) -> None:
        try:
            present = {entry.name for entry in self.directory.iterdir() if entry.is_file()}
        except FileNotFoundError:
            present = set()
        present = {name for name in present if not name.endswith(".tmp") and not name.startswith("tap-")}
        for uid in present - self._known.keys() - self._dismissed:
            log.info("plugin %s found", uid)
            self.register(uid, Protocol.V2)
        for uid in self._known.keys() - present:
            # Registered by call, its file may come later; once seen and gone, it is over.
            if self._known[uid].reader.has_read:
                log.info("plugin %s is gone", uid)
                del self._known[uid]
        self._dismissed &= present
