"""Reads the header of a QCOW2 image: enough to scan a directory of a thousand disks without a process each.

Big-endian; QCOW2 specification, docs/interop/qcow2.txt of QEMU.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"QFI\xfb"
_HEADER = struct.Struct(">4sIQIIQ")
_EXTERNAL_DATA_FILE = 1 << 2
_MAX_BACKING_NAME = 1023


class BadImage(ValueError):
    """The file is not a QCOW2 image, or one we refuse to open."""


@dataclass(frozen=True, slots=True)
class Header:
    virtual_size: int
    backing: str
    """The backing file as written in the image, or empty."""
    external_data: bool


def read_header(path: Path) -> Header:
    """Read the header of *path*.

    :raises BadImage: not QCOW2, cut short, or an impossible backing name.
    :raises OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(104)
        if len(head) < 72 or not head.startswith(MAGIC):
            raise BadImage(f"{path.name} is not a QCOW2 image")
        _magic, version, offset, length, _cluster_bits, size = _HEADER.unpack_from(head)
        if version not in (2, 3):
            raise BadImage(f"{path.name}: QCOW2 version {version} is unknown")
        features = struct.unpack_from(">Q", head, 72)[0] if version == 3 and len(head) >= 80 else 0
        backing = b""
        if offset:
            if not 0 < length <= _MAX_BACKING_NAME:
                raise BadImage(f"{path.name}: backing file name of {length} bytes")
            file.seek(offset)
            backing = file.read(length)
    try:
        return Header(size, backing.decode(), bool(features & _EXTERNAL_DATA_FILE))
    except UnicodeDecodeError as error:
        raise BadImage(f"{path.name}: backing file name is not UTF-8") from error
