"""VBDs: a VM's disks and drives, configured, plugged into a running guest, and their media changed."""

from typing import Any

from xapi import errors
from xapi.classes import device_operations, xenops_push
from xapi.classes.device_operations import holding_vbd
from xapi.classes.storage_state import update_vdi
from xapi.classes.vm_lifecycle import bad_power_state, is_live, is_null, refresh
from xapi.classes.xenops_records import domain_type
from xapi.database.schema import NULL_REF
from xapi.errors import error
from xapi.planning.device_names import AUTODETECT, free_disk_positions, is_valid, position_of
from xapi.planning.vm_operations import SUSPENDED
from xapi.server.context import Context
from xapi.server.registry import implements


def taken_positions(ctx: Context, vm: str) -> set[int]:
    """Return the disk numbers a VM uses."""
    used = {position_of(ctx.db.get("VBD", vbd, "userdevice")) for vbd in ctx.db.get("VM", vm, "VBDs")}
    return {position for position in used if position is not None}


@implements("VM.get_allowed_VBD_devices")
async def get_allowed_vbd_devices(ctx: Context, vm: str) -> list[str]:
    """XenAPI: VM.get_allowed_VBD_devices"""
    return [str(position) for position in _free(ctx, vm)]


def _free(ctx: Context, vm: str) -> list[int]:
    return free_disk_positions(taken_positions(ctx, vm), domain_type(ctx.db.row("VM", vm).values) == "hvm")


def _userdevice(ctx: Context, vm: str, wanted: str) -> str:
    """Return the device a new VBD gets.

    :raises XenAPIError: INVALID_DEVICE, DEVICE_ALREADY_EXISTS.
    """
    if not is_valid(wanted):
        raise errors.invalid_device(wanted)
    if wanted == AUTODETECT:
        free = _free(ctx, vm)
        if not free:
            raise errors.invalid_device(wanted)
        return str(free[0])
    if position_of(wanted) in taken_positions(ctx, vm):
        raise errors.device_already_exists(wanted)
    return wanted


def _check_disk(ctx: Context, args: dict[str, Any]) -> None:
    vdi = args["VDI"]
    if args["type"] == "CD" and args["mode"] != "RO":
        raise error("VBD_CDS_MUST_BE_READONLY")
    if args["empty"]:
        if args["type"] != "CD":
            raise errors.vbd_not_removable_media(vdi)
        return
    # A VBD that is not empty must name a disk that exists: the store answers HANDLE_INVALID.
    disk = ctx.db.row("VDI", vdi).values
    if not disk["managed"]:
        raise errors.vdi_not_managed(vdi)
    if args["mode"] == "RW" and disk["read_only"]:
        raise errors.vdi_readonly(vdi)
    if args["mode"] == "RW" and disk["type"] in ("suspend", "pvs_cache"):
        raise errors.vdi_incompatible_type(vdi, disk["type"])


@implements("VBD.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: VBD.create. The device stays unplugged until it is plugged or its VM starts."""
    vm = args["VM"]
    ctx.db.row("VM", vm)
    fields = {key: value for key, value in args.items() if key not in ("device", "currently_attached")}
    if is_null(fields["VDI"]):
        fields |= {"VDI": NULL_REF, "empty": True}
    _check_disk(ctx, fields)
    fields["userdevice"] = _userdevice(ctx, vm, args["userdevice"])
    if ctx.db.get("VM", vm, "power_state") == SUSPENDED:
        raise bad_power_state(vm, "halted, running, paused", SUSPENDED)
    # A guest that is running sees the device when it is plugged, not before.
    attached = bool(args.get("currently_attached")) and is_live(ctx.db, vm)
    vbd = ctx.db.create("VBD", **fields, currently_attached=attached)
    refreshed(ctx, vbd)
    return vbd


def refreshed(ctx: Context, vbd: str) -> None:
    """Recompute what the VBD, its disk and its VM allow."""
    device_operations.refresh(ctx, "VBD", vbd)
    refresh(ctx, ctx.db.get("VBD", vbd, "VM"))


@implements("VBD.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VBD.destroy. The disk stays."""
    row = ctx.db.row("VBD", self).values
    if row["current_operations"]:
        task, name = next(iter(row["current_operations"].items()))
        raise errors.other_operation_in_progress("VBD", self, name, task)
    if row["currently_attached"] and ctx.db.exists("VM", row["VM"]):
        raise errors.operation_not_allowed(f"VBD '{row['uuid']}' still attached to '{ctx.db.get('VM', row['VM'], 'uuid')}'")
    forget(ctx, self)


def forget(ctx: Context, vbd: str) -> None:
    """Delete a VBD's row, whatever its state."""
    vm, disk, metrics = (ctx.db.get("VBD", vbd, field) for field in ("VM", "VDI", "metrics"))
    ctx.db.destroy("VBD", vbd)
    if ctx.db.exists("VBD_metrics", metrics):
        ctx.db.destroy("VBD_metrics", metrics)
    update_vdi(ctx, disk)
    refresh(ctx, vm)


@implements("VBD.plug")
async def plug(ctx: Context, self: str) -> None:
    """XenAPI: VBD.plug"""
    async with holding_vbd(ctx, self, "plug"):
        record, xenops = xenops_push.vbd_of(ctx.db, self), ctx.services.xenops
        try:
            await xenops.vbd_add(ctx.dbg, record)
            await ctx.app.xenops.run_task(ctx, xenops.vbd_plug(ctx.dbg, record.id))
        finally:
            await ctx.app.xenops.sync(record.id[0])


async def _unplug(ctx: Context, vbd: str, name: str, *, force: bool) -> None:
    async with holding_vbd(ctx, vbd, name):
        await detach(ctx, vbd, force=force)


async def detach(ctx: Context, vbd: str, *, force: bool) -> None:
    """Take a disk from a running guest; who calls holds the operation."""
    record, xenops = xenops_push.vbd_of(ctx.db, vbd), ctx.services.xenops
    try:
        await ctx.app.xenops.run_task(ctx, xenops.vbd_unplug(ctx.dbg, record.id, force))
        await xenops.vbd_remove(ctx.dbg, record.id)
    finally:
        await ctx.app.xenops.sync(record.id[0])


@implements("VBD.unplug")
async def unplug(ctx: Context, self: str) -> None:
    """XenAPI: VBD.unplug"""
    await _unplug(ctx, self, "unplug", force=False)


@implements("VBD.unplug_force", "VBD.unplug_force_no_safety_check")
async def unplug_force(ctx: Context, self: str) -> None:
    """XenAPI: VBD.unplug_force"""
    await _unplug(ctx, self, "unplug_force", force=True)


@implements("VBD.insert")
async def insert(ctx: Context, vbd: str, vdi: str) -> None:
    """XenAPI: VBD.insert"""
    disk = ctx.db.row("VDI", vdi).values
    sr = ctx.db.get("VDI", vdi, "SR")
    if disk["type"] != "user" and ctx.db.get("SR", sr, "content_type") != "iso":
        raise errors.vdi_incompatible_type(vdi, disk["type"])
    # The drive has no disk yet, so its rules are asked about the one that goes in.
    async with holding_vbd(ctx, vbd, "insert", vdi=vdi):
        ctx.db.set("VBD", vbd, VDI=vdi, empty=False)
        try:
            if is_live(ctx.db, ctx.db.get("VBD", vbd, "VM")):
                record = xenops_push.vbd_of(ctx.db, vbd)
                disk_name = xenops_push.disk_of(ctx.db, vdi)
                await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vbd_insert(ctx.dbg, record.id, disk_name))
        except BaseException:
            ctx.db.set("VBD", vbd, VDI=NULL_REF, empty=True)
            raise
    update_vdi(ctx, vdi)


@implements("VBD.eject")
async def eject(ctx: Context, vbd: str) -> None:
    """XenAPI: VBD.eject"""
    async with holding_vbd(ctx, vbd, "eject"):
        disk = ctx.db.get("VBD", vbd, "VDI")
        if is_live(ctx.db, ctx.db.get("VBD", vbd, "VM")):
            record = xenops_push.vbd_of(ctx.db, vbd)
            await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vbd_eject(ctx.dbg, record.id))
        ctx.db.set("VBD", vbd, VDI=NULL_REF, empty=True)
    update_vdi(ctx, disk)


@implements("VBD.assert_attachable")
async def assert_attachable(ctx: Context, self: str) -> None:
    """XenAPI: VBD.assert_attachable"""
    device_operations.assert_vbd(ctx.db, self, "attach")


@implements("VBD.set_mode")
async def set_mode(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VBD.set_mode. Only while it is not attached."""
    row = ctx.db.row("VBD", self).values
    if row["type"] == "CD" and value != "RO":
        raise error("VBD_CDS_MUST_BE_READONLY")
    if row["currently_attached"]:
        raise errors.device_already_attached(self)
    if value == "RW" and ctx.db.exists("VDI", row["VDI"]) and ctx.db.get("VDI", row["VDI"], "read_only"):
        raise errors.vdi_readonly(row["VDI"])
    ctx.db.set("VBD", self, mode=value)
    refreshed(ctx, self)


def copy(ctx: Context, vbd: str, vm: str, vdi: str) -> str:
    """Make a VBD like *vbd* for another VM, with the disk *vdi* (null: an empty drive)."""
    kept = ("userdevice", "bootable", "mode", "type", "unpluggable", "other_config", "qos_algorithm_type", "qos_algorithm_params")
    row = ctx.db.record("VBD", vbd)
    return ctx.db.create("VBD", VM=vm, VDI=vdi, empty=is_null(vdi), **{field: row[field] for field in kept})
