"""XenAPI class host: its guests leave for other hosts of the pool."""

import asyncio

from xapi.classes import vm_migrate, vm_placement
from xapi.classes.host import update_allowed_operations
from xapi.errors import XenAPIError, error
from xapi.pool.calls import through_coordinator
from xapi.server.context import Context
from xapi.server.operations import operation
from xapi.server.registry import implements

BATCH = 10
"""Guests that move at a time; ``evacuation-batch-size`` in xapi.conf."""


def _guests(ctx: Context, host: str) -> list[str]:
    return [vm for vm in ctx.db.get("host", host, "resident_VMs") if not ctx.db.get("VM", vm, "is_control_domain")]


def plan(ctx: Context, host: str) -> dict[str, str | XenAPIError]:
    """Return for each guest of a host where it can go, or why it cannot leave."""
    found: dict[str, str | XenAPIError] = {}
    for vm in _guests(ctx, host):
        try:
            target = vm_placement.choose_host(ctx, vm, leaving=host)
            vm_migrate.check_move(ctx.db, vm, target)
            found[vm] = target
        except XenAPIError as reason:
            found[vm] = reason
    return found


@implements("host.get_vms_which_prevent_evacuation")
async def get_vms_which_prevent_evacuation(ctx: Context, self: str) -> dict[str, list[str]]:
    """XenAPI: host.get_vms_which_prevent_evacuation: VM -> an error's code and parameters."""
    reasons = {vm: where for vm, where in plan(ctx, self).items() if isinstance(where, XenAPIError)}
    return {vm: [reason.code, *(reason.params or [vm])] for vm, reason in reasons.items()}


@implements("host.assert_can_evacuate")
async def assert_can_evacuate(ctx: Context, host: str) -> None:
    """XenAPI: host.assert_can_evacuate. :raises XenAPIError: CANNOT_EVACUATE_HOST ["CODE,param|CODE,param"]."""
    obstacles = await get_vms_which_prevent_evacuation(ctx, host)
    if obstacles:
        raise error("CANNOT_EVACUATE_HOST", "|".join(",".join(reason) for reason in obstacles.values()))


@implements("host.evacuate")
async def evacuate(ctx: Context, host: str, network: str, evacuate_batch_size: int) -> None:
    """XenAPI: host.evacuate: all guests move, some at a time.

    :raises XenAPIError: CANNOT_EVACUATE_HOST, or what a move failed with.
    """
    await assert_can_evacuate(ctx, host)
    most = evacuate_batch_size or ctx.app.config.integer("evacuation-batch-size", BATCH)

    def refresh() -> None:
        update_allowed_operations(ctx, host)

    async with operation(ctx, "host", host, "evacuate", lambda: None, refresh):
        targets = {vm: where for vm, where in plan(ctx, host).items() if isinstance(where, str)}
        room, done = asyncio.Semaphore(most), 0

        async def move(vm: str, target: str) -> None:
            nonlocal done
            async with room:
                try:
                    await through_coordinator(ctx, "VM.pool_migrate", vm, target, {"live": "true"})
                except XenAPIError as reason:
                    # It ended by itself meanwhile.
                    if reason.code != "VM_BAD_POWER_STATE":
                        raise
                done += 1
                ctx.progress(done / len(targets))

        outcomes = await asyncio.gather(*(move(*pair) for pair in targets.items()), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
