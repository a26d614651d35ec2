"""How long a command takes as a user feels it: the whole process of the client, against a server with 1,000 VMs.

The limits are the ones promised for a quiet machine. The best of a few runs is compared with them; where a bare Python
starts slower than on a quiet machine, they are widened by as much.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.xapi.cli.conftest import House

RUNS = 7
VMS = 1000
QUIET = 0.025
"""Seconds in which a bare Python starts and ends on a quiet machine."""


async def best(run: Callable[[], Awaitable[object]]) -> float:
    """Seconds of the fastest of several runs."""
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        await run()
        found.append(time.perf_counter() - begun)
    return min(found)


async def slowness() -> float:
    """How many times slower than a quiet machine this one is at the moment; 1 if it is quiet."""

    async def bare() -> None:
        await (await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "pass")).wait()

    return max(1.0, await best(bare) / QUIET)


@pytest.mark.parametrize(("arguments", "limit"), [([], 0.6), (["--minimal"], 0.35)])
async def test_a_list_of_a_thousand_vms(house: House, arguments: list[str], limit: float) -> None:
    for number in range(VMS):
        house.app.db.create("VM", uuid=f"u{number}", name_label=f"vm {number}", is_a_template=False)
    outcome = await house.xe("vm-list", *arguments)
    assert outcome.text.count(",") == VMS if arguments else outcome.text.count("uuid ( RO)") == VMS + 1
    seconds = await best(lambda: house.xe("vm-list", *arguments))
    print(f"xe vm-list {' '.join(arguments)} with {VMS} VMs: {seconds:.3f} s")
    assert seconds <= limit * await slowness()


async def test_the_client_starts_quickly(house: House) -> None:
    seconds = await best(lambda: house.xe("-version"))
    print(f"xe -version: {seconds:.3f} s")
    assert seconds <= 0.15 * await slowness()
