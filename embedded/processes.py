"""Which processes of the machine belong to an embedded host, and how the last of them end.

A process belongs to a host if it carries the host's mark in its environment (daemons and what they start
inherit it) or if it runs in the host's network namespace (guests, whose environment libvirt empties). No
list of pids is kept: it could be stale, and nothing that another host or the machine runs can match.
"""

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedded import namespace
from embedded.layout import Host

MARK = "XAPI_EMBEDDED_ROOT"


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the host, as found in /proc."""

    pid: int
    command: tuple[str, ...]

    def runs_room(self, rooms: Iterable[str]) -> bool:
        """Say whether this is a daemon itself (``python -m <room> ...``), not something it started."""
        return any(pair in {("-m", room) for room in rooms} for pair in zip(self.command, self.command[1:], strict=False))


def of_host(host: Host) -> list[Process]:
    """Return the living processes of *host*, this one excepted."""
    mark = f"{MARK}={host.folder}".encode()
    inside = namespace.identity(host.namespace)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        pid = int(entry.name)
        with suppress(OSError):  # it ended while we looked
            command = entry.joinpath("cmdline").read_bytes()
            marked = mark in entry.joinpath("environ").read_bytes().split(b"\0")
            if command and (marked or (inside is not None and namespace.of_process(pid) == inside)):
                found.append(Process(pid, tuple(word.decode(errors="replace") for word in command.split(b"\0")[:-1])))
    return sorted(found, key=lambda process: process.pid)


def end(processes: Iterable[Process], patience: float) -> list[Process]:
    """Ask *processes* to end, kill those that have not after *patience* seconds; return those killed."""
    alive = [(process, fd) for process in processes if (fd := _open(process.pid)) is not None]
    try:
        for _, fd in alive:
            _send(fd, signal.SIGTERM)
        ended = _ended([fd for _, fd in alive], patience)
        stubborn = [(process, fd) for process, fd in alive if fd not in ended]
        for _, fd in stubborn:
            _send(fd, signal.SIGKILL)
        _ended([fd for _, fd in stubborn], patience)
        return [process for process, _ in stubborn]
    finally:
        for _, fd in alive:
            os.close(fd)


def wait(processes: Iterable[Process], patience: float) -> list[Process]:
    """Wait until *processes* have ended, at most *patience* seconds; return those that have not."""
    alive = [(process, fd) for process in processes if (fd := _open(process.pid)) is not None]
    try:
        ended = _ended([fd for _, fd in alive], patience)
        return [process for process, fd in alive if fd not in ended]
    finally:
        for _, fd in alive:
            os.close(fd)


def _open(pid: int) -> int | None:
    """Hold on to a process, so that its number cannot come to mean another one."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _send(fd: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(fd, signum)


def _ended(fds: list[int], patience: float) -> set[int]:
    """Wait until all have ended, at most *patience* seconds; return those that have."""
    deadline = time.monotonic() + patience
    poller = select.poll()
    for fd in fds:
        poller.register(fd, select.POLLIN)
    ended: set[int] = set()
    while len(ended) < len(fds) and (left := deadline - time.monotonic()) > 0:
        for fd, _ in poller.poll(left * 1000):
            poller.unregister(fd)
            ended.add(fd)
    return ended


def leftover_mounts(folder: Path) -> list[Path]:
    """Return what is mounted under *folder*, innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = (Path(line.split()[4].replace("\\040", " ")) for line in lines)
    return sorted((point for point in points if point.is_relative_to(folder)), reverse=True)
