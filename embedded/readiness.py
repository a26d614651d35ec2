"""Waiting until each daemon answers, and saying which one does not and why."""

import socket
import time
from pathlib import Path

from embedded import supervision
from embedded.layout import TLS_PORT, Host
from embedded.progress import Step, StepFailed, tail
from embedded.supervision import PROGRAMS, STUNNEL, State, Status
from idl.paths import short_path

READY_SECONDS = 90.0
LOOK_EVERY = 0.05
GIVING_UP = 8.0  # a daemon that keeps failing for so long will not come up


def answers(path: Path) -> bool:
    """Say whether *path* is there and, if it is a socket, whether somebody accepts on it."""
    if not path.is_socket():
        return path.exists()
    with short_path(path) as name, socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(name) == 0


def accepts(address: str, port: int) -> bool:
    """Say whether somebody accepts TCP connections on *address*:*port*."""
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((address, port)) == 0


def is_ready(host: Host, status: Status) -> bool:
    """Say whether a program runs and, where it shows it, is ready."""
    if status.state is not State.RUNNING:
        return False
    if status.name == STUNNEL:
        return accepts(host.address, TLS_PORT)
    ready = next(program.ready for program in PROGRAMS if program.name == status.name)
    return ready is None or answers(ready(host))


def wait_for_all(host: Host) -> None:
    """Wait for each program in turn, a step for each; raises :class:`StepFailed` for the first that is not ready."""
    deadline = time.monotonic() + READY_SECONDS
    for name in (*supervision.ROOMS, STUNNEL):
        with Step(name) as step:
            wait_for(host, name, deadline)
            step.done("ready")


def wait_for(host: Host, name: str, deadline: float) -> None:
    """Wait until program *name* is ready."""
    failing_since: float | None = None
    while True:
        status = next(status for status in supervision.statuses(host) if status.name == name)
        if is_ready(host, status):
            return
        now = time.monotonic()
        if status.state is State.RUNNING:
            failing_since = None
        elif status.state in (State.BACKOFF, State.FATAL, State.EXITED):
            failing_since = failing_since or now
        if now > deadline or (failing_since and now - failing_since > GIVING_UP):
            raise not_ready(host, status)
        time.sleep(LOOK_EVERY)


def not_ready(host: Host, status: Status) -> StepFailed:
    """Say why: the daemon's state and the end of its log."""
    log = host.logs / f"{status.name}.log"
    text = tail(log.read_text(errors="replace")) if log.exists() else "    (it has written no log)"
    return StepFailed(
        f"{status.name} is not ready ({status.state}{': ' + status.why if status.why else ''}). The end of {log}:\n{text}",
        f"The whole log is {log}. `make stop` stops what runs; `make run` tries again.",
    )
