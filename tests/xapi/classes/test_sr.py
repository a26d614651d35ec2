"""Repositories are made whole or not at all, and their rows follow the storage."""

from pathlib import Path

import msgspec
import pytest

from idl.rpc import RpcError
from idl.storage import VdiInfo
from tests.xapi.storage_house import MIB, House
from xapi.classes import pbd, sm, sr, vdi
from xapi.errors import XenAPIError


@pytest.fixture
async def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    await house.furnish()
    return house


def uuid_of(house: House, ref: str) -> str:
    return str(house.db.get("SR", ref, "uuid"))


async def test_drivers_become_sm_rows(house: House) -> None:
    row = house.db.row("SM", house.db.where("SM", type="file")[0]).values
    assert row["features"]["VDI_CREATE"] == 1
    assert row["features"]["VDI_RESET_ON_BOOT"] == 2
    assert row["supported_image_formats"] == ["qcow2", "vhd"]
    assert await sr.get_supported_types(house.ctx()) == ["file", "iso"]


async def test_a_driver_that_is_gone_keeps_its_row_while_an_sr_uses_it(house: House) -> None:
    house.storage.types = []
    await sm.register(house.ctx())
    assert [row.values["type"] for row in house.db.rows("SM")] == ["file"]


async def test_creating_makes_storage_rows_and_a_plugged_connection(house: House) -> None:
    row = house.db.row("SR", house.sr).values
    assert (row["type"], row["content_type"], row["physical_size"]) == ("file", "user", 100 * MIB)
    assert house.db.get("PBD", house.pbd(), "currently_attached")
    assert house.db.get("PBD", house.pbd(), "device_config") == {"location": "/Local storage"}
    assert "vdi_create" in row["allowed_operations"]


async def test_an_unknown_type_is_refused(house: House) -> None:
    with pytest.raises(XenAPIError, match=r"SR_UNKNOWN_DRIVER\(tape\)"):
        await sr.create(house.ctx(), house.host, {}, 0, "x", "", "tape", "", False, {})


async def test_a_creation_that_cannot_be_plugged_leaves_nothing(house: House) -> None:
    house.storage.refuse["sr_attach"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_47", ["", "no", ""])
    with pytest.raises(RpcError):
        await house.new_sr("second")
    assert house.db.refs("SR") == [house.sr]
    assert house.db.count("PBD") == 1


async def test_a_creation_that_cannot_be_scanned_deletes_its_storage(house: House) -> None:
    house.storage.refuse["sr_scan"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_40", ["", "no", ""])
    with pytest.raises(RpcError):
        await house.new_sr("second")
    assert list(house.storage.repositories) == [uuid_of(house, house.sr)]


async def test_introduce_refuses_a_known_uuid(house: House) -> None:
    identity = uuid_of(house, house.sr)
    with pytest.raises(XenAPIError, match="SR_UUID_EXISTS"):
        await sr.introduce(house.ctx(), identity, "again", "", "file", "", False, {})


async def test_forget_and_introduce_find_the_same_disks_again(house: House) -> None:
    disk = house.db.get("VDI", await house.new_vdi(), "uuid")
    identity, config = uuid_of(house, house.sr), house.db.get("PBD", house.pbd(), "device_config")
    with pytest.raises(XenAPIError, match="SR_HAS_PBD"):
        await sr.forget(house.ctx(), house.sr)
    await house.unplug()
    await sr.forget(house.ctx(), house.sr)
    assert (house.db.count("SR"), house.db.count("PBD"), house.db.count("VDI")) == (0, 0, 0)

    again = await sr.introduce(house.ctx(), identity, "again", "", "FILE", "", False, {})
    connection = await pbd.create(house.ctx(), {"host": house.host, "SR": again, "device_config": config})
    assert not house.db.get("PBD", connection, "currently_attached")
    await pbd.plug(house.ctx(), connection)
    assert [house.db.get("VDI", ref, "uuid") for ref in house.db.get("SR", again, "VDIs")] == [disk]


async def test_destroy_wants_it_unplugged_and_empty(house: House) -> None:
    disk = await house.new_vdi()
    with pytest.raises(XenAPIError, match="SR_HAS_PBD"):
        await sr.destroy(house.ctx(), house.sr)
    await house.unplug()
    with pytest.raises(RpcError, match="SR_NOT_EMPTY"):
        await sr.destroy(house.ctx(), house.sr)
    assert not house.storage.attached, "the attempt leaves it detached"
    await pbd.plug(house.ctx(), house.pbd())
    await vdi.destroy(house.ctx(), disk)
    await house.unplug()
    await sr.destroy(house.ctx(), house.sr)
    assert not house.storage.repositories
    assert house.db.count("SR") == 0


async def test_an_indestructible_repository_stays(house: House) -> None:
    house.db.put_in_map("SR", house.sr, "other_config", indestructible="true")
    await house.unplug()
    with pytest.raises(XenAPIError, match="SR_INDESTRUCTIBLE"):
        await sr.destroy(house.ctx(), house.sr)


async def test_scan_adds_updates_and_forgets(house: House) -> None:
    gone, changed = await house.new_vdi(), await house.new_vdi()
    disks = house.storage.repositories[uuid_of(house, house.sr)]
    del disks[house.db.get("VDI", gone, "location")]
    grown = disks[house.db.get("VDI", changed, "location")]
    grown.physical_utilisation = 12345
    disks["hidden"] = VdiInfo(vdi="hidden", managed=False, virtual_size=7)
    disks["new"] = VdiInfo(
        vdi="new", name_label="found", virtual_size=9, parent="hidden", snapshot_of=grown.vdi, is_a_snapshot=True
    )
    await sr.scan(house.ctx(), house.sr)

    assert not house.db.exists("VDI", gone)
    assert house.db.get("VDI", changed, "physical_utilisation") == 12345
    (found,) = house.db.by_name("VDI", "found")
    row = house.db.row("VDI", found).values
    hidden = house.db.where("VDI", location="hidden")[0]
    assert (row["managed"], row["parent"], row["snapshot_of"]) == (True, hidden, changed)
    assert house.db.get("VDI", changed, "snapshots") == [found]
    assert house.db.get("VDI", hidden, "managed") is False
    assert house.db.get("SR", house.sr, "virtual_allocation") == MIB + 7 + 9


async def test_scan_keeps_what_only_xenapi_knows(house: House) -> None:
    ref = await house.new_vdi(other_config={"mine": "1"}, tags=["t"])
    await sr.scan(house.ctx(), house.sr)
    row = house.db.record("VDI", ref)
    assert (row["other_config"], row["tags"]) == ({"mine": "1"}, ["t"])


async def test_scan_of_an_unplugged_repository_is_refused(house: House) -> None:
    await house.unplug()
    with pytest.raises(XenAPIError, match="SR_NOT_ATTACHED"):
        await sr.scan(house.ctx(), house.sr)


async def test_probes_tell_as_xml_and_as_records(house: House) -> None:
    text = await sr.probe(house.ctx(), house.host, {"location": "/x"}, "file", {})
    assert f"<UUID>{uuid_of(house, house.sr)}</UUID>" in text
    assert "<note>a&lt;b</note>" in text
    (record,) = await sr.probe_ext(house.ctx(), house.host, {"location": "/x"}, "file", {})
    assert record["sr"]["health"] == "healthy"
    with pytest.raises(XenAPIError, match="SR_OPERATION_NOT_SUPPORTED"):
        await sr.probe(house.ctx(), house.host, {}, "iso", {})


async def test_a_new_name_reaches_the_storage(house: House) -> None:
    await sr.set_name_label(house.ctx(), house.sr, "fast")
    assert house.storage.names == {uuid_of(house, house.sr): "fast"}
    assert house.db.by_name("SR", "fast") == [house.sr]


async def test_a_blob_has_one_name_per_object(house: House) -> None:
    blob = await sr.create_new_blob(house.ctx(), house.sr, "icon", "image/png", True)
    assert house.db.get("SR", house.sr, "blobs") == {"icon": blob}
    with pytest.raises(Exception, match="icon"):
        await sr.create_new_blob(house.ctx(), house.sr, "icon", "", False)
    assert house.db.refs("blob") == [blob]


async def test_a_second_storage_answer_does_not_double_rows(house: House) -> None:
    ref = await house.new_vdi()
    disks = house.storage.repositories[uuid_of(house, house.sr)]
    location = house.db.get("VDI", ref, "location")
    disks[location] = msgspec.structs.replace(disks[location])
    await sr.scan(house.ctx(), house.sr)
    await sr.scan(house.ctx(), house.sr)
    assert house.db.get("SR", house.sr, "VDIs") == [ref]
