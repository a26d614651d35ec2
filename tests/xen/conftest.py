"""Fixtures: Xen hosts with the toolstack installed, one for the whole run or a pair; nothing of them is left afterwards.

A failed test is reported with the journal of the daemons and the end of the consoles.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.layout import CHECKOUT, cache
from tests.lab.host import XenHost
from tests.lab.image import HostImage, image
from tests.lab.machine import console_tails, left_up, machines

SMOKE = "test_smoke.py"
WANTED = "XEN_TESTS"
"""``smoke`` or ``all``: which of these tests run. They boot whole hosts in software emulation, so none does unasked."""
BOOTED = pytest.StashKey[list[XenHost]]()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if not collection_path.name.startswith("test_"):
        return None
    wanted = os.environ.get(WANTED, "")
    return None if wanted == "all" or (wanted == "smoke" and collection_path.name == SMOKE) else True


@pytest.fixture(scope="session")
def host_image() -> HostImage:
    cache().mkdir(parents=True, exist_ok=True)
    return image()


def booted(request: pytest.FixtureRequest, host_image: HostImage, folder: Path, count: int) -> Iterator[list[XenHost]]:
    """Boot *count* hosts in a new *folder*; end them and remove it afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    hosts = [XenHost(machine) for machine in machines(folder, host_image, count)]
    request.session.stash.setdefault(BOOTED, []).extend(hosts)
    try:
        for host in hosts:
            host.machine.start(tied=True)
        for host in hosts:
            host.machine.wait_until_up()
        yield hosts
    finally:
        for host in hosts:
            request.session.stash[BOOTED].remove(host)
            host.machine.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bare_host(request: pytest.FixtureRequest, host_image: HostImage) -> Iterator[XenHost]:
    """A Debian under Xen without the toolstack; or, with ``XEN_LAB=var/lab``, the host that ``make lab`` left up there."""
    if folder := os.environ.get("XEN_LAB"):
        yield XenHost(left_up(Path(folder).resolve())[0])
        return
    for [host] in booted(request, host_image, CHECKOUT / "var/lab" / f"test-{os.getpid()}", 1):
        yield host


@pytest.fixture(scope="session")
def xen_host(bare_host: XenHost) -> XenHost:
    """A host installed by ``make install``, managed over the card it is reached through."""
    if bare_host.sh("systemctl is-active toolstack.target", status=None).strip() != "active":
        bare_host.install()
    return bare_host


@pytest.fixture(scope="session")
def xen_pair(request: pytest.FixtureRequest, host_image: HostImage) -> Iterator[tuple[XenHost, XenHost]]:
    """Two installed hosts, managed over the private network between them (192.168.77.1 and .2)."""
    for first, second in booted(request, host_image, CHECKOUT / "var/lab" / f"pair-{os.getpid()}", 2):
        for host in (first, second):
            host.install(MANAGEMENT="eth1")
        yield first, second


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        hosts = item.session.stash.get(BOOTED, [])
        for name, text in console_tails([host.machine for host in hosts]).items():
            report.sections.append((f"console of {name}", text))
        for host in hosts:
            report.sections.append((f"journal of {host.name}", host.logs()))
    return report  # type: ignore[return-value]
