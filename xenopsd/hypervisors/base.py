"""What xenopsd needs from a hypervisor: the only thing the rest of the daemon knows about one.

A driver runs domains. It does not know queues, tasks, storage or records: it is handed complete values and reports
what happens to domains by itself. A VM has at most one domain, so domains are named by the VM's uuid.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path

import msgspec

from idl.rpc import RpcError
from idl.xenops import Console, DomainCounters, HostState, Problem, Vbd, Vif, Vm
from xenopsd.store import MemoryStore, Store


class Capability(StrEnum):
    """What a driver can do beyond running and ending domains; told to clients in ``HOST.stat``."""

    GUESTS = "guests"
    """Domains really execute a guest."""
    CONSOLES = "consoles"
    SUSPEND = "suspend"
    DISK_HOTPLUG = "disk-hotplug"
    NIC_HOTPLUG = "nic-hotplug"
    VCPU_HOTPLUG = "vcpu-hotplug"
    MEMORY_TARGET = "memory-target"
    SYSRQ = "sysrq"
    INDIRECT_BOOT = "indirect-boot"
    """A boot loader run by the host picks the kernel (pygrub)."""
    UEFI = "uefi"
    ADDRESS_LOCKING = "address-locking"
    """A VIF's traffic can be limited to its own addresses."""
    BALLOONING = "ballooning"
    """The host's free memory is known and guests give theirs back, so that it is shared out among them."""
    SCHEDULING = "scheduling"
    """Weight, cap and affinity of vCPUs."""
    LIVE_MIGRATION = "live-migration"


class Condition(Enum):
    """A domain as the hypervisor sees it; a domain that is gone has none."""

    RUNNING = "running"
    PAUSED = "paused"
    DYING = "dying"
    """Ended by itself and about to go."""


class End(Enum):
    """Why a domain ended by itself."""

    POWEROFF = "poweroff"
    REBOOT = "reboot"
    CRASH = "crash"
    KILLED = "killed"
    """Its process went away (under Xen: it was destroyed by somebody else)."""
    UNKNOWN = "unknown"
    """It went while nobody watched."""

    def is_crash(self) -> bool:
        return self in (End.CRASH, End.KILLED)


class Nbd(msgspec.Struct, frozen=True, tag=True):
    """An NBD export on a Unix socket."""

    socket: str
    export: str


class BlockDevice(msgspec.Struct, frozen=True, tag=True):
    path: str


class RawFile(msgspec.Struct, frozen=True, tag=True):
    path: str


Source = Nbd | BlockDevice | RawFile


@dataclass(frozen=True, slots=True)
class Disk:
    """A VBD with what it opens; no source: an empty drive."""

    vbd: Vbd
    position: int
    source: Source | None


@dataclass(frozen=True, slots=True)
class Nic:
    """A VIF with the name of the host's end."""

    vif: Vif
    device: str


@dataclass(frozen=True, slots=True)
class Domain:
    """Everything a domain is launched with."""

    vm: Vm
    domid: int
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    target: int = 0
    """Bytes of memory to start with, if less than the most it may use."""

    @property
    def memory(self) -> int:
        """Bytes of memory the domain starts with."""
        return self.target or min(self.vm.memory_dynamic_max, self.vm.memory_static_max)


@dataclass(frozen=True, slots=True)
class Running:
    """Volatile facts of a live domain: bytes of memory, vCPUs online."""

    condition: Condition
    memory_actual: int
    vcpus: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A domain's volatile facts may have changed (paused, resumed, ballooned)."""

    vm: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A domain ended: told for every end, asked for or not; the reason of the first telling counts."""

    vm: str
    why: End


Event = Changed | Ended
Listener = Callable[[Event], None]


def unsupported(what: str) -> RpcError:
    """Return the error for something this hypervisor cannot do."""
    return RpcError(Problem.UNIMPLEMENTED, what)


class Hypervisor(ABC):
    """A hypervisor driver. Methods are called from the event loop, for one VM one at a time, for several VMs at once.

    All may raise :class:`idl.rpc.RpcError` with a :class:`idl.xenops.Problem`. Methods that name a *vm* without a domain
    raise ``Domain_not_built``, except where they say otherwise.
    """

    name: str
    capabilities: frozenset[Capability]
    opens: tuple[type[Source], ...] = (Nbd, BlockDevice, RawFile)
    """What disks it can open, in order of preference."""

    def make_store(self) -> Store:
        """Return the store its guests have; called once, before :meth:`open`."""
        return MemoryStore()

    @abstractmethod
    async def open(self, listener: Listener) -> None:
        """Connect and find the domains that already run (from before a restart of the daemon).

        From then on *listener* is called in the event loop for every event. Called once, before anything else.
        """

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; domains run on."""

    @abstractmethod
    def domains(self) -> dict[str, Running]:
        """Return the present domains by VM. Costs nothing: what is known from events."""

    @abstractmethod
    def consoles(self, vm: Vm, domid: int) -> list[Console]:
        """Return the consoles of a running domain."""

    def interface_name(self, domid: int, vif: Vif) -> str:
        """Return the name of the host's end of a plugged interface."""
        return f"vif{domid}.{vif.position}"

    def can_migrate(self, vm: Vm) -> bool:
        """Say whether a running guest of this kind can go to another host."""
        return False

    @abstractmethod
    async def launch(self, domain: Domain) -> int:
        """Build a domain with its devices and leave it paused; on failure nothing is left of it.

        Returns the domain's id: *domain.domid* is a proposal, where the hypervisor does not choose itself.
        """

    @abstractmethod
    async def destroy(self, vm: str) -> None:
        """End a domain at once, its accepted writes done. No domain is no error. Returns when it is gone."""

    @abstractmethod
    async def pause(self, vm: str) -> None: ...

    @abstractmethod
    async def unpause(self, vm: str) -> None: ...

    @abstractmethod
    async def request_shutdown(self, vm: str) -> None:
        """Ask the guest to power off, at once back; the end comes (or not) as :class:`Ended`."""

    @abstractmethod
    async def save(self, vm: str, image: Path) -> None:
        """Write the guest's whole state to the file *image* and end its domain. On failure the guest runs on."""

    @abstractmethod
    async def restore(self, domain: Domain, image: Path) -> int:
        """As :meth:`launch`, going on where :meth:`save` ended."""

    @abstractmethod
    async def plug_disk(self, vm: str, disk: Disk) -> None: ...

    @abstractmethod
    async def unplug_disk(self, vm: str, disk: Disk) -> None:
        """Take a disk from the guest; ``Device_detach_rejected`` if it does not let go within some seconds.

        A device the domain does not have is no error. Returns when nothing is open any more.
        """

    @abstractmethod
    async def change_media(self, vm: str, disk: Disk) -> None:
        """Give a removable drive the disk's source (None: empty it)."""

    @abstractmethod
    async def plug_nic(self, vm: str, nic: Nic) -> None: ...

    @abstractmethod
    async def unplug_nic(self, vm: str, nic: Nic) -> None:
        """As :meth:`unplug_disk`."""

    @abstractmethod
    async def update_nic(self, vm: str, nic: Nic) -> None:
        """Make a plugged interface's bridge, carrier and locking those of *nic*."""

    @abstractmethod
    async def set_vcpus(self, vm: str, vcpus: int) -> None: ...

    @abstractmethod
    async def set_memory_target(self, vm: str, target: int) -> None:
        """Ask the guest to use *target* bytes."""

    async def memory(self) -> tuple[int, dict[str, int]]:
        """Return the host's free memory and what each domain has now, in bytes (ability ``ballooning``)."""
        raise unsupported(Capability.BALLOONING)

    @abstractmethod
    async def send_key(self, vm: str, key: str) -> None:
        """Send a sysrq key."""

    @abstractmethod
    async def counters(self, domids: dict[str, int]) -> list[DomainCounters]:
        """Return raw counters of the live domains among *domids* (VM -> domid)."""

    @abstractmethod
    async def host(self) -> HostState: ...


def require(capabilities: frozenset[Capability], wanted: Sequence[Capability]) -> None:
    """Raise ``Unimplemented`` naming the first ability that is wanted and missing."""
    for capability in wanted:
        if capability not in capabilities:
            raise unsupported(capability)
