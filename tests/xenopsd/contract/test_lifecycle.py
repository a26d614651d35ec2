"""What every hypervisor driver must do, seen through xenopsd's interface."""

import asyncio

import pytest

from idl.rpc import RpcError
from idl.xenops import LocalDisk, PowerState, VbdUpdate, VdiDisk, VifUpdate, VmUpdate
from tests.xenopsd.lab import BRIDGE, MIB, Session


async def started(host: Session) -> str:
    """Return a VM with a disk and an interface, started and so paused."""
    vm = await host.new_vm()
    await host.add_disk(vm, await host.new_disk())
    await host.add_nic(vm)
    await host.finish(await host.xenops.vm_start("test", vm))
    return vm


async def test_start_leaves_it_paused_with_its_devices(host: Session) -> None:
    vm = await started(host)
    state = await host.state(vm)
    assert state.power_state is PowerState.PAUSED
    assert len(state.domids) == 1
    ((_, disk),) = await host.xenops.vbd_list("test", vm)
    ((_, nic),) = await host.xenops.vif_list("test", vm)
    assert (disk.active, disk.plugged) == (True, True)
    assert (nic.active, nic.plugged, nic.device) == (True, True, f"vif{state.domids[0]}.0")


async def test_it_unpauses_and_pauses(host: Session) -> None:
    vm = await started(host)
    await host.finish(await host.xenops.vm_unpause("test", vm))
    assert (await host.state(vm)).power_state is PowerState.RUNNING
    await host.finish(await host.xenops.vm_pause("test", vm))
    assert (await host.state(vm)).power_state is PowerState.PAUSED


async def test_a_hard_shutdown_gives_everything_back(host: Session) -> None:
    vm = await started(host)
    await host.finish(await host.xenops.vm_shutdown("test", vm))
    assert (await host.state(vm)).power_state is PowerState.HALTED
    assert await host.storage.dp_list("test") == []
    ((_, disk),) = await host.xenops.vbd_list("test", vm)
    ((_, nic),) = await host.xenops.vif_list("test", vm)
    assert not (disk.active or disk.plugged or nic.active or nic.plugged)


async def test_a_hard_reboot_gives_it_a_new_domain(host: Session) -> None:
    vm = await started(host)
    (before,) = (await host.state(vm)).domids
    await host.finish(await host.xenops.vm_reboot("test", vm))
    state = await host.state(vm)
    assert state.power_state is PowerState.RUNNING
    assert state.domids[0] > before


async def test_changes_are_told(host: Session) -> None:
    vm = await host.new_vm()
    disk, nic = await host.add_disk(vm, await host.new_disk()), await host.add_nic(vm)
    before = await host.xenops.updates_last_id("test")
    await host.finish(await host.xenops.vm_start("test", vm))
    told = await host.changed(before)
    assert {VmUpdate(vm), VbdUpdate(disk), VifUpdate(nic)} <= set(told)


async def test_a_barrier_carries_what_changed_before_it(host: Session) -> None:
    vm, other = await host.new_vm(), await host.new_vm()
    before = await host.xenops.updates_last_id("test")
    await host.xenops.updates_inject_barrier("test", vm, 7)
    changes = await host.xenops.updates_get("test", before)
    assert [(token, VmUpdate(vm) in ids, VmUpdate(other) in ids) for token, ids in changes.barriers] == [(7, True, False)]
    await host.xenops.updates_remove_barrier("test", 7)


@pytest.mark.parametrize("fault", ["disk", "file", "bridge"])
async def test_a_failed_start_leaves_nothing_behind(host: Session, fault: str) -> None:
    vm = await host.new_vm()
    await host.add_disk(vm, await host.new_disk())
    await host.add_nic(vm)
    match fault:
        case "disk":
            await host.add_disk(vm, VdiDisk(f"{host.sr}/missing"), "xvdb")
        case "file":
            await host.add_disk(vm, LocalDisk("/missing"), "xvdb")  # type: ignore[arg-type]
        case "bridge":
            if host.lab.driver == "simulator":
                pytest.skip("it has no bridges")
            await host.add_nic(vm, 1, "xenbr9")
    with pytest.raises(RpcError, match=r"missing|xenbr9|Storage_backend_error"):
        await host.finish(await host.xenops.vm_start("test", vm))
    state = await host.state(vm)
    assert (state.power_state, state.domids, state.crashed) == (PowerState.HALTED, [], False)
    assert await host.storage.dp_list("test") == []
    assert not any(state.active or state.plugged for _, state in await host.xenops.vbd_list("test", vm))
    assert host.lab.emulators() == []


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("vm_unpause", ()), ("vm_pause", ()), ("vm_reboot", ()), ("vm_suspend", (VdiDisk("a/b"),))],
)
async def test_a_halted_vm_refuses_what_needs_a_domain(host: Session, method: str, arguments: tuple[object, ...]) -> None:
    vm = await host.new_vm()
    with pytest.raises(RpcError, match="Bad_power_state"):
        await host.finish(await getattr(host.xenops, method)("test", vm, *arguments))


async def test_a_running_vm_is_not_removed(host: Session) -> None:
    vm = await started(host)
    with pytest.raises(RpcError, match="Bad_power_state"):
        await host.xenops.vm_remove("test", vm)


async def test_unknown_things_are_said_to_be_unknown(host: Session) -> None:
    with pytest.raises(RpcError, match=r"Does_not_exist.*VM"):
        await host.xenops.vm_start("test", "nobody")
    with pytest.raises(RpcError, match=r"Does_not_exist.*VBD"):
        await host.xenops.vbd_plug("test", (await host.new_vm(), "xvda"))
    with pytest.raises(RpcError, match=r"Does_not_exist.*task"):
        await host.xenops.task_stat("test", "999999")


async def test_operations_on_one_vm_wait_for_each_other(host: Session) -> None:
    vm = await host.new_vm()
    tasks = [
        await host.xenops.vm_start("test", vm),
        await host.xenops.vm_unpause("test", vm),
        await host.xenops.vm_shutdown("test", vm),
        await host.xenops.vm_start("test", vm),
    ]
    await asyncio.gather(*(host.finish(task) for task in tasks))
    assert (await host.state(vm)).power_state is PowerState.PAUSED


async def test_a_plugged_device_cannot_be_replaced_or_removed(host: Session) -> None:
    vm = await started(host)
    with pytest.raises(RpcError, match="Device_is_connected"):
        await host.xenops.vbd_remove("test", (vm, "xvda"))
    with pytest.raises(RpcError, match="Device_is_connected"):
        await host.add_nic(vm)


async def test_vcpus_above_the_maximum_are_refused(host: Session) -> None:
    vm = await host.new_vm()
    with pytest.raises(RpcError, match="Invalid_vcpus"):
        await host.finish(await host.xenops.vm_set_vcpus("test", vm, 2))


async def test_it_survives_a_kill_of_xenopsd(host: Session) -> None:
    vm = await started(host)
    before = await host.state(vm)
    await host.restart_xenopsd()
    after = await host.state(vm)
    assert (after.power_state, after.domids) == (PowerState.PAUSED, before.domids)
    ((_, disk),) = await host.xenops.vbd_list("test", vm)
    assert disk.plugged
    await host.finish(await host.xenops.vm_shutdown("test", vm))
    assert await host.storage.dp_list("test") == []


async def test_counters_are_told_per_domain(host: Session) -> None:
    vm = await started(host)
    (counted,) = [counters for counters in await host.xenops.host_get_counters("test") if counters.id == vm]
    assert [counted.domid] == (await host.state(vm)).domids
    assert [block.device for block in counted.blocks] == ["xvda"]
    assert counted.memory == 192 * MIB


async def test_the_host_says_what_it_can(host: Session) -> None:
    stat = await host.xenops.host_stat("test")
    assert stat.hypervisor == host.lab.driver
    assert stat.total_memory > stat.free_memory > 0
    assert stat.cpu.cpu_count >= 1


async def test_a_vm_goes_with_its_metadata(host: Session) -> None:
    vm = await host.new_vm(name="mover")
    await host.add_nic(vm)
    metadata = await host.xenops.vm_export_metadata("test", vm)
    await host.xenops.vm_remove("test", vm)
    assert await host.xenops.vm_import_metadata("test", metadata) == vm
    assert (await host.xenops.vm_stat("test", vm))[0].name == "mover"
    ((nic, _),) = await host.xenops.vif_list("test", vm)
    assert nic.backend.bridge == BRIDGE
