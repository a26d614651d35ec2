"""A VM's domain started, paused, rebooted and stopped. Suspending is in `vm_suspend`.

Each call returns when the store says what it did: clients read ``power_state`` as soon as it is over.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from idl.rpc import RpcError, Unreachable
from idl.xenops import PowerState, Problem
from xapi import errors
from xapi.classes import device_operations, vdi, vm_guest_metrics, vm_lifecycle, vm_metrics, vm_placement, xenops_push
from xapi.classes.vm_lifecycle import holding, tell
from xapi.classes.xenops_records import domain_type
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError, error
from xapi.planning import memory
from xapi.planning.vm_operations import HALTED, LIVE, REBOOT_PREEMPTS, RUNNING, SHUTDOWN_PREEMPTS, SUSPENDED
from xapi.server.context import Context
from xapi.server.operations import STANDARD_PATIENCE
from xapi.server.registry import implements

log = logging.getLogger(__name__)

CLEAN_TIMEOUT: Final = 1200
"""Seconds a guest has to shut itself down; ``domain_shutdown_total_timeout`` in xapi.conf."""
CANCEL_TIMEOUT: Final = 120.0
"""Seconds that calls cancelled by a forced one have to end."""

GENERIC_BIOS_STRINGS: Final = {
    "bios-vendor": "Xen",
    "bios-version": "",
    "system-manufacturer": "Xen",
    "system-product-name": "HVM domU",
    "system-version": "",
    "system-serial-number": "",
    "hp-rombios": "",
    "oem-1": "Xen",
    "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
}


# -- starting --


@contextlib.asynccontextmanager
async def devices_held(ctx: Context, vm: str) -> AsyncIterator[None]:
    """Hold `attach` on all disks and interfaces of a VM."""
    async with contextlib.AsyncExitStack() as stack:
        for vbd in ctx.db.get("VM", vm, "VBDs"):
            await stack.enter_async_context(device_operations.holding_vbd(ctx, vbd, "attach"))
        for vif in ctx.db.get("VM", vm, "VIFs"):
            await stack.enter_async_context(device_operations.holding_vif(ctx, vif, "attach"))
        yield


def prepare(ctx: Context, vm: str) -> None:
    """Fill in what a VM needs before it boots and nobody has said."""
    db = ctx.db
    row = db.row("VM", vm).values
    kind = domain_type(row)
    platform = dict(row["platform"])
    if kind == "hvm" and "device-model" not in platform:
        firmware = row["HVM_boot_params"].get("firmware", "bios")
        platform["device-model"] = "qemu-upstream-uefi" if firmware == "uefi" else "qemu-upstream-compat"
    db.set(
        "VM",
        vm,
        domain_type=kind,
        platform=platform,
        memory_overhead=memory.overhead(vm_placement.footprint(db, vm)),
        bios_strings=row["bios_strings"] or dict(GENERIC_BIOS_STRINGS),
        hardware_platform_version=max(row["hardware_platform_version"], 2 if row["has_vendor_device"] else 0),
        ha_always_run=row["ha_always_run"] or row["ha_restart_priority"] == "restart",
        last_boot_CPU_flags={},
    )
    vm_guest_metrics.forget(ctx, vm)
    vm_metrics.ensure(ctx, vm)


async def dismantle(ctx: Context, vm: str) -> None:
    """Take the VM's domain down, if there is one, and make the domain manager forget the VM.

    :raises RpcError: it cannot be done.
    :raises Unreachable: the domain manager is away.
    """
    uuid, xenops = ctx.db.get("VM", vm, "uuid"), ctx.services.xenops
    _, state = await xenops.vm_stat(ctx.dbg, uuid)
    if state.power_state in (PowerState.RUNNING, PowerState.PAUSED):
        await ctx.app.xenops.run_task(ctx, xenops.vm_shutdown(ctx.dbg, uuid))
    await xenops.vm_remove(ctx.dbg, uuid)


async def tear_down(ctx: Context, vm: str) -> None:
    """Undo a start that failed: whatever became of the domain, nothing of it is left. Best effort, the cause is raised."""
    try:
        await dismantle(ctx, vm)
    except (RpcError, Unreachable) as reason:
        log.warning("VM %s is not wholly undone after a failed start: %s", ctx.db.get("VM", vm, "uuid"), reason)


async def boot(ctx: Context, vm: str, *, start_paused: bool, force: bool = False) -> None:
    """Build the VM's domain on this host and let it run."""
    uuid, updates, xenops = ctx.db.get("VM", vm, "uuid"), ctx.app.xenops, ctx.services.xenops
    async with updates.quiet(uuid), contextlib.AsyncExitStack() as undo:
        # Refused while a domain runs, and then there is nothing to undo.
        await xenops.vm_remove(ctx.dbg, uuid)
        undo.push_async_callback(tear_down, ctx, vm)
        await xenops_push.push(ctx, vm)
        await updates.run_task(ctx, xenops.vm_start(ctx.dbg, uuid, force), last=0.9)
        if not start_paused:
            await updates.run_task(ctx, xenops.vm_unpause(ctx.dbg, uuid), first=0.9)
        await updates.write(uuid)
        undo.pop_all()


async def _start(ctx: Context, vm: str, name: str, host: str | None, *, start_paused: bool, force: bool) -> None:
    async with holding(ctx, vm, name, strict=not force):
        async with devices_held(ctx, vm):
            prepare(ctx, vm)
            if host is None:
                # In a pool of several hosts the coordinator has chosen already, and reserved memory there.
                host = vm_placement.chosen_host(ctx, vm)
            else:
                vm_placement.check_host(ctx.db, vm, host)
            async with vm_placement.reserved(ctx, vm, host):
                await boot(ctx, vm, start_paused=start_paused, force=force)
        tell(ctx, "VM_STARTED", vm, "has started")
        await asyncio.sleep(ctx.db.get("VM", vm, "start_delay"))


@implements("VM.start")
async def start(ctx: Context, vm: str, start_paused: bool, force: bool) -> None:
    """XenAPI: VM.start"""
    await _start(ctx, vm, "start", None, start_paused=start_paused, force=force)


@implements("VM.start_on")
async def start_on(ctx: Context, vm: str, host: str, start_paused: bool, force: bool) -> None:
    """XenAPI: VM.start_on"""
    if "evacuate" in ctx.db.get("host", host, "current_operations").values():
        raise error("HOST_EVACUATE_IN_PROGRESS", host)
    await _start(ctx, vm, "start_on", host, start_paused=start_paused, force=force)


@implements("VM.pause")
async def pause(ctx: Context, vm: str) -> None:
    """XenAPI: VM.pause"""
    uuid = ctx.db.get("VM", vm, "uuid")
    async with holding(ctx, vm, "pause"):
        await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vm_pause(ctx.dbg, uuid))
        await ctx.app.xenops.sync(uuid)
        tell(ctx, "VM_PAUSED", vm, "was paused")


@implements("VM.unpause")
async def unpause(ctx: Context, vm: str) -> None:
    """XenAPI: VM.unpause"""
    uuid = ctx.db.get("VM", vm, "uuid")
    async with holding(ctx, vm, "unpause"):
        await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vm_unpause(ctx.dbg, uuid))
        await ctx.app.xenops.sync(uuid)
        tell(ctx, "VM_UNPAUSED", vm, "goes on")


# -- stopping --


def clean_timeout(ctx: Context) -> float:
    return ctx.app.config.number("domain_shutdown_total_timeout", CLEAN_TIMEOUT)


async def preempt(ctx: Context, vm: str, names: frozenset[str]) -> None:
    """Cancel the operations of *names* that are under way on the VM and wait for them to end."""

    def standing_in_the_way() -> list[str]:
        current = ctx.db.get("VM", vm, "current_operations")
        return [task for task, name in current.items() if name in names]

    for task in standing_in_the_way():
        ctx.app.tasks.cancel(task.rstrip("'"))
    try:
        await ctx.app.watch.until(vm, lambda: not standing_in_the_way(), CANCEL_TIMEOUT)
    except TimeoutError:
        log.warning("operations on %s do not end though they were cancelled", vm)


async def stop(ctx: Context, vm: str, delay: float | None) -> None:
    """End a live VM's domain: cleanly within *delay* seconds, or at once; who calls holds the operation."""
    uuid, updates = ctx.db.get("VM", vm, "uuid"), ctx.app.xenops
    try:
        await updates.run_task(ctx, ctx.services.xenops.vm_shutdown(ctx.dbg, uuid, delay))
    except RpcError as reason:
        if reason.name != Problem.DOES_NOT_EXIST:
            raise
    finally:
        await updates.sync(uuid)
    if vm_lifecycle.is_live(ctx.db, vm):
        raise errors.internal_error(f"VM {uuid} still runs after it was shut down")
    await updates.forget(vm)


async def drop_suspend_image(ctx: Context, vm: str) -> None:
    """Delete the disk a suspended VM was saved to."""
    image = ctx.db.get("VM", vm, "suspend_VDI")
    ctx.db.set("VM", vm, suspend_VDI=NULL_REF)
    if ctx.db.exists("VDI", image):
        await vdi.destroy(ctx, image)


@implements("VM.clean_shutdown")
async def clean_shutdown(ctx: Context, vm: str) -> None:
    """XenAPI: VM.clean_shutdown"""
    await _clean_shutdown(ctx, vm, clean_timeout(ctx))


async def _clean_shutdown(ctx: Context, vm: str, timeout: float) -> None:
    async with holding(ctx, vm, "clean_shutdown"):
        ctx.db.set("VM", vm, ha_always_run=False)
        await stop(ctx, vm, timeout)
        tell(ctx, "VM_SHUTDOWN", vm, "was shut down cleanly")


@implements("VM.hard_shutdown")
async def hard_shutdown(ctx: Context, vm: str) -> None:
    """XenAPI: VM.hard_shutdown. Cancels what else is being done to the VM."""
    vm_lifecycle.assert_valid(ctx.db, vm, "hard_shutdown")
    await preempt(ctx, vm, SHUTDOWN_PREEMPTS)
    async with holding(ctx, vm, "hard_shutdown", patience=STANDARD_PATIENCE):
        ctx.db.set("VM", vm, ha_always_run=False)
        await force_halt(ctx, vm)
        tell(ctx, "VM_SHUTDOWN", vm, "was shut down forcibly")


async def force_halt(ctx: Context, vm: str) -> None:
    """Make a VM Halted, be it live or suspended; who calls holds an operation."""
    match ctx.db.get("VM", vm, "power_state"):
        case state if state in LIVE:
            await stop(ctx, vm, None)
        case "Suspended":
            await drop_suspend_image(ctx, vm)
            vm_lifecycle.left_host(ctx, vm, HALTED)
            await ctx.app.xenops.forget(vm)


@implements("VM.shutdown")
async def shutdown(ctx: Context, vm: str) -> None:
    """XenAPI: VM.shutdown. Cleanly where the guest does it, else by force."""
    vm_lifecycle.assert_valid(ctx.db, vm, "shutdown")
    if ctx.db.get("VM", vm, "power_state") == RUNNING:
        delay = ctx.db.get("VM", vm, "shutdown_delay")
        try:
            return await _clean_shutdown(ctx, vm, float(delay) if delay > 0 else clean_timeout(ctx))
        except (XenAPIError, RpcError) as reason:
            log.info("VM %s does not shut down cleanly (%s): by force then", vm, reason)
    if ctx.db.get("VM", vm, "power_state") != HALTED:
        await hard_shutdown(ctx, vm)


async def _reboot(ctx: Context, vm: str, delay: float | None) -> None:
    uuid, xenops, updates = ctx.db.get("VM", vm, "uuid"), ctx.services.xenops, ctx.app.xenops
    # The next boot is to use what was configured meanwhile.
    await xenops.vm_add(ctx.dbg, xenops_push.vm_of(ctx.db, vm))
    vm_guest_metrics.forget(ctx, vm)
    try:
        await updates.run_task(ctx, xenops.vm_reboot(ctx.dbg, uuid, delay))
    finally:
        await updates.sync(uuid)
    ctx.db.set("VM", vm, requires_reboot=False)


@implements("VM.clean_reboot")
async def clean_reboot(ctx: Context, vm: str) -> None:
    """XenAPI: VM.clean_reboot"""
    async with holding(ctx, vm, "clean_reboot"):
        await _reboot(ctx, vm, clean_timeout(ctx))
        tell(ctx, "VM_REBOOTED", vm, "was rebooted cleanly")


@implements("VM.hard_reboot", "VM.hard_reboot_internal")
async def hard_reboot(ctx: Context, vm: str) -> None:
    """XenAPI: VM.hard_reboot. Cancels what else is being done to the VM."""
    vm_lifecycle.assert_valid(ctx.db, vm, "hard_reboot")
    await preempt(ctx, vm, REBOOT_PREEMPTS)
    async with holding(ctx, vm, "hard_reboot", patience=STANDARD_PATIENCE):
        await _reboot(ctx, vm, None)
        tell(ctx, "VM_REBOOTED", vm, "was rebooted forcibly")


@implements("VM.power_state_reset")
async def power_state_reset(ctx: Context, vm: str) -> None:
    """XenAPI: VM.power_state_reset. For a VM whose host is lost: the store says Halted, no domain is touched."""
    db = ctx.db
    if db.get("VM", vm, "is_control_domain"):
        raise error("CANNOT_RESET_CONTROL_DOMAIN", vm)
    resident = db.get("VM", vm, "resident_on")
    if resident == ctx.app.localhost:
        known = {record.id: state for record, state in await ctx.services.xenops.vm_list(ctx.dbg)}
        state = known.get(db.get("VM", vm, "uuid"))
        if state is not None and state.domids:
            raise error("DOMAIN_EXISTS", vm, state.domids[-1])
    elif db.exists("host", resident) and db.get("host_metrics", db.get("host", resident, "metrics"), "live"):
        raise error("HOST_IS_LIVE", resident)
    if db.get("VM", vm, "power_state") == SUSPENDED:
        await drop_suspend_image(ctx, vm)
    db.set("VM", vm, current_operations={})
    vm_lifecycle.left_host(ctx, vm, HALTED)
