"""SR type ``iso``: a directory of CD images, each shown read-only under its file name."""

import asyncio
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from idl.paths import Root
from idl.storage import SrInfo, VdiInfo
from sm import errors
from sm.drivers.base import Driver, Format, Image, Opened, Repository, driver_info, require
from sm.drivers.location import resolve
from sm.errors import Fault

ENDINGS = (".iso", ".img")
_SECTOR = 512


class IsoRepository(Repository):
    def __init__(self, sr: str, directory: Path) -> None:
        self._sr = sr
        self._directory = directory

    async def detach(self) -> None:
        """Nothing is held."""

    async def destroy(self) -> None:
        """The images are not ours to delete."""

    async def stat(self) -> SrInfo:
        try:
            space = os.statvfs(self._directory)
        except OSError as error:
            raise errors.from_os(error, Fault.SR_UNAVAILABLE) from error
        # Its images fill it: nothing can be made here.
        used = sum(info.physical_utilisation for info in await self.scan())
        return SrInfo(sr_uuid=self._sr, total_space=space.f_blocks * space.f_frsize, free_space=0, virtual_allocation=used)

    async def scan(self) -> list[VdiInfo]:
        return await asyncio.to_thread(self._list)

    async def vdi_stat(self, vdi: str) -> VdiInfo:
        path = self._path(vdi)
        try:
            return self._describe(vdi, path.stat())
        except FileNotFoundError:
            raise errors.vdi_unavailable(self._sr, vdi) from None

    async def open(self, vdi: str) -> Opened:
        path = self._path(vdi)
        if not path.is_file():
            raise errors.vdi_unavailable(self._sr, vdi)
        return Opened((Image(path, Format.RAW),), writable=False)

    def _path(self, vdi: str) -> Path:
        if "/" in vdi or not vdi.lower().endswith(ENDINGS):
            raise errors.vdi_does_not_exist(self._sr, vdi)
        return self._directory / vdi

    def _list(self) -> list[VdiInfo]:
        try:
            with os.scandir(self._directory) as entries:
                found = [entry for entry in entries if entry.name.lower().endswith(ENDINGS) and entry.is_file()]
                return [self._describe(entry.name, entry.stat()) for entry in sorted(found, key=lambda entry: entry.name)]
        except OSError as error:
            raise errors.from_os(error, Fault.SCAN) from error

    def _describe(self, name: str, status: os.stat_result) -> VdiInfo:
        return VdiInfo(
            vdi=name,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._sr}/{name}")),
            name_label=name,
            read_only=True,
            virtual_size=status.st_size,
            physical_utilisation=status.st_blocks * _SECTOR,
        )


class IsoDriver(Driver):
    info = driver_info(
        "iso",
        "ISO",
        "Handles CD images stored as files in a directory",
        "SR_ATTACH SR_DETACH SR_SCAN VDI_ATTACH VDI_DETACH VDI_ACTIVATE VDI_DEACTIVATE",
        {"location": "path of the directory (required)", "legacy_mode": "use a local path rather than mounting one"},
    )

    async def create(
        self, root: Root, sr: str, device_config: Mapping[str, str], name: tuple[str, str], size: int
    ) -> dict[str, str]:
        self._directory(root, device_config)
        return dict(device_config)

    async def attach(self, root: Root, sr: str, device_config: Mapping[str, str]) -> Repository:
        return IsoRepository(sr, self._directory(root, device_config))

    @staticmethod
    def _directory(root: Root, device_config: Mapping[str, str]) -> Path:
        directory = resolve(root, require(device_config, "location", Fault.ISO_LOCATION_MISSING))
        if not directory.is_dir():
            raise errors.failure(Fault.ISO_LOCAL_PATH, f"There is no directory {directory}")
        return directory
