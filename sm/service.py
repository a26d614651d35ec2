"""The storage service: :class:`idl.storage.Storage` on top of drivers, datapaths and the collector.

Each method takes its locks, asks the SR's repository, and lets the collector know. One operation at a time changes a disk.
"""

import contextlib
import logging
from collections.abc import AsyncIterator

from idl.daemon import Daemon
from idl.dom0 import is_control_domain
from idl.rpc import serve
from idl.storage import AttachInfo, Backend, DriverInfo, ProbeResult, SrInfo, Storage, VdiInfo
from sm import errors, transfer
from sm.attached import AttachedSrs, Attachment
from sm.datapath import Datapaths
from sm.drivers import DRIVERS
from sm.drivers.base import Opened
from sm.kernel_nbd import KernelNbd
from sm.locks import KeyedLocks
from sm.transfer import StreamFormat

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def body(daemon: Daemon) -> AsyncIterator[None]:
    """Take over what an earlier life left, then serve."""
    service = Service(daemon)
    await service.restore()
    try:
        async with serve(daemon.root.storage_socket, (Storage, service)):
            yield
    finally:
        await service.stop()


class Service(Storage):
    def __init__(self, daemon: Daemon) -> None:
        self._root = daemon.root
        self._locks = KeyedLocks()
        # Xen's block backend takes devices; other hypervisors open the NBD sockets themselves.
        devices = KernelNbd() if daemon.config.flag("kernel-nbd", is_control_domain()) else None
        self._paths = Datapaths(daemon.root.run / "sm" / "dp", self._open_disk, self._locks, devices)
        self._srs = AttachedSrs(daemon.root, DRIVERS, self._paths.attachments)

    async def restore(self) -> None:
        await self._srs.restore()
        await self._paths.restore()
        # Only now is it known which images are in use.
        for sr in self._srs.names():
            self._srs.collect(sr)

    async def stop(self) -> None:
        await self._srs.stop()
        await self._paths.release()

    async def query(self, dbg: str) -> str:
        return "sm 0.1"

    async def drivers(self, dbg: str) -> list[DriverInfo]:
        return [driver.info for driver in DRIVERS.values()]

    async def sr_probe(self, dbg: str, type: str, device_config: dict[str, str], sm_config: dict[str, str]) -> list[ProbeResult]:
        return await self._srs.driver(type).probe(self._root, device_config)

    async def sr_create(
        self,
        dbg: str,
        sr: str,
        type: str,
        name_label: str,
        name_description: str,
        device_config: dict[str, str],
        physical_size: int,
    ) -> dict[str, str]:
        driver = self._srs.driver(type)
        async with self._locks.hold(sr):
            return await driver.create(self._root, sr, device_config, (name_label, name_description), physical_size)

    async def sr_attach(self, dbg: str, sr: str, type: str, device_config: dict[str, str]) -> None:
        async with self._locks.hold(sr):
            await self._srs.attach(sr, Attachment(type, device_config))

    async def sr_detach(self, dbg: str, sr: str) -> None:
        async with self._locks.hold(sr):
            if held := self._paths.held_in(sr):
                raise errors.vdi_in_use(held[0], "sr_detach")
            await self._srs.detach(sr)

    async def sr_destroy(self, dbg: str, sr: str) -> None:
        async with self._locks.hold(sr):
            await self._srs.repository(sr).destroy()
            await self._srs.detach(sr)

    async def sr_stat(self, dbg: str, sr: str) -> SrInfo:
        return await self._srs.repository(sr).stat()

    async def sr_scan(self, dbg: str, sr: str) -> tuple[list[VdiInfo], SrInfo]:
        repository = self._srs.repository(sr)
        self._srs.collect(sr)
        return await repository.scan(), await repository.stat()

    async def sr_list(self, dbg: str) -> list[str]:
        return self._srs.names()

    async def sr_set_name_label(self, dbg: str, sr: str, new_name_label: str) -> None:
        await self._srs.repository(sr).set_name_label(new_name_label)

    async def sr_set_name_description(self, dbg: str, sr: str, new_name_description: str) -> None:
        await self._srs.repository(sr).set_name_description(new_name_description)

    async def vdi_create(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        return await self._srs.repository(sr).create(vdi_info)

    async def vdi_introduce(self, dbg: str, sr: str, uuid: str, sm_config: dict[str, str], location: str) -> VdiInfo:
        return await self._srs.repository(sr).introduce(uuid, sm_config, location)

    async def vdi_snapshot(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        async with self._changing(sr, vdi_info.vdi):
            return await self._srs.repository(sr).snapshot(vdi_info, self._paths.at(sr, vdi_info.vdi))

    async def vdi_clone(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        async with self._changing(sr, vdi_info.vdi):
            return await self._srs.repository(sr).clone(vdi_info, self._paths.at(sr, vdi_info.vdi))

    async def vdi_copy(self, dbg: str, sr: str, vdi: str, dest_sr: str, vdi_info: VdiInfo) -> VdiInfo:
        source = await self._srs.repository(sr).vdi_stat(vdi)
        target = self._srs.repository(dest_sr)
        vdi_info.virtual_size = max(vdi_info.virtual_size, source.virtual_size)
        vdi_info.uuid = None
        vdi_info.content_id = source.content_id
        made = await target.create(vdi_info)
        try:
            async with (
                self._paths.borrow(sr, vdi, read_write=False) as read,
                self._paths.borrow(dest_sr, made.vdi, read_write=True) as write,
            ):
                await transfer.copy_disk((read, vdi), (write, made.vdi))
        except BaseException:
            await target.destroy_vdi(made.vdi)
            self._srs.collect(dest_sr)
            raise
        return await target.vdi_stat(made.vdi)

    async def vdi_revert(self, dbg: str, sr: str, vdi: str, snapshot: str) -> None:
        async with self._changing(sr, vdi):
            self._require_detached(sr, vdi, "revert")
            await self._srs.repository(sr).revert(vdi, snapshot)

    async def vdi_resize(self, dbg: str, sr: str, vdi: str, new_size: int) -> int:
        async with self._changing(sr, vdi):
            return await self._srs.repository(sr).resize(vdi, new_size, self._paths.at(sr, vdi))

    async def vdi_destroy(self, dbg: str, sr: str, vdi: str) -> None:
        async with self._changing(sr, vdi):
            self._require_detached(sr, vdi, "destroy")
            await self._srs.repository(sr).destroy_vdi(vdi)

    async def vdi_stat(self, dbg: str, sr: str, vdi: str) -> VdiInfo:
        return await self._srs.repository(sr).vdi_stat(vdi)

    async def vdi_set_name_label(self, dbg: str, sr: str, vdi: str, new_name_label: str) -> None:
        await self._srs.repository(sr).update(vdi, {"name_label": new_name_label})

    async def vdi_set_name_description(self, dbg: str, sr: str, vdi: str, new_name_description: str) -> None:
        await self._srs.repository(sr).update(vdi, {"name_description": new_name_description})

    async def vdi_set_content_id(self, dbg: str, sr: str, vdi: str, content_id: str) -> None:
        await self._srs.repository(sr).update(vdi, {"content_id": content_id})

    async def vdi_attach3(self, dbg: str, dp: str, sr: str, vdi: str, vm: str, read_write: bool) -> Backend:
        async with self._holding(sr, vdi):
            info = await self._srs.repository(sr).vdi_stat(vdi)
            return await self._paths.at(sr, vdi).attach(dp, vm, read_write, info.sharable)

    async def vdi_activate3(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None:
        async with self._holding(sr, vdi):
            self._srs.repository(sr)
            await self._paths.at(sr, vdi).activate(dp)

    async def vdi_deactivate(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None:
        async with self._changing(sr, vdi):
            if self._paths.attached(sr, vdi):
                await self._paths.at(sr, vdi).deactivate(dp)

    async def vdi_detach(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None:
        async with self._holding(sr, vdi):
            if self._paths.attached(sr, vdi):
                self._paths.at(sr, vdi).detach(dp)

    async def vdi_epoch_begin(self, dbg: str, sr: str, vdi: str, vm: str, persistent: bool) -> None:
        async with self._changing(sr, vdi):
            if not persistent:
                self._require_detached(sr, vdi, "epoch_begin")
            await self._srs.repository(sr).begin_epoch(vdi, persistent)

    async def vdi_epoch_end(self, dbg: str, sr: str, vdi: str, vm: str) -> None:
        """Nothing: what was written is dropped when the next epoch begins."""

    async def vdi_export(self, dbg: str, sr: str, vdi: str, format: str, base: str, socket: str) -> None:
        stream_format = StreamFormat.parse(format)
        if base:
            raise errors.unimplemented("VDI.export of differences")
        scratch = self._srs.repository(sr).scratch()
        async with self._paths.borrow(sr, vdi, read_write=False) as served:
            await transfer.export_disk(served, vdi, socket, stream_format, scratch)

    async def vdi_import(self, dbg: str, sr: str, vdi: str, format: str, socket: str) -> None:
        stream_format = StreamFormat.parse(format)
        repository = self._srs.repository(sr)
        size = (await repository.vdi_stat(vdi)).virtual_size
        async with self._paths.borrow(sr, vdi, read_write=True) as served:
            await transfer.import_disk(served, vdi, size, socket, stream_format, repository.scratch())

    async def dp_destroy2(self, dbg: str, dp: str, sr: str, vdi: str, vm: str, allow_leak: bool) -> None:
        async with self._changing(sr, vdi):
            if not self._paths.attached(sr, vdi):
                return
            path = self._paths.at(sr, vdi)
            await path.deactivate(dp)
            path.detach(dp)

    async def dp_list(self, dbg: str) -> list[AttachInfo]:
        return self._paths.holds()

    async def _open_disk(self, sr: str, vdi: str) -> Opened | None:
        return await self._srs.repository(sr).open(vdi)

    @contextlib.asynccontextmanager
    async def _holding(self, sr: str, vdi: str) -> AsyncIterator[None]:
        """Nobody else works on this disk."""
        async with self._locks.hold((sr, vdi)):
            try:
                yield
            finally:
                self._paths.forget_idle(sr, vdi)

    @contextlib.asynccontextmanager
    async def _changing(self, sr: str, vdi: str) -> AsyncIterator[None]:
        """As :meth:`_holding`; afterwards there may be something to collect."""
        async with self._holding(sr, vdi):
            try:
                yield
            finally:
                self._srs.collect(sr)

    def _require_detached(self, sr: str, vdi: str, operation: str) -> None:
        if self._paths.attached(sr, vdi):
            raise errors.vdi_in_use(vdi, operation)
