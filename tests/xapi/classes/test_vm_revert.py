"""VM.revert: what comes back, what keeps its identity, what a failure leaves, and VMs that are gone."""

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vdi, vif, vm, vm_copies, vm_power, vm_revert, vm_settings, vm_suspend
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError


def can_revert(pool: Pool) -> None:
    """Let the storage put an old content back into a disk."""
    for driver in pool.db.refs("SM"):
        pool.db.set("SM", driver, features=pool.db.get("SM", driver, "features") | {"VDI_REVERT": 1})


def disk_of(pool: Pool, guest: str) -> str:
    return str(pool.db.get("VBD", pool.db.get("VM", guest, "VBDs")[0], "VDI"))


def content(pool: Pool, disk: str) -> bytes:
    return pool.storage.contents[pool.db.get("VDI", disk, "location")]


def write(pool: Pool, disk: str, data: bytes) -> None:
    pool.storage.contents[pool.db.get("VDI", disk, "location")] = data


async def test_a_reverted_vm_is_halted_with_its_old_settings_and_the_same_disk(pool: Pool) -> None:
    can_revert(pool)
    guest = await started(pool)
    disk, mac = disk_of(pool, guest), pool.db.get("VIF", pool.db.get("VM", guest, "VIFs")[0], "MAC")
    write(pool, disk, b"old")
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    write(pool, disk, b"new")
    pool.db.set("VM", guest, name_label="renamed", tags=["kept"])
    await pool.vif(guest)
    await vm_revert.revert(pool.ctx("VM.revert"), taken)
    row = pool.db.record("VM", guest)
    assert (row["power_state"], row["name_label"], row["tags"], row["parent"]) == ("Halted", "guest", ["kept"], taken)
    assert disk_of(pool, guest) == disk and content(pool, disk) == b"old"
    assert [pool.db.get("VIF", nic, "MAC") for nic in row["VIFs"]] == [mac]
    assert "start" in row["allowed_operations"] and "revert" in pool.db.get("VM", taken, "allowed_operations")
    assert "VM_SNAPSHOT_REVERTED" in pool.messages()


async def test_where_storage_cannot_revert_a_copy_takes_the_disks_place(pool: Pool) -> None:
    guest = await started(pool)
    old = disk_of(pool, guest)
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    await vm_revert.revert(pool.ctx(), taken)
    assert disk_of(pool, guest) != old and not pool.db.exists("VDI", old)
    assert pool.db.get("VDI", disk_of(pool, taken), "snapshot_of") == disk_of(pool, guest)
    assert pool.db.count("VDI") == 2


async def test_a_reverted_checkpoint_can_be_resumed_twice(pool: Pool) -> None:
    can_revert(pool)
    guest = await started(pool)
    taken = await vm_copies.checkpoint(pool.ctx(), guest, "with memory")
    for _ in range(2):
        await vm_revert.revert(pool.ctx(), taken)
        assert pool.state(guest) == "Suspended"
        assert pool.db.get("VM", guest, "suspend_VDI") != pool.db.get("VM", taken, "suspend_VDI")
        await vm_suspend.resume(pool.ctx(), guest, False, False)
        assert pool.state(guest) == "Running"
    assert pool.db.exists("VDI", pool.db.get("VM", taken, "suspend_VDI"))


async def test_a_destroyed_vm_is_made_again_with_its_uuid_and_snapshots(pool: Pool) -> None:
    can_revert(pool)
    guest = await started(pool)
    uuid, disk = pool.uuid(guest), disk_of(pool, guest)
    first = await vm_copies.snapshot(pool.ctx(), guest, "first", [])
    second = await vm_copies.snapshot(pool.ctx(), guest, "second", [])
    await vm_power.hard_shutdown(pool.ctx(), guest)
    await vm.destroy(pool.ctx(), guest)
    assert pool.db.get("VM", first, "snapshot_of") == NULL_REF
    await vm_revert.revert(pool.ctx(), first)
    again = pool.db.by_uuid("VM", uuid)
    assert pool.db.get("VM", again, "snapshots") == [first, second]
    assert disk_of(pool, again) == disk and not pool.db.get("VM", again, "is_a_template")
    await vm_power.start(pool.ctx(), again, False, False)
    assert pool.state(again) == "Running"


async def test_a_disk_that_another_vm_uses_now_is_not_written_over(pool: Pool) -> None:
    can_revert(pool)
    guest = await started(pool)
    disk = disk_of(pool, guest)
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    await pool.vbd(await pool.vm(), disk)
    write(pool, disk, b"somebody's")
    await vm_revert.revert(pool.ctx(), taken)
    assert content(pool, disk) == b"somebody's" and disk_of(pool, guest) != disk


@pytest.mark.parametrize("gone", [False, True])
async def test_a_failed_revert_can_be_tried_again(pool: Pool, gone: bool) -> None:
    can_revert(pool)
    guest = await started(pool)
    disk = disk_of(pool, guest)
    await pool.vbd(guest, await pool.new_vdi())
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    if gone:
        await vm_power.hard_shutdown(pool.ctx(), guest)
        await vm.destroy(pool.ctx(), guest)
    disks, vms = pool.db.count("VDI"), pool.db.count("VM")
    pool.storage.refuse["vdi_revert"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_1", ["", "no", ""])
    with pytest.raises(RpcError):
        await vm_revert.revert(pool.ctx(), taken)
    assert (pool.db.count("VDI"), pool.db.count("VM")) == (disks, vms)
    pool.storage.refuse.clear()
    await vm_revert.revert(pool.ctx(), taken)
    assert disk_of(pool, pool.db.get("VM", taken, "snapshot_of")) == disk


async def test_only_snapshots_are_reverted_to(pool: Pool) -> None:
    with pytest.raises(XenAPIError, match="REVERT_ONLY_ALLOWED_ON_SNAPSHOT"):
        await vm_revert.revert(pool.ctx(), await pool.vm())


async def test_a_vm_is_not_protected_any_more_after_a_revert(pool: Pool) -> None:
    guest = await started(pool)
    await vm_settings.set_ha_restart_priority(pool.ctx(), guest, "restart")
    assert pool.db.get("VM", guest, "ha_always_run")
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    await vm_revert.revert(pool.ctx(), taken)
    assert not pool.db.get("VM", guest, "ha_always_run")


async def test_the_disks_of_a_copy_are_its_own_and_go_where_they_are_sent(pool: Pool) -> None:
    guest, elsewhere = await pool.vm(), await pool.new_sr("Elsewhere")
    await pool.vbd(guest, await pool.new_vdi(content=b"data"))
    twin = await vm_copies.copy(pool.ctx(), guest, "twin", elsewhere)
    beside = await vm_copies.copy(pool.ctx(), guest, "beside", NULL_REF)
    assert pool.db.get("VDI", disk_of(pool, twin), "SR") == elsewhere
    assert pool.db.get("VDI", disk_of(pool, beside), "SR") == pool.sr
    assert {content(pool, disk_of(pool, one)) for one in (guest, twin, beside)} == {b"data"}
    with pytest.raises(XenAPIError, match="OPERATION_NOT_ALLOWED"):
        pool.db.set("SR", elsewhere, content_type="iso")
        await vm_copies.copy(pool.ctx(), guest, "no", elsewhere)


async def test_a_copy_that_fails_leaves_nothing(pool: Pool) -> None:
    guest = await pool.vm()
    for _ in range(2):
        await pool.vbd(guest, await pool.new_vdi())
    copied = vdi.copy
    with pytest.raises(XenAPIError):
        pool.db.set("VDI", pool.db.get("VBD", pool.db.get("VM", guest, "VBDs")[1], "VDI"), missing=True)
        await vm_copies.copy(pool.ctx(), guest, "twin", NULL_REF)
    assert copied is vdi.copy and pool.db.count("VDI") == 2 and pool.db.count("VM") == 1


async def test_a_discarded_checkpoint_leaves_no_disk(pool: Pool) -> None:
    guest = await started(pool)
    taken = await vm_copies.checkpoint(pool.ctx(), guest, "with memory")
    await vm_copies.discard(pool.ctx(), taken)
    assert pool.db.count("VDI") == 1 and pool.db.get("VM", guest, "snapshots") == []


async def test_the_emulator_is_restarted_under_a_running_guest(pool: Pool) -> None:
    guest = await started(pool)
    pool.db.set("VM", guest, pending_guidances=["restart_device_model", "restart_vm"])
    before = pool.db.get("VM", guest, "domid")
    await vm_suspend.restart_device_models(pool.ctx(), guest)
    row = pool.db.record("VM", guest)
    assert row["power_state"] == "Running" and row["domid"] != before
    assert row["pending_guidances"] == ["restart_vm"] and pool.db.count("VDI") == 1
    with pytest.raises(XenAPIError, match="VM_BAD_POWER_STATE"):
        await vm_suspend.restart_device_models(pool.ctx(), await pool.vm())


async def test_a_lost_vms_power_state_is_reset_without_its_host(pool: Pool) -> None:
    lost = pool.db.create("host", metrics=pool.db.create("host_metrics", live=False))
    guest = await started(pool)
    with pytest.raises(XenAPIError, match="DOMAIN_EXISTS"):
        await vm_power.power_state_reset(pool.ctx(), guest)
    pool.db.set("VM", guest, resident_on=lost)
    await vm_power.power_state_reset(pool.ctx(), guest)
    row = pool.db.record("VM", guest)
    assert (row["power_state"], row["resident_on"], row["domid"]) == ("Halted", NULL_REF, -1)
    assert not pool.db.get("VIF", row["VIFs"][0], "currently_attached")


async def test_the_power_state_is_not_reset_under_a_live_host_or_dom0(pool: Pool) -> None:
    guest = await started(pool)
    pool.db.set("VM", guest, resident_on=pool.db.create("host", metrics=pool.db.create("host_metrics", live=True)))
    with pytest.raises(XenAPIError, match="HOST_IS_LIVE"):
        await vm_power.power_state_reset(pool.ctx(), guest)
    pool.db.set("VM", guest, is_control_domain=True)
    with pytest.raises(XenAPIError, match="CANNOT_RESET_CONTROL_DOMAIN"):
        await vm_power.power_state_reset(pool.ctx(), guest)


def test_addresses_of_interfaces_are_unicast() -> None:
    assert all(int(vif.generated_mac("seed", str(n))[:2], 16) & 1 == 0 for n in range(50))
