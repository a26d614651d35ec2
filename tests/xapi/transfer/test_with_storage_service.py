"""Storage classes and transfers with the real storage service as a process of its own, its images and its tools."""

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from idl.paths import Root
from idl.rpc import client
from idl.storage import Storage
from tests.xapi.storage_house import MIB, House
from tests.xapi.transfer.door import curl, serving
from xapi.classes import pbd, sm, sr, vdi
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError
from xapi.server.dispatch import as_api_error

TIMEOUT = 60


@pytest.fixture
def root() -> Iterator[Path]:
    """A host's root with a short name: sockets hang under it."""
    with tempfile.TemporaryDirectory(prefix="xh") as place:
        yield Path(place)


@pytest.fixture
async def house(tmp_path: Path, root: Path) -> AsyncIterator[House]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sm", "--root", str(root), env={**os.environ, "PYTHONPATH": "."}, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        house = House(root, storage=client(Storage, Root(root).storage_socket, patience=TIMEOUT))
        await sm.register(house.ctx())
        house.sr = await house.new_sr_at(tmp_path / "images")
        async with serving(house):
            yield house
        for ref in house.db.refs("PBD"):
            await pbd.unplug(house.ctx(), ref)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), TIMEOUT)


async def new_vdi(house: House, size: int) -> str:
    return await vdi.create(house.ctx(), {"SR": house.sr, "virtual_size": size, "type": "user", "name_label": "disk"})


def sample(size: int) -> bytes:
    """Return content with holes in it, different in every block."""
    block = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(4096))
    return (block + bytes(len(block))).ljust(size, b"\0")[:size]


@pytest.mark.parametrize("form", ["raw", "qcow2", "vhd"])
async def test_what_goes_out_comes_in_again(house: House, tmp_path: Path, form: str) -> None:
    data = sample(6 * MIB)
    first, second = await new_vdi(house, len(data)), await new_vdi(house, len(data))
    (tmp_path / "in").write_bytes(data)
    await curl(house, "-T", str(tmp_path / "in"), f"http://localhost/import_raw_vdi?vdi={first}")
    await curl(house, "-o", str(tmp_path / "image"), f"http://localhost/export_raw_vdi?vdi={first}&format={form}")
    await curl(house, "-T", str(tmp_path / "image"), f"http://localhost/import_raw_vdi?vdi={second}&format={form}")
    await curl(house, "-o", str(tmp_path / "out"), f"http://localhost/export_raw_vdi?vdi={second}")
    assert (tmp_path / "out").read_bytes() == data
    assert await vdi.checksum(house.ctx(), first) == await vdi.checksum(house.ctx(), second)


async def test_a_disks_family(house: House) -> None:
    ctx = house.ctx()
    disk = await new_vdi(house, 4 * MIB)
    frozen = await vdi.snapshot(ctx, disk, {})
    cloned = await vdi.clone(ctx, frozen, {})
    copied = await vdi.copy(ctx, disk, house.sr, NULL_REF, NULL_REF)
    await vdi.resize(ctx, cloned, 8 * MIB)
    await vdi.set_name_label(ctx, cloned, "larger")
    await sr.scan(ctx, house.sr)
    managed = {ref for ref in house.db.get("SR", house.sr, "VDIs") if house.db.get("VDI", ref, "managed")}
    assert managed == {disk, frozen, cloned, copied}
    assert house.db.get("VDI", frozen, "snapshot_of") == disk
    assert house.db.get("VDI", cloned, "virtual_size") == 8 * MIB
    assert house.db.get("VDI", cloned, "name_label") == "larger"
    for ref in managed:
        await vdi.destroy(ctx, ref)
    await sr.scan(ctx, house.sr)
    assert not [ref for ref in house.db.get("SR", house.sr, "VDIs") if house.db.get("VDI", ref, "managed")]


async def test_the_same_disks_after_forgetting_all(house: House) -> None:
    disk = await new_vdi(house, 4 * MIB)
    identity = house.db.get("VDI", disk, "uuid")
    record = house.db.record("SR", house.sr)
    config = house.db.get("PBD", house.pbd(), "device_config")
    await house.unplug()
    await sr.forget(house.ctx(), house.sr)
    house.sr = await sr.introduce(house.ctx(), record["uuid"], "again", "", "file", "", False, {})
    await pbd.plug(house.ctx(), await pbd.create(house.ctx(), {"host": house.host, "SR": house.sr, "device_config": config}))
    (found,) = house.db.get("SR", house.sr, "VDIs")
    row = house.db.row("VDI", found).values
    assert (row["uuid"], row["name_label"], row["virtual_size"]) == (identity, "disk", 4 * MIB)


async def test_errors_arrive_as_xenapi_errors(house: House) -> None:
    ctx = house.ctx()
    disk = await new_vdi(house, 4 * MIB)

    async def code(work: object) -> str:
        with pytest.raises(Exception) as caught:
            await work  # type: ignore[misc]
        shown = as_api_error(ctx, caught.value)
        assert isinstance(shown, XenAPIError)
        return shown.code

    assert (await code(vdi.resize(ctx, disk, MIB))).startswith("SR_BACKEND_FAILURE_")
    house.db.set("VDI", disk, location="gone")
    assert await code(vdi.snapshot(ctx, disk, {})) == "VDI_MISSING"
    assert await code(vdi.enable_cbt(ctx, disk)) == "SR_OPERATION_NOT_SUPPORTED"
    await sr.scan(ctx, house.sr)
    await house.unplug()
    assert await code(sr.destroy(ctx, house.sr)) == "SR_NOT_EMPTY"
    await pbd.plug(ctx, house.pbd())


async def test_a_folder_of_discs(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "isos"
    folder.mkdir()
    (folder / "boot.iso").write_bytes(b"disc".ljust(2048))
    discs = await sr.create(house.ctx(), house.host, {"location": str(folder)}, 0, "ISOs", "", "iso", "iso", False, {})
    (disc,) = house.db.get("SR", discs, "VDIs")
    row = house.db.row("VDI", disc).values
    assert (row["name_label"], row["read_only"], row["virtual_size"]) == ("boot.iso", True, 2048)
    assert not {"destroy", "resize", "snapshot"} & set(row["allowed_operations"])
    (folder / "boot.iso").unlink()
    await sr.scan(house.ctx(), discs)
    assert house.db.get("SR", discs, "VDIs") == []
