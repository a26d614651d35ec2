"""Where a guest without firmware gets its kernel: given files, or what pygrub finds on the guest's own disk.

The extracted files are only needed while the domain is built.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from idl.rpc import RpcError
from idl.xenops import DeviceType, Direct, DirectBoot, Hvm, IndirectBoot, Problem
from xenopsd.hypervisors.base import BlockDevice, Disk, Domain, Nbd, RawFile

PYGRUB: Final = ("pygrub", "eliloader")
"""The loaders that a VM may name; both mean: find the kernel that is installed on the disk."""
PLACES: Final = "/usr/lib/xen-*/bin/pygrub"
PATIENCE: Final = 120.0
COMPLAINT: Final = "RuntimeError: "


@dataclass(frozen=True, slots=True)
class BootFiles:
    """What a domain boots from: nothing for a guest with firmware; *scratch* is removed after the launch."""

    direct: DirectBoot | None = None
    scratch: Path | None = field(default=None)

    def remove(self) -> None:
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


def clean(directory: Path) -> None:
    """Remove what an earlier life left behind."""
    shutil.rmtree(directory, ignore_errors=True)


async def boot_files(domain: Domain, directory: Path) -> BootFiles:
    """Return what *domain* boots from. :raises RpcError: ``Bootloader_error``, ``No_bootable_device``."""
    kind = domain.vm.ty
    if isinstance(kind, Hvm):
        return BootFiles()
    match kind.info.boot:
        case Direct(boot):
            for file in (boot.kernel, boot.ramdisk):
                if file is not None and not Path(file).is_file():
                    raise RpcError(Problem.DOES_NOT_EXIST, "file", file)
            return BootFiles(boot)
        case indirect:
            disk = _device(_boot_disk(domain.disks))
            directory.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=directory))
            try:
                return BootFiles(await _extract(domain.vm.id, indirect.boot, disk, scratch), scratch)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise


def _boot_disk(disks: Sequence[Disk]) -> Disk:
    candidates = [disk for disk in disks if disk.source is not None and disk.vbd.ty is not DeviceType.FLOPPY]
    if not candidates:
        raise RpcError(Problem.NO_BOOTABLE_DEVICE)
    return min(candidates, key=lambda disk: (not disk.vbd.bootable, disk.position))


def _device(disk: Disk) -> str:
    match disk.source:
        case BlockDevice(path) | RawFile(path):
            return path
        case Nbd() | None:
            raise RpcError(Problem.NO_BOOTABLE_DEVICE)


async def _extract(vm: str, boot: IndirectBoot, disk: str, scratch: Path) -> DirectBoot:
    loader = find_loader(boot.bootloader)
    command = [
        loader, "--quiet", "--output-format=simple", f"--output-directory={scratch}",
        *boot.bootloader_args.split(), disk,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, complaint = await process.communicate()
    except BaseException as error:
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise RpcError(Problem.BOOTLOADER_ERROR, vm, f"{loader} gave no answer in {PATIENCE:.0f} s") from None
        raise
    if process.returncode:
        text = complaint.decode(errors="replace").strip()
        raise RpcError(Problem.BOOTLOADER_ERROR, vm, text.rpartition(COMPLAINT)[2] or f"{loader}: {process.returncode}")
    return parse(vm, output.decode(errors="replace"), boot, scratch)


def find_loader(name: str) -> str:
    """Return the program that stands for a loader's name. :raises RpcError: ``Bootloader_error``."""
    if Path(name).name in PYGRUB:
        found = shutil.which("pygrub") or next(map(str, sorted(Path("/").glob(PLACES.lstrip("/")), reverse=True)), None)
        if found is not None:
            return found
    raise RpcError(Problem.BOOTLOADER_ERROR, name, "there is no such boot loader on this host")


def parse(vm: str, output: str, boot: IndirectBoot, scratch: Path) -> DirectBoot:
    """Read a loader's ``kernel P``, ``ramdisk P``, ``args A`` lines; its files must be in *scratch*."""
    found = dict(line.partition(" ")[::2] for line in output.splitlines() if " " in line)
    for key in ("kernel", "ramdisk"):
        if key in found and not Path(found[key]).resolve().is_relative_to(scratch.resolve()):
            raise RpcError(Problem.BOOTLOADER_ERROR, vm, f"{key}: unexpected path {found[key]}")
    if "kernel" not in found:
        raise RpcError(Problem.BOOTLOADER_ERROR, vm, f"no kernel in: {output.strip()}")
    arguments = " ".join(part for part in (found.get("args", "").strip(), boot.legacy_args, boot.extra_args) if part)
    return DirectBoot(kernel=found["kernel"], ramdisk=found.get("ramdisk"), cmdline=arguments)
