"""One running lab host: started on a fresh overlay, waited for by what it says on its console, reached by ssh, ended.

Everything of it is in one folder; removing that folder after :meth:`Machine.stop` leaves nothing.
"""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded.progress import run
from idl.paths import short_path
from tests.lab import qemu
from tests.lab.image import HostImage
from tests.lab.qemu import Hardware

BOOT_SECONDS = 900.0
SSH_SECONDS = 300.0
STOP_SECONDS = 180.0
UP = b"lab-is-up "
DEAD = (b"Panic on CPU", b"Kernel panic", b"emergency mode")


class LabFailed(AssertionError):
    """A lab host did not do what was asked; the text ends with its console."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A lab host: its folder, what it boots, what it is."""

    folder: Path
    image: HostImage
    hardware: Hardware

    # --- life ---

    def start(self, *, tied: bool) -> None:
        """Start QEMU on a fresh overlay (an existing one is kept). *tied*: it ends when this process does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        disk = self.folder / qemu.DISK
        if not disk.exists():
            run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.image.disk.resolve(), disk], timeout=60)
        (self.folder / "machine.json").write_text(json.dumps({"image": str(self.image.folder), **asdict(self.hardware)}))
        words = ["nice", "-n", "10", *qemu.command(self.image, self.hardware)]
        if tied:
            words = ["setpriv", "--pdeathsig", "KILL", *words]
        with (self.folder / "qemu.log").open("wb") as log:
            # Its own session: a ^C at the terminal is for whoever started it, who then ends it in order.
            subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (self.folder / qemu.PID_FILE).exists() or not (self.folder / qemu.CONSOLE).exists():
            if time.monotonic() > deadline:
                raise LabFailed(f"QEMU did not start:\n{(self.folder / 'qemu.log').read_text(errors='replace')}")
            time.sleep(0.05)

    def wait_until_up(self, seconds: float = BOOT_SECONDS, boots: int = 1) -> None:
        """Wait until the host has said for the *boots*-th time that its services are up, then open the way in.

        :raises LabFailed: it panicked, QEMU ended, or *seconds* passed.
        """
        deadline = time.monotonic() + seconds
        with self._console() as line:
            while (log := self.console()).count(UP) < boots:
                if any(word in log for word in DEAD):
                    raise self.failed("it died while booting")
                line.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    if not line.recv(65536):
                        raise self.failed("QEMU ended")
                except TimeoutError:
                    raise self.failed(f"it was not up within {seconds:.0f} s") from None
        self.ssh("true", seconds=SSH_SECONDS)

    def console(self) -> bytes:
        """Return all that the host has written on its serial console."""
        log = self.folder / qemu.CONSOLE_LOG
        return log.read_bytes() if log.exists() else b""

    def failed(self, why: str) -> LabFailed:
        tail = "\n".join(self.console().decode(errors="replace").splitlines()[-40:])
        return LabFailed(f"{self.hardware.name}: {why}. The end of {self.folder / qemu.CONSOLE_LOG}:\n{tail}")

    def stop(self) -> None:
        """End QEMU at once (its disk is thrown away) and wait until it is gone."""
        with suppress(FileNotFoundError, subprocess.TimeoutExpired):
            subprocess.run(
                self._ssh_words("-O", "exit"), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=20,
            )  # fmt: skip
        pid = self.pid()
        if pid is None:
            return
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while self.pid() is not None and time.monotonic() < deadline:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                time.sleep(0.05)
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Stop the host and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pid(self) -> int | None:
        """Return QEMU's process, believed only when it still runs for this host."""
        try:
            pid = int((self.folder / qemu.PID_FILE).read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            here = Path(f"/proc/{pid}/cwd").resolve(strict=True)
        except (OSError, ValueError):
            return None
        return pid if b"qemu-system" in command and here == self.folder.resolve() else None

    # --- the way in ---

    def port(self, inside: int) -> int:
        """Return the port of this machine's loopback behind which the host's port *inside* is."""
        return next(here for here, there in self.hardware.forwards if there == inside)

    def ssh_line(self) -> str:
        """Return what a person types to get a root shell."""
        return (
            f"ssh -p {self.port(qemu.SSH)} -i {self.image.key} -o StrictHostKeyChecking=no "
            "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1"
        )

    def _ssh_words(self, *more: str) -> list[str]:
        # One connection, shared: a key exchange costs seconds in emulation.
        shared = ["-o", "ControlMaster=auto", "-o", "ControlPath=ssh.sock", "-o", "ControlPersist=600"]
        return [*shlex.split(self.ssh_line()), *shared, "-o", "ConnectTimeout=120", "-o", "ServerAliveInterval=30", *more]

    def ssh(self, command: str, *, seconds: float = SSH_SECONDS, status: int | None = 0, stdin: str | bytes = "") -> str:
        """Run shell *command* in the host as root; return its output and errors.

        :raises LabFailed: its exit status is not *status* (None: any is right), or it did not end in time.
        """
        data = stdin.encode() if isinstance(stdin, str) else stdin
        # A master connection left in the background would keep a pipe open for ever: output goes to a file.
        with (self.folder / "ssh.out").open("w+b") as output:
            try:
                done = subprocess.run(
                    self._ssh_words(command), cwd=self.folder, input=data, stdout=output, stderr=subprocess.STDOUT,
                    timeout=seconds, check=False,
                )  # fmt: skip
                code: int | None = done.returncode
            except subprocess.TimeoutExpired:
                code = None
            output.seek(0)
            text = output.read().decode(errors="replace")
        if code is None or status not in (None, code):
            end = f"status {code}" if code is not None else f"no end within {seconds:.0f} s"
            raise LabFailed(f"{self.hardware.name}: `{command}`: {end}\n{text}")
        return text

    def put(self, archive: bytes, folder: str) -> None:
        """Unpack a tar *archive* into *folder* of the host."""
        self.ssh(f"mkdir -p {shlex.quote(folder)} && tar -xf - -C {shlex.quote(folder)}", stdin=archive)

    def get(self, path: str) -> bytes:
        """Return the content of a file of the host."""
        done = subprocess.run(
            self._ssh_words(f"cat {shlex.quote(path)}"), cwd=self.folder, capture_output=True, timeout=SSH_SECONDS, check=False
        )
        if done.returncode:
            raise LabFailed(f"{self.hardware.name}: {path}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    @contextmanager
    def _console(self) -> Iterator[socket.socket]:
        with short_path(self.folder / qemu.CONSOLE) as name, socket.socket(socket.AF_UNIX) as line:
            line.connect(name)
            yield line


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def machines(folder: Path, image: HostImage, count: int, memory_mib: int = 4096) -> list[Machine]:
    """Return *count* hosts ``xen1``, ``xen2`` below *folder*, joined by one private network; none is started yet."""
    link_port, *ports = free_ports(1 + 3 * count)
    found = []
    for number in range(1, count + 1):
        first = 3 * (number - 1)
        forwards = tuple(zip(ports[first : first + 3], (qemu.SSH, qemu.HTTP, qemu.HTTPS), strict=True))
        role = "listen" if number == 1 else "connect"
        hardware = Hardware(f"xen{number}", number, forwards, f"{role}=127.0.0.1:{link_port}", memory_mib)
        found.append(Machine(folder / hardware.name, image, hardware))
    return found


def left_up(folder: Path) -> list[Machine]:
    """Return the hosts whose folders are below *folder*, running or not."""
    found = []
    for path in sorted(folder.glob("*/machine.json")):
        values = json.loads(path.read_text())
        image = HostImage(Path(values.pop("image")))
        values["forwards"] = tuple((here, there) for here, there in values["forwards"])
        found.append(Machine(path.parent, image, Hardware(**values)))
    return found


def console_tails(hosts: Sequence[Machine]) -> dict[str, str]:
    """Return the end of each host's console, for a report."""
    return {host.hardware.name: host.console().decode(errors="replace")[-8000:] for host in hosts}
