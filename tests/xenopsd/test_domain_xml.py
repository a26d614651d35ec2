"""The XML libvirt gets: a golden sample, and the choices that vary."""

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
    Indirect,
    IndirectBoot,
    LocalDisk,
    LocalNetwork,
    Pvh,
    PvInfo,
    Vbd,
    VdiDisk,
    Vif,
    Vm,
)
from xenopsd import domain_xml
from xenopsd.domain_xml import Machine
from xenopsd.hypervisors.base import Disk, Domain, Nbd, Nic, RawFile

MIB = 1 << 20
MACHINE = Machine("qemu", "/usr/bin/qemu-system-x86_64", Path("/e"))
GOLDEN = Path(__file__).with_name("domain.xml")


def vm(**fields: object) -> Vm:
    given: dict[str, object] = {
        "id": "6a2b6d9c-0000-4000-8000-000000000001",
        "name": "web",
        "ty": Hvm(HvmInfo(boot_order="dcn", video="Standard_VGA", video_mib=8)),
        "memory_static_max": 512 * MIB,
        "memory_dynamic_max": 256 * MIB,
        "memory_dynamic_min": 128 * MIB,
        "vcpu_max": 4,
        "vcpus": 2,
        "platformdata": {"cores-per-socket": "2"},
        "on_crash": [Action.PAUSE],
    }
    return Vm(**(given | fields))  # type: ignore[arg-type]


ROOT = Disk(Vbd(id=("v", "xvda"), backend=VdiDisk("sr/1b4e28ba-2fa1-11d2-883f-0016d3cca427")), 0, Nbd("/s/1", "x"))
DATA = Disk(Vbd(id=("v", "xvdb"), backend=LocalDisk("/d"), bootable=True, mode="ReadOnly"), 1, RawFile("/d"))
CD = Disk(Vbd(id=("v", "xvdd"), ty=DeviceType.CDROM, mode="ReadOnly"), 3, None)
NIC = Nic(Vif(id=("v", "0"), position=0, mac="00:16:3e:00:00:01", backend=LocalNetwork("xenbr0"), rate=(100, 0)), "vif5.0")


def parsed(domain: Domain) -> etree._Element:
    return etree.fromstring(domain_xml.domain(MACHINE, domain))


def test_a_whole_domain() -> None:
    text = domain_xml.domain(MACHINE, Domain(vm(), 5, (ROOT, DATA, CD), (NIC,)))
    assert text == GOLDEN.read_text()


def test_boot_order_follows_the_letters_and_prefers_bootable_disks() -> None:
    orders = domain_xml.boot_orders(Domain(vm(), 5, (ROOT, DATA, CD), (NIC,)))
    assert orders == {"xvdd": 1, "xvdb": 2, "xvda": 3, "0": 4}


def test_a_kernel_given_directly_needs_no_boot_order(tmp_path: Path) -> None:
    kernel = tmp_path / "vmlinuz"
    kernel.touch()
    direct = Pvh(PvInfo(boot=Direct(DirectBoot(kernel=str(kernel), cmdline="quiet")), framebuffer=False))
    xml = parsed(Domain(vm(ty=direct), 5, (ROOT,), ()))
    assert xml.findtext("os/kernel") == str(kernel)
    assert xml.find(".//boot") is None
    assert xml.find("devices/graphics") is None


@pytest.mark.parametrize(
    ("info", "error"),
    [
        (PvInfo(boot=Indirect(IndirectBoot(bootloader="pygrub"))), "indirect-boot"),
        (PvInfo(boot=Direct(DirectBoot(kernel="/missing"))), "Does_not_exist"),
    ],
)
def test_what_cannot_boot_is_said(info: PvInfo, error: str) -> None:
    with pytest.raises(RpcError, match=error):
        domain_xml.domain(MACHINE, Domain(vm(ty=Pvh(info)), 5))


def test_a_disabled_interface_has_no_carrier() -> None:
    vif = Vif(id=("v", "0"), position=0, mac="m", backend=LocalNetwork("b"), locking_mode="Disabled")
    assert 'state="down"' in domain_xml.interface(Nic(vif, "vif1.0"))


def test_names_that_xml_or_libvirt_refuse_are_blanked() -> None:
    assert parsed(Domain(vm(name="a\nb\x01c"), 5)).findtext("title") == "a b c"


def test_a_restored_domain_has_the_vcpus_and_serials_the_guest_knows() -> None:
    fresh = (
        "<domain><name>a</name><vcpu current='2'>2</vcpu><cpu/><devices>"
        "<disk><source name='new'/><alias name='ua-vbd-xvda'/><serial>copy</serial></disk>"
        "<disk><alias name='ua-vbd-xvdb'/><serial>kept</serial></disk></devices></domain>"
    )
    saved = (
        "<domain><vcpu current='2'>2</vcpu><vcpus><vcpu id='0' order='1'/></vcpus><devices>"
        "<disk><source name='old'/><alias name='ua-vbd-xvda'/><serial>original</serial></disk></devices></domain>"
    )
    found = etree.fromstring(domain_xml.as_the_guest_knows_it(fresh, saved))
    assert [child.tag for child in found] == ["name", "vcpu", "vcpus", "cpu", "devices"]
    assert [serial.text for serial in found.iter("serial")] == ["original", "kept"]
    assert [source.get("name") for source in found.iter("source")] == ["new"]
