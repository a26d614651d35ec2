"""The mark that hides a snapshotted disk from Windows: 8 bytes at 0xE00 of the disk, changed to and fro.

A disk whose bytes are neither mark is not of this kind and is left alone.
"""

import os
from pathlib import Path

OFFSET = 0xE00
VISIBLE, HIDDEN = b"SNAPPART", b"XEN-SNAP"


def hide(device: Path) -> bool:
    """Return whether the mark was changed. :raises OSError: the device cannot be read or written."""
    return _exchange(device, VISIBLE, HIDDEN)


def restore(device: Path) -> bool:
    """As :func:`hide`, the other way."""
    return _exchange(device, HIDDEN, VISIBLE)


def _exchange(device: Path, old: bytes, new: bytes) -> bool:
    with device.open("r+b", buffering=0) as disk:
        disk.seek(OFFSET)
        if disk.read(len(old)) != old:
            return False
        disk.seek(OFFSET)
        disk.write(new)
        os.fsync(disk.fileno())
    return True
