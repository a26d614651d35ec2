"""Metrics requests reach the metrics daemon, and its answers the client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idl.rpc import HttpRequest, HttpResponse, serve
from tests.xapi.storage_house import House
from tests.xapi.transfer.door import fetch, serving


class Daemon:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, bytes]] = []

    async def answer(self, request: HttpRequest) -> HttpResponse:
        self.seen.append((request.method, request.path, request.query, request.body))
        if request.path == "/vm_rrd":
            return HttpResponse(404, "Not Found")
        return HttpResponse(headers={"Content-Type": "text/xml"}, body=b"<xport/>" * 20000)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    async with serving(house):
        yield house


@pytest.fixture
async def daemon(house: House) -> AsyncIterator[Daemon]:
    found = Daemon()
    async with serve(house.app.root.rrdd_socket, http=found.answer):
        yield found


async def test_updates_pass_with_their_parameters_but_ours(house: House, daemon: Daemon) -> None:
    answer = await fetch(house, "GET", "/rrd_updates?start=10&host=true&task_id=&json=true")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.body == b"<xport/>" * 20000
    assert daemon.seen == [("GET", "/rrd_updates", "start=10&host=true&json=true", b"")]


@pytest.mark.parametrize("target", ["/rrd_updates", "/vm_rrd", "/sr_rrd", "/rrd_updates?host=true"])
async def test_a_missing_parameter_is_400(house: House, daemon: Daemon, target: str) -> None:
    assert (await fetch(house, "GET", target)).status == 400
    assert daemon.seen == []


async def test_a_halted_vm_shows_its_archive(house: House, daemon: Daemon) -> None:
    assert (await fetch(house, "GET", "/vm_rrd?uuid=u")).status == 200
    assert [(method, path) for method, path, _, _ in daemon.seen] == [("GET", "/vm_rrd"), ("POST", "/rrd_unarchive")]


async def test_without_the_daemon_it_is_503(house: House) -> None:
    assert (await fetch(house, "GET", "/host_rrd")).status == 503


async def test_metrics_are_taken_in_for_known_objects_only(house: House, daemon: Daemon) -> None:
    assert (await fetch(house, "PUT", "/rrd?uuid=none", b"x")).status == 404
    host = house.db.get("host", house.host, "uuid")
    assert (await fetch(house, "PUT", f"/rrd?uuid={host}", b"x")).status == 400
    assert (await fetch(house, "PUT", f"/rrd?uuid={host}&archive=true", b"x")).status == 200
    assert daemon.seen == [("PUT", "/rrd", f"uuid={host}&archive=true&is_host=true&domid=0", b"x")]
