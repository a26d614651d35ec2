"""A VM's memory settings, checked together and applied to a running guest."""

from typing import Final

from xapi.classes import vm_placement
from xapi.classes.vm_lifecycle import assert_valid, holding, is_live
from xapi.errors import XenAPIError, invalid_value
from xapi.planning import memory
from xapi.planning.memory import MIB, Limits
from xapi.server.context import Context
from xapi.server.registry import implements

TARGET_PATIENCE: Final = 256.0
"""Seconds a guest has to reach its target."""
TOLERANCE: Final = MIB


def _limits(ctx: Context, vm: str) -> Limits:
    return vm_placement.footprint(ctx.db, vm).limits


def _write(ctx: Context, vm: str, limits: Limits) -> None:
    limits.check()
    ctx.db.set(
        "VM",
        vm,
        memory_static_min=limits.static_min,
        memory_dynamic_min=limits.dynamic_min,
        memory_dynamic_max=limits.dynamic_max,
        memory_static_max=limits.static_max,
    )
    vm_placement.update_overhead(ctx.db, vm)


async def _set_static(ctx: Context, vm: str, limits: Limits) -> None:
    assert_valid(ctx.db, vm, "changing_static_range")
    _write(ctx, vm, limits)


async def _set_dynamic(ctx: Context, vm: str, minimum: int, maximum: int) -> None:
    """Write a dynamic range; a running guest is squeezed into it."""
    old = _limits(ctx, vm)
    wanted = Limits(old.static_min, minimum, maximum, old.static_max)
    wanted.check()
    async with holding(ctx, vm, "changing_dynamic_range"):
        if is_live(ctx.db, vm):
            uuid = ctx.db.get("VM", vm, "uuid")
            started = ctx.services.xenops.vm_set_memory_dynamic_range(ctx.dbg, uuid, minimum, maximum)
            await ctx.app.xenops.run_task(ctx, started)
        _write(ctx, vm, wanted)


@implements("VM.set_memory_static_min")
async def set_memory_static_min(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_memory_static_min"""
    old = _limits(ctx, self)
    await _set_static(ctx, self, Limits(value, old.dynamic_min, old.dynamic_max, old.static_max))


@implements("VM.set_memory_static_max")
async def set_memory_static_max(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_memory_static_max"""
    old = _limits(ctx, self)
    await _set_static(ctx, self, Limits(old.static_min, old.dynamic_min, old.dynamic_max, value))


@implements("VM.set_memory_static_range")
async def set_memory_static_range(ctx: Context, self: str, min: int, max: int) -> None:
    """XenAPI: VM.set_memory_static_range"""
    old = _limits(ctx, self)
    await _set_static(ctx, self, Limits(min, old.dynamic_min, old.dynamic_max, max))


@implements("VM.set_memory_dynamic_min")
async def set_memory_dynamic_min(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_memory_dynamic_min"""
    await _set_dynamic(ctx, self, value, _limits(ctx, self).dynamic_max)


@implements("VM.set_memory_dynamic_max")
async def set_memory_dynamic_max(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_memory_dynamic_max"""
    await _set_dynamic(ctx, self, _limits(ctx, self).dynamic_min, value)


@implements("VM.set_memory_dynamic_range")
async def set_memory_dynamic_range(ctx: Context, self: str, min: int, max: int) -> None:
    """XenAPI: VM.set_memory_dynamic_range"""
    await _set_dynamic(ctx, self, min, max)


@implements("VM.set_memory_target_live")
async def set_memory_target_live(ctx: Context, self: str, target: int) -> None:
    """XenAPI: VM.set_memory_target_live. Deprecated: a dynamic range of one value."""
    await _set_dynamic(ctx, self, target, target)


@implements("VM.set_memory_limits")
async def set_memory_limits(
    ctx: Context, self: str, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int
) -> None:
    """XenAPI: VM.set_memory_limits"""
    assert_valid(ctx.db, self, "changing_memory_limits")
    _write(ctx, self, Limits(static_min, dynamic_min, dynamic_max, static_max))


@implements("VM.set_memory")
async def set_memory(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_memory. One size, in bytes."""
    old = _limits(ctx, self)
    await set_memory_limits(ctx, self, min(old.static_min, value), value, value, value)


@implements("VM.wait_memory_target_live")
async def wait_memory_target_live(ctx: Context, self: str) -> None:
    """XenAPI: VM.wait_memory_target_live"""
    async with holding(ctx, self, "awaiting_memory_live"):
        metrics = ctx.db.get("VM", self, "metrics")

        def reached() -> bool:
            limits, actual = _limits(ctx, self), ctx.db.get("VM_metrics", metrics, "memory_actual")
            return bool(limits.dynamic_min - TOLERANCE <= actual <= limits.dynamic_max + TOLERANCE)

        try:
            await ctx.app.watch.until(metrics, reached, TARGET_PATIENCE)
        except TimeoutError:
            raise XenAPIError("VM_MEMORY_TARGET_WAIT_TIMEOUT", [self]) from None


@implements("VM.compute_memory_overhead")
async def compute_memory_overhead(ctx: Context, vm: str) -> int:
    """XenAPI: VM.compute_memory_overhead"""
    return memory.overhead(vm_placement.footprint(ctx.db, vm))


@implements("VM.maximise_memory")
async def maximise_memory(ctx: Context, self: str, total: int, approximate: bool) -> int:
    """XenAPI: VM.maximise_memory"""
    if total < 0:
        raise invalid_value("total", total)
    return memory.largest_static_max(total, vm_placement.footprint(ctx.db, self), approximate)


@implements("VM.set_shadow_multiplier_live")
async def set_shadow_multiplier_live(ctx: Context, self: str, multiplier: float) -> None:
    """XenAPI: VM.set_shadow_multiplier_live. Kept for the next boot: shadow memory of a running guest grows by itself."""
    assert_valid(ctx.db, self, "changing_shadow_memory_live")
    if not 1.0 <= multiplier <= memory.LARGEST_SHADOW_MULTIPLIER:
        raise invalid_value("multiplier", multiplier)
    ctx.db.set("VM", self, HVM_shadow_multiplier=multiplier)
    vm_placement.update_overhead(ctx.db, self)
