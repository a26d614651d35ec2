"""The daemons of one host under supervisord: its configuration, and talking to it.

supervisord restarts what dies and stops one process at a time: neither a crash nor a stop touches what a
daemon has started (guests, disks' servers), which must outlive it.
"""

import http.client
import os
import socket
import sys
import xmlrpc.client
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from embedded import namespace
from embedded.first_start import PUBLIC, write
from embedded.layout import CHECKOUT, Host
from embedded.processes import MARK, of_host
from embedded.progress import run


@dataclass(frozen=True, slots=True)
class Program:
    """A daemon: its room, where its network is, and what appears when it is ready (None: that it runs)."""

    name: str
    inside: bool = False
    ready: Callable[[Host], Path] | None = None


# In the order of starting; stopped in the reverse one.
PROGRAMS = (
    Program("networkd", inside=True, ready=lambda host: host.root.networkd_socket),
    Program("sm", ready=lambda host: host.root.storage_socket),
    Program("xenopsd", inside=True, ready=lambda host: host.root.xenopsd_socket),
    Program("rrdd", inside=True, ready=lambda host: host.root.rrdd_socket),
    Program("xapi", ready=lambda host: host.init_complete),
    Program("perfmon"),
    Program("mpathalert"),
    Program("snapwatchd"),
)
STUNNEL = "stunnel"
ROOMS = tuple(program.name for program in PROGRAMS)


class State(StrEnum):
    """supervisord's words for a program's state."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Status:
    """What supervisord says about a program; *started* is in seconds since the epoch."""

    name: str
    state: State
    pid: int
    started: int
    why: str


def command(program: Program, host: Host, python: str) -> list[str]:
    """Return how *program* is started for *host*."""
    daemon = [python, "-m", program.name, "--root", str(host.folder)]
    return [*namespace.entered(host.namespace), *daemon] if program.inside else daemon


def configuration(host: Host, python: str, stunnel: str) -> str:
    """Return supervisord's configuration for *host*."""
    commands = [(program.name, command(program, host, python)) for program in PROGRAMS]
    commands.append((STUNNEL, [stunnel, str(host.stunnel_config)]))
    head = f"""[unix_http_server]
file = {escaped(host.supervisor_socket)}
chmod = 0700

[supervisord]
pidfile = {escaped(host.supervisor_pid)}
logfile = {escaped(host.logs / "supervisord.log")}
logfile_maxbytes = 5MB
logfile_backups = 1
childlogdir = {escaped(host.logs)}
directory = {escaped(CHECKOUT)}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    return head + "".join(_section(name, words, priority, host) for priority, (name, words) in enumerate(commands, start=1))


def _section(name: str, words: Sequence[str], priority: int, host: Host) -> str:
    quoted = " ".join(f'"{word}"' for word in words)
    # A daemon that was killed comes back at once; one that cannot start is tried
    # again and again, each time a second later.
    return f"""
[program:{name}]
command = {escaped(quoted)}
priority = {priority}
autorestart = true
startsecs = 1
startretries = 100
stopwaitsecs = 30
stopasgroup = false
killasgroup = false
redirect_stderr = true
stdout_logfile = {escaped(host.logs / f"{name}.log")}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""


def escaped(value: Path | str) -> str:
    """Return *value* for supervisord's file, where a percent sign starts a substitution."""
    return str(value).replace("%", "%%")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over supervisord's socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over supervisord's socket (the one supervisor ships logs to stdout and has no types)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return UnixConnection(self._path)


def _supervisor(host: Host) -> Any:
    transport = UnixTransport(host.supervisor_socket)
    return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport).supervisor


def is_running(host: Host) -> bool:
    """Say whether *host*'s supervisord answers."""
    try:
        _supervisor(host).getState()
    except OSError:
        return False
    return True


def statuses(host: Host) -> list[Status]:
    """Return the state of each program, in the order of starting; raises OSError when supervisord is down."""
    answers = cast("list[dict[str, Any]]", _supervisor(host).getAllProcessInfo())
    found = [
        Status(answer["name"], State(answer["statename"]), answer["pid"], answer["start"], answer["spawnerr"] or "")
        for answer in answers
    ]
    order = [*ROOMS, STUNNEL]
    return sorted(found, key=lambda status: order.index(status.name))


def start(host: Host, python: str, stunnel: str) -> None:
    """Start supervisord, which starts the daemons with *python*; its own failures are raised as :class:`StepFailed`."""
    host.logs.mkdir(parents=True, exist_ok=True)
    host.run.mkdir(parents=True, exist_ok=True)
    write(host.supervisor_config, configuration(host, python, stunnel), PUBLIC)
    environment = {**os.environ, MARK: str(host.folder)}
    program = Path(sys.executable).with_name("supervisord")
    run([program, "-c", host.supervisor_config], timeout=60, env=environment)


def shut_down(host: Host) -> None:
    """Ask supervisord to stop the daemons and end; returns before it has."""
    with suppress(OSError):  # it was not running
        _supervisor(host).shutdown()


def pid(host: Host) -> int | None:
    """Return supervisord's process id, if it runs."""
    for process in of_host(host):
        if any(Path(word).name == "supervisord" for word in process.command[:2]):
            return process.pid
    return None
