"""libvirt's XML for domains and their devices under Xen (driver ``libxl``): values in, text out.

What libxl cannot be told here (scheduler weight and cap, carrier of an interface, xenstore keys) is done by the driver
after the launch, while the domain is still paused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lxml import etree

from idl.rpc import RpcError
from idl.xenops import Action, DeviceType, DirectBoot, Hvm, Problem, Pvh, PvInPvh, UefiFirmware, Vm
from xenopsd import devices
from xenopsd.domain_xml import hvm_info, on_end, time_offset
from xenopsd.elements import e, printable, text
from xenopsd.hypervisors.base import BlockDevice, Disk, Domain, Nbd, Nic, RawFile, unsupported

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

IDE_DRIVES: Final = 4
TSC_MODES: Final = {"1": "emulate", "2": "native", "3": "paravirt"}
BOOT_DEVICES: Final = {"c": "hd", "d": "cdrom", "n": "network"}
OVS_SCRIPT: Final = "vif-openvswitch"
TRUE: Final = ("true", "1")


@dataclass(frozen=True, slots=True)
class Machine:
    """The host's part of every domain."""

    emulator: str
    """Xen's QEMU: HVM guests' devices and PV guests' screens."""
    ovmf: str
    is_openvswitch: Callable[[str], bool]
    """Whether a bridge is one of Open vSwitch's."""


def domain(machine: Machine, what: Domain, boot: DirectBoot | None) -> str:
    """Return the XML a domain is launched with; *boot* is what a guest without firmware begins with."""
    vm = what.vm
    if isinstance(vm.ty, PvInPvh):
        raise unsupported("PV in PVH: libvirt cannot ask for the shim")
    hvm = isinstance(vm.ty, Hvm)
    return text(
        e(
            "domain",
            e("name", vm.id),
            e("uuid", vm.id),
            e("title", printable(vm.name)),
            e("memory", str(vm.memory_static_max >> 10), unit="KiB"),
            e("currentMemory", str(what.memory >> 10), unit="KiB"),
            e("vcpu", str(vm.vcpu_max), placement="static", current=str(vm.vcpus)),
            *_affinity(vm),
            _os(machine, vm, boot),
            *_features(vm),
            *_cpu(vm),
            _clock(vm),
            e("on_poweroff", on_end(vm.on_shutdown)),
            # Kept for a moment: that a domain is still there is how the driver tells a reboot from a power-off.
            e("on_reboot", "preserve" if Action.PAUSE not in vm.on_shutdown else on_end(vm.on_reboot)),
            e("on_crash", on_end(vm.on_crash)),
            e(
                "devices",
                *([e("emulator", machine.emulator)] if has_emulator(vm) else []),
                *(_disk(hvm, disk) for disk in what.disks if is_there(hvm, disk)),
                *(_interface(machine, nic) for nic in what.nics),
                *_consoles(vm),
            ),
            type="xen",
        )
    )


def disk(hvm: bool, what: Disk) -> str:
    """Return the XML to plug, unplug or change a disk of a running domain."""
    return text(_disk(hvm, what))


def boot_of(xml: str) -> DirectBoot:
    """Return what a domain with this XML was started from; for one with firmware it means nothing."""
    os = etree.fromstring(xml).find("os")
    assert os is not None
    return DirectBoot(kernel=os.findtext("kernel", ""), ramdisk=os.findtext("initrd"), cmdline=os.findtext("cmdline", ""))


def interface(machine: Machine, what: Nic) -> str:
    return text(_interface(machine, what))


def is_there(hvm: bool, what: Disk) -> bool:
    """Say whether the domain has the device at all: a paravirtual drive exists only with a medium."""
    return hvm or what.source is not None


def has_framebuffer(vm: Vm) -> bool:
    return isinstance(vm.ty, Hvm) or (not isinstance(vm.ty, Pvh) and vm.ty.info.framebuffer)


def has_emulator(vm: Vm) -> bool:
    return has_framebuffer(vm)


def target(hvm: bool, what: Disk) -> tuple[str, str]:
    """Return (libvirt's device name, bus) of a disk: firmware knows the first four as IDE drives."""
    letters = devices.letters(what.position)
    if hvm:
        if what.vbd.ty is DeviceType.FLOPPY:
            return f"fd{letters}", "fdc"
        if what.position < IDE_DRIVES:
            return f"hd{letters}", "ide"
    return f"xvd{letters}", "xen"


def devid(name: str) -> int:
    """Return Xen's number of a disk called ``xvdb`` or ``hda`` (spec: device numbers)."""
    position = devices.position_of(name)
    assert position is not None, name
    if name.startswith("hd"):
        majors = (3, 22, 33, 34)
        return majors[position // 2] << 8 | (position & 1) << 6
    return 202 << 8 | position << 4 if position < 16 else 1 << 28 | position << 8


def _os(machine: Machine, vm: Vm, boot: DirectBoot | None) -> "Element":
    if isinstance(vm.ty, Hvm):
        firmware = e("loader", "hvmloader", type="rom")
        if isinstance(vm.ty.info.firmware, UefiFirmware):
            if not Path(machine.ovmf).is_file():
                raise RpcError(Problem.DOES_NOT_EXIST, "file", machine.ovmf)
            firmware = e("loader", machine.ovmf, readonly="yes", type="pflash")
        order = [BOOT_DEVICES[letter] for letter in dict.fromkeys(vm.ty.info.boot_order or "cd") if letter in BOOT_DEVICES]
        return e("os", e("type", "hvm", arch="x86_64"), firmware, *(e("boot", dev=device) for device in order))
    kind = "xenpvh" if isinstance(vm.ty, Pvh) else "linux"
    assert boot is not None
    ramdisk = [e("initrd", boot.ramdisk)] if boot.ramdisk else []
    return e("os", e("type", kind, arch="x86_64"), e("kernel", boot.kernel), *ramdisk, e("cmdline", boot.cmdline))


def _flag(vm: Vm, key: str, default: str) -> bool:
    return vm.platformdata.get(key, default).lower() in TRUE


def _features(vm: Vm) -> "list[Element]":
    if isinstance(vm.ty, Hvm):
        found = [e(name) for name in ("pae", "acpi", "apic") if _flag(vm, name, "true")]
        found.append(e("hap", state="on" if vm.ty.info.hap else "off"))
        if _flag(vm, "viridian", "false"):
            found.append(e("viridian"))
        return [e("features", *found)]
    return [e("features", e("pae"), e("acpi"), e("apic"))] if isinstance(vm.ty, Pvh) else []


def _cpu(vm: Vm) -> "list[Element]":
    if isinstance(vm.ty, Hvm) and (_flag(vm, "nested-virt", "false") or _flag(vm, "exp-nested-hvm", "false")):
        features = [e("feature", policy="optional", name=name) for name in ("vmx", "svm")]
        return [e("cpu", *features, mode="host-passthrough", migratable="off")]
    return []


def _clock(vm: Vm) -> "Element":
    mode = TSC_MODES.get(vm.platformdata.get("tsc_mode", "0"))
    timers = [e("timer", name="tsc", mode=mode)] if mode else []
    if isinstance(vm.ty, Hvm):
        return e("clock", *timers, offset="variable", adjustment=time_offset(vm), basis="utc")
    return e("clock", *timers, offset="utc")


def _affinity(vm: Vm) -> "list[Element]":
    pins = [
        e("vcpupin", vcpu=str(vcpu), cpuset=",".join(map(str, cpus)))
        for vcpu, cpus in enumerate(vm.scheduler_params.affinity[: vm.vcpu_max])
        if cpus
    ]
    return [e("cputune", *pins)] if pins else []


def _disk(hvm: bool, what: Disk) -> "Element":
    name, bus = target(hvm, what)
    kind, source = _source(what)
    is_cd = what.vbd.ty is DeviceType.CDROM
    # A paravirtual CD is a disk that is plugged and unplugged.
    device = what.vbd.ty.value.lower() if hvm else "disk"
    readonly = [e("readonly")] if is_cd or what.vbd.mode == "ReadOnly" else []
    return e("disk", *source, e("target", dev=name, bus=bus), *readonly, type=kind, device=device)


def _source(what: Disk) -> "tuple[str, list[Element]]":
    match what.source:
        case None:
            return "file", [e("driver", name="qemu", type="raw")]
        case BlockDevice(path):
            return "block", [e("driver", name="phy", type="raw"), e("source", dev=path)]
        case RawFile(path):
            return "file", [e("driver", name="qemu", type="raw"), e("source", file=path)]
        case Nbd():
            raise RpcError(Problem.INTERNAL_ERROR, "Xen's block backends open no NBD sockets")


def _interface(machine: Machine, what: Nic) -> "Element":
    vif = what.vif
    children = [e("mac", address=vif.mac), e("source", bridge=vif.backend.bridge)]
    if machine.is_openvswitch(vif.backend.bridge):
        children.append(e("script", path=OVS_SCRIPT))
    if vif.rate is not None:
        average = str(max(1, vif.rate[0]))
        children.append(e("bandwidth", e("inbound", average=average), e("outbound", average=average)))
    return e("interface", *children, type="bridge")


def _consoles(vm: Vm) -> "list[Element]":
    if isinstance(vm.ty, Hvm):
        found = [e("serial", e("target", port="0"), type="pty")]
    else:
        found = [e("console", e("target", type="xen", port="0"), type="pty")]
    if not has_framebuffer(vm):
        return found
    info = hvm_info(vm)
    keymap = {"keymap": info.keymap} if info.keymap else {}
    found.append(e("graphics", type="vnc", port="-1", autoport="yes", listen="127.0.0.1", **keymap))
    if isinstance(vm.ty, Hvm):
        model = "cirrus" if info.video == "Cirrus" else "vga"
        found.append(e("video", e("model", type=model, vram=str(max(info.video_mib, 4 if model == "cirrus" else 8) * 1024))))
        if _flag(vm, "usb", "true"):
            found.append(e("input", type="tablet", bus="usb"))
    return found
