"""Disk images follow the storage, and what fails leaves neither row nor disk."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from idl.rpc import RpcError
from tests.xapi.storage_house import MIB, House
from xapi.classes import crashdump, vdi, vdi_records, vdi_rows
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError


@pytest.fixture
async def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    await house.furnish()
    return house


def disks(house: House) -> set[str]:
    return {location for repository in house.storage.repositories.values() for location in repository}


async def test_a_new_image_has_the_size_the_storage_gave(house: House) -> None:
    ref = await house.new_vdi(MIB + 1, name_description="d", xenstore_data={"k": "v"}, sm_config={"s": "1"})
    row = house.db.row("VDI", ref).values
    assert (row["virtual_size"], row["managed"], row["location"]) == (2 * MIB, True, row["uuid"])
    assert (row["xenstore_data"], row["sm_config"], row["snapshot_of"]) == ({"k": "v"}, {"s": "1"}, NULL_REF)
    assert house.db.get("SR", house.sr, "virtual_allocation") == 2 * MIB
    assert "destroy" in row["allowed_operations"]


async def test_a_size_below_nothing_is_refused(house: House) -> None:
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        await house.new_vdi(-1)


async def test_a_creation_that_fails_half_way_leaves_no_disk(house: House) -> None:
    house.storage.refuse["sr_stat"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_47", ["", "", ""])
    with pytest.raises(RpcError):
        await house.new_vdi()
    assert (house.db.count("VDI"), disks(house)) == (0, set())
    assert house.db.get("SR", house.sr, "current_operations") == {}


async def test_a_full_repository_is_told_as_the_driver_says(house: House) -> None:
    house.storage.refuse["vdi_create"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_44", ["", "no space", ""])
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_44"):
        await house.new_vdi()


async def test_a_driver_without_creation_refuses(house: House) -> None:
    house.db.set("SR", house.sr, type="iso")
    with pytest.raises(XenAPIError, match="SR_OPERATION_NOT_SUPPORTED"):
        await house.new_vdi()


async def test_a_snapshot_knows_its_original(house: House) -> None:
    ref = await house.new_vdi(content=b"then", other_config={"a": "b"}, type="system")
    house.new_vbd(ref, attached=True)
    frozen = await vdi.snapshot(house.ctx(), ref, {})
    row = house.db.record("VDI", frozen)
    assert (row["is_a_snapshot"], row["snapshot_of"], row["type"]) == (True, ref, "system")
    assert row["snapshot_time"] != "19700101T00:00:00Z"
    assert row["other_config"] == {"a": "b"}
    assert house.db.get("VDI", ref, "snapshots") == [frozen]
    assert house.db.get("VDI", ref, "physical_utilisation") == 512, "the original's share is read again"


async def test_a_clone_is_its_own_disk(house: House) -> None:
    ref = await house.new_vdi(content=b"data")
    cloned = await vdi.clone(house.ctx(), ref, {})
    row = house.db.row("VDI", cloned).values
    assert (row["name_label"], row["is_a_snapshot"], row["snapshot_of"]) == ("disk", False, NULL_REF)
    assert house.storage.contents[row["location"]] == b"data"


async def test_a_copy_goes_to_another_repository(house: House) -> None:
    ref, other = await house.new_vdi(content=b"data"), await house.new_sr("other")
    copied = await vdi.copy(house.ctx(), ref, other, NULL_REF, NULL_REF)
    assert house.db.get("SR", other, "VDIs") == [copied]
    assert house.storage.contents[house.db.get("VDI", copied, "location")] == b"data"


async def test_a_copy_onto_an_image_checks_it_first(house: House) -> None:
    ref, small = await house.new_vdi(2 * MIB, content=b"data"), await house.new_vdi()
    with pytest.raises(XenAPIError) as caught:
        await vdi.copy(house.ctx(), ref, NULL_REF, NULL_REF, small)
    assert caught.value.description == ["VDI_TOO_SMALL", small, str(2 * MIB)]
    target = await house.new_vdi(2 * MIB)
    assert await vdi.copy(house.ctx(), ref, NULL_REF, NULL_REF, target) == target
    assert house.storage.contents[house.db.get("VDI", target, "location")] == b"data".ljust(2 * MIB, b"\0")
    house.db.set("VDI", target, read_only=True)
    with pytest.raises(XenAPIError, match="VDI_READONLY"):
        await vdi.copy(house.ctx(), ref, NULL_REF, NULL_REF, target)


async def test_an_attached_image_is_not_destroyed(house: House) -> None:
    ref = await house.new_vdi()
    vbd = house.new_vbd(ref, attached=True)
    assert "destroy" not in house.db.get("VDI", ref, "allowed_operations")
    with pytest.raises(XenAPIError) as caught:
        await vdi.destroy(house.ctx(), ref)
    assert caught.value.description == ["VDI_IN_USE", ref, "destroy"]
    house.db.set("VBD", vbd, currently_attached=False)
    await vdi.destroy(house.ctx(), ref)
    assert (house.db.count("VDI"), disks(house)) == (0, set())


async def test_resizing_writes_the_size_it_got(house: House) -> None:
    ref = await house.new_vdi()
    await vdi.resize(house.ctx(), ref, 3 * MIB)
    assert house.db.get("VDI", ref, "virtual_size") == 3 * MIB
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_79"):
        await vdi.resize(house.ctx(), ref, MIB)
    assert house.db.get("VDI", ref, "current_operations") == {}


async def test_operations_on_one_image_wait_for_each_other(house: House) -> None:
    ref = await house.new_vdi()
    gate, started, seen = asyncio.Event(), asyncio.Event(), []
    resize = house.storage.vdi_resize

    async def slow(dbg: str, sr: str, disk: str, size: int) -> int:
        seen.append(dict(house.db.get("VDI", ref, "current_operations")))
        started.set()
        await gate.wait()
        return await resize(dbg, sr, disk, size)

    house.storage.vdi_resize = slow  # type: ignore
    growing = asyncio.create_task(vdi.resize(house.ctx("one"), ref, 2 * MIB))
    await started.wait()
    frozen = asyncio.create_task(vdi.snapshot(house.ctx("two"), ref, {}))
    await asyncio.sleep(0)
    assert list(seen[0].values()) == ["resize"]
    gate.set()
    await growing
    assert house.db.get("VDI", await frozen, "virtual_size") == 2 * MIB


async def test_cbt_is_refused_where_the_driver_has_none(house: House) -> None:
    ref = await house.new_vdi()
    for message in (vdi.enable_cbt, vdi.disable_cbt, vdi.data_destroy):
        with pytest.raises(XenAPIError, match="SR_OPERATION_NOT_SUPPORTED"):
            await message(house.ctx(), ref)


async def test_a_name_is_kept_by_the_storage_too(house: House) -> None:
    ref = await house.new_vdi()
    await vdi.set_name_label(house.ctx(), ref, "root")
    assert house.db.by_name("VDI", "root") == [ref]
    (repository,) = house.storage.repositories.values()
    assert [info.name_label for info in repository.values()] == ["root"]


async def test_reset_on_boot_forbids_snapshots(house: House) -> None:
    ref = await house.new_vdi()
    await vdi.set_on_boot(house.ctx(), ref, "reset")
    with pytest.raises(XenAPIError, match="VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"):
        await vdi.snapshot(house.ctx(), ref, {})


async def test_checksum_is_of_the_whole_content(house: House) -> None:
    ref = await house.new_vdi()
    assert await vdi.checksum(house.ctx(), ref) == "b6d81b360a5672d80c27430f39153e2c"


async def test_forgetting_leaves_the_disk_and_introducing_finds_it(house: House) -> None:
    ref = await house.new_vdi()
    row = house.db.record("VDI", ref)
    details: tuple[Any, ...] = (
        row["uuid"], "again", "", house.sr, "user", False, False, {"o": "1"}, row["location"], {}, {}, True, 0, 0, "", False,
        "19700101T00:00:00Z", "",
    )  # fmt: skip
    with pytest.raises(XenAPIError, match="LOCATION_NOT_UNIQUE"):
        await vdi_records.introduce(house.ctx(), *details)
    await vdi_records.forget(house.ctx(), ref)
    assert len(disks(house)) == 1
    again = await vdi_records.introduce(house.ctx(), *details)
    row = house.db.record("VDI", again)
    assert (row["uuid"], row["virtual_size"], row["other_config"]) == (details[0], MIB, {"o": "1"})


async def test_a_crash_dump_goes_with_its_image(house: House) -> None:
    dump = house.db.create("crashdump", VDI=await house.new_vdi(), VM=house.db.create("VM"))
    await crashdump.destroy(house.ctx(), dump)
    assert (house.db.count("crashdump"), house.db.count("VDI")) == (0, 0)


async def test_drives_of_a_disk_that_is_gone_are_emptied_and_its_vbds_go(house: House) -> None:
    ref, kept = await house.new_vdi(), await house.new_vdi()
    drive, disk, other = (house.new_vbd(image, attached=False) for image in (ref, ref, kept))
    house.db.set("VBD", drive, type="CD")
    await vdi.destroy(house.ctx(), ref)
    vdi_rows.collect_garbage(house.ctx())
    assert not house.db.exists("VBD", disk)
    assert house.db.exists("VBD", other)
    assert (house.db.get("VBD", drive, "empty"), house.db.get("VBD", drive, "VDI")) == (True, NULL_REF)
