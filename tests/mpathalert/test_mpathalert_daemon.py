"""mpathalert as a process, with a fake xapi that comes up after it."""

import asyncio
import sys
from pathlib import Path

import pytest

from idl.paths import Root
from mpathalert.service import is_supporter
from tests.idl.fake_xapi import FakeXapi, serving

REPOSITORY = Path(__file__).parents[2]


def pbd(numbers: str) -> dict[str, object]:
    return {"uuid": "pbd-1", "host": "h", "other_config": {"mpath-360a": numbers}}


async def test_a_path_that_breaks_raises_one_message_per_period(tmp_path: Path) -> None:
    root = Root(tmp_path)
    root.under("/etc").mkdir()
    root.under("/etc/mpathalert.conf").write_text("delay = 0.2\n")
    xapi = FakeXapi(
        tables={
            "pool": {"pool": {"uuid": "pool-1"}},
            "host": {"h": {"uuid": "host-1", "name_label": "one", "other_config": {}}},
            "PBD": {"p": pbd("[4, 4]")},
        }
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mpathalert", "--root", str(tmp_path), cwd=REPOSITORY)
    try:
        async with asyncio.timeout(60), serving(root.xapi_socket, xapi):
            # The first question takes in what there is; changes count from the second on.
            await xapi.called("event.from", ["pbd", "host"], "0")
            await xapi.put("PBD", "p", pbd("[3, 4]"))
            await xapi.put("PBD", "p", pbd("[2, 4]"))
            name, priority, cls, uuid, body = await xapi.messages.get()
    finally:
        process.terminate()
        assert await process.wait() == 0
    assert (name, priority, cls, uuid) == ("MULTIPATH_PERIODIC_ALERT", "3", "Pool", "pool-1")
    assert body.count("current=3; max=4") == 1
    assert body.count("current=2; max=4") == 2
    assert xapi.messages.empty()


@pytest.mark.parametrize(("text", "answer"), [(None, False), ("master", False), ("slave:10.0.0.1", True)])
def test_only_the_coordinator_speaks(tmp_path: Path, text: str | None, answer: bool) -> None:
    file = tmp_path / "pool.conf"
    if text:
        file.write_text(text)
    assert is_supporter(file) is answer
