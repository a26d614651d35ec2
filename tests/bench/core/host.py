"""A host of the benchmark's own, in a folder: the real daemons, xenopsd with the simulator, no guests.

networkd and the rest run in a network namespace of their own, so that nothing of this machine's network is touched.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import XenAPI

from embedded.first_start import Product, inventory, settings, write
from idl.paths import Root
from tests.bench.daemons import Usage, usage
from tests.bench.generator import NotMeasured

PASSWORD = "a password for the benchmark"
SECRET = "a/pool/secret"
CHECKOUT = Path(__file__).resolve().parents[3]
BESIDE = ("xenopsd", "networkd", "sm", "rrdd")
PATIENCE = 120.0
HOST_UUID = "0b5c3a52-0e54-4c6e-8d0e-6f2f4f2f0001"
DOM0_UUID = "0b5c3a52-0e54-4c6e-8d0e-6f2f4f2f0002"


@dataclass
class BenchHost:
    """Its folder, its port, its daemons."""

    folder: Path
    port: int
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    @property
    def root(self) -> Root:
        return Root(self.folder)

    @property
    def database(self) -> Path:
        return self.root.under("/var/lib/xcp/state.sqlite")

    def usage(self) -> Usage:
        """Return what xapi has used so far."""
        return usage(self.running["xapi"].pid)

    @contextlib.contextmanager
    def cpu(self) -> Iterator[Callable[[int], str]]:
        """Give what says, after the block, how many milliseconds of xapi's CPU each of so many things took in it."""
        before = self.usage().cpu_seconds
        yield lambda count: f"{(self.usage().cpu_seconds - before) / count * 1000:.2f} ms of xapi's CPU each"

    def start(self, daemon: str) -> None:
        """Start a daemon; it may not answer yet."""
        alone = [] if daemon == "xapi" else ["unshare", "--net"]
        with (self.folder / f"{daemon}.log").open("ab") as log:
            self.running[daemon] = subprocess.Popen(
                [*alone, sys.executable, "-m", daemon, "--root", str(self.folder)], cwd=CHECKOUT, stdout=log, stderr=log
            )

    def start_xapi(self) -> float:
        """Start xapi and wait until it answers a call; return the seconds from the one to the other."""
        begun = time.monotonic()
        self.start("xapi")
        while time.monotonic() - begun < PATIENCE:
            if self.running["xapi"].poll() is not None:
                raise NotMeasured(f"xapi ended: see {self.folder}/xapi.log")
            with contextlib.suppress(OSError), login(self) as api:
                api.xenapi.host.get_all()
                return time.monotonic() - begun
            # There is no event for a port that begins to listen.
            time.sleep(0.01)
        raise NotMeasured(f"xapi does not answer after {PATIENCE:.0f} s")

    def stop(self, *daemons: str) -> None:
        """End daemons, and wait for it."""
        ended = [self.running.pop(daemon) for daemon in daemons if daemon in self.running]
        for process in ended:
            process.terminate()
        for process in ended:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def login(host: BenchHost) -> Iterator[XenAPI.Session]:
    """Log in over TCP as root; log out at the end."""
    session = XenAPI.Session(host.url)
    session.xenapi.login_with_password("root", PASSWORD, "2.21", "bench")
    try:
        yield session
    finally:
        session.xenapi.session.logout()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _write_settings(host: BenchHost) -> None:
    root, under = host.root, host.root.under
    password = host.folder / "root-password"
    xapi = {
        "http-address": "127.0.0.1",
        "http-port": str(host.port),
        "management-address": "127.0.0.1",
        "root-password-file": str(password),
    }
    write(root.inventory, inventory(HOST_UUID, DOM0_UUID, Product()), 0o644)
    write(root.pool_conf, "master", 0o644)
    write(root.pool_secret, SECRET, 0o600)
    write(password, PASSWORD, 0o600)
    write(under("/etc/xapi.conf"), settings(xapi), 0o644)
    write(under("/etc/xenopsd.conf"), settings({"hypervisor": "simulator"}), 0o644)


@contextlib.contextmanager
def bench_host(folder: Path, fill: Callable[[Path], None]) -> Iterator[BenchHost]:
    """Run a host in *folder* while the block runs; *fill* gets its database's path before xapi's second start.

    xapi itself is not running when the block begins: that is measured.
    """
    if os.geteuid() != 0:
        raise NotMeasured("only root can run the daemons")
    host = BenchHost(folder, _free_port())
    _write_settings(host)
    try:
        for daemon in BESIDE:
            host.start(daemon)
        # The first start makes what a new host has: templates, the records of itself.
        host.start_xapi()
        host.stop("xapi")
        fill(host.database)
        yield host
    finally:
        host.stop("xapi", *BESIDE)
