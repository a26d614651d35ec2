"""What is written beside the images of an SR, each file replaced atomically.

``<vdi>.json`` is a VDI: a :class:`DiskRecord` that names the image which holds its content (after a snapshot that is
another file than ``<vdi>.qcow2``). ``<id>.node`` marks ``<id>.qcow2`` or ``<id>.raw`` as ours but as no VDI: being made, a
base copy, or garbage; what it contains does not matter. Deleting a VDI renames its record to the mark, which
works on a full disk, too. An image with neither is somebody else's file: it is shown as a disk and never collected.
"""

import os
from pathlib import Path

import msgspec

from idl.storage import VdiInfo


class DiskRecord(msgspec.Struct, tag="disk", kw_only=True):
    image: str
    """File name of the image that holds the content now."""
    info: VdiInfo
    """What XenAPI told us to remember; sizes are read from the image."""
    epoch_base: str = ""
    """The node a disk that is reset at each boot goes back to; it is kept as it is."""


class SrRecord(msgspec.Struct, tag="sr", kw_only=True):
    name_label: str = ""
    name_description: str = ""


Record = DiskRecord | SrRecord
MARK = ".node"
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace *path* by *data*: after a crash it holds the old or the new bytes, never a mixture."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, record: Record) -> None:
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record)))


def read(path: Path) -> Record | None:
    """Read a record; None if there is none.

    :raises msgspec.DecodeError: the file is not a record of ours.
    """
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
