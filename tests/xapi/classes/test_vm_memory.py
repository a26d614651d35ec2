"""Memory settings: checked as a whole, applied to a running guest, waited for."""

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import GIB, Pool
from xapi.classes import vm_memory
from xapi.errors import XenAPIError
from xapi.planning.memory import MIB


def limits(pool: Pool, guest: str) -> list[int]:
    names = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max")
    return [pool.db.get("VM", guest, name) // MIB for name in names]


async def test_one_size_keeps_only_the_least(pool: Pool) -> None:
    guest = await pool.vm()
    await vm_memory.set_memory(pool.ctx(), guest, 512 * MIB)
    assert limits(pool, guest) == [128, 512, 512, 512]
    await vm_memory.set_memory(pool.ctx(), guest, 64 * MIB)
    assert limits(pool, guest) == [64, 64, 64, 64]


async def test_each_limit_is_set_for_itself_while_halted(pool: Pool) -> None:
    guest = await pool.vm()
    await vm_memory.set_memory_static_range(pool.ctx(), guest, 64 * MIB, 1024 * MIB)
    await vm_memory.set_memory_static_min(pool.ctx(), guest, 96 * MIB)
    await vm_memory.set_memory_static_max(pool.ctx(), guest, 2048 * MIB)
    await vm_memory.set_memory_dynamic_max(pool.ctx(), guest, 1024 * MIB)
    await vm_memory.set_memory_dynamic_min(pool.ctx(), guest, 512 * MIB)
    assert limits(pool, guest) == [96, 512, 1024, 2048]
    assert pool.db.get("VM", guest, "memory_overhead") == await vm_memory.compute_memory_overhead(pool.ctx(), guest)


async def test_limits_that_contradict_each_other_are_refused_together(pool: Pool) -> None:
    guest = await pool.vm()
    before = limits(pool, guest)
    for call, values in (
        (vm_memory.set_memory_dynamic_range, (512 * MIB, 512 * MIB)),
        (vm_memory.set_memory_static_max, (128 * MIB,)),
        (vm_memory.set_memory_limits, (128 * MIB, 256 * MIB, 256 * MIB, 192 * MIB)),
    ):
        with pytest.raises(XenAPIError, match="MEMORY_CONSTRAINT_VIOLATION_ORDER"):
            await call(pool.ctx(), guest, *values)
    assert limits(pool, guest) == before


async def test_a_running_guest_is_squeezed(pool: Pool) -> None:
    guest = await started(pool)
    await vm_memory.set_memory_target_live(pool.ctx(), guest, 192 * MIB)
    assert limits(pool, guest) == [128, 192, 192, 256]
    await vm_memory.wait_memory_target_live(pool.ctx(), guest)
    assert pool.db.get("VM_metrics", pool.db.get("VM", guest, "metrics"), "memory_actual") == 192 * MIB
    with pytest.raises(XenAPIError, match="VM_BAD_POWER_STATE"):
        await vm_memory.set_memory_static_max(pool.ctx(), guest, GIB)


async def test_a_guest_that_cannot_be_squeezed_keeps_its_settings(pool: Pool) -> None:
    guest = await started(pool)
    before = limits(pool, guest)
    pool.xenops.fail["VM.set_memory_dynamic_range"] = RpcError("Unimplemented", "memory-target")
    with pytest.raises(RpcError):
        await vm_memory.set_memory_dynamic_range(pool.ctx(), guest, 128 * MIB, 192 * MIB)
    assert limits(pool, guest) == before and pool.db.get("VM", guest, "current_operations") == {}


async def test_a_guest_that_does_not_reach_its_target_times_out(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm_memory, "TARGET_PATIENCE", 0.01)
    guest = await started(pool)
    pool.db.set("VM_metrics", pool.db.get("VM", guest, "metrics"), memory_actual=GIB)
    with pytest.raises(XenAPIError, match="VM_MEMORY_TARGET_WAIT_TIMEOUT"):
        await vm_memory.wait_memory_target_live(pool.ctx(), guest)


async def test_the_largest_memory_leaves_room_for_the_overhead(pool: Pool) -> None:
    guest = await pool.vm()
    exact = await vm_memory.maximise_memory(pool.ctx(), guest, 4 * GIB, False)
    assert exact < 4 * GIB and await vm_memory.maximise_memory(pool.ctx(), guest, 4 * GIB, True) < exact
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        await vm_memory.maximise_memory(pool.ctx(), guest, -1, False)


async def test_the_shadow_multiplier_of_a_running_guest_is_for_its_next_boot(pool: Pool) -> None:
    guest = await started(pool)
    await vm_memory.set_shadow_multiplier_live(pool.ctx(), guest, 4.0)
    assert pool.db.get("VM", guest, "HVM_shadow_multiplier") == 4.0
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        await vm_memory.set_shadow_multiplier_live(pool.ctx(), guest, 0.5)
