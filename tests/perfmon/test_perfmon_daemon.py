"""perfmon as a process: a fake xapi and a fake rrdd, a real alarm."""

import asyncio
import socket
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from idl.paths import Root
from perfmon.commands import address
from tests.idl.fake_xapi import FakeXapi, http_on, serving

REPOSITORY = Path(__file__).parents[2]
XML = '<config><variable><name value="cpu_usage"/><alarm_trigger_level value="0.5"/></variable></config>'
REPORT = b"""<xport><meta><end>1000</end><legend><entry>AVERAGE:vm:vm-1:cpu0</entry></legend></meta>
<data><row><t>1000</t><v>0.75</v></row></data></xport>"""


async def test_an_alarm_is_raised_when_told_to_look(tmp_path: Path) -> None:
    root = Root(tmp_path)
    xapi = FakeXapi(tables={"VM": {"v": {"uuid": "vm-1", "other_config": {}}}, "host": {}, "SR": {}, "PBD": {}})
    asked: list[dict[str, list[str]]] = []

    async def metrics(target: str, _body: bytes) -> bytes:
        asked.append(parse_qs(urlsplit(target).query))
        return REPORT

    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "perfmon", "--root", str(tmp_path), cwd=REPOSITORY)
    try:
        async with serving(root.xapi_socket, xapi), http_on(root.rrdd_socket, metrics), asyncio.timeout(60):
            await xapi.called("PBD.get_all_records")
            assert asked == []
            xapi.tables["VM"]["v"]["other_config"] = {"perfmon": XML}
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"refresh", address(root))
            name, priority, cls, uuid, body = await xapi.messages.get()
    finally:
        process.terminate()
        assert await process.wait() == 0
    assert (name, priority, cls, uuid) == ("ALARM", "3", "VM", "vm-1")
    assert body.startswith("value: 0.750000\nconfig:\n<variable>\n")
    assert (asked[0]["host"], asked[0]["cf"], asked[0]["interval"]) == (["true"], ["AVERAGE"], ["60"])
