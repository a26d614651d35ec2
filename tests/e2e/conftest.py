"""Fixtures: one embedded host for the whole run, a fresh session for each test, guests that tests share.

A failed test is reported with what the daemons wrote to their logs while it ran.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.demo import MARK
from embedded.guest_image.build import GuestImage, image
from embedded.layout import cache
from tests.e2e.embedded_host import Api, EmbeddedHost, Record, host_under_test
from tests.e2e.guests import Guest, destroy_guest, golden_disk, make_guest, make_network

LOG_LINES = 60
LOG_POSITIONS = pytest.StashKey[dict[Path, int]]()


def log_positions() -> dict[Path, int]:
    return {path: path.stat().st_size for path in host_under_test().layout.logs.rglob("*.log")}


def log_tail(path: Path, since: int) -> str:
    """Return the last lines of what was written after *since* (all of it if the file was begun anew)."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(since if since <= size else 0)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    item.stash[LOG_POSITIONS] = log_positions()
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        before = item.stash.get(LOG_POSITIONS, {})
        for path in sorted(log_positions()):
            if text := log_tail(path, before.get(path, 0)):
                report.sections.append((str(path), text))
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def guest_image() -> GuestImage:
    return image(cache())


@pytest.fixture(scope="session")
def host(guest_image: GuestImage) -> Iterator[EmbeddedHost]:
    """A running host with the demo guest; nothing of it is left afterwards."""
    host = host_under_test()
    host.clean()
    try:
        host.start()
        yield host
    finally:
        host.clean()
        assert not host.processes() and not host.layout.folder.exists()


@pytest.fixture
def api(host: EmbeddedHost) -> Iterator[Api]:
    """A session of root through the official SDK."""
    with host.session() as api:
        yield api


@pytest.fixture(scope="session")
def golden(host: EmbeddedHost, guest_image: GuestImage) -> str:
    """The disk that guests' disks are clones of."""
    with host.session() as api:
        return golden_disk(api, host, guest_image)


@pytest.fixture(scope="session")
def network(host: EmbeddedHost) -> str:
    """The demo guest's network, which tests' guests are on too."""
    with host.session() as api:
        records: dict[str, Record] = api.xenapi.network.get_all_records()
        return next(ref for ref, found in records.items() if MARK in found["other_config"])


@pytest.fixture(scope="session")
def demo_vm(host: EmbeddedHost) -> Guest:
    """The guest that ``make run`` made."""
    with host.session() as api:
        for ref, found in api.xenapi.VM.get_all_records().items():
            if MARK in found["other_config"] and not found["is_a_template"] and not found["is_a_snapshot"]:
                return Guest(ref, found["uuid"])
    raise AssertionError("there is no demo guest")


@pytest.fixture
def demo(api: Api, demo_vm: Guest) -> Guest:
    """The demo guest, running."""
    demo_vm.ensure(api, "Running")
    return demo_vm


@pytest.fixture(scope="session")
def second_vm(host: EmbeddedHost, golden: str, network: str) -> Iterator[Guest]:
    """A guest of the tests' own, on the demo guest's network."""
    with host.session() as api:
        guest = make_guest(api, "second", golden, network)
    yield guest
    with host.session() as api:
        destroy_guest(api, guest)


@pytest.fixture
def second(api: Api, second_vm: Guest) -> Guest:
    """The second guest, running."""
    second_vm.ensure(api, "Running")
    return second_vm


@pytest.fixture
def internal_network(api: Api) -> Iterator[str]:
    """Another network, without an interface of the host."""
    network = make_network(api, "another")
    yield network
    api.xenapi.network.destroy(network)
