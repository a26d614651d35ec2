"""Moves whole disks: import, export, copy. The bytes go through nbdcopy, qemu-img and cat, never through this process.

A stream's other end is a Unix socket somebody listens on; the child gets the connection as its input or output.
Formats that cannot be streamed are written to a temporary file in the SR first. Images from outside are hostile until
checked: one that refers to other files is refused.
"""

import asyncio
import contextlib
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Iterator
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from idl.paths import short_path
from idl.rpc import RpcError
from sm import errors
from sm.commands import BULK, run
from sm.errors import Fault
from sm.images import qemu_img
from sm.images.qcow2 import BadImage, read_header

CONNECT_PATIENCE = 30.0


class StreamFormat(Enum):
    RAW = "raw"
    QCOW2 = "qcow2"
    VHD = "vhd"

    @classmethod
    def parse(cls, text: str) -> "StreamFormat":
        try:
            return cls(text)
        except ValueError:
            raise errors.failure(Fault.INVALID_ARGUMENT, f"unknown format {text!r}") from None


def nbd_uri(nbd_socket: Path, export: str) -> str:
    return f"nbd+unix:///{quote(export, safe='')}?socket={quote(str(nbd_socket))}"


async def export_disk(nbd_socket: Path, vdi: str, target: str, stream_format: StreamFormat, scratch: Path | None) -> None:
    """Write the disk served at *nbd_socket* to the Unix socket *target*."""
    uri = nbd_uri(nbd_socket, vdi)
    async with _connected(target) as connection:
        if stream_format is StreamFormat.RAW:
            await run(["nbdcopy", uri, "-"], fault=Fault.IO, timeout=BULK, stdout=connection.fileno())
            return
        with _temporary(scratch, "export") as file:
            qemu_format, options = _ENCODINGS[stream_format]
            await qemu_img.convert(uri, "raw", str(file), qemu_format, options)
            await run(["cat", "--", str(file)], fault=Fault.IO, timeout=BULK, stdout=connection.fileno())


async def import_disk(
    nbd_socket: Path, vdi: str, size: int, source: str, stream_format: StreamFormat, scratch: Path | None
) -> None:
    """Read a stream from the Unix socket *source* into the disk served at *nbd_socket*, which has *size* bytes.

    :raises RpcError: ``VDI_TOO_SMALL``; ``SR_BACKEND_FAILURE_65`` for an image that is broken or refused.
    """
    async with _connected(source) as connection:
        if stream_format is StreamFormat.RAW:
            with _too_small(vdi, size):
                await run(["nbdcopy", "-", nbd_uri(nbd_socket, vdi)], fault=Fault.IO, timeout=BULK, stdin=connection.fileno())
            return
        with _temporary(scratch, "import") as file:
            with file.open("wb") as output:
                await run(["cat"], fault=Fault.IO, timeout=BULK, stdin=connection.fileno(), stdout=output.fileno())
            options = await _checked(file, stream_format)
            found = await qemu_img.virtual_size(options)
            if found > size:
                raise errors.backend("VDI_TOO_SMALL", vdi, str(found))
            await qemu_img.fill(options, nbd_options(nbd_socket, vdi))


async def copy_disk(source: tuple[Path, str], target: tuple[Path, str]) -> None:
    """Copy between two served disks, (socket, export) each; the target is blank."""
    command = ["nbdcopy", "--destination-is-zero", nbd_uri(*source), nbd_uri(*target)]
    await run(command, fault=Fault.IO, timeout=BULK)


def nbd_options(nbd_socket: Path, export: str) -> str:
    """The served disk as ``--image-opts``."""
    return f"driver=nbd,export={_escaped(export)},server.type=unix,server.path={_escaped(str(nbd_socket))}"


_ENCODINGS = {
    StreamFormat.QCOW2: ("qcow2", "compat=1.1"),
    # force_size: the size in bytes counts, not what fits disk geometry.
    StreamFormat.VHD: ("vpc", "subformat=dynamic,force_size=on"),
}


def _escaped(value: str) -> str:
    return value.replace(",", ",,")


async def _checked(file: Path, stream_format: StreamFormat) -> str:
    """Refuse an image that is broken or reaches for other files; return how to open it, as ``--image-opts``."""
    name = f"file.driver=file,file.filename={_escaped(str(file))}"
    try:
        if stream_format is StreamFormat.QCOW2:
            header = read_header(file)
            if header.backing or header.external_data:
                raise BadImage("the image refers to another file")
            await qemu_img.check(file, "qcow2")
            return f"driver=qcow2,{name}"
        _refuse_differencing(file)
        return f"driver=vpc,force_size_calc=current_size,{name}"
    except BadImage as error:
        raise errors.failure(Fault.VDI_LOAD, "The image cannot be imported", str(error)) from error


_VHD_DIFFERENCING = 4


def _refuse_differencing(file: Path) -> None:
    with file.open("rb") as image:
        footer = image.read(512)
    if len(footer) < 512 or not footer.startswith(b"conectix"):
        raise BadImage("not a dynamic VHD")
    if struct.unpack_from(">I", footer, 60)[0] == _VHD_DIFFERENCING:
        # qemu-img would read it as if it had no parent.
        raise BadImage("a differencing VHD needs its parent")


@contextlib.asynccontextmanager
async def _connected(path: str) -> AsyncIterator[socket.socket]:
    """Connect to *path*; the socket is closed when the block ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            with short_path(Path(path)) as address:
                async with asyncio.timeout(CONNECT_PATIENCE):
                    await asyncio.get_running_loop().sock_connect(connection, address)
        except (OSError, TimeoutError) as error:
            raise errors.failure(Fault.IO, f"cannot connect to {path}", str(error)) from error
        # The child that inherits it expects an ordinary blocking descriptor.
        connection.setblocking(True)
        yield connection


@contextlib.contextmanager
def _temporary(directory: Path | None, purpose: str) -> Iterator[Path]:
    if directory is None:
        raise errors.unimplemented(f"{purpose} in this format")
    file = directory / f"{uuid.uuid4()}.{purpose}.tmp"
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _too_small(vdi: str, size: int) -> Iterator[None]:
    try:
        yield
    except RpcError as error:
        if "out of bounds" in str(error.params):
            raise errors.backend("VDI_TOO_SMALL", vdi, str(size)) from error
        raise
