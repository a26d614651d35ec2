"""SMAPIv2: the storage service's interface (daemon ``sm``, socket ``/var/lib/xcp/storage``).

Sizes are bytes, dates ``YYYYMMDDThh:mm:ssZ``. ``sr`` is the SR's uuid, ``vdi`` the VDI's location inside it (for
disks made here: its uuid). Errors are :class:`idl.rpc.RpcError`: ``Backend_error(code, [params])`` carries the XenAPI
error a driver raised; others: ``Sr_not_attached(sr)``, ``Sr_attached(sr)``, ``Vdi_does_not_exist(sr, vdi)``,
``Illegal_transition(from, to)``, ``Does_not_exist(kind, id)``, ``Activated_on_another_host(host)``,
``Unimplemented(what)``, ``Cancelled(task)``, ``Internal_error(text)``.
"""

from typing import Protocol

import msgspec

from idl.rpc import wire

EPOCH = "19700101T00:00:00Z"


class VdiInfo(msgspec.Struct, kw_only=True):
    """One disk as the storage sees it."""

    vdi: str
    uuid: str | None = None
    content_id: str = ""
    name_label: str = ""
    name_description: str = ""
    ty: str = "user"
    metadata_of_pool: str = ""
    is_a_snapshot: bool = False
    snapshot_time: str = EPOCH
    snapshot_of: str = ""
    """Location of the disk this is a snapshot of, or empty."""
    read_only: bool = False
    cbt_enabled: bool = False
    virtual_size: int = 0
    physical_utilisation: int = 0
    persistent: bool = True
    sharable: bool = False
    sm_config: dict[str, str] = {}
    managed: bool = True
    """False for a node that only holds data others share (a "base copy")."""
    parent: str = ""
    """Location of the node this one reads through to, or empty."""


class SrInfo(msgspec.Struct, kw_only=True):
    sr_uuid: str
    name_label: str = ""
    name_description: str = ""
    total_space: int = 0
    free_space: int = 0
    virtual_allocation: int = 0
    clustered: bool = False
    health: str = "Healthy"


class XenDisk(msgspec.Struct, array_like=True, tag="XenDisk", frozen=True):
    """A device for blkback: ``params``, extra backend keys, backend type (``vbd``, ``vbd3``, ``qdisk``)."""

    params: str
    extra: dict[str, str]
    backend_type: str


class BlockDevice(msgspec.Struct, array_like=True, tag="BlockDevice", frozen=True):
    path: str


class File(msgspec.Struct, array_like=True, tag="File", frozen=True):
    """A raw file that may be opened directly."""

    path: str


class Nbd(msgspec.Struct, array_like=True, tag="Nbd", frozen=True):
    """An NBD export: ``nbd:unix:<socket>:exportname=<name>``."""

    uri: str


Implementation = XenDisk | BlockDevice | File | Nbd


class Backend(msgspec.Struct, kw_only=True, frozen=True):
    """What an attached disk can be opened as, best first."""

    implementations: list[Implementation]


def nbd_socket(uri: str) -> tuple[str, str]:
    """Split ``nbd:unix:<socket>:exportname=<name>`` into (socket path, export name)."""
    scheme, transport, rest = uri.split(":", 2)
    if (scheme, transport) != ("nbd", "unix"):
        raise ValueError(f"not an NBD Unix socket: {uri}")
    path, _, name = rest.rpartition(":exportname=")
    return path, name


class DriverInfo(msgspec.Struct, kw_only=True):
    """What an SR type can do (an SM row of XenAPI is made from it)."""

    driver: str
    name: str
    description: str
    vendor: str
    copyright: str
    version: str
    required_api_version: str
    features: list[str]
    """Capability names, ``NAME`` or ``NAME/<version>``."""
    configuration: dict[str, str]
    required_cluster_stack: list[str] = []
    supported_image_formats: list[str] = []
    smapi_version: str = "SMAPIv2"


class ProbeResult(msgspec.Struct, kw_only=True):
    """One thing a probe found: the configuration that leads to it, whether that is complete, the SR if there is one."""

    configuration: dict[str, str]
    complete: bool
    sr: SrInfo | None = None
    extra_info: dict[str, str] = {}


class AttachInfo(msgspec.Struct, kw_only=True):
    sr: str
    vdi: str
    dp: str
    vm: str
    read_write: bool
    activated: bool
    backend: Backend


class Storage(Protocol):
    """The storage service. ``dbg`` is free text for the log (task name and id)."""

    @wire("Query.query")
    async def query(self, dbg: str) -> str:
        """Return the service's name and version; a cheap sign of life."""
        ...

    @wire("Query.drivers")
    async def drivers(self, dbg: str) -> list[DriverInfo]:
        """Return every SR type this host offers."""
        ...

    @wire("SR.probe")
    async def sr_probe(
        self, dbg: str, type: str, device_config: dict[str, str], sm_config: dict[str, str]
    ) -> list[ProbeResult]: ...

    @wire("SR.create")
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
        """Make a new SR's storage; return the device_config to use from now on. Does not attach it."""
        ...

    @wire("SR.attach")
    async def sr_attach(self, dbg: str, sr: str, type: str, device_config: dict[str, str]) -> None:
        """Make the SR usable on this host; attaching again is no error. Survives a restart of the service."""
        ...

    @wire("SR.detach")
    async def sr_detach(self, dbg: str, sr: str) -> None:
        """Let go of the SR; an error while a disk in it is attached. Detaching again is no error."""
        ...

    @wire("SR.destroy")
    async def sr_destroy(self, dbg: str, sr: str) -> None:
        """Delete an attached SR's storage. ``Backend_error("SR_NOT_EMPTY", [])`` while it has disks."""
        ...

    @wire("SR.stat")
    async def sr_stat(self, dbg: str, sr: str) -> SrInfo: ...

    @wire("SR.scan")
    async def sr_scan(self, dbg: str, sr: str) -> tuple[list[VdiInfo], SrInfo]: ...

    @wire("SR.list")
    async def sr_list(self, dbg: str) -> list[str]:
        """Return the uuids of the SRs attached on this host."""
        ...

    @wire("SR.set_name_label")
    async def sr_set_name_label(self, dbg: str, sr: str, new_name_label: str) -> None: ...

    @wire("SR.set_name_description")
    async def sr_set_name_description(self, dbg: str, sr: str, new_name_description: str) -> None: ...

    @wire("VDI.create")
    async def vdi_create(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        """Make a disk of at least ``vdi_info.virtual_size`` bytes; ``vdi`` in the argument is ignored."""
        ...

    @wire("VDI.introduce")
    async def vdi_introduce(self, dbg: str, sr: str, uuid: str, sm_config: dict[str, str], location: str) -> VdiInfo: ...

    @wire("VDI.snapshot")
    async def vdi_snapshot(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        """Freeze the content of ``vdi_info.vdi`` (attached or not, also while a guest writes) into a new read-only disk."""
        ...

    @wire("VDI.clone")
    async def vdi_clone(self, dbg: str, sr: str, vdi_info: VdiInfo) -> VdiInfo:
        """Make a writable disk that starts with the content of ``vdi_info.vdi``."""
        ...

    @wire("VDI.copy")
    async def vdi_copy(self, dbg: str, sr: str, vdi: str, dest_sr: str, vdi_info: VdiInfo) -> VdiInfo:
        """Make a full, independent copy in *dest_sr* (may be *sr*); both attached on this host. Minutes for large disks."""
        ...

    @wire("VDI.revert")
    async def vdi_revert(self, dbg: str, sr: str, vdi: str, snapshot: str) -> None:
        """Give *vdi* the content of *snapshot*; the disk keeps its location."""
        ...

    @wire("VDI.resize")
    async def vdi_resize(self, dbg: str, sr: str, vdi: str, new_size: int) -> int:
        """Grow a disk; return the size it got. Shrinking is ``Backend_error("SR_BACKEND_FAILURE_79", …)``."""
        ...

    @wire("VDI.destroy")
    async def vdi_destroy(self, dbg: str, sr: str, vdi: str) -> None:
        """Delete a disk; ``Backend_error("VDI_IN_USE", …)`` while attached."""
        ...

    @wire("VDI.stat")
    async def vdi_stat(self, dbg: str, sr: str, vdi: str) -> VdiInfo: ...

    @wire("VDI.set_name_label")
    async def vdi_set_name_label(self, dbg: str, sr: str, vdi: str, new_name_label: str) -> None: ...

    @wire("VDI.set_name_description")
    async def vdi_set_name_description(self, dbg: str, sr: str, vdi: str, new_name_description: str) -> None: ...

    @wire("VDI.set_content_id")
    async def vdi_set_content_id(self, dbg: str, sr: str, vdi: str, content_id: str) -> None: ...

    @wire("VDI.attach3")
    async def vdi_attach3(self, dbg: str, dp: str, sr: str, vdi: str, vm: str, read_write: bool) -> Backend:
        """Attach for datapath *dp* (``vbd/<domid>/<device>`` or a uuid) of domain *vm*; again gives the same answer."""
        ...

    @wire("VDI.activate3")
    async def vdi_activate3(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None:
        """From now on the data may be read and written through the attached backend."""
        ...

    @wire("VDI.deactivate")
    async def vdi_deactivate(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None: ...

    @wire("VDI.detach")
    async def vdi_detach(self, dbg: str, dp: str, sr: str, vdi: str, vm: str) -> None: ...

    @wire("VDI.epoch_begin")
    async def vdi_epoch_begin(self, dbg: str, sr: str, vdi: str, vm: str, persistent: bool) -> None: ...

    @wire("VDI.epoch_end")
    async def vdi_epoch_end(self, dbg: str, sr: str, vdi: str, vm: str) -> None: ...

    @wire("VDI.export")
    async def vdi_export(self, dbg: str, sr: str, vdi: str, format: str, base: str, socket: str) -> None:
        """Connect to the Unix socket *socket* and write the disk as ``raw``, ``qcow2`` or ``vhd``; return when all is written.

        *base*: location of an older disk of the same tree to make a delta against (``vhd``, ``qcow2``), or empty.
        """
        ...

    @wire("VDI.import")
    async def vdi_import(self, dbg: str, sr: str, vdi: str, format: str, socket: str) -> None:
        """Connect to the Unix socket *socket* and read the new content (``raw``, ``qcow2`` or ``vhd``) to end of stream."""
        ...

    @wire("DP.destroy2")
    async def dp_destroy2(self, dbg: str, dp: str, sr: str, vdi: str, vm: str, allow_leak: bool) -> None:
        """Deactivate and detach whatever *dp* holds; nothing held is no error."""
        ...

    @wire("DP.list")
    async def dp_list(self, dbg: str) -> list[AttachInfo]:
        """Return every datapath held on this host."""
        ...
