"""Domains as libvirt's Xen driver is told about them."""

from pathlib import Path

import pytest
from lxml import etree

from idl.rpc import RpcError
from idl.xenops import (
    Action,
    DeviceType,
    Direct,
    DirectBoot,
    Hvm,
    HvmInfo,
    LocalNetwork,
    Pv,
    Pvh,
    PvInfo,
    PvInPvh,
    SchedulerParams,
    Uefi,
    UefiFirmware,
    Vbd,
    Vif,
    Vm,
)
from xenopsd.hypervisors.base import BlockDevice, Disk, Domain, End, Nbd, Nic
from xenopsd.hypervisors.xen_facts import read_facts
from xenopsd.xen_domain_xml import Machine, boot_of, devid, disk, domain

MIB = 1 << 20
BOOT = DirectBoot(kernel="/k", ramdisk="/i", cmdline="console=hvc0")
INFO = PvInfo(boot=Direct(BOOT), framebuffer=False)
MACHINE = Machine("/emulator", "/nowhere/OVMF.fd", lambda bridge: bridge.startswith("ovs"))


def vm(**fields: object) -> Vm:
    base: dict[str, object] = {
        "id": "u",
        "name": "a\nguest",
        "ty": Pv(INFO),
        "memory_static_max": 256 * MIB,
        "memory_dynamic_max": 192 * MIB,
        "memory_dynamic_min": 128 * MIB,
        "vcpu_max": 2,
        "vcpus": 1,
    }
    return Vm(**(base | fields))  # type: ignore[arg-type]


def a_disk(position: int = 0, **fields: object) -> Disk:
    vbd = Vbd(id=("u", f"xvd{'abcdefgh'[position]}"), **fields)  # type: ignore[arg-type]
    return Disk(vbd, position, BlockDevice(f"/dev/nbd{position}"))


def a_nic(bridge: str = "xenbr0", **fields: object) -> Nic:
    return Nic(Vif(id=("u", "0"), position=0, mac="52:54:00:00:00:01", backend=LocalNetwork(bridge), **fields), "vif1.0")  # type: ignore[arg-type]


def made(what: Domain, machine: Machine = MACHINE) -> "etree._Element":
    return etree.fromstring(domain(machine, what, BOOT))


def test_a_pv_guest_boots_a_kernel_and_speaks_on_xens_console() -> None:
    xml = made(Domain(vm(), 1, (a_disk(),), (a_nic(),)))
    assert xml.get("type") == "xen"
    assert (xml.findtext("os/type"), xml.findtext("os/kernel"), xml.findtext("os/cmdline")) == ("linux", "/k", "console=hvc0")
    assert xml.find("devices/console/target[@type='xen']") is not None
    assert xml.find("devices/graphics") is None
    assert xml.find("devices/emulator") is None
    assert (xml.findtext("memory"), xml.findtext("currentMemory")) == (str(256 << 10), str(192 << 10))
    assert xml.find("devices/disk/source[@dev='/dev/nbd0']") is not None
    assert xml.find("devices/disk/target[@dev='xvda']") is not None
    assert xml.find("devices/interface/script") is None


def test_a_pvh_guest_is_one() -> None:
    assert made(Domain(vm(ty=Pvh(INFO)), 1)).findtext("os/type") == "xenpvh"


def test_an_hvm_guest_has_firmware_a_boot_order_ide_drives_a_screen_and_a_serial_line() -> None:
    cd = Disk(Vbd(id=("u", "xvdd"), ty=DeviceType.CDROM, mode="ReadOnly"), 3, None)
    xml = made(Domain(vm(ty=Hvm(HvmInfo(boot_order="dc"))), 1, (a_disk(), a_disk(4), cd)))
    assert [boot.get("dev") for boot in xml.iterfind("os/boot")] == ["cdrom", "hd"]
    targets = [(target.get("dev"), target.get("bus")) for target in xml.iterfind("devices/disk/target")]
    assert targets == [("hda", "ide"), ("xvde", "xen"), ("hdd", "ide")]
    assert xml.find("devices/graphics[@type='vnc']") is not None
    assert xml.find("devices/serial") is not None


def test_uefi_needs_its_firmware_file(tmp_path: Path) -> None:
    guest = Domain(vm(ty=Hvm(HvmInfo(firmware=UefiFirmware(Uefi())))), 1)
    with pytest.raises(RpcError, match="OVMF"):
        made(guest)
    (tmp_path / "OVMF.fd").touch()
    xml = made(guest, Machine("/emulator", str(tmp_path / "OVMF.fd"), lambda _: False))
    assert xml.find("os/loader[@type='pflash']") is not None


def test_a_pv_guest_has_no_empty_drive() -> None:
    cd = Disk(Vbd(id=("u", "xvdd"), ty=DeviceType.CDROM, mode="ReadOnly"), 3, None)
    assert made(Domain(vm(), 1, (cd,))).find("devices/disk") is None


def test_open_vswitch_has_its_own_script() -> None:
    assert made(Domain(vm(), 1, (), (a_nic("ovsbr0"),))).find("devices/interface/script[@path='vif-openvswitch']") is not None


def test_vcpus_are_pinned_one_by_one() -> None:
    xml = made(Domain(vm(scheduler_params=SchedulerParams(affinity=[[0, 1], [2]])), 1))
    assert [pin.get("cpuset") for pin in xml.iterfind("cputune/vcpupin")] == ["0,1", "2"]


def test_what_xen_cannot_do_is_said() -> None:
    with pytest.raises(RpcError, match="Unimplemented"):
        made(Domain(vm(ty=PvInPvh(INFO)), 1))
    with pytest.raises(RpcError, match="NBD"):
        disk(False, Disk(Vbd(id=("u", "xvda")), 0, Nbd("s", "e")))


@pytest.mark.parametrize(
    ("shutdown", "kept_after", "why"),
    [(Action.SHUTDOWN, "preserve", End.REBOOT), (Action.PAUSE, "destroy", End.POWEROFF)],
)
def test_a_kept_domain_tells_how_it_ended(shutdown: Action, kept_after: str, why: End) -> None:
    text = domain(MACHINE, Domain(vm(on_shutdown=[shutdown]), 1), BOOT)
    assert etree.fromstring(text).findtext("on_reboot") == kept_after
    assert read_facts(text).end_of_kept() is why


def test_the_live_xml_tells_interfaces_screen_and_terminal() -> None:
    facts = read_facts(
        """<domain type='xen' id='5'><os><type>linux</type></os><on_poweroff>destroy</on_poweroff><devices>
        <disk><target dev='xvda'/></disk>
        <interface type='bridge'><mac address='52:54:00:AA:00:01'/><target dev='vif5.0'/></interface>
        <console type='pty' tty='/dev/pts/2'><source path='/dev/pts/2'/></console>
        <graphics type='vnc' port='5901'/></devices></domain>"""
    )
    assert (facts.domid, facts.hvm, facts.tty, facts.vnc_port) == (5, False, "/dev/pts/2", 5901)
    assert facts.interfaces == {"52:54:00:aa:00:01": "vif5.0"}
    assert facts.disks == {"xvda"}


def test_what_it_was_booted_from_is_read_back() -> None:
    assert boot_of(domain(MACHINE, Domain(vm(), 1), BOOT)) == BOOT


@pytest.mark.parametrize(
    ("name", "number"), [("xvda", 51712), ("xvdb", 51728), ("xvdq", (1 << 28) | (16 << 8)), ("hda", 768), ("hdd", 5696)]
)
def test_disks_have_xens_numbers(name: str, number: int) -> None:
    assert devid(name) == number
