"""The header of libvirt's save files for Xen: the domain's XML in front of libxl's stream.

libvirt takes no other XML when it restores, and a guest that is resumed has disks at other places than it had: so the
XML in the file is replaced.
"""

import shutil
import struct
from pathlib import Path
from typing import BinaryIO, Final

from idl.rpc import RpcError
from idl.xenops import Problem

MAGIC: Final = b"libvirt-xml\n \0 \r"
HEADER: Final = struct.Struct("<16sII40x")
VERSION: Final = 2


def _header(file: BinaryIO) -> int:
    """Return the XML's room in bytes, its terminating zero included."""
    data = file.read(HEADER.size)
    if len(data) == HEADER.size:
        magic, version, length = HEADER.unpack(data)
        if magic == MAGIC and version <= VERSION:
            return int(length)
    raise RpcError(Problem.IO_ERROR, "not the image of a suspended guest")


def read_xml(image: Path) -> str:
    """Return the XML of the domain that was saved. :raises RpcError: ``IO_error``, it is no such image."""
    with image.open("rb") as file:
        return file.read(_header(file)).rstrip(b"\0 \n").decode()


def replace_xml(image: Path, xml: str) -> None:
    """Put *xml* in the place of the file's own. Where it is longer the stream behind it is moved, by way of a copy."""
    text = xml.encode()
    with image.open("r+b") as file:
        room = _header(file)
        if len(text) < room:
            # XML may end in blanks.
            file.write(text.ljust(room - 1) + b"\0")
            return
        fresh = image.with_name(f"{image.name}.new")
        try:
            with fresh.open("wb") as copy:
                copy.write(HEADER.pack(MAGIC, VERSION, len(text) + 1) + text + b"\0")
                file.seek(HEADER.size + room)
                shutil.copyfileobj(file, copy, 1 << 20)
            fresh.replace(image)
        finally:
            fresh.unlink(missing_ok=True)
