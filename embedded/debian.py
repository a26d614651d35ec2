"""Debian packages: what the machine must have installed, and what is only unpacked into the cache.

Only programs that daemons execute or link with are installed. None of them starts a service: libvirt's
driver comes without libvirtd's units, and stunnel4 starts nothing without a file in /etc/stunnel. What only
builds the demo guest (kernel, boot loader, ...) is downloaded and unpacked, never installed.
"""

import grp
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from embedded.progress import Step, StepFailed, run

INSTALLED = (
    "qemu-system-x86",
    "qemu-utils",
    "qemu-system-common",
    "seabios",
    "libnbd-bin",
    "libvirt0",
    "libvirt-dev",
    "libvirt-daemon",
    "libvirt-daemon-driver-qemu",
    "stunnel4",
    "iproute2",
    "e2fsprogs",
    "curl",
    "genisoimage",
    "pkg-config",
    "gcc",
    "libc6-dev",
    "ca-certificates",
    # the lab that boots Xen for the tests
    "debootstrap",
    "openssh-client",
    "util-linux",
)
LIBVIRT_ACCOUNT = "libvirt-qemu"
LIBVIRT_ID = 64055  # reserved for it in Debian, user and group
Key = TypeVar("Key", str, int)
APT_TIMEOUT = 1200.0
APT_HELP = (
    "Is the network up and does /etc/apt/sources.list name a Debian mirror? Then: apt-get update && make run"
)


def python_packages() -> tuple[str, ...]:
    """Return the packages Debian splits off its own Python and that this interpreter lacks."""
    if not Path(sys.base_prefix).samefile("/usr"):
        return ()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    header = Path(sysconfig.get_path("include", vars={"installed_base": sys.base_prefix})) / "Python.h"
    venv = () if find_spec("ensurepip") else (f"{version}-venv",)
    dev = () if header.exists() else (f"{version}-dev",)
    return venv + dev


def missing(packages: Sequence[str]) -> list[str]:
    """Return those of *packages* that dpkg does not call installed."""
    result = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return not_installed(packages, result.stdout)


def not_installed(packages: Sequence[str], report: str) -> list[str]:
    """Read dpkg-query's ``package status`` lines; packages it does not know are not in the report at all."""
    states = dict(line.split(" ", 1) for line in report.splitlines() if " " in line)
    return [name for name in packages if states.get(name) != "installed"]


def install_missing() -> None:
    """Install what is missing; does nothing (not even an index update) when all is there."""
    with Step("Debian packages") as step:
        wanted = [*INSTALLED, *python_packages()]
        absent = missing(wanted)
        if not absent:
            step.done("all installed")
            return
        if os.geteuid() != 0:
            raise StepFailed("not root, and these are missing: " + " ".join(absent), "Run it as root.")
        step.doing(f"installing {len(absent)}: {' '.join(absent)}")
        apt_get("update")
        apt_get("install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", *absent)
        step.done(f"{len(absent)} installed")


def ensure_libvirt_account() -> None:
    """Make the account that libvirt's QEMU driver insists on finding, though guests here run as root.

    It comes with the package of libvirtd's services, which is not wanted; name and ids are Debian's.
    """
    with Step("Account of libvirt's guests") as step:
        made = []
        if not _known(grp.getgrnam, LIBVIRT_ACCOUNT):
            run(["groupadd", "--system", *_if_free(grp.getgrgid, "--gid"), LIBVIRT_ACCOUNT], timeout=60)
            made.append("group")
        if not _known(pwd.getpwnam, LIBVIRT_ACCOUNT):
            # fmt: off
            run(
                [
                    "useradd", "--system", *_if_free(pwd.getpwuid, "--uid"), "--gid", LIBVIRT_ACCOUNT,
                    "--home-dir", "/var/lib/libvirt", "--no-create-home", "--shell", "/usr/sbin/nologin", LIBVIRT_ACCOUNT,
                ],
                timeout=60,
            )
            # fmt: on
            made.append("user")
        step.done(f"{' and '.join(made)} {LIBVIRT_ACCOUNT} made" if made else f"{LIBVIRT_ACCOUNT} is there")


def _known(look_up: Callable[[Key], object], key: Key) -> bool:
    try:
        look_up(key)
    except KeyError:
        return False
    return True


def _if_free(look_up: Callable[[int], object], option: str) -> tuple[str, ...]:
    """Ask for Debian's number unless somebody has it."""
    return () if _known(look_up, LIBVIRT_ID) else (option, str(LIBVIRT_ID))


def apt_get(*arguments: str, cwd: Path | None = None) -> str:
    """Run apt-get without questions; waits for another apt that holds the lock."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root", *arguments]
    return run(command, timeout=APT_TIMEOUT, do=APT_HELP, env=env, cwd=cwd)


def unpack(packages: Sequence[str], into: Path) -> list[str]:
    """Download *packages* (dependencies are not followed) and unpack them into *into*; return the archives' names."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as downloads:
        try:
            apt_get("download", *packages, cwd=Path(downloads))
        except StepFailed:  # the index may be absent or older than the mirror
            apt_get("update")
            apt_get("download", *packages, cwd=Path(downloads))
        archives = sorted(Path(downloads).glob("*.deb"))
        for archive in archives:
            run(["dpkg-deb", "--extract", archive, into], timeout=300)
        return [archive.name for archive in archives]


def newest_kernel_package(flavour: str) -> str:
    """Return the kernel image package that the meta package ``linux-image-<flavour>`` stands for."""
    meta = f"linux-image-{flavour}"
    name = kernel_dependency(depends(meta))
    if name is None:
        apt_get("update")
        name = kernel_dependency(depends(meta))
    if name is None:
        raise StepFailed(f"apt knows no kernel behind {meta}", APT_HELP)
    return name


def depends(package: str) -> str:
    """Return apt-cache's list of what *package* depends on; empty when apt does not know it."""
    command = [shutil.which("apt-cache") or "apt-cache", "depends", "--important", package]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def kernel_dependency(listing: str) -> str | None:
    """Find ``Depends: linux-image-...`` in apt-cache's listing."""
    for line in listing.splitlines():
        word, _, name = line.strip().partition(": ")
        if word == "Depends" and name.startswith("linux-image-"):
            return name
    return None
