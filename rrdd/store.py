"""Archives on disk: ``/var/lib/xcp/blobs/rrds/<uuid>.gz``, the XML document compressed; and who this host is.

Everything here blocks; the daemon calls it in a thread.
"""

import gzip
import logging
import os
import re
import zlib
from pathlib import Path

import msgspec

from idl.paths import Root
from rrdd import formats
from rrdd.archive import Archive

log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


def replace_file(path: Path, content: bytes) -> None:
    """Write *path* so that a reader, or a crash at any moment, finds the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o644)
    draft.replace(path)


class Store:
    """The archives of the VMs, SRs and hosts that are on this host's disk."""

    def __init__(self, root: Root) -> None:
        self._directory = root.under("/var/lib/xcp/blobs/rrds")

    def _path(self, uuid: str) -> Path:
        if not _UUID.fullmatch(uuid):
            raise ValueError(f"{uuid!r} is no uuid")
        return self._directory / f"{uuid}.gz"

    def load(self, uuid: str) -> Archive | None:
        """Return the archive of *uuid*; None if there is none, or none that can be read (which is logged)."""
        path = self._path(uuid)
        plain = path.with_suffix("")
        try:
            if path.exists():
                return formats.from_xml(gzip.decompress(path.read_bytes()))
            return formats.from_xml(plain.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error, formats.FormatError) as error:
            log.warning("archive %s cannot be read: %s", path, error)
            return None

    def save(self, uuid: str, archive: Archive) -> None:
        """Write *archive*.

        :raises OSError: the disk is full, or the like; what was there before is intact.
        """
        path = self._path(uuid)
        replace_file(path, gzip.compress(formats.to_xml(archive, internal=True), compresslevel=1))
        path.with_suffix("").unlink(missing_ok=True)

    def remove(self, uuid: str) -> None:
        path = self._path(uuid)
        path.unlink(missing_ok=True)
        path.with_suffix("").unlink(missing_ok=True)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What xapi told us and a restart must not forget."""

    host_uuid: str = ""
    control_domain_uuid: str = ""
    use_min_max: bool = False


class IdentityFile:
    """The one place where :class:`Identity` is kept: ``/var/lib/xcp/rrdd.json``."""

    def __init__(self, root: Root) -> None:
        self._path = root.under("/var/lib/xcp/rrdd.json")

    def load(self) -> Identity:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Identity)
        except FileNotFoundError:
            return Identity()
        except msgspec.DecodeError as error:
            log.warning("%s cannot be read, waiting for xapi: %s", self._path, error)
            return Identity()

    def save(self, identity: Identity) -> None:
        replace_file(self._path, msgspec.json.encode(identity))
