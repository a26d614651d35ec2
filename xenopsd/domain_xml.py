"""libvirt's XML for domains and their devices under QEMU: values in, text out.

PCI slots are given, not left to chance, so that a guest finds its disks (``vda`` is position 0) and interfaces in the
same order however they were plugged, and a saved guest can be restored into a newly written domain.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from idl.rpc import RpcError
from idl.xenops import Action, DeviceType, Direct, Hvm, HvmInfo, LocalDisk, Problem, PvInfo, UefiFirmware, VdiDisk, Vm
from xenopsd import devices
from xenopsd.elements import e, printable, text
from xenopsd.hypervisors.base import BlockDevice, Capability, Disk, Domain, Nbd, Nic, RawFile, unsupported

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

BALLOON_SLOT = 0x03
FIRST_NIC_SLOT, NIC_SLOTS = 0x08, 8
FIRST_DISK_SLOT, DISK_SLOTS = 0x10, 16
IDE_DRIVES = 4
SERIAL_LENGTH = 20
"""What virtio-blk carries of a serial number."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The host's part of every domain: ``kvm`` or ``qemu`` (software emulation), the emulator, where sockets go."""

    accelerator: str
    emulator: str
    directory: Path

    def serial_socket(self, domid: int) -> Path:
        return self.directory / f"serial-{domid}"

    def vnc_socket(self, domid: int) -> Path:
        return self.directory / f"vnc-{domid}"

    def serial_log(self, vm: str) -> Path:
        return self.directory / f"serial-{vm}.log"


def domain(machine: Machine, what: Domain) -> str:
    """Return the XML a domain is launched with."""
    vm = what.vm
    return text(
        e(
            "domain",
            e("name", vm.id),
            e("uuid", vm.id),
            e("title", printable(vm.name)),
            e("memory", str(vm.memory_static_max >> 10), unit="KiB"),
            e("currentMemory", str(min(vm.memory_dynamic_max, vm.memory_static_max) >> 10), unit="KiB"),
            e("vcpu", str(vm.vcpu_max), placement="static", current=str(vm.vcpus)),
            *_boot(vm),
            e("features", e("acpi"), e("apic")),
            _cpu(vm),
            e("clock", offset="variable", adjustment=time_offset(vm), basis="utc"),
            e("on_poweroff", on_end(vm.on_shutdown)),
            e("on_reboot", on_end(vm.on_reboot)),
            e("on_crash", on_end(vm.on_crash)),
            e(
                "devices",
                e("emulator", machine.emulator),
                *_usb(vm),
                *(_disk(disk, order) for disk, order in _boot_orders(what)),
                *(_interface(nic, order) for nic, order in _nic_orders(what)),
                *_consoles(machine, what),
                e("memballoon", e("stats", period="10"), _pci(BALLOON_SLOT), model="virtio"),
                e("panic", model="isa"),
            ),
            type=machine.accelerator,
        )
    )


def as_the_guest_knows_it(fresh: str, saved: str) -> str:
    """Return *fresh*, the XML of a domain to restore, with what the guest has seen in the domain that was *saved*.

    Its vCPUs may have been plugged one by one, and its disks may be copies of those it had: libvirt refuses to restore
    a guest into a domain that differs in the order of vCPUs or in serial numbers.
    """
    domain, before = etree.fromstring(fresh), etree.fromstring(saved)
    vcpus = [found for tag in ("vcpu", "vcpus") if (found := before.find(tag)) is not None]
    place = domain.find("vcpu")
    assert place is not None
    for element in vcpus:
        place.addprevious(element)
    if vcpus:
        domain.remove(place)
    serials = {alias.get("name"): serial for alias, serial in _serials(before)}
    for alias, serial in _serials(domain):
        known = serials.get(alias.get("name"))
        if known is not None:
            serial.text = known.text
    return text(domain)


def _serials(domain: "Element") -> "list[tuple[Element, Element]]":
    """Return each disk's alias and serial number."""
    found = [(disk.find("alias"), disk.find("serial")) for disk in domain.iterfind("devices/disk")]
    return [(alias, serial) for alias, serial in found if alias is not None and serial is not None]


def disk(what: Disk) -> str:
    """Return the XML to plug, unplug or change a disk of a running domain."""
    return text(_disk(what, None))


def interface(what: Nic) -> str:
    """Return the XML to plug, unplug or change an interface of a running domain."""
    return text(_interface(what, None))


def disk_alias(what: Disk) -> str:
    """Return the name libvirt's events have for a disk."""
    return f"ua-vbd-{what.vbd.id[1]}"


def interface_alias(what: Nic) -> str:
    return f"ua-vif-{what.vif.id[1]}"


def target(what: Disk) -> tuple[str, str]:
    """Return (libvirt's device name, bus) of a disk."""
    letter = devices.letters(what.position)
    match what.vbd.ty:
        case DeviceType.DISK:
            return f"vd{letter}", "virtio"
        case DeviceType.FLOPPY:
            return f"fd{letter}", "fdc"
        case DeviceType.CDROM if what.position < IDE_DRIVES:
            return f"hd{letter}", "ide"
        case DeviceType.CDROM:
            return f"sd{letter}", "sata"


def pv_info(vm: Vm) -> PvInfo | None:
    return None if isinstance(vm.ty, Hvm) else vm.ty.info


def hvm_info(vm: Vm) -> HvmInfo:
    return vm.ty.info if isinstance(vm.ty, Hvm) else HvmInfo(video="Standard_VGA", video_mib=16)


def _boot(vm: Vm) -> "list[Element]":
    kind = e("type", "hvm", arch="x86_64", machine="pc")
    pv = pv_info(vm)
    if pv is None:
        if isinstance(hvm_info(vm).firmware, UefiFirmware):
            raise unsupported(Capability.UEFI)
        return [e("os", kind)]
    if not isinstance(pv.boot, Direct):
        raise unsupported(Capability.INDIRECT_BOOT)
    boot = pv.boot.boot
    for file in (boot.kernel, boot.ramdisk):
        if file is not None and not Path(file).is_file():
            raise RpcError(Problem.DOES_NOT_EXIST, "file", file)
    ramdisk = [e("initrd", boot.ramdisk)] if boot.ramdisk else []
    return [e("os", kind, e("kernel", boot.kernel), *ramdisk, e("cmdline", boot.cmdline))]


def _cpu(vm: Vm) -> "Element":
    cores = vm.platformdata.get("cores-per-socket", "")
    topology = []
    if cores.isdigit() and int(cores) > 0 and vm.vcpu_max % int(cores) == 0:
        topology = [e("topology", sockets=str(vm.vcpu_max // int(cores)), cores=cores, threads="1")]
    return e("cpu", *topology, mode="maximum", migratable="on")


def time_offset(vm: Vm) -> str:
    offset = hvm_info(vm).timeoffset
    return offset if offset.lstrip("-").isdigit() else "0"


def on_end(actions: list[Action]) -> str:
    """Return libvirt's part in a domain's end: it destroys, unless the domain is to be kept for a look at it.

    Starting anew is always our own operation, with a new domain.
    """
    return "preserve" if Action.PAUSE in actions else "destroy"


def _usb(vm: Vm) -> "list[Element]":
    if not isinstance(vm.ty, Hvm) or vm.platformdata.get("usb", "true").lower() in ("false", "0"):
        return [e("controller", type="usb", model="none")]
    # An absolute pointer: without it a mouse over VNC drifts from the client's.
    # Its port is said because libvirt restores no domain where it would have to choose one.
    port = e("address", type="usb", bus="0", port="1")
    return [e("controller", type="usb", model="piix3-uhci"), e("input", port, type="tablet", bus="usb")]


def _boot_orders(what: Domain) -> "list[tuple[Disk, int | None]]":
    orders = boot_orders(what)
    return [(disk, orders.get(disk.vbd.id[1])) for disk in what.disks]


def _nic_orders(what: Domain) -> "list[tuple[Nic, int | None]]":
    orders = boot_orders(what)
    return [(nic, orders.get(nic.vif.id[1])) for nic in what.nics]


def boot_orders(what: Domain) -> dict[str, int]:
    """Return each device's turn (from 1) in the firmware's search, from the VM's boot order letters.

    Among disks those marked bootable come first.
    """
    if pv_info(what.vm) is not None:
        return {}
    disks = [disk for disk in what.disks if disk.vbd.ty is DeviceType.DISK]
    classes = {
        "c": [disk.vbd.id[1] for disk in sorted(disks, key=lambda disk: not disk.vbd.bootable)],
        "d": [disk.vbd.id[1] for disk in what.disks if disk.vbd.ty is DeviceType.CDROM],
        "n": [nic.vif.id[1] for nic in what.nics],
    }
    letters = dict.fromkeys(hvm_info(what.vm).boot_order or "cd")
    devices_in_turn = [device for letter in letters for device in classes.get(letter, [])]
    return {device: turn for turn, device in enumerate(devices_in_turn, start=1)}


def _pci(slot: int) -> "Element":
    return e("address", type="pci", domain="0x0000", bus="0x00", slot=f"{slot:#04x}", function="0x0")


def _disk(what: Disk, boot_order: int | None) -> "Element":
    name, bus = target(what)
    kind, source = _source(what)
    # A full disk is an I/O error in the guest, as everywhere; QEMU's own default is to stop the whole machine.
    children = [e("driver", name="qemu", type="raw", discard="unmap", error_policy="report")]
    children += source
    children += [e("target", dev=name, bus=bus), e("alias", name=disk_alias(what))]
    if what.vbd.mode == "ReadOnly" or what.vbd.ty is DeviceType.CDROM:
        children.append(e("readonly"))
    if what.vbd.ty is DeviceType.DISK:
        children.append(e("serial", _serial(what)))
        if what.position < DISK_SLOTS:
            children.append(_pci(FIRST_DISK_SLOT + what.position))
    if boot_order is not None:
        children.append(e("boot", order=str(boot_order)))
    return e("disk", *children, type=kind, device=what.vbd.ty.value.lower())


def _source(what: Disk) -> "tuple[str, list[Element]]":
    match what.source:
        case None:
            return "file", []
        case Nbd(socket, export):
            host = e("host", transport="unix", socket=socket)
            return "network", [e("source", host, e("reconnect", delay="10"), protocol="nbd", name=export)]
        case BlockDevice(path):
            return "block", [e("source", dev=path)]
        case RawFile(path):
            return "file", [e("source", file=path)]


def _serial(what: Disk) -> str:
    match what.vbd.backend:
        case VdiDisk(location):
            return location.rpartition("/")[2].replace("-", "")[:SERIAL_LENGTH]
        case LocalDisk() | None:
            return what.vbd.id[1][:SERIAL_LENGTH]


def _interface(what: Nic, boot_order: int | None) -> "Element":
    vif = what.vif
    children = [
        e("mac", address=vif.mac),
        e("source", bridge=vif.backend.bridge),
        e("target", dev=what.device),
        e("alias", name=interface_alias(what)),
        e("model", type="virtio"),
        e("mtu", size=str(vif.mtu)),
        e("link", state="up" if vif.carrier and vif.locking_mode != "Disabled" else "down"),
    ]
    if vif.rate is not None:
        average = str(max(1, vif.rate[0]))
        children.append(e("bandwidth", e("inbound", average=average), e("outbound", average=average)))
    if vif.position < NIC_SLOTS:
        children.append(_pci(FIRST_NIC_SLOT + vif.position))
    if boot_order is not None:
        children.append(e("boot", order=str(boot_order)))
    return e("interface", *children, type="bridge")


def _consoles(machine: Machine, what: Domain) -> "list[Element]":
    socket = e("source", mode="bind", path=str(machine.serial_socket(what.domid)))
    log = e("log", file=str(machine.serial_log(what.vm.id)), append="off")
    elements = [e("serial", socket, log, e("target", type="isa-serial", port="0"), type="unix")]
    if has_framebuffer(what.vm):
        video = {"Cirrus": "cirrus"}.get(hvm_info(what.vm).video, "vga")
        memory = str(max(hvm_info(what.vm).video_mib, 4) * 1024)
        keymap = hvm_info(what.vm).keymap
        elements += [
            e("graphics", type="vnc", socket=str(machine.vnc_socket(what.domid)), **({"keymap": keymap} if keymap else {})),
            e("video", e("model", type=video, vram=memory)),
        ]
    return elements


def has_framebuffer(vm: Vm) -> bool:
    pv = pv_info(vm)
    return pv is None or pv.framebuffer
