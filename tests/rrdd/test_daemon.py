"""The daemon as a process: real sockets, a stand-in for xenopsd, kill -9."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from math import isnan
from pathlib import Path
from typing import Protocol

import pytest

from idl.paths import Root
from idl.rpc import RpcError, client, serve, wire
from idl.rrd import Metrics
from idl.xenops import BlockCounters, DomainCounters, NetCounters
from rrdd import formats
from rrdd.metric import HOST, Kind, Metric, Reading
from rrdd.plugin_protocol import write_v1, write_v2
from rrdd.store import Store

HOST_UUID = "11111111-aaaa-bbbb-cccc-000000000001"
DOM0 = "11111111-aaaa-bbbb-cccc-000000000002"
VM = "11111111-aaaa-bbbb-cccc-000000000003"
LIMIT = 40.0


class Counters(Protocol):
    @wire("HOST.get_counters")
    async def host_get_counters(self, debug_info: str) -> list[DomainCounters]: ...


class Guest:
    """Stands for xenopsd with one guest that uses half of its CPU and receives 1000 bytes a second."""

    def __init__(self) -> None:
        self.started = time.time()
        self.running = True

    async def host_get_counters(self, debug_info: str) -> list[DomainCounters]:
        if not self.running:
            return []
        age = time.time() - self.started
        disk = BlockCounters(device="xvda", read_bytes=0, write_bytes=0, read_requests=0, write_requests=0)
        net = NetCounters(device="0", rx_bytes=int(age * 1000), tx_bytes=0)
        guest = DomainCounters(
            id=VM, domid=1, vcpu_seconds=[age / 2], memory=1 << 28, memory_target=1 << 28, blocks=[disk], nets=[net]
        )
        return [guest]


@contextlib.asynccontextmanager
async def daemon(root: Root) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "rrdd", "--root", str(root.path))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), LIMIT)


async def get(root: Root, target: str, method: str = "GET", body: bytes = b"", headers: str = "") -> tuple[int, str, bytes]:
    """Return (status, head, body) of a plain HTTP request to the daemon."""
    reader, writer = await asyncio.open_unix_connection(str(root.rrdd_socket))
    writer.write(
        f"{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    answer = await reader.read()
    writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), rest


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the daemon's next cycles bring."""
    async with asyncio.timeout(LIMIT):
        while not await condition():
            await asyncio.sleep(0.25)


async def latest(root: Root, query: str = "start=-5&host=true&cf=AVERAGE&json") -> dict[str, str]:
    """Return the newest row of /rrd_updates by legend."""
    _, _, body = await get(root, f"/rrd_updates?{query}")
    document = json.loads(body)
    values = document["data"][0]["values"] if document["data"] else []
    return {entry.split(":", 1)[1]: value for entry, value in zip(document["meta"]["legend"], values, strict=False)}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


async def test_host_and_guests_are_recorded_and_survive_a_kill(root: Root) -> None:
    guest = Guest()
    async with daemon(root) as process:
        metrics = client(Metrics, root.rrdd_socket, LIMIT)
        await metrics.set_host(HOST_UUID, DOM0)

        async def host_is_recorded() -> bool:
            return (await latest(root)).get(f"host:{HOST_UUID}:cpu_avg", "NaN") != "NaN"

        await until(host_is_recorded)
        assert not await metrics.has_vm_rrd(VM)
        async with serve(root.xenopsd_socket, (Counters, guest)):

            async def guest_is_recorded() -> bool:
                row = await latest(root)
                return "NaN" not in (row.get(f"vm:{VM}:cpu0", "NaN"), row.get(f"vm:{DOM0}:cpu_usage", "NaN"))

            await until(guest_is_recorded)
            row = await latest(root)
            assert float(row[f"vm:{VM}:cpu0"]) == pytest.approx(0.5, abs=0.05)
            assert float(row[f"vm:{VM}:vif_0_rx"]) == pytest.approx(1000, rel=0.1)
            assert float(row[f"vm:{VM}:memory"]) == 1 << 28
            assert await metrics.query_vm_ds(VM, "cpu_usage") == pytest.approx(0.5, abs=0.05)
            assert 0 <= (await metrics.query_host_ds("cpu_avg") or 0) <= 1
            with pytest.raises(RpcError, match="Datasource_missing"):
                await metrics.query_vm_ds(VM, "cpu9")
            possible = {source.name: source for source in await metrics.query_possible_vm_dss(VM)}
            assert possible["memory"].enabled and not possible["vif_0_rx_errors"].enabled
            only = await latest(root, f"start=-5&vm_uuid={DOM0}&json")
            assert {entry.split(":")[1] for entry in only} == {DOM0}
            await metrics.save_rrds()
            process.kill()
            await process.wait()
    # Nobody tells the new one who it is: it knows.
    async with daemon(root):
        metrics = client(Metrics, root.rrdd_socket, LIMIT)
        await metrics.query()
        await until(host_is_recorded)
        status, _, body = await get(root, "/host_rrd")
        assert status == 200
        known = formats.from_xml(body)
        column = known.column("cpu_avg")
        rows = known.rings[0].newest(120)[:, column].tolist() if column is not None else []
        kept = [value for value in rows if not isnan(value)]
        assert len(kept) >= 3, "rows of before the kill and after"


async def test_a_halted_vm_is_archived_and_a_started_one_goes_on(root: Root) -> None:
    guest = Guest()
    async with serve(root.xenopsd_socket, (Counters, guest)), daemon(root):
        metrics = client(Metrics, root.rrdd_socket, LIMIT)
        await metrics.set_host(HOST_UUID, DOM0)
        await until(lambda: metrics.has_vm_rrd(VM))
        guest.running = False
        await metrics.archive_rrd(VM)
        assert not await metrics.has_vm_rrd(VM)
        assert Store(root).load(VM) is not None
        assert (await get(root, f"/vm_rrd?uuid={VM}"))[0] == 404
        status, _, body = await get(root, f"/rrd_unarchive?uuid={VM}", "POST")
        assert status == 200
        assert formats.from_xml(body).column("memory") is not None
        await metrics.push_rrd_local(VM, 7)
        assert await metrics.has_vm_rrd(VM)
        status, _, body = await get(root, f"/vm_rrd?uuid={VM}&json=true")
        assert status == 200 and json.loads(body)["version"] == "0003"
        await metrics.remove_rrd(VM)
        assert not await metrics.has_vm_rrd(VM)
        assert (await get(root, f"/rrd_unarchive?uuid={VM}", "POST"))[0] == 404


async def test_plugins_files_are_recorded(root: Root) -> None:
    async with daemon(root):
        metrics = client(Metrics, root.rrdd_socket, LIMIT)
        await metrics.query()
        assert await metrics.plugin_next_reading("one") == -1.0
        assert -1 <= await metrics.plugin_register("one", "Five_Seconds", "V1") <= 6
        with pytest.raises(RpcError, match="Invalid_protocol"):
            await metrics.plugin_register("one", "Five_Seconds", "V9")
        one = Path(await metrics.plugin_get_path("one"))
        two = Path(await metrics.plugin_get_path("two"))
        assert one == root.under("/dev/shm/metrics/one")
        with pytest.raises(RpcError):
            await metrics.plugin_get_path("../../../etc/passwd")

        def write() -> None:
            now = time.time()
            for path, encode, value in ((one, write_v1, 1.5), (two, write_v2, 2.5)):
                metric = Metric(f"plugin_{path.name}", Kind.GAUGE, "s", default=True)
                path.write_bytes(encode([Reading(HOST, metric, value, now)], now))

        async def both_are_recorded() -> bool:
            write()
            row = await latest(root)
            return (row.get("host::plugin_one"), row.get("host::plugin_two")) == ("1.5", "2.5")

        await until(both_are_recorded)


async def test_documents_over_http(root: Root) -> None:
    async with daemon(root):
        await client(Metrics, root.rrdd_socket, LIMIT).query()
        status, head, body = await get(root, "/rrd_updates?start=0&host=true")
        assert status == 200 and body.startswith(b"<xport><meta>")
        assert "Access-Control-Allow-Origin: *" in head and "Content-Type: text/xml" in head
        _, head, body = await get(root, "/rrd_updates?start=0", headers="Accept: application/json\r\n")
        assert "Content-Type: application/json" in head and json.loads(body)["meta"]["columns"] == "0"
        for target in (
            "/rrd_updates",
            "/rrd_updates?start=soon",
            "/rrd_updates?start=nan",
            "/rrd_updates?start=0&cf=ODD",
            "/vm_rrd",
        ):
            assert (await get(root, target))[0] == 400, target
        assert (await get(root, f"/vm_rrd?uuid={VM}"))[0] == 404
        assert (await get(root, f"/sr_rrd?uuid={VM}"))[0] == 404
        assert (await get(root, "/rrd_unarchive?uuid=../../etc/passwd", "POST"))[0] == 400
        assert (await get(root, "/elsewhere"))[0] == 404


async def test_an_archive_is_taken_in_over_http(root: Root) -> None:
    async with daemon(root):
        await client(Metrics, root.rrdd_socket, LIMIT).query()
        assert (await get(root, f"/rrd?uuid={VM}&archive=true", "PUT", b"<rubbish/>"))[0] == 400
        assert Store(root).load(VM) is None
        document = (
            b"<rrd><version>0003</version><step>5</step><lastupdate>1000</lastupdate><rra><cf>AVERAGE</cf><pdp_per_row>1</pdp_per_row>"
            b"<params><xff>0.5</xff></params><cdp_prep></cdp_prep><database><row></row></database></rra></rrd>"
        )
        assert (await get(root, f"/rrd?uuid={VM}&archive=true", "PUT", document))[0] == 200
        assert Store(root).load(VM) is not None
        assert (await get(root, f"/rrd?uuid={VM}&is_host=true", "PUT", document))[0] == 400
        assert (await get(root, f"/rrd?uuid={VM}&is_host=false", "PUT", document))[0] == 200
        assert (await get(root, f"/vm_rrd?uuid={VM}"))[0] == 200
