"""The domain manager's interface (daemon ``xenopsd``, socket ``/var/lib/xcp/xenopsd``).

Memory is in bytes, times in seconds. Device ids are pairs (VM uuid, device): ``("<uuid>", "xvda")``, ``("<uuid>", "0")``.
Methods that return a task id (documented "task") run on in the background: wait for the update ``Task(id)``, then
``Task.stat`` and ``Task.destroy``. One operation per VM runs at a time, in order of arrival.

Errors are :class:`idl.rpc.RpcError` with the names of :class:`Problem`, e.g. ``Bad_power_state(vm, found, expected)``,
``Does_not_exist(kind, id)``, ``Failed_to_shutdown(vm, seconds)``, ``Storage_backend_error(code, [params])``.
"""

from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from idl.rpc import wire
from idl.tasks import Task

DeviceId = tuple[str, str]


class Problem(StrEnum):
    """Names of the errors this interface answers."""

    ALREADY_EXISTS = "Already_exists"
    DOES_NOT_EXIST = "Does_not_exist"
    UNIMPLEMENTED = "Unimplemented"
    DOMAIN_NOT_BUILT = "Domain_not_built"
    INVALID_VCPUS = "Invalid_vcpus"
    BAD_POWER_STATE = "Bad_power_state"
    FAILED_TO_ACKNOWLEDGE_SHUTDOWN_REQUEST = "Failed_to_acknowledge_shutdown_request"
    FAILED_TO_ACKNOWLEDGE_SUSPEND_REQUEST = "Failed_to_acknowledge_suspend_request"
    FAILED_TO_SHUTDOWN = "Failed_to_shutdown"
    FAILED_TO_SUSPEND = "Failed_to_suspend"
    DEVICE_IS_CONNECTED = "Device_is_connected"
    DEVICE_NOT_CONNECTED = "Device_not_connected"
    DEVICE_DETACH_REJECTED = "Device_detach_rejected"
    MEDIA_NOT_EJECTABLE = "Media_not_ejectable"
    MEDIA_PRESENT = "Media_present"
    MEDIA_NOT_PRESENT = "Media_not_present"
    NO_BOOTABLE_DEVICE = "No_bootable_device"
    BOOTLOADER_ERROR = "Bootloader_error"
    CANNOT_FREE_THIS_MUCH_MEMORY = "Cannot_free_this_much_memory"
    VMS_FAILED_TO_COOPERATE = "Vms_failed_to_cooperate"
    IO_ERROR = "IO_error"
    FAILED_TO_CONTACT_REMOTE_SERVICE = "Failed_to_contact_remote_service"
    HOOK_FAILED = "Hook_failed"
    NOT_ENOUGH_MEMORY = "Not_enough_memory"
    CANCELLED = "Cancelled"
    STORAGE_BACKEND_ERROR = "Storage_backend_error"
    FAILED_TO_START_EMULATOR = "Failed_to_start_emulator"
    BALLOONING_TIMEOUT = "Ballooning_timeout_before_migration"
    INTERNAL_ERROR = "Internal_error"


class PowerState(StrEnum):
    RUNNING = "Running"
    HALTED = "Halted"
    SUSPENDED = "Suspended"
    PAUSED = "Paused"


class Action(StrEnum):
    """What to do when a domain ends by itself."""

    COREDUMP = "Coredump"
    SHUTDOWN = "Shutdown"
    START = "Start"
    PAUSE = "Pause"
    SOFT_REBOOT = "Softreboot"


class LocalDisk(msgspec.Struct, array_like=True, tag="Local", frozen=True):
    """A device or file of this host."""

    path: str


class VdiDisk(msgspec.Struct, array_like=True, tag="VDI", frozen=True):
    """``<sr uuid>/<vdi location>``: attached through the storage service."""

    location: str


Disk = LocalDisk | VdiDisk


class LocalNetwork(msgspec.Struct, array_like=True, tag="Local", frozen=True):
    bridge: str


class Uefi(msgspec.Struct, frozen=True):
    on_boot: Literal["Persist", "Reset"] = "Persist"
    backend: str = "xapidb"


class UefiFirmware(msgspec.Struct, array_like=True, tag="Uefi", frozen=True):
    settings: Uefi


class HvmInfo(msgspec.Struct, kw_only=True, frozen=True):
    """A fully virtualised guest: boots from firmware."""

    hap: bool = True
    shadow_multiplier: float = 1.0
    timeoffset: str = ""
    video_mib: int = 4
    video: Literal["Cirrus", "Standard_VGA", "Vgpu"] = "Cirrus"
    acpi: bool = True
    serial: str | None = "pty"
    keymap: str | None = None
    boot_order: str = "cd"
    """Letters in order: ``c`` disk, ``d`` CD, ``n`` network."""
    firmware: Literal["Bios"] | UefiFirmware = "Bios"
    tpm: str | None = None
    """uuid of the VTPM."""


class DirectBoot(msgspec.Struct, kw_only=True, frozen=True):
    kernel: str
    cmdline: str = ""
    ramdisk: str | None = None


class IndirectBoot(msgspec.Struct, kw_only=True, frozen=True):
    bootloader: str
    extra_args: str = ""
    legacy_args: str = ""
    bootloader_args: str = ""
    devices: list[Disk] = []


class Direct(msgspec.Struct, array_like=True, tag="Direct", frozen=True):
    boot: DirectBoot


class Indirect(msgspec.Struct, array_like=True, tag="Indirect", frozen=True):
    boot: IndirectBoot


class PvInfo(msgspec.Struct, kw_only=True, frozen=True):
    boot: Direct | Indirect
    framebuffer: bool = True
    vncterm: bool = True


class Hvm(msgspec.Struct, array_like=True, tag="HVM", frozen=True):
    info: HvmInfo


class Pv(msgspec.Struct, array_like=True, tag="PV", frozen=True):
    info: PvInfo


class PvInPvh(msgspec.Struct, array_like=True, tag="PVinPVH", frozen=True):
    info: PvInfo


class Pvh(msgspec.Struct, array_like=True, tag="PVH", frozen=True):
    info: PvInfo


BuildType = Hvm | Pv | PvInPvh | Pvh


class SchedulerParams(msgspec.Struct, kw_only=True, frozen=True):
    priority: tuple[int, int] | None = None
    """(weight, cap)"""
    affinity: list[list[int]] = []
    """Physical CPUs allowed, per vCPU."""


class Vm(msgspec.Struct, kw_only=True, frozen=True):
    """The configuration of a VM."""

    id: str
    name: str = "unnamed"
    xsdata: dict[str, str] = {}
    platformdata: dict[str, str] = {}
    bios_strings: dict[str, str] = {}
    ty: BuildType
    memory_static_max: int
    memory_dynamic_max: int
    memory_dynamic_min: int
    vcpu_max: int
    vcpus: int
    scheduler_params: SchedulerParams = SchedulerParams()
    on_crash: list[Action] = msgspec.field(default_factory=lambda: [Action.SHUTDOWN])
    on_shutdown: list[Action] = msgspec.field(default_factory=lambda: [Action.SHUTDOWN])
    on_reboot: list[Action] = msgspec.field(default_factory=lambda: [Action.START])
    on_softreboot: list[Action] = msgspec.field(default_factory=lambda: [Action.SOFT_REBOOT])
    has_vendor_device: bool = False
    generation_id: str | None = None


class Console(msgspec.Struct, kw_only=True, frozen=True):
    """Where a console can be reached on this host: a Unix socket (*path*), else *port* on 127.0.0.1."""

    protocol: Literal["Rfb", "Vt100"]
    port: int = 0
    path: str = ""


class VmState(msgspec.Struct, kw_only=True, frozen=True):
    """What a VM is doing now."""

    power_state: PowerState
    domids: list[int] = []
    consoles: list[Console] = []
    memory_target: int = 0
    memory_actual: int = 0
    memory_limit: int = 0
    vcpu_target: int = 0
    shadow_multiplier_target: float = 1.0
    rtc_timeoffset: str = ""
    guest_agent: dict[str, str] = {}
    """xenstore keys the guest wrote, relative to its directory."""
    xsdata_state: dict[str, str] = {}
    pv_drivers_detected: bool = False
    last_start_time: float = 0.0
    hvm: bool = False
    nomigrate: bool = False
    nested_virt: bool = False
    domain_type: Literal["Domain_HVM", "Domain_PV", "Domain_PVinPVH", "Domain_PVH", "Domain_undefined"] = "Domain_undefined"
    crashed: bool = False
    """The last domain ended by a crash (or its process was killed), not by request."""


class DeviceType(StrEnum):
    CDROM = "CDROM"
    DISK = "Disk"
    FLOPPY = "Floppy"


class Vbd(msgspec.Struct, kw_only=True, frozen=True):
    id: DeviceId
    position: str | None = None
    """Device number, ``"0"`` is ``xvda``; None: the next free one."""
    mode: Literal["ReadOnly", "ReadWrite"] = "ReadWrite"
    backend: Disk | None = None
    """None: an empty drive."""
    ty: DeviceType = DeviceType.DISK
    bootable: bool = False
    unpluggable: bool = True
    extra_backend_keys: dict[str, str] = {}
    qos: dict[str, str] = {}
    persistent: bool = True


class VbdState(msgspec.Struct, kw_only=True, frozen=True):
    active: bool
    """The device belongs to the VM's present domain (it will be plugged at start)."""
    plugged: bool
    backend_present: Disk | None = None


class LockedMode(msgspec.Struct, frozen=True):
    ipv4: list[str] = []
    ipv6: list[str] = []


class Locked(msgspec.Struct, array_like=True, tag="Locked", frozen=True):
    addresses: LockedMode


class Vif(msgspec.Struct, kw_only=True, frozen=True):
    id: DeviceId
    position: int
    mac: str
    carrier: bool = True
    mtu: int = 1500
    rate: tuple[int, int] | None = None
    """(kbytes per second, timeslice in microseconds)"""
    backend: LocalNetwork
    other_config: dict[str, str] = {}
    locking_mode: Literal["Unlocked", "Disabled"] | Locked = "Unlocked"
    extra_private_keys: dict[str, str] = {}


class VifState(msgspec.Struct, kw_only=True, frozen=True):
    active: bool
    plugged: bool
    media_present: bool = False
    device: str | None = None
    """Name of the host's end, e.g. ``vif1.0``."""


class VmUpdate(msgspec.Struct, array_like=True, tag="Vm", frozen=True):
    id: str


class VbdUpdate(msgspec.Struct, array_like=True, tag="Vbd", frozen=True):
    id: DeviceId


class VifUpdate(msgspec.Struct, array_like=True, tag="Vif", frozen=True):
    id: DeviceId


class TaskUpdate(msgspec.Struct, array_like=True, tag="Task", frozen=True):
    id: str


DynamicId = VmUpdate | VbdUpdate | VifUpdate | TaskUpdate


class Metadata(msgspec.Struct, kw_only=True, frozen=True):
    """A VM with its devices, as handed between hosts; ``domains`` is the backend's private record (JSON text)."""

    vm: Vm
    vbds: list[Vbd] = []
    vifs: list[Vif] = []
    domains: str | None = None


class CpuInfo(msgspec.Struct, kw_only=True, frozen=True):
    cpu_count: int
    socket_count: int
    vendor: str
    speed: str
    """MHz"""
    modelname: str
    family: str
    model: str
    stepping: str
    flags: str


class HostState(msgspec.Struct, kw_only=True, frozen=True):
    """The hypervisor and its machine. ``capabilities`` are our driver's abilities (e.g. ``live-migration``)."""

    hypervisor: str
    hypervisor_version: str
    hypervisor_capabilities: list[str] = []
    capabilities: list[str] = []
    cpu: CpuInfo
    total_memory: int
    free_memory: int
    hvm: bool = True
    iommu: bool = False


class BlockCounters(msgspec.Struct, kw_only=True, frozen=True):
    """Totals since the device was plugged: bytes, requests, nanoseconds."""

    device: str
    read_bytes: int
    write_bytes: int
    read_requests: int
    write_requests: int
    read_ns: int = 0
    write_ns: int = 0


class NetCounters(msgspec.Struct, kw_only=True, frozen=True):
    """Totals since the device was plugged, as the guest sees them."""

    device: str
    rx_bytes: int
    tx_bytes: int
    rx_errors: int = 0
    tx_errors: int = 0


class DomainCounters(msgspec.Struct, kw_only=True, frozen=True):
    """Raw counters of one running domain, for the metrics daemon."""

    id: str
    domid: int
    vcpu_seconds: list[float]
    memory: int
    memory_target: int
    memory_free: int | None = None
    """What the guest says is free in it, where it says so."""
    blocks: list[BlockCounters] = []
    nets: list[NetCounters] = []


class Changes(msgspec.Struct, array_like=True, frozen=True):
    """Answer of ``UPDATES.get``: barriers as (token, ids), changed ids oldest first, the number to ask from next."""

    barriers: list[tuple[int, list[DynamicId]]]
    ids: list[DynamicId]
    last_id: int


class Xenops(Protocol):
    @wire("query")
    async def query(self, debug_info: str) -> str:
        """Return the service's name and version; a cheap sign of life."""
        ...

    @wire("HOST.stat")
    async def host_stat(self, debug_info: str) -> HostState: ...

    @wire("HOST.get_counters")
    async def host_get_counters(self, debug_info: str) -> list[DomainCounters]:
        """Return raw counters of every running domain, dom0 excluded."""
        ...

    @wire("Task.stat")
    async def task_stat(self, debug_info: str, id: str) -> Task: ...

    @wire("Task.cancel")
    async def task_cancel(self, debug_info: str, id: str) -> None: ...

    @wire("Task.destroy")
    async def task_destroy(self, debug_info: str, id: str) -> None: ...

    @wire("Task.list")
    async def task_list(self, debug_info: str) -> list[Task]: ...

    @wire("VM.add")
    async def vm_add(self, debug_info: str, vm: Vm) -> str:
        """Store (or replace) a VM's configuration; return its id."""
        ...

    @wire("VM.remove")
    async def vm_remove(self, debug_info: str, id: str) -> None:
        """Forget a VM and its devices; ``Bad_power_state`` while it runs. Absent is no error."""
        ...

    @wire("VM.stat")
    async def vm_stat(self, debug_info: str, id: str) -> tuple[Vm, VmState]: ...

    @wire("VM.list")
    async def vm_list(self, debug_info: str) -> list[tuple[Vm, VmState]]: ...

    @wire("VM.start")
    async def vm_start(self, debug_info: str, id: str, force: bool = False) -> str:
        """Build the domain with all its devices and leave it paused: follow with :meth:`vm_unpause`. Task."""
        ...

    @wire("VM.unpause")
    async def vm_unpause(self, debug_info: str, id: str) -> str:
        """Task."""
        ...

    @wire("VM.pause")
    async def vm_pause(self, debug_info: str, id: str) -> str:
        """Task."""
        ...

    @wire("VM.shutdown")
    async def vm_shutdown(self, debug_info: str, id: str, delay: float | None = None) -> str:
        """Clean with a limit of *delay* seconds, or at once without *delay*; devices are detached. Task."""
        ...

    @wire("VM.reboot")
    async def vm_reboot(self, debug_info: str, id: str, delay: float | None = None) -> str:
        """As :meth:`vm_shutdown`, then start and unpause. Task."""
        ...

    @wire("VM.suspend")
    async def vm_suspend(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        """Save the guest's memory to a disk and end its domain. Task."""
        ...

    @wire("VM.resume")
    async def vm_resume(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        """Restore a saved guest; left paused. Task."""
        ...

    @wire("VM.set_vcpus")
    async def vm_set_vcpus(self, debug_info: str, id: str, vcpus: int) -> str:
        """Task."""
        ...

    @wire("VM.set_memory_dynamic_range")
    async def vm_set_memory_dynamic_range(self, debug_info: str, id: str, minimum: int, maximum: int) -> str:
        """Task."""
        ...

    @wire("VM.set_xsdata")
    async def vm_set_xsdata(self, debug_info: str, id: str, xsdata: dict[str, str]) -> str:
        """Task."""
        ...

    @wire("VM.send_key")
    async def vm_send_key(self, debug_info: str, id: str, key: str) -> None:
        """Send a sysrq key to the guest."""
        ...

    @wire("VM.export_metadata")
    async def vm_export_metadata(self, debug_info: str, id: str) -> Metadata: ...

    @wire("VM.import_metadata")
    async def vm_import_metadata(self, debug_info: str, metadata: Metadata) -> str: ...

    @wire("VBD.add")
    async def vbd_add(self, debug_info: str, vbd: Vbd) -> DeviceId: ...

    @wire("VBD.remove")
    async def vbd_remove(self, debug_info: str, id: DeviceId) -> None: ...

    @wire("VBD.plug")
    async def vbd_plug(self, debug_info: str, id: DeviceId) -> str:
        """Task."""
        ...

    @wire("VBD.unplug")
    async def vbd_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        """``Device_detach_rejected`` when the guest does not let go. Task."""
        ...

    @wire("VBD.insert")
    async def vbd_insert(self, debug_info: str, id: DeviceId, disk: Disk) -> str:
        """Task."""
        ...

    @wire("VBD.eject")
    async def vbd_eject(self, debug_info: str, id: DeviceId) -> str:
        """Task."""
        ...

    @wire("VBD.stat")
    async def vbd_stat(self, debug_info: str, id: DeviceId) -> tuple[Vbd, VbdState]: ...

    @wire("VBD.list")
    async def vbd_list(self, debug_info: str, vm: str) -> list[tuple[Vbd, VbdState]]: ...

    @wire("VIF.add")
    async def vif_add(self, debug_info: str, vif: Vif) -> DeviceId: ...

    @wire("VIF.remove")
    async def vif_remove(self, debug_info: str, id: DeviceId) -> None: ...

    @wire("VIF.plug")
    async def vif_plug(self, debug_info: str, id: DeviceId) -> str:
        """Task."""
        ...

    @wire("VIF.unplug")
    async def vif_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        """Task."""
        ...

    @wire("VIF.move")
    async def vif_move(self, debug_info: str, id: DeviceId, network: LocalNetwork) -> str:
        """Task."""
        ...

    @wire("VIF.set_carrier")
    async def vif_set_carrier(self, debug_info: str, id: DeviceId, carrier: bool) -> str:
        """Task."""
        ...

    @wire("VIF.set_locking_mode")
    async def vif_set_locking_mode(
        self, debug_info: str, id: DeviceId, locking_mode: Literal["Unlocked", "Disabled"] | Locked
    ) -> str:
        """Task."""
        ...

    @wire("VIF.stat")
    async def vif_stat(self, debug_info: str, id: DeviceId) -> tuple[Vif, VifState]: ...

    @wire("VIF.list")
    async def vif_list(self, debug_info: str, vm: str) -> list[tuple[Vif, VifState]]: ...

    @wire("UPDATES.get")
    async def updates_get(self, debug_info: str, last_id: int = 0, timeout: float | None = None) -> Changes:
        """Wait for changes after *last_id*; with 0 everything known is told."""
        ...

    @wire("UPDATES.last_id")
    async def updates_last_id(self, debug_info: str) -> int: ...

    @wire("UPDATES.inject_barrier")
    async def updates_inject_barrier(self, debug_info: str, vm_id: str, id: int) -> None:
        """Put a mark into the updates that carries the ids of *vm_id*'s objects changed before it."""
        ...

    @wire("UPDATES.remove_barrier")
    async def updates_remove_barrier(self, debug_info: str, id: int) -> None: ...

    @wire("UPDATES.refresh_vm")
    async def updates_refresh_vm(self, debug_info: str, id: str) -> None:
        """Tell the VM and its devices again."""
        ...
