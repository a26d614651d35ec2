"""Hosts for the tests: one per driver and module, since a host is slow to make; each test has VMs of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from embedded.guest_image.build import GuestImage, image
from tests.xenopsd.lab import Lab, Session, lab

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


@pytest.fixture
async def guests(qemu: Lab) -> AsyncIterator[Session]:
    """A session on a host that runs real guests."""
    async with qemu.session() as session:
        yield session


@pytest.fixture(params=["simulator", "qemu"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Session]:
    """A session on a host with each of the drivers."""
    running: Lab = request.getfixturevalue(request.param)
    async with running.session() as session:
        yield session
