"""What the lab's host image is made of. Its hash names the image: a change here, or of what is named here, makes another."""

import hashlib
import tomllib
from pathlib import Path

from embedded.layout import CHECKOUT
from installer.packages import OPENVSWITCH, RUNTIME

SUITE = "bookworm"
DISK_SIZE = "8G"
ROOT_PASSWORD = "xen-lab"

BASE = (
    "linux-image-amd64", "xen-hypervisor-4.17-amd64", "xen-utils-4.17", "initramfs-tools", "zstd",
    "systemd-sysv", "udev", "dbus", "kmod",
    "openssh-server", "ifupdown", "iputils-ping", "make", "git", "procps", "less", "tcpdump",
    "nfs-kernel-server", "tgt", "busybox-static",
)  # fmt: skip
"""What a Debian machine under Xen has before the toolstack comes, and what only tests use."""

INITRD_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")
"""All that dom0 needs to find its disk: a small initrd is a quick boot in emulation."""

NOT_AT_BOOT = (
    "nfs-server.service", "tgt.service", "openvswitch-switch.service", "e2scrub_reap.service",
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
)  # fmt: skip
"""What a test starts when it wants it, and what only costs time in emulation."""

HERE = Path(__file__).parent
FILES = HERE / "files"


def packages() -> tuple[str, ...]:
    """Return all packages of the image: the installer then finds its own already there and needs no network."""
    return (*BASE, *RUNTIME, *OPENVSWITCH)


def dependencies(checkout: Path = CHECKOUT) -> list[str]:
    """Return the project's Python dependencies, without the development's."""
    declared: list[str] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["dependencies"]
    return declared


def image_hash() -> str:
    """Return a short name for the image that would be built."""
    digest = hashlib.sha256()
    for path in (HERE / "recipe.py", HERE / "image.py", *sorted(FILES.rglob("*"))):
        if path.is_file():
            digest.update(str(path.relative_to(HERE)).encode() + b"\0" + path.read_bytes())
    digest.update("\n".join((*packages(), *dependencies())).encode())
    return digest.hexdigest()[:16]


def wheels_hash() -> str:
    """Return a short name for the wheels of the Python dependencies."""
    return hashlib.sha256("\n".join(dependencies()).encode()).hexdigest()[:16]
