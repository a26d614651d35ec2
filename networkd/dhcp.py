"""DHCP clients, one process per device and family: dhclient, or udhcpc (also busybox's) for IPv4.

A client outlives this daemon; it is found again by its pid file, and only believed when ``/proc`` shows that the
process really is a DHCP client of that device. It is restarted when its configuration would differ.
"""

import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idl.paths import Root
from networkd import command
from networkd.config import write_atomically
from networkd.errors import CommandFailed
from networkd.records import Family, StartDhcp

LEASE_TIMEOUT_S = 75.0
CLIENTS = ("dhclient", "udhcpc")
BASE_OPTIONS = (
    "subnet-mask", "broadcast-address", "time-offset", "host-name", "nis-domain", "nis-servers", "ntp-servers", "interface-mtu",
)  # fmt: skip
SCRIPT = Path(__file__).with_name("lease.sh")


@dataclass(frozen=True, slots=True)
class Files:
    """Where one client keeps its pid, lease and configuration."""

    pid: Path
    leases: Path
    conf: Path


def files(root: Root, device: str, family: Family) -> Files:
    prefix = "dhclient6" if family is Family.IPV6 else "dhclient"
    return Files(
        root.under(f"/var/run/{prefix}-{device}.pid"),
        root.under(f"/var/lib/xcp/{prefix}-{device}.leases"),
        root.under(f"/var/lib/xcp/{prefix}-{device}.conf"),
    )


def render_conf(step: StartDhcp, hostname: str) -> str:
    """Return dhclient.conf's text: only who gives the host its route or DNS asks for them."""
    options = list(BASE_OPTIONS)
    options += ["routers"] if step.default_route else []
    options += ["domain-name", "domain-name-servers"] if step.dns else []
    listed = ",\n  ".join(options)
    return f'interface "{step.device}" {{\nrequest {listed};\nsend host-name = "{hostname}";\n}}\n'


def parse_conf(text: str, device: str, family: Family) -> StartDhcp:
    """Read back from :func:`render_conf`'s text what a client was started with."""
    return StartDhcp(device, family, default_route="routers" in text, dns="domain-name-servers" in text)


def script_environment(step: StartDhcp, resolv_conf: Path) -> dict[str, str]:
    """Return what ``lease.sh`` needs to know."""
    return {
        "NETWORKD_GATEWAY": "yes" if step.default_route else "",
        "NETWORKD_RESOLV_CONF": str(resolv_conf) if step.dns else "",
    }


def dhclient_words(step: StartDhcp, where: Files, environment: Mapping[str, str]) -> list[str]:
    """Return dhclient's command line; it passes only the ``-e`` variables on to its script."""
    words = ["dhclient", "-6"] if step.family is Family.IPV6 else ["dhclient"]
    for key, value in environment.items():
        words += ["-e", f"{key}={value}"]
    return [
        *words, "-q", "-sf", str(SCRIPT), "-pf", str(where.pid), "-lf", str(where.leases), "-cf", str(where.conf),
        step.device,
    ]  # fmt: skip


def udhcpc_words(binary: list[str], step: StartDhcp, where: Files, hostname: str) -> list[str]:
    """Return udhcpc's command line: it goes to the background when it has a lease or has tried for some seconds."""
    return [
        *binary, "-i", step.device, "-p", str(where.pid), "-s", str(SCRIPT),
        "-b", "-R", "-S", "-t", "5", "-x", f"hostname:{hostname}",
    ]  # fmt: skip


class Clients:
    """The DHCP clients of one host."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def running(self) -> frozenset[StartDhcp]:
        """Return the live clients, as the steps that started them."""
        found = set()
        for pid_file in self._root.under("/var/run").glob("dhclient*-*.pid"):
            prefix, _, device = pid_file.stem.partition("-")
            family = Family.IPV6 if prefix == "dhclient6" else Family.IPV4
            conf = files(self._root, device, family).conf
            if self._pid(device, family) is not None:
                found.add(parse_conf(conf.read_text() if conf.is_file() else "", device, family))
        return frozenset(found)

    def start(self, step: StartDhcp) -> None:
        """Start a client in the place of any other; return when it has a lease or goes on trying in the background.

        :raises CommandFailed: no DHCP client is installed, or it failed.
        """
        self.stop(step.device, step.family)
        where = files(self._root, step.device, step.family)
        hostname = socket.gethostname()
        where.pid.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(where.conf, render_conf(step, hostname).encode())
        resolv_conf = self._root.under("/etc/resolv.conf")
        resolv_conf.parent.mkdir(parents=True, exist_ok=True)
        environment = script_environment(step, resolv_conf)
        command.run(_words(step, where, hostname, environment), LEASE_TIMEOUT_S, dict(os.environ) | environment)

    def stop(self, device: str, family: Family) -> None:
        """End a device's client, if one runs. The addresses it set are flushed by the plan."""
        pid = self._pid(device, family)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        where = files(self._root, device, family)
        where.pid.unlink(missing_ok=True)
        where.conf.unlink(missing_ok=True)

    def _pid(self, device: str, family: Family) -> int | None:
        try:
            pid = int(files(self._root, device, family).pid.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        is_client = any(Path(os.fsdecode(word)).name in CLIENTS for word in words[:2])
        return pid if is_client and device.encode() in words else None


def _words(step: StartDhcp, where: Files, hostname: str, environment: Mapping[str, str]) -> list[str]:
    if shutil.which("dhclient"):
        return dhclient_words(step, where, environment)
    if step.family is Family.IPV4:
        for binary in (["udhcpc"], ["busybox", "udhcpc"]):
            if shutil.which(binary[0]):
                return udhcpc_words(binary, step, where, hostname)
    raise CommandFailed(f"no DHCPv{step.family} client is installed: install isc-dhcp-client")
