"""Whole images over HTTP, through the real door and curl's own ways."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idl.rpc import RpcError
from tests.xapi.storage_house import MIB, House
from tests.xapi.transfer.door import Answer, curl, fetch, serving


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.furnish()
    async with serving(house):
        yield house


def content(house: House, ref: str) -> bytes:
    return house.storage.contents[house.db.get("VDI", ref, "location")]


async def put(house: House, target: str, body: bytes, **headers: str) -> Answer:
    return await fetch(house, "PUT", target, body, **headers)


def new_task(house: House) -> str:
    return house.app.tasks.create_for_client(house.ctx(), "upload", "")


async def test_a_raw_export_is_the_whole_disk(house: House) -> None:
    ref = await house.new_vdi(content=b"hello")
    answer = await fetch(house, "GET", f"/export_raw_vdi?vdi={house.db.get('VDI', ref, 'uuid')}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.headers["content-length"] == str(MIB)
    assert answer.headers["content-disposition"] == f'attachment; filename="{house.db.get("VDI", ref, "uuid")}.raw"'
    assert answer.body == b"hello".ljust(MIB, b"\0")
    assert house.db.get("VDI", ref, "current_operations") == {}


async def test_other_formats_have_their_types(house: House) -> None:
    ref = await house.new_vdi()
    vhd = await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}&format=vhd")
    assert (vhd.headers["content-type"], vhd.body) == ("application/vhd", b"as vhd")
    qcow2 = await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}&format=qcow2")
    assert (qcow2.headers["content-type"], qcow2.body) == ("application/x-qemu-disk", b"as qcow2")


async def test_what_cannot_be_exported_is_an_error_page(house: House) -> None:
    ref = await house.new_vdi()
    house.storage.refuse["vdi_export"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_46", ["", "", ""])
    assert (await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}")).status == 500
    assert (await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}&format=zip")).status == 404
    assert (await fetch(house, "GET", "/export_raw_vdi")).status == 400
    house.new_vbd(ref, attached=True)
    assert b"VDI_IN_USE" in (await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}")).body


async def test_an_export_that_breaks_off_fails_its_task(house: House) -> None:
    ref, task = await house.new_vdi(content=b"x"), new_task(house)
    house.storage.refuse["vdi_export late"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_200", ["", "", ""])
    await fetch(house, "GET", f"/export_raw_vdi?vdi={ref}&task_id={task}")
    assert house.db.get("task", task, "error_info")[0] == "SR_BACKEND_FAILURE_200"


async def test_an_import_fills_the_image_and_its_task(house: House) -> None:
    ref, task = await house.new_vdi(), new_task(house)
    answer = await put(house, f"/import_raw_vdi?vdi={ref}&task_id={task}", b"new content")
    assert (answer.status, answer.headers["task-id"]) == (200, task)
    assert content(house, ref) == b"new content"
    assert house.db.get("task", task, "status") == "success"
    assert house.db.get("task", task, "result") == f"<value>{ref}</value>"
    assert house.db.get("VDI", ref, "current_operations") == {}


async def test_curl_uploads_and_downloads(house: House, tmp_path: Path) -> None:
    ref = await house.new_vdi(4 * MIB)
    data = bytes(range(256)) * (4 * MIB // 256)
    (tmp_path / "in").write_bytes(data)
    await curl(house, "-T", str(tmp_path / "in"), f"http://localhost/import_raw_vdi?vdi={ref}")
    assert content(house, ref) == data
    await curl(house, "-o", str(tmp_path / "out"), f"http://localhost/export_raw_vdi?vdi={ref}")
    assert (tmp_path / "out").read_bytes() == data


async def test_an_import_into_a_repository_makes_the_image(house: House) -> None:
    task = new_task(house)
    identity = house.db.get("SR", house.sr, "uuid")
    assert (await put(house, f"/import_raw_vdi?sr_uuid={identity}&task_id={task}", b"abc")).status == 200
    (ref,) = house.db.by_name("VDI", "Imported VDI")
    assert content(house, ref) == b"abc"
    assert house.db.get("task", task, "result") == f"<value>{ref}</value>"


async def test_an_import_that_fails_destroys_the_image_it_made(house: House) -> None:
    task = new_task(house)
    house.storage.refuse["vdi_import"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_44", ["", "full", ""])
    with contextlib.suppress(ConnectionError):  # the rest of the body finds nobody
        await put(house, f"/import_raw_vdi?sr_id={house.sr}&task_id={task}", b"abc" * MIB)
    await house.app.watch.until(task, lambda: house.db.get("task", task, "status") != "pending", 10)
    assert house.db.count("VDI") == 0
    assert house.db.get("task", task, "error_info")[0] == "VDI_IO_ERROR"


async def test_uploads_that_name_nothing_useful(house: House) -> None:
    task = new_task(house)
    assert (await put(house, f"/import_raw_vdi?task_id={task}", b"")).status == 400
    assert house.db.get("task", task, "error_info")[0] == "VDI_MISSING"
    assert (await put(house, f"/import_raw_vdi?sr_id={house.sr}&format=vhd", b"")).status == 400
    ref = await house.new_vdi()
    assert (await put(house, f"/import_raw_vdi?vdi={ref}&format=zip", b"")).status == 404
    too_much = {"Content-Length": str(MIB + 1)}
    assert b"VDI_TOO_SMALL" in (await fetch(house, "PUT", f"/import_raw_vdi?vdi={ref}", None, **too_much)).body
    house.new_vbd(ref, attached=True)
    assert b"VDI_IN_USE" in (await put(house, f"/import_raw_vdi?vdi={ref}", b"")).body


async def test_chunks_come_with_zeros_between(house: House) -> None:
    ref = await house.new_vdi()
    records = struct.pack("<QI", 2, 3) + b"abc" + struct.pack("<QI", 8, 1) + b"d" + struct.pack("<QI", 0, 0)
    await put(house, f"/import_raw_vdi?vdi={ref}&chunked=true", records)
    assert content(house, ref) == b"\0\0abc\0\0\0d"


async def test_a_connection_that_breaks_fails_the_task(house: House) -> None:
    ref, task = await house.new_vdi(), new_task(house)
    reader, writer = await asyncio.open_unix_connection(str(house.app.root.xapi_socket))
    writer.write(f"PUT /import_raw_vdi?vdi={ref}&task_id={task} HTTP/1.0\r\nContent-Length: 1000\r\n\r\nabc".encode())
    assert (await reader.readline()).split()[1] == b"200", "told before the body is complete"
    writer.close()
    await house.app.watch.until(task, lambda: house.db.get("task", task, "status") != "pending", 10)
    assert house.db.get("task", task, "status") == "failure"


async def test_who_does_not_know_the_length_just_hangs_up(house: House) -> None:
    ref, task = await house.new_vdi(), new_task(house)
    reader, writer = await asyncio.open_unix_connection(str(house.app.root.xapi_socket))
    writer.write(f"PUT /import_raw_vdi?vdi={ref}&task_id={task} HTTP/1.1\r\nContent-Length: {1 << 50}\r\n\r\nabc".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write_eof()
    await house.app.watch.until(task, lambda: house.db.get("task", task, "status") != "pending", 10)
    assert house.db.get("task", task, "status") == "success"
    assert content(house, ref) == b"abc"
    writer.close()


async def test_a_cancelled_upload_undoes_itself(house: House) -> None:
    task = new_task(house)
    reader, writer = await asyncio.open_unix_connection(str(house.app.root.xapi_socket))
    writer.write(f"PUT /import_raw_vdi?sr_id={house.sr}&task_id={task} HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc".encode())
    await reader.readuntil(b"\r\n\r\n")
    house.app.tasks.cancel(task)
    assert await reader.read() == b""
    assert house.db.get("task", task, "status") == "cancelled"
    assert house.db.count("VDI") == 0
    writer.close()
