"""Disks and network interfaces: configured, plugged, unplugged, and refused where they must be."""

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vbd, vif, vm, vm_suspend
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError


async def test_devices_are_numbered_by_themselves(pool: Pool) -> None:
    guest = await pool.vm()
    one, two = await pool.vbd(guest, await pool.new_vdi()), await pool.vbd(guest, await pool.new_vdi())
    assert [pool.db.get("VBD", ref, "userdevice") for ref in (one, two)] == ["0", "1"]
    assert (await vbd.get_allowed_vbd_devices(pool.ctx(), guest))[:2] == ["2", "4"]
    await pool.vif(guest)
    assert await vif.get_allowed_vif_devices(pool.ctx(), guest) == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"userdevice": "0"}, "DEVICE_ALREADY_EXISTS"),
        ({"userdevice": "xvda"}, "DEVICE_ALREADY_EXISTS"),
        ({"userdevice": "nonsense"}, "INVALID_DEVICE"),
        ({"type": "CD", "mode": "RW"}, "VBD_CDS_MUST_BE_READONLY"),
    ],
)
async def test_a_vbd_that_makes_no_sense_is_refused(pool: Pool, given: dict[str, str], code: str) -> None:
    guest = await pool.vm()
    await pool.vbd(guest, await pool.new_vdi())
    with pytest.raises(XenAPIError) as refused:
        await pool.vbd(guest, await pool.new_vdi(), **given)
    assert refused.value.code == code


async def test_a_disk_is_plugged_into_a_running_guest_and_unplugged(pool: Pool) -> None:
    guest = await started(pool)
    disk = await pool.vbd(guest, await pool.new_vdi())
    assert "plug" in pool.db.get("VBD", disk, "allowed_operations")
    await vbd.plug(pool.ctx(), disk)
    assert pool.db.get("VBD", disk, "currently_attached") and pool.db.get("VBD", disk, "device") == "xvdb"
    with pytest.raises(XenAPIError) as refused:
        await vbd.destroy(pool.ctx(), disk)
    assert refused.value.code == "OPERATION_NOT_ALLOWED"
    await vbd.unplug(pool.ctx(), disk)
    assert not pool.db.get("VBD", disk, "currently_attached")
    assert (pool.uuid(guest), "xvdb") not in pool.xenops.vbds
    await vbd.destroy(pool.ctx(), disk)


async def test_plugging_an_attached_disk_is_refused(pool: Pool) -> None:
    guest = await started(pool)
    disk = pool.db.get("VM", guest, "VBDs")[0]
    with pytest.raises(XenAPIError) as refused:
        await vbd.plug(pool.ctx(), disk)
    assert refused.value.description == ["DEVICE_ALREADY_ATTACHED", disk]


async def test_a_disk_in_use_by_one_guest_is_not_for_another(pool: Pool) -> None:
    guest, other = await started(pool), await started(pool)
    disk = pool.db.get("VBD", pool.db.get("VM", guest, "VBDs")[0], "VDI")
    second = await pool.vbd(other, disk)
    with pytest.raises(XenAPIError) as refused:
        await vbd.plug(pool.ctx(), second)
    assert refused.value.code == "VDI_IN_USE"


async def test_a_failed_plug_leaves_the_disk_detached(pool: Pool) -> None:
    guest = await started(pool)
    disk = await pool.vbd(guest, await pool.new_vdi())
    pool.xenops.fail["VBD.plug"] = RpcError("Internal_error", "no")
    with pytest.raises(RpcError):
        await vbd.plug(pool.ctx(), disk)
    row = pool.db.record("VBD", disk)
    assert not row["currently_attached"] and row["current_operations"] == {}


async def test_a_cd_is_inserted_and_ejected(pool: Pool) -> None:
    guest = await pool.vm()
    drive = await pool.vbd(guest, NULL_REF, type="CD", mode="RO", empty=True, userdevice="3")
    disk = await pool.new_vdi()
    await vbd.insert(pool.ctx(), drive, disk)
    assert pool.db.get("VBD", drive, "VDI") == disk and not pool.db.get("VBD", drive, "empty")
    with pytest.raises(XenAPIError, match="VBD_NOT_EMPTY"):
        await vbd.insert(pool.ctx(), drive, disk)
    await vbd.eject(pool.ctx(), drive)
    assert pool.db.get("VBD", drive, "empty")
    with pytest.raises(XenAPIError, match="VBD_IS_EMPTY"):
        await vbd.eject(pool.ctx(), drive)


async def test_an_interface_is_plugged_moved_and_unplugged(pool: Pool) -> None:
    guest = await started(pool)
    nic = await pool.vif(guest)
    await vif.plug(pool.ctx(), nic)
    assert pool.db.get("VIF", nic, "currently_attached")
    elsewhere = pool.db.create("network", bridge="xapi1", MTU=1500, managed=True)
    await vif.move(pool.ctx(), nic, elsewhere)
    assert pool.xenops.moved.bridge == "xapi1"
    await vif.unplug(pool.ctx(), nic)
    assert not pool.db.get("VIF", nic, "currently_attached")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"MAC": "01:00:00:00:00:01"}, "MAC_INVALID"),
        ({"MAC": "nonsense"}, "MAC_INVALID"),
        ({"device": "0"}, "DEVICE_ALREADY_EXISTS"),
        ({"device": "7"}, "INVALID_DEVICE"),
        ({"ipv4_allowed": ["fe80::1"]}, "INVALID_VALUE"),
    ],
)
async def test_a_vif_that_makes_no_sense_is_refused(pool: Pool, given: dict[str, object], code: str) -> None:
    guest = await pool.vm()
    await pool.vif(guest)
    with pytest.raises(XenAPIError) as refused:
        await pool.vif(guest, **given)
    assert refused.value.code == code


async def test_generated_addresses_follow_the_vms_seed(pool: Pool) -> None:
    guest = await pool.vm(other_config={"mac_seed": "seed"})
    nic = await pool.vif(guest)
    assert pool.db.get("VIF", nic, "MAC") == vif.generated_mac("seed", "0")
    assert int(vif.generated_mac("seed", "0")[:2], 16) & 3 == 2
    assert pool.db.get("VIF", nic, "MAC_autogenerated")


async def test_the_mode_of_a_detached_disk_changes(pool: Pool) -> None:
    guest = await pool.vm()
    disk = await pool.vbd(guest, await pool.new_vdi())
    await vbd.set_mode(pool.ctx(), disk, "RO")
    assert pool.db.get("VBD", disk, "mode") == "RO"
    pool.db.set("VDI", pool.db.get("VBD", disk, "VDI"), read_only=True)
    with pytest.raises(XenAPIError, match="VDI_READONLY"):
        await vbd.set_mode(pool.ctx(), disk, "RW")
    drive = await pool.vbd(guest, NULL_REF, type="CD", mode="RO", empty=True)
    with pytest.raises(XenAPIError, match="VBD_CDS_MUST_BE_READONLY"):
        await vbd.set_mode(pool.ctx(), drive, "RW")
    attached = pool.db.get("VM", await started(pool), "VBDs")[0]
    with pytest.raises(XenAPIError, match="DEVICE_ALREADY_ATTACHED"):
        await vbd.set_mode(pool.ctx(), attached, "RO")


async def test_devices_are_taken_from_a_guest_by_force(pool: Pool) -> None:
    guest = await started(pool)
    (disk,), (nic,) = pool.db.get("VM", guest, "VBDs"), pool.db.get("VM", guest, "VIFs")
    await vbd.unplug_force(pool.ctx(), disk)
    await vif.unplug_force(pool.ctx(), nic)
    assert not pool.db.get("VBD", disk, "currently_attached") and not pool.db.get("VIF", nic, "currently_attached")
    for call, device in ((vbd.unplug_force, disk), (vif.unplug_force, nic)):
        with pytest.raises(XenAPIError, match="DEVICE_ALREADY_DETACHED"):
            await call(pool.ctx(), device)


async def test_a_disk_the_guest_does_not_let_go_of_stays_attached(pool: Pool) -> None:
    guest = await started(pool)
    (disk,) = pool.db.get("VM", guest, "VBDs")
    pool.xenops.fail["VBD.unplug"] = RpcError("Device_detach_rejected", "VBD", "xvda", "busy")
    with pytest.raises(RpcError):
        await vbd.unplug(pool.ctx(), disk)
    assert pool.db.get("VBD", disk, "currently_attached") and pool.db.get("VBD", disk, "current_operations") == {}


async def test_a_move_that_fails_leaves_the_interface_where_it_was(pool: Pool) -> None:
    guest = await started(pool)
    (nic,) = pool.db.get("VM", guest, "VIFs")
    pool.xenops.fail["VIF.move"] = RpcError("Internal_error", "no")
    with pytest.raises(RpcError):
        await vif.move(pool.ctx(), nic, pool.db.create("network", bridge="xapi1", MTU=1500, managed=True))
    assert pool.db.get("VIF", nic, "network") == pool.network


async def test_a_suspended_vm_takes_no_new_disks(pool: Pool) -> None:
    guest = await started(pool)
    await vm_suspend.suspend(pool.ctx(), guest)
    with pytest.raises(XenAPIError, match="VM_BAD_POWER_STATE"):
        await pool.vbd(guest, await pool.new_vdi())


async def test_a_running_vm_cannot_be_destroyed(pool: Pool) -> None:
    guest = await started(pool)
    with pytest.raises(XenAPIError) as refused:
        await vm.destroy(pool.ctx(), guest)
    assert refused.value.description == ["VM_BAD_POWER_STATE", guest, "halted, suspended", "running"]
