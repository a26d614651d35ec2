"""Appliances: VMs started and stopped group by group, what a failure of some says, and when nothing is allowed."""

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vm_appliance, vm_power
from xapi.errors import XenAPIError


async def shop(pool: Pool, *orders: int) -> tuple[str, list[str]]:
    """Return an appliance and its VMs, one for each given place in the order."""
    appliance = await vm_appliance.create(pool.ctx(), {"name_label": "shop"})
    return appliance, [await pool.vm(order=order, appliance=appliance) for order in orders]


def allowed(pool: Pool, appliance: str) -> list[str]:
    return list(pool.db.get("VM_appliance", appliance, "allowed_operations"))


async def test_groups_start_in_ascending_and_stop_in_descending_order(pool: Pool) -> None:
    appliance, vms = await shop(pool, 2, 0, 2, 1)
    first, second = [vms[1]], [vms[3]]
    assert vm_appliance.groups(pool.ctx(), appliance, "start", "Running") == [first, second, [vms[0], vms[2]]]
    assert vm_appliance.groups(pool.ctx(), appliance, "shutdown", "Running") == [[vms[0], vms[2]], second, first]


async def test_an_appliance_starts_and_stops_all_its_vms(pool: Pool) -> None:
    appliance, vms = await shop(pool, 1, 0)
    assert allowed(pool, appliance) == ["start"]
    began: list[str] = []
    pool.db.listen(lambda table, ref: began.append(ref) if ref in vms and pool.state(ref) == "Running" else None)
    await vm_appliance.start(pool.ctx(), appliance, False)
    assert list(dict.fromkeys(began)) == [vms[1], vms[0]]
    assert allowed(pool, appliance) == ["clean_shutdown", "hard_shutdown", "shutdown"]
    await vm_appliance.clean_shutdown(pool.ctx(), appliance)
    assert [pool.state(vm) for vm in vms] == ["Halted", "Halted"]


async def test_vms_that_are_there_already_are_left_alone(pool: Pool) -> None:
    appliance, vms = await shop(pool, 0, 0)
    await vm_power.start(pool.ctx(), vms[0], False, False)
    assert set(allowed(pool, appliance)) == {"start", "clean_shutdown", "hard_shutdown", "shutdown"}
    await vm_appliance.start(pool.ctx(), appliance, True)
    assert [pool.state(vm) for vm in vms] == ["Running", "Paused"]
    await vm_appliance.hard_shutdown(pool.ctx(), appliance)
    assert [pool.state(vm) for vm in vms] == ["Halted", "Halted"]


async def test_the_others_start_though_one_fails(pool: Pool) -> None:
    appliance, vms = await shop(pool, 0, 1)
    pool.db.set("VM", vms[0], blocked_operations={"start": "broken"})
    with pytest.raises(XenAPIError) as failed:
        await vm_appliance.start(pool.ctx(), appliance, False)
    assert failed.value.description == ["OPERATION_PARTIALLY_FAILED", "VM_appliance.start", vms[0]]
    assert [pool.state(vm) for vm in vms] == ["Halted", "Running"]
    assert pool.db.get("VM_appliance", appliance, "current_operations") == {}


async def test_a_guest_that_does_not_stop_is_stopped_by_force(pool: Pool) -> None:
    appliance, vms = await shop(pool, 0)
    await vm_appliance.start(pool.ctx(), appliance, False)
    pool.xenops.fail["VM.clean_shutdown"] = RpcError("Failed_to_shutdown", pool.uuid(vms[0]), 1.0)
    await vm_appliance.shutdown(pool.ctx(), appliance)
    assert pool.state(vms[0]) == "Halted"


async def test_what_no_vm_can_do_is_refused(pool: Pool) -> None:
    appliance, _ = await shop(pool, 0)
    with pytest.raises(XenAPIError, match="OPERATION_NOT_ALLOWED"):
        await vm_appliance.shutdown(pool.ctx(), appliance)
    pool.db.put_in_map("VM_appliance", appliance, "current_operations", task="start")
    with pytest.raises(XenAPIError, match="OTHER_OPERATION_IN_PROGRESS"):
        vm_appliance._assert_valid(pool.ctx(), appliance, "start")


async def test_vms_of_a_destroyed_appliance_stay(pool: Pool) -> None:
    appliance, vms = await shop(pool, 0)
    await vm_appliance.destroy(pool.ctx(), appliance)
    assert pool.db.get("VM", vms[0], "appliance") == "OpaqueRef:NULL"
    assert "make_into_template" in pool.db.get("VM", vms[0], "allowed_operations")
