"""A guest's console through the door: raw after CONNECT, and as a WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from websockets.asyncio.client import unix_connect

from idl.xenops import Console, PowerState, VmState
from tests.xapi.storage_house import House
from tests.xapi.transfer.door import fetch, read_head, serving
from xapi.transfer.relay import Quiet, StreamPeer, is_rfb_activity, relay


class Guest:
    """A VM with a screen that answers in capitals; the domain manager's part that tells where."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.consoles = [Console(protocol="Rfb", path=str(path))]

    async def vm_stat(self, dbg: str, id: str) -> tuple[object, VmState]:
        return SimpleNamespace(id=id), VmState(power_state=PowerState.RUNNING, consoles=self.consoles)

    async def _screen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n")
        while data := await reader.read(100):
            writer.write(data.upper())
        writer.close()


@contextlib.asynccontextmanager
async def guest_house(root: Path) -> AsyncIterator[tuple[House, str]]:
    guest = Guest(root / "screen")
    house = House(root, xenops=guest)
    vm = house.db.create("VM", name_label="guest", power_state="Running", resident_on=house.host)
    house.db.create("console", VM=vm, protocol="rfb", location="")
    house.db.create("console", VM=vm, protocol="vt100", location="")
    server = await asyncio.start_unix_server(guest._screen, str(guest.path))
    async with serving(house):
        yield house, vm
    server.close()


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    async with guest_house(tmp_path) as found:
        yield found


async def connect(house: House, query: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(str(house.app.root.xapi_socket))
    writer.write(f"CONNECT /console?{query} HTTP/1.0\r\n\r\n".encode())
    return reader, writer


async def test_a_vm_shows_its_screen(guest: tuple[House, str]) -> None:
    house, vm = guest
    reader, writer = await connect(house, f"uuid={house.db.get('VM', vm, 'uuid')}")
    assert (await read_head(reader))[0] == 200
    assert await reader.readline() == b"RFB 003.008\n"
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"HELLO"
    writer.write_eof()
    assert await reader.read() == b"", "either side's end ends both"
    writer.close()


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("uuid=none", 404), ("ref=OpaqueRef:none", 404)],
)
async def test_a_console_that_is_not_there(guest: tuple[House, str], query: str, status: int) -> None:
    reader, writer = await connect(guest[0], query)
    assert (await read_head(reader))[0] == status
    writer.close()


async def test_a_serial_line_the_guest_does_not_have(guest: tuple[House, str]) -> None:
    house, _ = guest
    (serial,) = house.db.where("console", protocol="vt100")
    reader, writer = await connect(house, f"ref={serial}")
    assert (await read_head(reader))[0] == 404
    writer.close()


async def test_a_halted_vm_has_no_console(guest: tuple[House, str]) -> None:
    house, vm = guest
    house.db.set("VM", vm, power_state="Halted")
    reader, writer = await connect(house, f"ref={vm}")
    assert (await read_head(reader))[0] == 500
    writer.close()


async def test_one_user_at_a_time_where_the_pool_says_so(guest: tuple[House, str]) -> None:
    house, vm = guest
    house.db.set("pool", house.pool, limit_console_sessions=True)
    reader, writer = await connect(house, f"ref={vm}")
    await reader.readuntil(b"RFB 003.008\n")
    second, second_writer = await connect(house, f"ref={vm}")
    assert (await read_head(second))[0] == 503
    assert b"Connection Limit Exceeded" in await second.read()
    writer.write_eof()
    await reader.read()
    third, third_writer = await connect(house, f"ref={vm}")
    assert (await read_head(third))[0] == 200
    for open_writer in (writer, second_writer, third_writer):
        open_writer.close()


async def test_a_browser_gets_a_websocket(guest: tuple[House, str]) -> None:
    house, vm = guest
    uri = f"ws://localhost/console?ref={vm}"
    async with unix_connect(str(house.app.root.xapi_socket), uri, subprotocols=["binary"]) as socket:
        assert socket.subprotocol == "binary"
        assert await socket.recv() == b"RFB 003.008\n"
        await socket.send(b"hello")
        assert await socket.recv() == b"HELLO"
        await socket.send("text is fine too")
        assert await socket.recv() == b"TEXT IS FINE TOO"
        await asyncio.wait_for(await socket.ping(), 10)


async def test_a_get_that_is_no_websocket(guest: tuple[House, str]) -> None:
    house, vm = guest
    assert (await fetch(house, "GET", f"/console?ref={vm}")).status == 501


def test_asking_for_pictures_is_no_activity() -> None:
    request = b"\3\1" + bytes(8)
    assert not is_rfb_activity(request * 3)
    assert is_rfb_activity(b"\4\1" + bytes(6))
    assert is_rfb_activity(request + b"\5" + bytes(5))


async def test_a_console_left_alone_is_closed(tmp_path: Path) -> None:
    ends: list[StreamPeer] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(StreamPeer(reader, writer))
        if len(ends) == 2:
            await relay(ends[0], ends[1], Quiet(0.05, bool))

    server = await asyncio.start_unix_server(accept, str(tmp_path / "s"))
    one, one_writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    other, other_writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    async with asyncio.timeout(10):
        assert (await one.read(), await other.read()) == (b"", b"")
    one_writer.close()
    other_writer.close()
    server.close()
