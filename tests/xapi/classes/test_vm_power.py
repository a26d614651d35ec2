"""Starting, pausing, rebooting and stopping VMs: what the store says afterwards, and what a failure leaves behind."""

import asyncio

import pytest

from idl.rpc import RpcError, Unreachable
from tests.xapi.classes.vm_pool import GIB, Pool
from xapi.classes import vm_power
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError


async def started(pool: Pool, **given: object) -> str:
    vm = await pool.vm(**given)
    await pool.vbd(vm, await pool.new_vdi())
    await pool.vif(vm)
    await vm_power.start(pool.ctx("VM.start"), vm, False, False)
    return vm


async def test_a_started_vm_is_running_when_the_call_returns(pool: Pool) -> None:
    vm = await started(pool)
    row = pool.db.record("VM", vm)
    assert (row["power_state"], row["resident_on"], row["domid"]) == ("Running", pool.host, 1)
    assert row["scheduled_to_be_resident_on"] == NULL_REF
    assert row["current_operations"] == {}
    assert "clean_shutdown" in row["allowed_operations"] and "start" not in row["allowed_operations"]
    assert pool.db.get("VM_metrics", row["metrics"], "start_time") == "20231114T22:13:20Z"
    assert "VM_STARTED" in pool.messages()


async def test_devices_of_a_started_vm_are_attached(pool: Pool) -> None:
    vm = await started(pool)
    (vbd,), (vif,) = pool.db.get("VM", vm, "VBDs"), pool.db.get("VM", vm, "VIFs")
    assert pool.db.get("VBD", vbd, "currently_attached") and pool.db.get("VBD", vbd, "device") == "xvda"
    assert pool.db.get("VBD", vbd, "allowed_operations") == ["unplug", "unplug_force", "pause", "unpause"]
    assert pool.db.get("VIF", vif, "currently_attached")
    assert pool.db.get("VIF", vif, "allowed_operations") == ["unplug"]
    assert ("bridge_create", "xapi0") in [(name, args[1]) for name, args in pool.network_daemon.calls]


async def test_consoles_appear_with_a_domain_and_go_with_it(pool: Pool) -> None:
    vm = await started(pool)
    consoles = {pool.db.get("console", row, "protocol"): row for row in pool.db.get("VM", vm, "consoles")}
    assert set(consoles) == {"rfb", "vt100"}
    uuid = pool.db.get("console", consoles["rfb"], "uuid")
    assert pool.db.get("console", consoles["rfb"], "location") == f"https://192.0.2.1/console?uuid={uuid}"
    await vm_power.hard_shutdown(pool.ctx(), vm)
    assert pool.db.refs("console") == []


async def test_power_state_goes_from_halted_to_running_at_once(pool: Pool) -> None:
    vm = await pool.vm()
    seen: list[str] = []
    pool.db.listen(lambda table, ref: seen.append(pool.state(vm)) if ref == vm else None)
    await vm_power.start(pool.ctx(), vm, False, False)
    assert list(dict.fromkeys(seen)) == ["Halted", "Running"]


async def test_start_paused_then_unpause_and_pause(pool: Pool) -> None:
    vm = await pool.vm()
    await vm_power.start(pool.ctx(), vm, True, False)
    assert pool.state(vm) == "Paused"
    await vm_power.unpause(pool.ctx(), vm)
    assert pool.state(vm) == "Running"
    await vm_power.pause(pool.ctx(), vm)
    assert pool.state(vm) == "Paused"


@pytest.mark.parametrize("call", [vm_power.clean_shutdown, vm_power.hard_shutdown, vm_power.shutdown])
async def test_a_shut_down_vm_is_halted_and_forgotten_by_the_domain_manager(pool: Pool, call: object) -> None:
    vm = await started(pool)
    await call(pool.ctx(), vm)  # type: ignore[operator]
    row = pool.db.record("VM", vm)
    assert (row["power_state"], row["resident_on"], row["domid"]) == ("Halted", NULL_REF, -1)
    assert not pool.db.get("VBD", row["VBDs"][0], "currently_attached")
    assert pool.xenops.vms == {}
    assert pool.messages().count("VM_SHUTDOWN") == 1


async def test_shutdown_falls_back_to_force(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.fail["VM.clean_shutdown"] = RpcError("Failed_to_shutdown", pool.uuid(vm), 1.0)
    await vm_power.shutdown(pool.ctx(), vm)
    assert pool.state(vm) == "Halted"


@pytest.mark.parametrize("call", [vm_power.clean_reboot, vm_power.hard_reboot])
async def test_a_rebooted_vm_has_a_new_domain_and_one_message(pool: Pool, call: object) -> None:
    vm = await started(pool)
    await call(pool.ctx(), vm)  # type: ignore[operator]
    assert pool.state(vm) == "Running" and pool.db.get("VM", vm, "domid") == 2
    assert pool.messages().count("VM_REBOOTED") == 1


async def test_starting_a_running_vm_is_refused(pool: Pool) -> None:
    vm = await started(pool)
    with pytest.raises(XenAPIError) as refused:
        await vm_power.start(pool.ctx(), vm, False, False)
    assert refused.value.description == ["VM_BAD_POWER_STATE", vm, "halted", "running"]


@pytest.mark.parametrize("step", ["VM.start", "VM.unpause"])
async def test_a_failed_start_leaves_nothing(pool: Pool, step: str) -> None:
    vm = await pool.vm()
    await pool.vbd(vm, await pool.new_vdi())
    pool.xenops.fail[step] = RpcError("Storage_backend_error", "SR_BACKEND_FAILURE_46", ["", "gone", ""])
    with pytest.raises(RpcError, match="Storage_backend_error"):
        await vm_power.start(pool.ctx(), vm, False, False)
    row = pool.db.record("VM", vm)
    assert (row["power_state"], row["scheduled_to_be_resident_on"]) == ("Halted", NULL_REF)
    assert row["current_operations"] == {} and "start" in row["allowed_operations"]
    assert pool.db.get("VBD", row["VBDs"][0], "current_operations") == {}
    assert pool.xenops.vms == {}


async def test_too_large_a_vm_is_refused_with_the_sizes(pool: Pool) -> None:
    vm = await pool.vm(memory_static_max=64 * GIB, memory_dynamic_max=64 * GIB, memory_dynamic_min=64 * GIB)
    with pytest.raises(XenAPIError) as refused:
        await vm_power.start(pool.ctx(), vm, False, False)
    assert refused.value.code == "HOST_NOT_ENOUGH_FREE_MEMORY"
    assert int(refused.value.params[0]) > 64 * GIB and int(refused.value.params[1]) == 16 * GIB


async def test_a_disk_on_an_unplugged_sr_keeps_a_vm_from_starting(pool: Pool) -> None:
    vm = await pool.vm()
    await pool.vbd(vm, await pool.new_vdi())
    pool.db.set("PBD", pool.db.refs("PBD")[0], currently_attached=False)
    with pytest.raises(XenAPIError) as refused:
        await vm_power.start(pool.ctx(), vm, False, False)
    assert refused.value.description == ["VM_REQUIRES_SR", vm, pool.sr]


async def test_the_domain_managers_death_in_a_call_is_an_error_not_a_hang(pool: Pool) -> None:
    vm = await pool.vm()
    pool.xenops.hold = asyncio.Event()
    call = asyncio.create_task(vm_power.start(pool.ctx(), vm, False, False))
    while "VM.start" not in pool.xenops.calls:
        await asyncio.sleep(0)
    pool.xenops.die()
    with pytest.raises(Unreachable):
        await asyncio.wait_for(call, 5)
    assert pool.state(vm) == "Halted" and pool.db.get("VM", vm, "current_operations") == {}


async def test_cancelling_a_call_cancels_the_domain_managers_task(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.hold = asyncio.Event()
    ctx = pool.ctx()
    call = asyncio.create_task(vm_power.clean_shutdown(ctx, vm))
    while not ctx.cancel_hooks:
        await asyncio.sleep(0)
    pool.app.tasks.cancel(ctx.task)
    with pytest.raises(RpcError, match="Cancelled"):
        await asyncio.wait_for(call, 5)
    assert pool.state(vm) == "Running"


async def test_a_hard_shutdown_cancels_a_clean_one(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.hold = asyncio.Event()
    ctx = pool.ctx()
    clean = asyncio.create_task(vm_power.clean_shutdown(ctx, vm))
    while not ctx.cancel_hooks:
        await asyncio.sleep(0)
    await asyncio.wait_for(vm_power.hard_shutdown(pool.ctx(), vm), 5)
    assert pool.state(vm) == "Halted"
    with pytest.raises(RpcError, match="Cancelled"):
        await clean
