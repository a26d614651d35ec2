"""Clones, copies, snapshots, checkpoints and provisioning: which disks are made, what the new VM is, what a failure leaves."""

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import GIB, Pool
from xapi.classes import templates, vm, vm_copies, vm_power, vm_provision, vm_suspend
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError
from xapi.server.context import internal_context


async def test_suspend_and_resume_keep_the_domain_managers_record(pool: Pool) -> None:
    guest = await started(pool)
    await vm_suspend.suspend(pool.ctx(), guest)
    row = pool.db.record("VM", guest)
    assert (row["power_state"], row["resident_on"], row["domid"]) == ("Suspended", NULL_REF, -1)
    assert pool.db.get("VDI", row["suspend_VDI"], "type") == "suspend"
    assert pool.db.get("VBD", row["VBDs"][0], "currently_attached")
    assert pool.xenops.vms == {}
    await vm_suspend.resume(pool.ctx(), guest, False, False)
    assert pool.state(guest) == "Running"
    assert pool.xenops.imported.domains == '{"private": true}'
    assert pool.db.get("VM", guest, "suspend_VDI") == NULL_REF
    assert [row.values["type"] for row in pool.db.rows("VDI")] == ["user"]


async def test_a_failed_suspend_leaves_a_running_vm_and_no_image(pool: Pool) -> None:
    guest = await started(pool)
    pool.xenops.fail["VM.suspend"] = RpcError("Failed_to_suspend", pool.uuid(guest), 30.0)
    with pytest.raises(RpcError):
        await vm_suspend.suspend(pool.ctx(), guest)
    assert pool.state(guest) == "Running" and pool.db.count("VDI") == 1
    assert pool.db.get("VM", guest, "suspend_VDI") == NULL_REF


async def test_a_failed_resume_leaves_a_suspended_vm(pool: Pool) -> None:
    guest = await started(pool)
    await vm_suspend.suspend(pool.ctx(), guest)
    pool.xenops.fail["VM.resume"] = RpcError("Internal_error", "no")
    with pytest.raises(RpcError):
        await vm_suspend.resume(pool.ctx(), guest, False, False)
    assert pool.state(guest) == "Suspended" and pool.db.exists("VDI", pool.db.get("VM", guest, "suspend_VDI"))


async def test_hard_shutdown_of_a_suspended_vm_deletes_its_image(pool: Pool) -> None:
    guest = await started(pool)
    await vm_suspend.suspend(pool.ctx(), guest)
    await vm_power.hard_shutdown(pool.ctx(), guest)
    assert pool.state(guest) == "Halted" and pool.db.count("VDI") == 1
    assert not pool.db.get("VBD", pool.db.get("VM", guest, "VBDs")[0], "currently_attached")


async def test_a_clone_has_disks_and_addresses_of_its_own(pool: Pool) -> None:
    guest = await pool.vm()
    await pool.vbd(guest, await pool.new_vdi())
    await pool.vif(guest)
    clone = await vm_copies.clone(pool.ctx(), guest, "twin")
    disks = {pool.db.get("VBD", pool.db.get("VM", one, "VBDs")[0], "VDI") for one in (guest, clone)}
    macs = {pool.db.get("VIF", pool.db.get("VM", one, "VIFs")[0], "MAC") for one in (guest, clone)}
    assert len(disks) == len(macs) == 2
    assert pool.db.get("VM", clone, "name_label") == "twin"
    assert not pool.db.get("VM", clone, "is_a_template")


async def test_a_snapshot_of_a_running_vm_is_a_halted_template(pool: Pool) -> None:
    guest = await started(pool)
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [])
    row = pool.db.record("VM", taken)
    assert (row["is_a_snapshot"], row["is_a_template"], row["power_state"]) == (True, True, "Halted")
    assert row["snapshot_of"] == guest and pool.db.get("VM", guest, "parent") == taken
    assert row["snapshot_info"]["power-state-at-snapshot"] == "Running"
    disk = pool.db.get("VBD", row["VBDs"][0], "VDI")
    assert pool.db.get("VDI", disk, "is_a_snapshot")
    assert pool.db.get("VM", guest, "snapshots") == [taken] and pool.state(guest) == "Running"


async def test_ignored_disks_are_not_in_a_snapshot(pool: Pool) -> None:
    guest = await pool.vm()
    disk = await pool.new_vdi()
    await pool.vbd(guest, disk)
    taken = await vm_copies.snapshot(pool.ctx(), guest, "before", [disk])
    assert pool.db.get("VM", taken, "VBDs") == [] and pool.db.count("VDI") == 1


async def test_a_checkpoint_has_the_memory_and_the_vm_runs_on(pool: Pool) -> None:
    guest = await started(pool)
    taken = await vm_copies.checkpoint(pool.ctx(), guest, "with memory")
    assert pool.state(guest) == "Running" and pool.db.get("VM", guest, "suspend_VDI") == NULL_REF
    assert pool.state(taken) == "Suspended" and pool.db.exists("VDI", pool.db.get("VM", taken, "suspend_VDI"))


async def test_provision_makes_the_disks_a_template_asks_for(pool: Pool) -> None:
    sr = pool.db.get("SR", pool.sr, "uuid")
    disks = f'<provision><disk device="0" size="{GIB}" sr="{sr}" bootable="true" type="system"/></provision>'
    template = await pool.vm(is_a_template=True, other_config={"disks": disks})
    guest = await vm_copies.clone(pool.ctx(), template, "new")
    await vm_provision.provision(pool.ctx(), guest)
    row = pool.db.record("VM", guest)
    assert not row["is_a_template"] and "disks" not in row["other_config"]
    vbd = pool.db.record("VBD", row["VBDs"][0])
    assert (vbd["userdevice"], vbd["bootable"], vbd["other_config"]) == ("0", True, {"owner": "true"})
    assert pool.db.get("VDI", vbd["VDI"], "virtual_size") == GIB
    assert "start" in row["allowed_operations"]


async def test_a_provision_that_fails_removes_its_disks(pool: Pool) -> None:
    sr = pool.db.get("SR", pool.sr, "uuid")
    disks = f'<provision><disk device="0" size="1" sr="{sr}"/><disk device="1" size="1" sr="nowhere"/></provision>'
    template = await pool.vm(is_a_template=True, other_config={"disks": disks})
    with pytest.raises(XenAPIError) as failed:
        await vm_provision.provision(pool.ctx(), template)
    assert failed.value.description == ["UUID_INVALID", "sr", "nowhere"]
    assert pool.db.count("VDI") == pool.db.count("VBD") == 0
    assert pool.db.get("VM", template, "is_a_template")


async def test_a_vm_is_destroyed_with_its_rows_but_not_its_disks(pool: Pool) -> None:
    guest = await pool.vm()
    await pool.vbd(guest, await pool.new_vdi())
    await pool.vif(guest)
    await vm.destroy(pool.ctx(), guest)
    assert pool.db.count("VM") == pool.db.count("VBD") == pool.db.count("VIF") == pool.db.count("VM_metrics") == 0
    assert pool.db.count("VDI") == 1


async def test_default_templates_are_made_once_and_can_be_cloned(pool: Pool) -> None:
    ctx = internal_context(pool.app, "startup")
    templates.create_default_templates(ctx)
    templates.create_default_templates(ctx)
    assert pool.db.count("VM") == len(templates.TEMPLATES)
    other = pool.db.by_uuid("VM", "552bce37-51b2-445d-84f2-5f33fa112d7e")
    assert {"clone", "copy", "provision"} <= set(pool.db.get("VM", other, "allowed_operations"))
    assert "destroy" not in pool.db.get("VM", other, "allowed_operations")
    clone = await vm_copies.clone(pool.ctx(), other, "mine")
    assert pool.db.get("VM", clone, "other_config")["base_template_name"] == "Other install media"
    await vm_provision.provision(pool.ctx(), clone)
    await vm_power.start(pool.ctx(), clone, False, False)
    assert pool.state(clone) == "Running"
