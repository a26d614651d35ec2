"""Three embedded hosts that tests make a pool of, and ways to hurt them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import XenAPI

from embedded.layout import CHECKOUT, named, shared_storage
from embedded.processes import of_host
from tests.e2e.embedded_host import START_SECONDS, Api, EmbeddedHost, eventually, host_under_test

FOLLOWS_SECONDS = 60.0
XE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class PoolHost(EmbeddedHost):
    """One host; its own name and password work as long as it coordinates."""

    @property
    def address(self) -> str:
        return self.layout.address

    @property
    def role(self) -> str:
        return self.layout.root.pool_conf.read_text().strip()

    def local_xe(self, *words: str, status: int = 0) -> str:
        """Run ``xe`` over the host's own root socket."""
        # fmt: off
        done = subprocess.run(
            [sys.executable, "-m", "xe", *words], cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=XE_SECONDS, check=False,
            env={**os.environ, "XAPI_ROOT": str(self.layout.folder)},
        )
        # fmt: on
        assert done.returncode == status, f"xe {' '.join(words)}: status {done.returncode}\n{done.stdout}"
        return done.stdout.strip()

    def up(self) -> None:
        # fmt: off
        done = subprocess.run(
            [sys.executable, "-m", "embedded", "start", "--no-guest", "--host", self.layout.name],
            cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=START_SECONDS, check=False,
        )
        # fmt: on
        assert done.returncode == 0, done.stdout

    def die(self) -> None:
        """As if the machine lost its power: every process of it is killed."""
        for process in of_host(self.layout):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def join(self, coordinator: "PoolHost") -> None:
        self.local_xe(
            "pool-join",
            f"master-address={coordinator.address}",
            "master-username=root",
            f"master-password={coordinator.password}",
        )
        self.follows(coordinator)

    def follows(self, coordinator: "PoolHost") -> None:
        """Wait until this host supports *coordinator* and answers as such."""

        def answers() -> bool:
            ready = self.role == f"slave:{coordinator.address}" and self.layout.init_complete.exists()
            return ready and self.redirects_to() == coordinator.address

        eventually(f"{self.layout.name} follows {coordinator.layout.name}", answers, FOLLOWS_SECONDS)

    def redirects_to(self) -> str:
        """Return where a client that logs in here is sent to; empty where it is not."""
        api = XenAPI.Session(self.layout.http_url)
        try:
            api.xenapi.login_with_password("root", self.password, "1.0", "tests")
            api.xenapi.session.logout()
        except XenAPI.Failure as failure:
            return str(failure.details[1]) if failure.details[0] == "HOST_IS_SLAVE" else ""
        except OSError:
            return ""
        return ""

    def coordinates(self) -> None:
        """Wait until this host answers as coordinator."""

        def answers() -> bool:
            with suppress(XenAPI.Failure, OSError), self.session():
                return self.role == "master"
            return False

        eventually(f"{self.layout.name} coordinates", answers, FOLLOWS_SECONDS)


def pool_hosts() -> list[PoolHost]:
    """Three hosts beside the one that the other tests use."""
    number = int(host_under_test().layout.name.removeprefix("host"))
    return [PoolHost(named(f"host{50 + (number + step) % 50}")) for step in (1, 2, 3)]


@contextmanager
def running(hosts: list[PoolHost]) -> Iterator[None]:
    """Start hosts, each a pool of its own without a guest; nothing is left of them afterwards."""
    for host in hosts:
        host.clean()
    try:
        for host in hosts:
            host.up()
        yield
    finally:
        for host in hosts:
            host.clean()


def shared_directory(name: str) -> Path:
    """Return a new directory that all hosts reach."""
    path = shared_storage() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def host_ref(api: Api, host: PoolHost) -> str:
    """Return the reference of a host in its pool."""
    for ref, record in api.xenapi.host.get_all_records().items():
        if record["address"] == host.address:
            return str(ref)
    raise AssertionError(f"{host.address} is not in the pool")


