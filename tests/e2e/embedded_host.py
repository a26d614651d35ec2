"""A whole embedded host for the tests: started, asked and stopped as a person would, by commands and public addresses.

Its number (and so its address) is taken from the checkout's path: a ``host1`` that somebody runs is left alone, and
the tests of two checkouts can run beside each other.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import XenAPI

from embedded import supervision
from embedded.demo import PatientTransport
from embedded.layout import CHECKOUT, TLS_PORT, Host, named
from embedded.processes import Process, of_host

Api = Any  # the SDK is a dynamic proxy
Record = Mapping[str, Any]

START_SECONDS = 240.0
STOP_SECONDS = 150.0
XE_SECONDS = 180.0
LOOK_EVERY = 0.05


class NotInTime(AssertionError):
    """What was waited for did not come."""


def eventually(what: str, condition: Callable[[], object], seconds: float) -> Any:
    """Return the first true value of *condition*: only for what nothing announces, such as a process' end.

    :raises NotInTime: it stayed false; the text says *what* and its last value.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds:.0f} s: {what} (last: {value!r})")
        time.sleep(LOOK_EVERY)
    return value


@dataclass(frozen=True, slots=True)
class EmbeddedHost:
    """The host under test; *layout* says where it lives and listens."""

    layout: Host

    @property
    def password(self) -> str:
        return self.layout.root_password.read_text().strip()

    @property
    def storage(self) -> Path:
        """The folder that holds the disks of the local storage repository."""
        return self.layout.root.under("/var/local-storage")

    def command(self, action: str, seconds: float) -> str:
        """Run ``python -m embedded ACTION`` and return what it printed; its failure is the test's."""
        # fmt: off
        done = subprocess.run(
            [sys.executable, "-m", "embedded", action, "--host", self.layout.name],
            cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=seconds, check=False,
        )
        # fmt: on
        assert done.returncode == 0, f"`{action}` ended with status {done.returncode}:\n{done.stdout}"
        return done.stdout

    def start(self) -> str:
        return self.command("start", START_SECONDS)

    def stop(self) -> str:
        return self.command("stop", STOP_SECONDS)

    def clean(self) -> str:
        return self.command("clean", STOP_SECONDS)

    def login(self) -> Api:
        """Return a session of root over plain HTTP; whoever takes it logs out."""
        api = XenAPI.Session(self.layout.http_url, transport=PatientTransport())
        api.xenapi.login_with_password("root", self.password, "1.0", "tests")
        return api

    @contextmanager
    def session(self) -> Iterator[Api]:
        api = self.login()
        try:
            yield api
        finally:
            api.xenapi.session.logout()

    def xe_command(self, *words: str) -> list[str]:
        """Return how ``xe`` is run against this host over TLS."""
        # fmt: off
        return [
            sys.executable, "-m", "xe", "-s", self.layout.address, "-p", str(TLS_PORT),
            "-u", "root", "-pw", self.password, *words,
        ]
        # fmt: on

    def xe(self, *words: str, status: int = 0) -> str:
        """Run ``xe``, expect its exit *status* and return what it printed, standard error included."""
        # fmt: off
        done = subprocess.run(
            self.xe_command(*words), cwd=CHECKOUT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=XE_SECONDS, check=False,
        )
        # fmt: on
        assert done.returncode == status, f"xe {' '.join(words)}: status {done.returncode}\n{done.stdout}"
        return done.stdout

    def processes(self) -> list[Process]:
        return of_host(self.layout)

    def process_of(self, vm_uuid: str) -> Process | None:
        """Return the process that runs the guest *vm_uuid*."""
        for process in self.processes():
            if "qemu-system" in process.command[0] and any(vm_uuid in word for word in process.command):
                return process
        return None

    def pids(self) -> dict[str, int]:
        """Return the process of each daemon that supervisord says is running."""
        return {status.name: status.pid for status in supervision.statuses(self.layout) if status.pid}


def host_under_test() -> EmbeddedHost:
    return EmbeddedHost(named(f"host{50 + crc32(str(CHECKOUT).encode()) % 50}"))


def wait_for(api: Api, cls: str, ref: str, condition: Callable[[Record], object], seconds: float = 60.0) -> Record:
    """Follow the events of one object until its record satisfies *condition*; return the record.

    :raises NotInTime: it did not; the text holds the last record.
    """
    deadline, token = time.monotonic() + seconds, ""
    record: Record = {}
    event_from = getattr(api.xenapi.event, "from")
    while (left := deadline - time.monotonic()) > 0:
        batch = event_from([f"{cls}/{ref}"], token, min(left, 30.0))
        token = batch["token"]
        for event in batch["events"]:
            record = event.get("snapshot", {"deleted": True})
        if record and condition(record):
            return record
    raise NotInTime(f"{cls} {ref} did not come to what was waited for within {seconds:.0f} s; it is {dict(record)}")


def finished(api: Api, task: str, seconds: float = 120.0) -> Record:
    """Wait until *task* is no longer pending; return its record."""
    return wait_for(api, "task", task, lambda record: record["status"] not in ("pending", "cancelling"), seconds)


def result_of(api: Api, task: str, seconds: float = 120.0) -> str:
    """Wait until *task* succeeds, destroy it and return the text of its result."""
    record = finished(api, task, seconds)
    assert record["status"] == "success", record["error_info"]
    api.xenapi.task.destroy(task)
    return str(record["result"]).removeprefix("<value>").removesuffix("</value>")
