"""What the service needs from an SR type. The docstrings are the contract.

A :class:`Driver` is an SR type, made once; :meth:`Driver.attach` gives a :class:`Repository`, one attached SR. The service
takes care of which disk is attached where, of one operation at a time per disk, and of the datapath; a repository knows
files, volumes and records. Errors are those of :mod:`sm.errors`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar, Protocol

from idl.paths import Root
from idl.storage import DriverInfo, ProbeResult, SrInfo, VdiInfo
from sm import errors


class Format(Enum):
    """How a node's bytes are to be read."""

    QCOW2 = "qcow2"
    RAW = "raw"

    @classmethod
    def of(cls, name: str) -> "Format":
        """The format a file name tells by its ending."""
        return cls.QCOW2 if name.endswith(".qcow2") else cls.RAW


@dataclass(frozen=True, slots=True)
class Image:
    """One node as the datapath opens it."""

    path: Path
    format: Format


@dataclass(frozen=True, slots=True)
class Opened:
    """How a disk's data is reached: the chain of images, oldest first, the last one being the disk's own."""

    chain: tuple[Image, ...]
    writable: bool
    """False for a snapshot, a base copy, an ISO: attaching for writing is refused."""


class Live(Protocol):
    """A disk's running datapath, given to operations that must take it along. It may turn out not to run."""

    @property
    def running(self) -> bool: ...

    async def switch(self, overlay: Image) -> None:
        """Write to *overlay*, an empty image over the present one, from now on."""
        ...

    async def resize(self, size: int) -> None: ...

    async def commit(self, node: Image, parent: Image) -> None:
        """Write *node*'s data into *parent* and let the image next above *node* read through to *parent*."""
        ...


class Idle:
    """The datapath of a disk nobody has attached."""

    running = False

    async def switch(self, overlay: Image) -> None:
        """Nothing is open: whoever opens the disk next reads its record."""

    async def resize(self, size: int) -> None:
        raise AssertionError("an idle disk is resized by its driver")

    async def commit(self, node: Image, parent: Image) -> None:
        raise AssertionError("an idle disk is coalesced by its driver")


class Attachments(Protocol):
    """Which disks of the SR have a running datapath; asked by the collector."""

    def open_disks(self) -> Mapping[str, bool]:
        """Disk -> whether it is open for writing."""
        ...

    def live(self, vdi: str) -> Live: ...


class Repository(ABC):
    """One attached SR. Several calls may run at a time, but never two that change the same disk."""

    @abstractmethod
    async def detach(self) -> None:
        """Let go of what :meth:`Driver.attach` took. No disk is attached. May be called twice."""

    @abstractmethod
    async def destroy(self) -> None:
        """Delete the storage. :raises RpcError: ``SR_NOT_EMPTY`` while it has disks."""

    @abstractmethod
    async def stat(self) -> SrInfo: ...

    @abstractmethod
    async def scan(self) -> list[VdiInfo]:
        """Every disk, and every node others read through (``managed`` false)."""

    @abstractmethod
    async def vdi_stat(self, vdi: str) -> VdiInfo:
        """:raises RpcError: ``Vdi_does_not_exist``; ``SR_BACKEND_FAILURE_46`` if only its record is left."""

    @abstractmethod
    async def open(self, vdi: str) -> Opened | None:
        """Say how the data is reached now; None: there is none (the disk reads as ``/dev/null``).

        :raises RpcError: ``Vdi_does_not_exist``, ``SR_BACKEND_FAILURE_46``, ``SR_BACKEND_FAILURE_65`` (cannot be opened).
        """

    async def set_name_label(self, text: str) -> None:
        raise errors.unimplemented("SR.set_name_label")

    async def set_name_description(self, text: str) -> None:
        raise errors.unimplemented("SR.set_name_description")

    async def create(self, info: VdiInfo) -> VdiInfo:
        """Make a blank disk of at least ``info.virtual_size`` bytes."""
        raise errors.unimplemented("VDI.create")

    async def introduce(self, uuid: str, sm_config: dict[str, str], location: str) -> VdiInfo:
        raise errors.unimplemented("VDI.introduce")

    async def destroy_vdi(self, vdi: str) -> None:
        """Delete a disk that is not attached."""
        raise errors.unimplemented("VDI.destroy")

    async def snapshot(self, info: VdiInfo, live: Live) -> VdiInfo:
        raise errors.unimplemented("VDI.snapshot")

    async def clone(self, info: VdiInfo, live: Live) -> VdiInfo:
        raise errors.unimplemented("VDI.clone")

    async def revert(self, vdi: str, snapshot: str) -> None:
        """Neither disk is attached for writing."""
        raise errors.unimplemented("VDI.revert")

    async def resize(self, vdi: str, size: int, live: Live) -> int:
        raise errors.unimplemented("VDI.resize")

    async def update(self, vdi: str, changes: Mapping[str, str]) -> None:
        """Change text fields of the disk's record (``name_label``, ``name_description``, ``content_id``)."""
        raise errors.unimplemented("VDI.update")

    async def begin_epoch(self, vdi: str, persistent: bool) -> None:
        """A domain is about to start with the disk, which is not attached; if not *persistent*, drop what was written."""
        if not persistent:
            raise errors.unimplemented("VDI.epoch_begin")

    def scratch(self) -> Path | None:
        """A directory for the temporary file of an import or export; None: this SR offers none."""
        return None

    async def collect(self, attachments: Attachments) -> bool:
        """Do one piece of garbage collection; False when nothing is left to do. May be cancelled at any moment."""
        return False


class Driver(ABC):
    """An SR type."""

    info: ClassVar[DriverInfo]

    @abstractmethod
    async def attach(self, root: Root, sr: str, device_config: Mapping[str, str]) -> Repository:
        """Make the SR usable; called again after a restart while it may still be attached."""

    async def create(
        self, root: Root, sr: str, device_config: Mapping[str, str], name: tuple[str, str], size: int
    ) -> dict[str, str]:
        """Make the storage (*name*: label, description); return the device_config to use from now on."""
        return dict(device_config)

    async def probe(self, root: Root, device_config: Mapping[str, str]) -> list[ProbeResult]:
        return []


def require(device_config: Mapping[str, str], key: str, fault: errors.Fault) -> str:
    """Read a needed device_config key.

    :raises RpcError: ``SR_BACKEND_FAILURE_<fault>``.
    """
    value = device_config.get(key, "").strip()
    if not value:
        raise errors.failure(fault, f"The device_config key {key} is missing")
    return value


def driver_info(
    driver: str, name: str, description: str, features: str, configuration: Mapping[str, str], formats: str = ""
) -> DriverInfo:
    """Describe a driver; *features* and *formats* are words separated by blanks."""
    return DriverInfo(
        driver=driver,
        name=name,
        description=description,
        vendor="",
        copyright="",
        version="1.0",
        required_api_version="1.1",
        features=features.split(),
        configuration=dict(configuration),
        supported_image_formats=formats.split(),
    )
