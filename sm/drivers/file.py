"""SR type ``file``: a directory of this host."""

import contextlib
from collections.abc import Mapping

from idl.paths import Root
from sm import errors, records
from sm.drivers.base import Driver, Repository, driver_info, require
from sm.drivers.directory import SR_RECORD, DirectoryRepository
from sm.drivers.location import resolve
from sm.errors import Fault
from sm.records import SrRecord

FEATURES = (
    "SR_PROBE SR_UPDATE SR_CREATE SR_DELETE SR_ATTACH SR_DETACH SR_SCAN THIN_PROVISIONING "
    "VDI_CREATE VDI_DELETE VDI_ATTACH VDI_DETACH VDI_ACTIVATE VDI_DEACTIVATE VDI_UPDATE VDI_INTRODUCE VDI_CLONE "
    "VDI_SNAPSHOT VDI_REVERT VDI_RESIZE VDI_RESIZE_ONLINE VDI_RESET_ON_BOOT/2 LARGE_VDI"
)


class FileDriver(Driver):
    info = driver_info(
        "file",
        "Local Path",
        "SR plugin which keeps disks as image files in a directory of the host",
        FEATURES,
        {"location": "local directory path (required)"},
        "qcow2 raw",
    )

    async def create(
        self, root: Root, sr: str, device_config: Mapping[str, str], name: tuple[str, str], size: int
    ) -> dict[str, str]:
        directory = resolve(root, require(device_config, "location", Fault.LOCATION_MISSING))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            records.write(directory / SR_RECORD, SrRecord(name_label=name[0], name_description=name[1]))
        except OSError as error:
            raise errors.from_os(error, Fault.SR_CREATE) from error
        return dict(device_config)

    async def attach(self, root: Root, sr: str, device_config: Mapping[str, str]) -> Repository:
        directory = resolve(root, require(device_config, "location", Fault.LOCATION_MISSING))
        if not directory.is_dir():
            raise errors.failure(Fault.SR_UNAVAILABLE, f"There is no directory {directory}")
        repository = DirectoryRepository(sr, directory)
        with contextlib.suppress(PermissionError):
            repository.clean()
        return repository
