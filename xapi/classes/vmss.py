"""Snapshot schedules: snapshots of their VMs are taken by the clock, and the oldest dropped."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final

from idl.rpc import RpcError, Unreachable
from xapi.classes import vm_copies
from xapi.classes.message import send
from xapi.database.schema import EPOCH
from xapi.errors import XenAPIError, error
from xapi.planning import snapshot_schedule
from xapi.planning.vm_operations import HALTED
from xapi.pool.calls import through_coordinator
from xapi.server.context import App, Context, internal_context, now
from xapi.server.registry import implements

log = logging.getLogger(__name__)

PERIOD: Final = 60.0
"""Seconds between two looks at the clock."""
FAILURES: Final = (XenAPIError, RpcError, Unreachable)


# -- records --


@implements("VMSS.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: VMSS.create"""
    snapshot_schedule.check_type(args["type"])
    snapshot_schedule.check_retained(args["retained_snapshots"])
    schedule = snapshot_schedule.complete(args["frequency"], args["schedule"])
    return ctx.db.create("VMSS", **args | {"schedule": schedule, "last_run_time": EPOCH})


@implements("VMSS.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VMSS.destroy. Snapshots stay."""
    if ctx.db.get("VMSS", self, "VMs"):
        raise error("VMSS_HAS_VM")
    ctx.db.destroy("VMSS", self)


@implements("VMSS.set_type")
async def set_type(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VMSS.set_type"""
    snapshot_schedule.check_type(value)
    ctx.db.set("VMSS", self, type=value)


@implements("VMSS.set_retained_snapshots")
async def set_retained_snapshots(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VMSS.set_retained_snapshots"""
    snapshot_schedule.check_retained(value)
    ctx.db.set("VMSS", self, retained_snapshots=value)


@implements("VMSS.set_last_run_time")
async def set_last_run_time(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VMSS.set_last_run_time"""
    ctx.db.set("VMSS", self, last_run_time=value)


@implements("VMSS.set_frequency")
async def set_frequency(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VMSS.set_frequency. Settings that the new one needs get defaults, others go."""
    schedule = snapshot_schedule.complete(value, ctx.db.get("VMSS", self, "schedule"))
    ctx.db.set("VMSS", self, frequency=value, schedule=schedule)


@implements("VMSS.set_schedule")
async def set_schedule(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VMSS.set_schedule"""
    ctx.db.set("VMSS", self, schedule=snapshot_schedule.complete(ctx.db.get("VMSS", self, "frequency"), value))


@implements("VMSS.add_to_schedule")
async def add_to_schedule(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VMSS.add_to_schedule"""
    reason = snapshot_schedule.wrong_key(key, value)
    if reason is not None:
        raise reason
    ctx.db.add_to_map("VMSS", self, "schedule", key, value)


@implements("VMSS.remove_from_schedule")
async def remove_from_schedule(ctx: Context, self: str, key: str) -> None:
    """XenAPI: VMSS.remove_from_schedule. What is missing then counts with its default."""
    ctx.db.remove_from_map("VMSS", self, "schedule", key)


# -- snapshots --


@implements("VMSS.snapshot_now")
async def snapshot_now(ctx: Context, vmss: str) -> str:
    """XenAPI: VMSS.snapshot_now. Return how many snapshots were taken.

    :raises XenAPIError: OPERATION_PARTIALLY_FAILED with the VMs that have none.
    """
    vms, failed = list(ctx.db.get("VMSS", vmss, "VMs")), []
    ctx.db.set("VMSS", vmss, last_run_time=now())
    for vm in vms:
        # One may have been destroyed while the others were snapshotted.
        if ctx.db.exists("VM", vm) and not await _snapshot(ctx, vmss, vm):
            failed.append(vm)
    if failed:
        raise XenAPIError("OPERATION_PARTIALLY_FAILED", ["VMSS.snapshot_now", *failed])
    return str(len(vms))


async def _snapshot(ctx: Context, vmss: str, vm: str) -> bool:
    """Take a VM's snapshot and drop those beyond the number to retain; tell what became of it."""
    policy, uuid = ctx.db.row("VMSS", vmss).values, ctx.db.get("VMSS", vmss, "uuid")
    label = ctx.db.get("VM", vm, "name_label")
    name = f"{policy['name_label']} {label} {now()}"
    try:
        if policy["type"] == "checkpoint" and ctx.db.get("VM", vm, "power_state") != HALTED:
            taken = await through_coordinator(ctx, "VM.checkpoint", vm, name)
        else:
            taken = await through_coordinator(ctx, "VM.snapshot", vm, name, [])
        ctx.db.set("VM", taken, is_vmss_snapshot=True)
        await _drop_oldest(ctx, vm, policy["retained_snapshots"])
    except FAILURES as reason:
        send(ctx, "VMSS_SNAPSHOT_FAILED", cls="VMSS", uuid=uuid, body=f"VM '{label}': {reason}")
        return False
    send(ctx, "VMSS_SNAPSHOT_SUCCEEDED", cls="VMSS", uuid=uuid, body=f"VM '{label}' was snapshotted as '{name}'")
    return True


async def _drop_oldest(ctx: Context, vm: str, retained: int) -> None:
    ours = [ref for ref in ctx.db.get("VM", vm, "snapshots") if ctx.db.get("VM", ref, "is_vmss_snapshot")]
    # Rows are listed as they were made, which tells snapshots of one second apart.
    ours.sort(key=lambda ref: ctx.db.row("VM", ref).created)
    for snapshot in ours[:-retained]:
        await vm_copies.discard(ctx, snapshot)


# -- by the clock --


def due(ctx: Context, since: datetime, until: datetime) -> list[str]:
    """Return the enabled schedules that asked for a snapshot after *since*, up to *until*."""
    return [
        row.ref
        for row in ctx.db.rows("VMSS")
        if row.values["enabled"]
        and since < snapshot_schedule.latest_moment(row.values["frequency"], row.values["schedule"], until) <= until
    ]


async def run(app: App) -> None:
    """Take the snapshots that are due for as long as *app* lives; what is due while it does not run is left out."""
    ctx, seen = internal_context(app, "snapshot schedules"), datetime.now(UTC).astimezone()
    while True:
        await asyncio.sleep(PERIOD)
        clock = datetime.now(UTC).astimezone()
        for vmss in due(ctx, seen, clock):
            try:
                await snapshot_now(ctx, vmss)
            except XenAPIError as reason:
                log.warning("snapshot schedule %s: %s", vmss, reason)
        seen = clock
