"""A network namespace with networkd in it, for tests; veth ends play the cards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idl.network import Networking

REPOSITORY = Path(__file__).parents[2]
CARDS = """
ip link set lo up
for n in 0 1; do
    ip link add eth$n address 02:00:00:00:00:0$n type veth peer name cable$n
    ip link set cable$n up
done
"""


class Lab:
    """A network namespace with two cards (``eth0``, ``eth1``), and networkd in it."""

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.environment = {**os.environ, **(environment or {})}
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", f"{CARDS}\necho ready; exec sleep 600"], stdout=subprocess.PIPE
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"ready\n"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.log = root / "log"

    def within(self, *words: str) -> str:
        command = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, env=self.environment).stdout

    def links(self) -> dict[str, dict[str, Any]]:
        return {link["ifname"]: link for link in json.loads(self.within("ip", "-d", "-j", "address", "show"))}

    def supports(self, kind: str) -> bool:
        """Does this kernel have such network devices?"""
        words = {"vlan": ["link", "cable0", "type", "vlan", "id", "9"], "bond": ["type", "bond"]}[kind]
        try:
            self.within("ip", "link", "add", "name", "probe", *words)
        except subprocess.CalledProcessError:
            return False
        self.within("ip", "link", "del", "probe")
        return True

    def start(self) -> None:
        command = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", sys.executable, "-m", "networkd", "--root", str(self.root)]
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(command, stderr=log, cwd=REPOSITORY, env=self.environment)

    def end(self, signum: signal.Signals = signal.SIGTERM) -> None:
        if self.daemon is not None:
            self.daemon.send_signal(signum)
            self.daemon.wait(30)
            self.daemon = None

    def close(self) -> None:
        """End the daemon, and with its last process the namespace."""
        self.end()
        self.holder.kill()
        self.holder.wait()

    def restart(self, network: Networking) -> None:
        """Kill the daemon and start it again; *network* drops its connection to the dead one."""
        self.end(signal.SIGKILL)
        network.close()  # type: ignore[attr-defined]
        self.start()

    def steps(self) -> int:
        """How many changes the daemon has made so far."""
        return self.log.read_text().count(" step ")
