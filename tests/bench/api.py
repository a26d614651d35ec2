"""What is measured through XenAPI: small calls, many records, events, starts. Leaves the host as it was."""

import contextlib
import re
import statistics
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import XenAPI

from tests.bench.figures import Figure
from tests.bench.generator import NotMeasured
from tests.bench.throughput import compare

PREFIX = "bench-"


@contextlib.contextmanager
def session(url: str, user: str, password: str) -> Iterator[Any]:
    """Log in with the SDK of the original; log out at the end."""
    opened = XenAPI.Session(url)
    opened.xenapi.login_with_password(user, password, "2.21", "tests.bench")
    try:
        yield opened
    finally:
        opened.xenapi.session.logout()


def _body(method: str, *parameters: str) -> bytes:
    return xmlrpc.client.dumps(parameters, method).encode()


def small_calls(api: Any, url: str, seconds: float) -> list[Figure]:
    """Read one field of the host over connections kept alive."""
    host = api.xenapi.host.get_all()[0]
    body = _body("host.get_name_label", api._session, host)
    return compare("small call", url, body, seconds=seconds, connections=4)


def _template(api: Any) -> str:
    templates = api.xenapi.VM.get_all_records_where('field "is_a_template" = "true"')
    for ref, record in templates.items():
        if not record["VBDs"] and record["HVM_boot_policy"] and "disks" not in record["other_config"]:
            return str(ref)
    raise NotMeasured("no template of a fully virtualised guest without disks")


@contextlib.contextmanager
def clones(api: Any, count: int) -> Iterator[list[str]]:
    """Make *count* VMs that never run; destroy them at the end."""
    template = _template(api)
    made: list[str] = []
    try:
        for number in range(count):
            made.append(api.xenapi.VM.clone(template, f"{PREFIX}{number}"))
        yield made
    finally:
        for ref in made:
            api.xenapi.VM.destroy(ref)


def many_records(api: Any, url: str, seconds: float, count: int) -> list[Figure]:
    """Read all records of *count* VMs at once."""
    with clones(api, count):
        body = _body("VM.get_all_records", api._session)
        return compare(f"VM.get_all_records, {count} more VMs", url, body, seconds=seconds, connections=1)


def event_latency(api: Any, url: str, rounds: int) -> list[Figure]:
    """Measure from a write to the return of an ``event.from`` that waited for it."""
    pool = api.xenapi.pool.get_all()[0]
    key = f"{PREFIX}event"
    waiter = XenAPI.Session(url)
    waiter._session = api._session
    wait_for = getattr(waiter.xenapi.event, "from")
    token = wait_for(["pool"], "", 0.0)["token"]
    after_answer: list[float] = []
    after_call: list[float] = []
    for number in range(rounds):
        arrived: list[float] = []

        def wait(since: str, at: list[float]) -> None:
            wait_for(["pool"], since, 30.0)
            at.append(time.perf_counter())

        thread = threading.Thread(target=wait, args=(token, arrived))
        thread.start()
        # The call must be waiting in the server; nothing outside shows when it does.
        time.sleep(0.1)
        called = time.perf_counter()
        api.xenapi.pool.add_to_other_config(pool, f"{key}{number}", "x")
        answered = time.perf_counter()
        thread.join(timeout=60)
        if not arrived:
            raise NotMeasured("event.from did not return")
        after_answer.append(max(0.0, arrived[0] - answered) * 1000)
        after_call.append((arrived[0] - called) * 1000)
        api.xenapi.pool.remove_from_other_config(pool, f"{key}{number}")
        token = wait_for(["pool"], token, 0.0)["token"]
    return [
        Figure(name="event.from after the write's answer", value=statistics.median(after_answer), unit="ms", limit=10.0),
        Figure(name="event.from after the write's call", value=statistics.median(after_call), unit="ms"),
    ]


def start_overhead(api: Any, root: Path, rounds: int) -> list[Figure]:
    """Start a VM with a disk and a network interface, paused; take off what libvirt took for this very start."""
    log = root / "var/log/xenopsd.log"
    spent: list[float] = []
    beyond: list[float] = []
    with clones(api, 1) as [vm], _devices(api, vm):
        uuid = api.xenapi.VM.get_uuid(vm)
        for _ in range(rounds):
            known = log.stat().st_size
            begin = time.perf_counter()
            api.xenapi.VM.start(vm, True, False)
            spent.append((time.perf_counter() - begin) * 1000)
            api.xenapi.VM.hard_shutdown(vm)
            beyond.append(spent[-1] - _libvirt_took(log, known, uuid))
    return [
        Figure(name="VM.start, paused", value=statistics.median(spent), unit="ms"),
        Figure(name="VM.start beyond libvirt's create", value=statistics.median(beyond), unit="ms", limit=150.0),
        Figure(name="the slowest of them", value=max(beyond), unit="ms"),
    ]


def _libvirt_took(log: Path, position: int, vm: str) -> float:
    """Return the milliseconds that the domain manager says libvirt's create took, after *position* in its log."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(position)
        found = re.search(rf"VM {vm}: libvirt made its domain in ([0-9.]+) ms", lines.read())
    if found is None:
        raise NotMeasured(f"{log} does not say how long libvirt took")
    return float(found[1])


@contextlib.contextmanager
def _devices(api: Any, vm: str) -> Iterator[None]:
    """Give a VM a disk on the default SR and an interface on some network."""
    api.xenapi.VM.provision(vm)
    sr = api.xenapi.pool.get_default_SR(api.xenapi.pool.get_all()[0])
    disk = api.xenapi.VDI.create({
        "name_label": f"{PREFIX}disk", "name_description": "", "SR": sr, "virtual_size": str(64 << 20), "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })  # fmt: skip
    try:
        api.xenapi.VBD.create({
            "VM": vm, "VDI": disk, "userdevice": "0", "bootable": True, "mode": "RW", "type": "Disk", "empty": False,
            "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
        })  # fmt: skip
        api.xenapi.VIF.create({
            "VM": vm, "network": api.xenapi.network.get_all()[0], "device": "0", "MAC": "", "MTU": "1500",
            "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
        })  # fmt: skip
        yield
    finally:
        api.xenapi.VDI.destroy(disk)
