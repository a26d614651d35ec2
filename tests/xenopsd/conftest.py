"""Hosts for the tests: one per driver and module, since a host is slow to make; each test has VMs of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from embedded.guest_image.build import GuestImage, image
from idl.dom0 import is_control_domain
from tests.xenopsd.lab import Lab, Session, lab
from tests.xenopsd.xen_guest import xen_guest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def guest_image() -> GuestImage:
    return image(CHECKOUT / "var" / "cache")


@pytest.fixture(scope="module")
def qemu() -> Iterator[Lab]:
    with lab("qemu") as host:
        yield host


@pytest.fixture(scope="module")
def simulator() -> Iterator[Lab]:
    with lab("simulator") as host:
        yield host


@pytest.fixture(scope="module")
def xen(guest_image: GuestImage) -> Iterator[Lab]:
    if not is_control_domain():
        pytest.skip("not a dom0 (tests/xen runs these in the lab)")
    with lab("xen") as host:
        host.guest = xen_guest(guest_image, Path("/var/lib/xcp/guest/tests"))
        yield host


@pytest.fixture
async def xen_guests(xen: Lab) -> AsyncIterator[Session]:
    """A session on a host that runs real guests under Xen."""
    async with xen.session() as session:
        yield session


@pytest.fixture
async def guests(qemu: Lab) -> AsyncIterator[Session]:
    """A session on a host that runs real guests."""
    async with qemu.session() as session:
        yield session


@pytest.fixture(params=["simulator", "qemu", "xen"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Session]:
    """A session on a host with each of the drivers."""
    running: Lab = request.getfixturevalue(request.param)
    async with running.session() as session:
        yield session
