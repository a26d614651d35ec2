"""What a boot loader says becomes a direct boot."""

from pathlib import Path

import pytest

from idl.rpc import RpcError
from idl.xenops import Direct, DirectBoot, Hvm, HvmInfo, Indirect, IndirectBoot, Pv, PvInfo, Vbd, Vm
from xenopsd.bootloader import boot_files, find_loader, parse
from xenopsd.hypervisors.base import BlockDevice, Disk, Domain

BOOT = IndirectBoot(bootloader="pygrub", legacy_args="legacy", extra_args="extra")


def test_kernel_ramdisk_and_all_arguments(tmp_path: Path) -> None:
    output = f"kernel {tmp_path}/k\nramdisk {tmp_path}/r\nargs root=/dev/xvda1 ro\n"
    expected = DirectBoot(kernel=f"{tmp_path}/k", ramdisk=f"{tmp_path}/r", cmdline="root=/dev/xvda1 ro legacy extra")
    assert parse("u", output, BOOT, tmp_path) == expected


@pytest.mark.parametrize("output", ["", "args x\n", "kernel /etc/passwd\n"])
def test_what_makes_no_boot_is_an_error(output: str, tmp_path: Path) -> None:
    with pytest.raises(RpcError, match="Bootloader_error"):
        parse("u", output, BOOT, tmp_path)


def test_other_programs_are_not_run() -> None:
    with pytest.raises(RpcError, match="Bootloader_error"):
        find_loader("/bin/sh")


def a_vm(ty: object) -> Vm:
    sizes = {"memory_static_max": 1, "memory_dynamic_max": 1, "memory_dynamic_min": 1, "vcpu_max": 1, "vcpus": 1}
    return Vm(id="u", ty=ty, **sizes)  # type: ignore[arg-type]


async def test_firmware_needs_nothing_and_direct_boot_its_files(tmp_path: Path) -> None:
    assert (await boot_files(Domain(a_vm(Hvm(HvmInfo())), 1), tmp_path)).direct is None
    direct = Pv(PvInfo(boot=Direct(DirectBoot(kernel=str(tmp_path / "missing")))))
    with pytest.raises(RpcError, match="Does_not_exist"):
        await boot_files(Domain(a_vm(direct), 1), tmp_path)


async def test_a_loader_needs_a_disk_and_leaves_nothing_behind(tmp_path: Path) -> None:
    indirect = Pv(PvInfo(boot=Indirect(BOOT)))
    with pytest.raises(RpcError, match="No_bootable_device"):
        await boot_files(Domain(a_vm(indirect), 1), tmp_path)
    disk = Disk(Vbd(id=("u", "xvda")), 0, BlockDevice("/dev/null"))
    with pytest.raises(RpcError, match="Bootloader_error"):
        await boot_files(Domain(a_vm(indirect), 1, (disk,)), tmp_path / "boot")
    assert list((tmp_path / "boot").iterdir()) == []
