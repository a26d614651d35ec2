"""Builds the demo guest's image once and keeps it in the cache under the hash of its recipe.

The recipe is this package: its code, its list of packages and the files that go into the guest. A change of
any of them makes another image; a new kernel in Debian alone does not, so a second run needs no network.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from embedded import debian
from embedded.guest_image import disk, initramfs
from embedded.progress import Step, run

KERNEL_FLAVOUR = "cloud-amd64"
PACKAGES = ("busybox-static", "syslinux", "syslinux-common", "mtools")
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "virtio_scsi", "virtio_rng", "virtio_balloon",
    "xen_blkfront", "xen_netfront", "ata_piix", "sd_mod", "sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii",
    "evdev", "button",
)  # fmt: skip
HERE = Path(__file__).parent
FILES = HERE / "files"


@dataclass(frozen=True, slots=True)
class GuestImage:
    """The products in the cache: the disk raw and as QCOW2, a CD with one file, and kernel and initrd alone."""

    folder: Path

    @property
    def raw(self) -> Path:
        return self.folder / "demo.raw"

    @property
    def qcow2(self) -> Path:
        return self.folder / "demo.qcow2"

    @property
    def iso(self) -> Path:
        return self.folder / "demo.iso"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.gz"


def recipe_hash() -> str:
    """Return a short name for what would be built."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.py"), *FILES.iterdir()]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def image(cache: Path) -> GuestImage:
    """Return the image of the present recipe, built now if the cache lacks it."""
    with Step("Demo guest image") as step:
        made = GuestImage(cache / f"guest-{recipe_hash()}")
        if made.folder.is_dir():
            step.done(f"{made.qcow2} is there")
            return made
        step.doing("building from Debian packages")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch:
            product = Path(scratch) / "product"
            build(Path(scratch) / "work", GuestImage(product))
            product.rename(made.folder)
        step.done(f"{made.qcow2}, {made.qcow2.stat().st_size / 1e6:.0f} MB")
        return made


def build(work: Path, product: GuestImage) -> None:
    """Make everything of *product* in its (new) folder, using *work* for what is thrown away."""
    product.folder.mkdir(parents=True)
    tree = work / "unpacked"
    archives = debian.unpack([debian.newest_kernel_package(KERNEL_FLAVOUR), *PACKAGES], tree)
    (product.folder / "packages").write_text("".join(f"{name}\n" for name in archives))
    shutil.copyfile(next(tree.glob("boot/vmlinuz-*")), product.kernel)
    product.initrd.write_bytes(initramfs.compressed(initramfs.archive(root_file_system(tree))))
    loader = disk.Loader(tree / "usr/bin", tree / "usr/lib/syslinux/mbr/mbr.bin")
    boot_files = {"vmlinuz": product.kernel, "initrd.gz": product.initrd, "syslinux.cfg": FILES / "syslinux.cfg"}
    disk.write(product.raw, loader, boot_files)
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", product.raw, product.qcow2], timeout=120)
    write_cd(work / "cd", product.iso)


def root_file_system(tree: Path) -> list[initramfs.Entry]:
    """Return the guest's files; *tree* holds the unpacked packages."""
    modules = initramfs.module_order(next(tree.glob("lib/modules/*")), MODULES)
    names = "".join(f"{path.name}\n" for path in modules)
    busybox = next(path for path in (tree / "bin/busybox", tree / "usr/bin/busybox") if path.exists())
    script = {path.name: path.read_bytes() for path in FILES.iterdir()}
    return [
        *(
            initramfs.directory(name)
            for name in (
                "bin", "sbin", "dev", "etc", "etc/acpi", "etc/acpi/PWRF", "lib", "lib/modules", "proc", "sys",
                "run", "data", "mnt", "root", "tmp", "var", "var/run", "var/log",
            )
        ),
        initramfs.character_device("dev/console", 5, 1),
        initramfs.file("bin/busybox", busybox.read_bytes(), executable=True),
        *(initramfs.link(f"bin/{name}", "busybox") for name in applets(busybox)),
        initramfs.link("sbin/acpid", "../bin/busybox"),
        initramfs.link("sbin/reboot", "../bin/busybox"),
        initramfs.link("init", "bin/busybox"),
        initramfs.file("etc/inittab", script["inittab"]),
        initramfs.file("etc/rcS", script["rcS"], executable=True),
        initramfs.file("bin/network", script["network"], executable=True),
        initramfs.file("bin/counter", script["counter"], executable=True),
        initramfs.file("etc/acpi/PWRF/00000080", script["power-button"], executable=True),
        initramfs.file("etc/passwd", b"root::0:0:root:/root:/bin/sh\n"),
        initramfs.file("etc/profile", b"PS1='demo# '; export PS1\n"),
        initramfs.file("etc/modules", names.encode()),
        *(initramfs.file(f"lib/modules/{path.name}", path.read_bytes()) for path in modules),
    ]  # fmt: skip


def applets(busybox: Path) -> list[str]:
    """Return the names busybox answers to."""
    return [name for name in run([busybox, "--list"], timeout=30).split() if name != "busybox"]


def write_cd(folder: Path, iso: Path) -> None:
    """Make a CD image with one file."""
    folder.mkdir()
    (folder / "readme.txt").write_text("A CD for the demo guest.\n")
    run(["genisoimage", "-quiet", "-r", "-V", "DEMO", "-o", iso, folder], timeout=60)
