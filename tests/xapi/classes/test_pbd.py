"""Hosts reach repositories through PBDs."""

from pathlib import Path

import pytest

from idl.rpc import RpcError
from tests.xapi.storage_house import House
from xapi.classes import pbd, secret
from xapi.errors import XenAPIError


@pytest.fixture
async def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    await house.furnish()
    return house


async def test_one_connection_per_host_and_repository(house: House) -> None:
    record: dict[str, object] = {"host": house.host, "SR": house.sr, "device_config": {}}
    with pytest.raises(XenAPIError) as caught:
        await pbd.create(house.ctx(), record)
    assert caught.value.description == ["PBD_EXISTS", house.sr, house.host, house.pbd()]
    other = house.db.create("host", name_label="there")
    with pytest.raises(XenAPIError, match="SR_NOT_SHARABLE"):
        await pbd.create(house.ctx(), record | {"host": other})


async def test_unplug_waits_for_nobody_who_uses_a_disk(house: House) -> None:
    disk = await house.new_vdi()
    house.new_vbd(disk, attached=True)
    with pytest.raises(XenAPIError) as caught:
        await house.unplug()
    assert caught.value.description == ["VDI_IN_USE", disk, "unplug"]
    assert house.db.get("PBD", house.pbd(), "currently_attached")


async def test_unplugging_takes_away_what_needs_storage(house: House) -> None:
    disk = await house.new_vdi()
    await house.unplug()
    await house.unplug()
    assert house.db.get("VDI", disk, "allowed_operations") == ["forget", "force_unlock"]
    await pbd.plug(house.ctx(), house.pbd())
    await pbd.plug(house.ctx(), house.pbd())
    assert "snapshot" in house.db.get("VDI", disk, "allowed_operations")


async def test_a_plugged_connection_cannot_be_destroyed(house: House) -> None:
    with pytest.raises(XenAPIError, match="OPERATION_NOT_ALLOWED"):
        await pbd.destroy(house.ctx(), house.pbd())
    await house.unplug()
    await pbd.destroy(house.ctx(), house.pbd())
    assert house.db.get("SR", house.sr, "PBDs") == []


async def test_secrets_are_told_to_the_storage_only(house: House) -> None:
    await secret.create(house.ctx(), {"value": "swordfish"})
    (row,) = house.db.rows("secret")
    connection = house.pbd()
    await house.unplug()
    await pbd.set_device_config(house.ctx(), connection, {"location": "/x", "password_secret": row.values["uuid"]})
    await pbd.plug(house.ctx(), connection)
    assert list(house.storage.attached.values()) == [{"location": "/x", "password": "swordfish"}]
    await house.unplug()
    await pbd.destroy(house.ctx(), connection)
    assert house.db.count("secret") == 0


async def test_start_up_plugs_again_and_says_what_failed(house: House) -> None:
    house.storage.attached.clear()
    assert await pbd.plug_all(house.ctx()) == []
    assert house.storage.attached

    house.storage.refuse["sr_attach"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_73", ["", "no server", ""])
    ((failed, reason),) = await pbd.plug_all(house.ctx())
    assert (failed, reason.code) == (house.pbd(), "SR_BACKEND_FAILURE_73")
    assert not house.db.get("PBD", failed, "currently_attached")
    (message,) = house.db.rows("message")
    assert message.values["name"] == "PBD_PLUG_FAILED_ON_SERVER_START"


async def test_a_failed_first_scan_does_not_unplug(house: House) -> None:
    await house.unplug()
    house.storage.refuse["sr_scan"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_40", ["", "no", ""])
    await pbd.plug(house.ctx(), house.pbd())
    assert house.db.get("PBD", house.pbd(), "currently_attached")
