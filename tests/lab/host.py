"""A lab host with the toolstack on it: installed by the project's own installer, asked as clients ask it."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import XenAPI

from embedded.layout import CHECKOUT
from tests.lab import qemu, recipe
from tests.lab.machine import LabFailed, Machine

Api = Any  # the SDK is a dynamic proxy

INSTALL_SECONDS = 1800.0
XE_SECONDS = 300.0
PLACE = "/root/xapi-toolstack"
LOGS = "journalctl --no-pager --boot -o short-monotonic -n 400 -u xapi -u xenopsd -u xcp-networkd -u sm -u xcp-rrdd -u libvirtd"


@dataclass(frozen=True, slots=True)
class XenHost:
    """A booted lab host."""

    machine: Machine

    @property
    def name(self) -> str:
        return self.machine.hardware.name

    @property
    def url(self) -> str:
        """XenAPI over TLS, as this machine reaches it."""
        return f"https://127.0.0.1:{self.machine.port(qemu.HTTPS)}"

    def sh(self, command: str, *, seconds: float = XE_SECONDS, status: int | None = 0) -> str:
        """Run a shell command in dom0; return its output and errors."""
        return self.machine.ssh(command, seconds=seconds, status=status)

    def install(self, **options: str) -> str:
        """Bring this checkout in and run ``make install`` with *options* (``MANAGEMENT="eth1"``); return what it printed."""
        self.machine.put(checkout_archive(), PLACE)
        words = " ".join(f"{name}={value}" for name, value in options.items())
        return self.sh(f"cd {PLACE} && make install {words}", seconds=INSTALL_SECONDS)

    def xe(self, *words: str, seconds: float = XE_SECONDS, status: int | None = 0) -> str:
        """Run ``xe`` in dom0 as root, without a password."""
        return self.sh("xe " + " ".join(f"'{word}'" for word in words), seconds=seconds, status=status).strip()

    def login(self) -> Api:
        """Return a session of root from outside, over TLS, with the password that PAM knows."""
        api = XenAPI.Session(self.url, ignore_ssl=True)
        api.xenapi.login_with_password("root", recipe.ROOT_PASSWORD, "1.0", "tests")
        return api

    @contextmanager
    def session(self) -> Iterator[Api]:
        api = self.login()
        try:
            yield api
        finally:
            api.xenapi.session.logout()

    def logs(self) -> str:
        """Return the daemons' recent journal, for a report; never fails."""
        try:
            return self.sh(LOGS, seconds=120, status=None)
        except (LabFailed, OSError) as error:
            return f"no journal: {error}"


def checkout_archive() -> bytes:
    """Return this checkout as a tar archive: what git knows or would take, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    names = [name for name in listed.stdout.decode().split("\0") if name and not name.startswith("tests/")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            if (path := CHECKOUT / name).exists():
                archive.add(path, Path(name))
    return buffer.getvalue()
