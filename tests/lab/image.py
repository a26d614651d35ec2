"""Builds the host image from Debian packages, once per recipe.

The tree is made by debootstrap with this machine's own apt sources, keys and certificates, becomes a disk without being
mounted, and keeps what QEMU boots beside it: Xen (unpacked, as QEMU wants it), the kernel and its initrd.
"""

import gzip
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.layout import CHECKOUT, cache
from embedded.progress import Step, StepFailed, run
from installer.application import PREFIX
from tests.lab import recipe
from tests.lab.wheels import wheels

APT_CONFIGURATION = (
    "etc/apt/sources.list", "etc/apt/sources.list.d", "etc/apt/apt.conf", "etc/apt/apt.conf.d", "etc/apt/auth.conf",
    "etc/apt/auth.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg", "etc/apt/trusted.gpg.d", "etc/apt/keyrings",
    "usr/share/keyrings", "usr/local/share/ca-certificates", "etc/ssl/certs/ca-certificates.crt", "etc/resolv.conf", "etc/hosts",
)  # fmt: skip
"""How this machine reaches its Debian mirror; the image is built the same way. (apt's hooks of unrelated packages only
call programs that are there.)"""
DEFAULT_MIRROR = "http://deb.debian.org/debian"
BUILD_TIMEOUT = 3600.0
NO_SERVICES = "#!/bin/sh\nexit 101\n"


@dataclass(frozen=True, slots=True)
class HostImage:
    """What a lab host boots: a disk to put an overlay on, and Xen, kernel and initrd; *key* logs in as root."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "dom0.img"

    @property
    def xen(self) -> Path:
        return self.folder / "xen"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"


def image() -> HostImage:
    """Return the image of the present recipe, built now (some minutes) if the cache lacks it."""
    made = HostImage(cache() / f"xen-host-{recipe.image_hash()}")
    if made.folder.is_dir():
        return made
    wheelhouse = wheels()
    with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as scratch:
        product, tree = HostImage(Path(scratch) / "product"), Path(scratch) / "root"
        product.folder.mkdir()
        with Step("Lab: Debian base system"):
            debootstrap(tree)
        with Step("Lab: packages"):
            install_packages(tree)
        with Step("Lab: Python dependencies"):
            install_dependencies(tree, wheelhouse)
        with Step("Lab: configuration"):
            configure(tree, product.key)
        with Step("Lab: disk"):
            write_disk(tree, product)
        product.folder.rename(made.folder)
    return made


def mirror() -> str:
    """Return where this machine's apt gets Debian from."""
    listing = run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"], timeout=60
    )
    for line in listing.splitlines():
        words = line.split()
        if words[1:] == [recipe.SUITE, "main"]:
            return words[0]
    return DEFAULT_MIRROR


def debootstrap(tree: Path) -> None:
    command: list[str | Path] = ["debootstrap", "--variant=minbase", "--include=ca-certificates", recipe.SUITE, tree, mirror()]
    run(command, timeout=BUILD_TIMEOUT, do="Can debootstrap reach the mirror that apt uses?")


def in_tree(tree: Path, command: Sequence[str | Path], env: dict[str, str] | None = None) -> str:
    """Run *command* in *tree* with /proc, in mount and process namespaces that take everything away with them."""
    inside = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
        **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}, **(env or {}),
    }  # fmt: skip
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={tree}/proc", "chroot", str(tree)]
    return run([*unshare, *command], timeout=BUILD_TIMEOUT, env=inside)


def carry(path: str, tree: Path) -> None:
    """Copy a file or folder of this machine to the same place in *tree*."""
    source, target = Path("/") / path, tree / path
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)


def install_packages(tree: Path) -> None:
    (tree / "etc/apt/sources.list").unlink(missing_ok=True)
    for path in APT_CONFIGURATION:
        carry(path, tree)
    write(tree / "usr/sbin/policy-rc.d", NO_SERVICES, 0o755)
    write(tree / "etc/dpkg/dpkg.cfg.d/lab", "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n")
    write(tree / "etc/initramfs-tools/conf.d/lab", "MODULES=list\nCOMPRESS=zstd\n")
    write(tree / "etc/initramfs-tools/modules", "".join(f"{name}\n" for name in recipe.INITRD_MODULES))
    write(tree / "etc/kernel-img.conf", "do_symlinks = no\n")
    apt = ["apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", "-o", "Dpkg::Options::=--force-confold"]
    in_tree(tree, [*apt, "update"])
    in_tree(tree, [*apt, "install", "--no-install-recommends", *recipe.packages()])
    in_tree(tree, ["apt-get", "clean"])
    shutil.rmtree(tree / "var/lib/apt/lists")


def install_dependencies(tree: Path, wheelhouse: Path) -> None:
    """Make the Python environment with the installer's own code, at this machine's speed; in the lab it finds it there.

    The wheels stay in the image, and its pip looks nowhere else.
    """
    shutil.copytree(wheelhouse, tree / "var/lib/lab/wheels")
    write(tree / "etc/pip.conf", "[global]\nno-index = true\nfind-links = /var/lib/lab/wheels\n")
    checkout = tree / "var/lib/lab/checkout"
    for room in ("installer", "embedded"):
        shutil.copytree(CHECKOUT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(CHECKOUT / "pyproject.toml", checkout / "pyproject.toml")
    in_tree(tree, ["sh", "-c", f"cd /var/lib/lab/checkout && python3 -m installer.application {PREFIX}"])
    shutil.rmtree(checkout)


def configure(tree: Path, key: Path) -> None:
    """Make the tree a machine: files of this folder, root's key and password, units, fixes for emulation."""
    (tree / "usr/sbin/policy-rc.d").unlink()
    shutil.copytree(recipe.FILES, tree, dirs_exist_ok=True)
    write(tree / "etc/fstab", "/dev/vda / ext4 errors=remount-ro,noatime 0 1\n")
    write(tree / "etc/machine-id", "")
    write(tree / "etc/hosts", "127.0.0.1 localhost\n")
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "xen lab", "-f", key], timeout=60)
    write(tree / "root/.ssh/authorized_keys", key.with_suffix(".pub").read_text(), 0o600)
    in_tree(tree, ["sh", "-c", f"echo root:{recipe.ROOT_PASSWORD} | chpasswd"])
    in_tree(tree, ["systemctl", "enable", "lab-ready.service", "lab-identity.service"])
    # Services that a test starts when it wants them, and that only cost time at boot.
    in_tree(tree, ["systemctl", "disable", *recipe.NOT_AT_BOOT])
    hide_vme(tree / "usr/share/libvirt/cpu_map/x86_486.xml")


def hide_vme(cpu_map: Path) -> None:
    """The emulated CPU has no VME; without this libvirt finds no model for it and its Xen driver does not start."""
    lines = cpu_map.read_text().splitlines(keepends=True)
    cpu_map.write_text("".join(line for line in lines if "'vme'" not in line))


def write_disk(tree: Path, product: HostImage) -> None:
    shutil.copyfile(newest(tree, "vmlinuz-*"), product.kernel)
    shutil.copyfile(newest(tree, "initrd.img-*"), product.initrd)
    with gzip.open(newest(tree, "xen-*.gz")) as packed, product.xen.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    lazily = "lazy_itable_init=1,lazy_journal_init=1"
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-E", lazily, "-d", tree, product.disk, recipe.DISK_SIZE], timeout=900)


def newest(tree: Path, pattern: str) -> Path:
    found = sorted((tree / "boot").glob(pattern))
    if not found:
        raise StepFailed(f"the image has no /boot/{pattern}", "Did its kernel or hypervisor package change its name?")
    return found[-1]


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
