"""SR type ``dummy``: disks without data, for trying out and testing what stands above the storage."""

import uuid
from collections.abc import Mapping

import msgspec

from idl.paths import Root
from idl.storage import SrInfo, VdiInfo
from sm import errors
from sm.drivers.base import Driver, Live, Repository, driver_info

SIZE = 2_000_000_000_000


class DummyRepository(Repository):
    """Disks are kept in memory: a restart of the service forgets them."""

    def __init__(self, sr: str) -> None:
        self._sr = sr
        self._disks: dict[str, VdiInfo] = {}

    async def detach(self) -> None:
        """Nothing is held."""

    async def destroy(self) -> None:
        if self._disks:
            raise errors.backend("SR_NOT_EMPTY")

    async def stat(self) -> SrInfo:
        allocated = sum(info.virtual_size for info in self._disks.values())
        return SrInfo(sr_uuid=self._sr, total_space=SIZE, free_space=SIZE, virtual_allocation=allocated)

    async def scan(self) -> list[VdiInfo]:
        return list(self._disks.values())

    async def vdi_stat(self, vdi: str) -> VdiInfo:
        if vdi not in self._disks:
            raise errors.vdi_does_not_exist(self._sr, vdi)
        return self._disks[vdi]

    async def open(self, vdi: str) -> None:
        await self.vdi_stat(vdi)

    async def create(self, info: VdiInfo) -> VdiInfo:
        made = info.uuid or str(uuid.uuid4())
        self._disks[made] = msgspec.structs.replace(info, vdi=made, uuid=made)
        return self._disks[made]

    async def destroy_vdi(self, vdi: str) -> None:
        await self.vdi_stat(vdi)
        del self._disks[vdi]

    async def snapshot(self, info: VdiInfo, live: Live) -> VdiInfo:
        source = await self.vdi_stat(info.vdi)
        return await self.create(
            msgspec.structs.replace(info, uuid=None, is_a_snapshot=True, snapshot_of=info.vdi, virtual_size=source.virtual_size)
        )

    async def clone(self, info: VdiInfo, live: Live) -> VdiInfo:
        source = await self.vdi_stat(info.vdi)
        return await self.create(
            msgspec.structs.replace(info, uuid=None, is_a_snapshot=False, snapshot_of="", virtual_size=source.virtual_size)
        )

    async def resize(self, vdi: str, size: int, live: Live) -> int:
        self._disks[vdi] = msgspec.structs.replace(await self.vdi_stat(vdi), virtual_size=size)
        return size

    async def update(self, vdi: str, changes: Mapping[str, str]) -> None:
        self._disks[vdi] = msgspec.structs.replace(await self.vdi_stat(vdi), **changes)


class DummyDriver(Driver):
    info = driver_info(
        "dummy",
        "dummy",
        "SR which stores no data, for tests",
        "SR_PROBE SR_CREATE SR_DELETE SR_ATTACH SR_DETACH SR_SCAN VDI_CREATE VDI_DELETE VDI_ATTACH VDI_DETACH VDI_ACTIVATE "
        "VDI_DEACTIVATE VDI_CLONE VDI_SNAPSHOT VDI_RESIZE VDI_UPDATE",
        {},
    )

    async def attach(self, root: Root, sr: str, device_config: Mapping[str, str]) -> Repository:
        return DummyRepository(sr)
