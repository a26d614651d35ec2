"""The demo guest as Xen's guests boot it: its kernel and its initrd taken from its disk, speaking on Xen's console."""

import gzip
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from embedded.guest_image import initramfs
from embedded.guest_image.build import FILES, GuestImage
from idl.xenops import BuildType, Direct, DirectBoot, Pv, Pvh, PvInfo

HERE = Path(__file__).parent / "guest_files"
SERIAL, CONSOLE = b"ttyS0", b"hvc0"
SECTOR = 512


@dataclass(frozen=True, slots=True)
class XenGuest:
    kernel: Path
    initrd: Path

    def _info(self, cmdline: str) -> PvInfo:
        boot = DirectBoot(kernel=str(self.kernel), ramdisk=str(self.initrd), cmdline=cmdline)
        return PvInfo(boot=Direct(boot), framebuffer=False)

    def pv(self, cmdline: str = "console=hvc0 quiet panic=5") -> BuildType:
        return Pv(self._info(cmdline))

    def pvh(self, cmdline: str = "console=hvc0 quiet panic=5") -> BuildType:
        return Pvh(self._info(cmdline))


def xen_guest(image: GuestImage, folder: Path) -> XenGuest:
    """Make the files in *folder*, once. Needs root."""
    made = XenGuest(folder / "vmlinuz", folder / "initrd-xen.gz")
    if not made.initrd.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image.kernel, made.kernel)
        fresh = folder / "initrd.new"
        # The kernel unpacks one archive after the other; what comes later wins.
        fresh.write_bytes(_initrd_of(image.raw) + gzip.compress(initramfs.archive(_overlay())))
        fresh.rename(made.initrd)
    return made


def _overlay() -> list[initramfs.Entry]:
    def spoken(name: str) -> bytes:
        return (FILES / name).read_bytes().replace(SERIAL, CONSOLE)

    agent = b"::respawn:/bin/guest-agent\n"
    return [
        # What the kernel runs when xenstore asks it to power off.
        initramfs.link("sbin/poweroff", "../bin/busybox"),
        initramfs.file("etc/inittab", spoken("inittab") + agent),
        *(initramfs.file(name, spoken(Path(name).name), executable=True) for name in ("etc/rcS", "bin/network", "bin/counter")),
        *(initramfs.file(f"bin/{path.name}", path.read_bytes(), executable=True) for path in sorted(HERE.iterdir())),
    ]


def _initrd_of(disk: Path) -> bytes:
    first_sector = int.from_bytes(disk.read_bytes()[454:458], "little")
    with tempfile.TemporaryDirectory() as place:
        options = f"ro,loop,offset={first_sector * SECTOR}"
        subprocess.run(["mount", "-o", options, str(disk), place], check=True, timeout=60)
        try:
            return (Path(place) / "initrd.gz").read_bytes()
        finally:
            subprocess.run(["umount", place], check=True, timeout=60)
