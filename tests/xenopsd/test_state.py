"""Records survive the daemon, and a half-written or damaged one does no harm."""

from pathlib import Path

import pytest

from idl.rpc import RpcError
from idl.xenops import Hvm, HvmInfo, LocalDisk, LocalNetwork, Vbd, Vif, Vm
from xenopsd.hypervisors.base import Nbd, RawFile
from xenopsd.state import Attachment, Private, Records, ensure_component

GIB = 1 << 30


def vm(name: str = "guest", id: str = "u") -> Vm:
    return Vm(
        id=id,
        name=name,
        ty=Hvm(HvmInfo()),
        vcpu_max=1,
        vcpus=1,
        memory_static_max=GIB,
        memory_dynamic_max=GIB,
        memory_dynamic_min=GIB,
    )


def filled(directory: Path) -> Records:
    records = Records(directory)
    records.put_vm(vm())
    records.put_vbd(Vbd(id=("u", "xvda"), backend=LocalDisk("/disk")))
    records.put_vif(Vif(id=("u", "0"), position=0, mac="x", backend=LocalNetwork("xenbr0")))
    return records


def test_everything_is_read_again(tmp_path: Path) -> None:
    records = filled(tmp_path)
    held = Attachment(dp="vbd/1/xvda", sr="s", vdi="v")
    sources = {"xvda": Nbd("/socket", "export"), "xvdb": RawFile("/file"), "xvdd": None}
    records.put_private("u", domid=records.allocate_domid(), plugged_vbds=sources, attached={"xvda": held})
    entry, again = records.get("u"), Records(tmp_path).get("u")
    assert (again.vm, again.vbds, again.vifs, again.private) == (entry.vm, entry.vbds, entry.vifs, entry.private)


def test_domain_ids_are_never_given_twice(tmp_path: Path) -> None:
    assert Records(tmp_path).allocate_domid() == 1
    assert Records(tmp_path).allocate_domid() == 2


def test_removal_removes_the_files(tmp_path: Path) -> None:
    records = filled(tmp_path)
    records.put_private("u", crashed=True)
    records.remove_vm("u")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    with pytest.raises(RpcError, match="Does_not_exist"):
        records.get("u")


def test_a_new_configuration_keeps_the_devices(tmp_path: Path) -> None:
    records = filled(tmp_path)
    records.put_vm(vm("other name"))
    assert records.get("u").vm.name == "other name"
    assert list(Records(tmp_path).get("u").vbds) == ["xvda"]


@pytest.mark.parametrize("file", ["VM/u/config", "VM/u/vbd.xvda", "extra/u", "next-domid"])
def test_a_damaged_file_is_ignored_and_the_rest_read(tmp_path: Path, file: str) -> None:
    records = filled(tmp_path)
    records.put_vm(vm(id="other"))
    records.put_private("u", domid=records.allocate_domid())
    (tmp_path / file).write_bytes(b"{")
    again = Records(tmp_path)
    assert again.find("other") is not None
    if file == "extra/u":
        assert again.get("u").private == Private()


def test_a_domain_id_is_not_given_again_though_the_counter_is_lost(tmp_path: Path) -> None:
    records = filled(tmp_path)
    records.put_private("u", domid=7)
    (tmp_path / "next-domid").unlink(missing_ok=True)
    assert Records(tmp_path).allocate_domid() == 8


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a\0b", "x" * 300])
def test_ids_from_clients_are_no_paths(name: str) -> None:
    with pytest.raises(RpcError, match="not an id"):
        ensure_component(name)
