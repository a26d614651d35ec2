"""xenopsd as a client of the storage service: disks attached for a domain, and what the hypervisor can open of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from idl import storage
from idl.rpc import RpcError, Unreachable
from idl.xenops import Disk, LocalDisk, Problem, VdiDisk
from xenopsd.hypervisors.base import BlockDevice, Nbd, RawFile, Source
from xenopsd.state import Attachment

log = logging.getLogger(__name__)

T = TypeVar("T")

COPY_TIMEOUT = 1200.0
"""Seconds a suspend image may take to or from its disk."""


def datapath_of(domid: int, device: str) -> str:
    return f"vbd/{domid}/{device}"


def split(disk: VdiDisk) -> tuple[str, str]:
    """Return (SR, VDI) of ``<sr>/<vdi>``."""
    sr, _, vdi = disk.location.partition("/")
    return sr, vdi


def local_source(disk: LocalDisk) -> Source:
    """Return how to open a file or device of this host; ``Does_not_exist`` if there is none."""
    path = Path(disk.path)
    if not path.exists():
        raise RpcError(Problem.DOES_NOT_EXIST, "file", disk.path)
    return BlockDevice(disk.path) if path.is_block_device() else RawFile(disk.path)


def usable(backend: storage.Backend, opens: Sequence[type[Source]]) -> Source:
    """Pick the first implementation that the hypervisor can open."""
    for implementation in backend.implementations:
        source: Source | None = None
        match implementation:
            case storage.Nbd(uri):
                source = Nbd(*storage.nbd_socket(uri))
            case storage.BlockDevice(path):
                source = BlockDevice(path)
            case storage.File(path):
                source = RawFile(path)
        if source is not None and isinstance(source, tuple(opens)):
            return source
    raise RpcError(Problem.STORAGE_BACKEND_ERROR, "SR_BACKEND_FAILURE", ["", "no usable backend", str(backend)])


async def answered(call: Awaitable[T]) -> T:
    """Await a call to the storage service, its errors told as ours."""
    try:
        return await call
    except Unreachable as error:
        raise RpcError(Problem.FAILED_TO_CONTACT_REMOTE_SERVICE, "storage") from error
    except RpcError as error:
        if error.name == "Backend_error":
            raise RpcError(Problem.STORAGE_BACKEND_ERROR, *error.params) from error
        details = ["", error.name, " ".join(map(str, error.params))]
        raise RpcError(Problem.STORAGE_BACKEND_ERROR, "SR_BACKEND_FAILURE", details) from error


class Datapaths:
    """Attach and release disks."""

    def __init__(self, service: storage.Storage, opens: Sequence[type[Source]]) -> None:
        self._service = service
        self._opens = opens

    async def attach(self, dbg: str, held: Attachment, vm: str, *, read_write: bool) -> Source:
        """Attach and activate; after an error nothing is held."""
        try:
            backend = await answered(self._service.vdi_attach3(dbg, held.dp, held.sr, held.vdi, vm, read_write))
            source = usable(backend, self._opens)
            await answered(self._service.vdi_activate3(dbg, held.dp, held.sr, held.vdi, vm))
        except BaseException:
            try:
                await self.release(dbg, held, vm)
            except RpcError as error:
                log.warning("%s: after a failed attach: %s", held.dp, error)
            raise
        return source

    async def release(self, dbg: str, held: Attachment, vm: str) -> None:
        """Deactivate and detach; nothing held is no error."""
        await answered(self._service.dp_destroy2(dbg, held.dp, held.sr, held.vdi, vm, False))

    async def epoch_begin(self, dbg: str, disk: VdiDisk, vm: str, *, persistent: bool) -> None:
        await answered(self._service.vdi_epoch_begin(dbg, *split(disk), vm, persistent))

    async def epoch_end(self, dbg: str, disk: VdiDisk, vm: str) -> None:
        await answered(self._service.vdi_epoch_end(dbg, *split(disk), vm))

    @asynccontextmanager
    async def opened(self, dbg: str, disk: Disk, dp: str, vm: str, *, read_write: bool) -> AsyncIterator[Source]:
        """Have a disk open while the block runs."""
        if isinstance(disk, LocalDisk):
            yield local_source(disk)
            return
        held = Attachment(dp=dp, sr=split(disk)[0], vdi=split(disk)[1])
        source = await self.attach(dbg, held, vm, read_write=read_write)
        try:
            yield source
        finally:
            await self.release(dbg, held, vm)


def image_options(source: Source) -> list[str]:
    """Return qemu-img's arguments that name *source*."""
    match source:
        case Nbd(socket, export):
            server = f"file.server.type=unix,file.server.path={_quoted(socket)}"
            return [f"driver=raw,file.driver=nbd,{server},file.export={_quoted(export)}"]
        case BlockDevice(path):
            return [f"driver=raw,file.driver=host_device,file.filename={_quoted(path)}"]
        case RawFile(path):
            return [f"driver=raw,file.driver=file,file.filename={_quoted(path)}"]


def _quoted(text: str) -> str:
    return text.replace(",", ",,")


async def copy_in(file: Path, disk: Source) -> None:
    """Write *file* to the start of *disk*, which is at least as long."""
    # fmt: off
    await _qemu_img(
        "convert", "-n", "--image-opts", "--target-image-opts",
        *image_options(RawFile(str(file))), *image_options(disk),
    )
    # fmt: on


async def copy_out(disk: Source, file: Path) -> None:
    """Write all of *disk* to a new sparse *file*."""
    await _qemu_img("convert", "--image-opts", *image_options(disk), "-O", "raw", str(file))


async def _qemu_img(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "qemu-img", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(COPY_TIMEOUT):
            output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RpcError(Problem.IO_ERROR, f"qemu-img {arguments[0]}: {output.decode(errors='replace').strip()}")
