"""VM records: created, destroyed, made templates; questions about what a VM may do."""

import uuid
from typing import Any, Final

from xapi import errors
from xapi.classes import blob, vbd, vif, vm_lifecycle, vm_metrics, vm_placement, vtpm
from xapi.classes.vm_lifecycle import assert_valid, holding, is_null, refresh, refresh_with_devices
from xapi.classes.xenops_records import domain_type
from xapi.database.schema import NULL_REF
from xapi.errors import error
from xapi.planning import memory
from xapi.planning.vm_operations import HALTED, SUSPENDED
from xapi.server.context import Context, now
from xapi.server.registry import implements

_NEEDED_TO_BE_SUSPENDED: Final = ("last_booted_record", "last_boot_CPU_flags")


@implements("VM.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: VM.create. Devices are made by VBD.create and VIF.create."""
    _check(ctx, args)
    if args["domain_type"] == "unspecified":
        args["domain_type"] = domain_type(args)
    if "mac_seed" not in args["other_config"]:
        args["other_config"] = args["other_config"] | {"mac_seed": str(uuid.uuid4())}
    suspended = args["power_state"] == SUSPENDED
    fields = args | {"power_state": SUSPENDED if suspended else HALTED, "domid": -1}
    if not suspended:
        fields |= {"suspend_VDI": NULL_REF, "last_booted_record": ""}
    vm = ctx.db.create("VM", **fields)
    vm_metrics.ensure(ctx, vm)
    if args["is_a_template"]:
        ctx.db.set("VM", vm, metrics=_drop_metrics(ctx, vm))
    else:
        vm_placement.update_overhead(ctx.db, vm)
    refresh(ctx, vm)
    return vm


def _check(ctx: Context, args: dict[str, Any]) -> None:
    if args["power_state"] == SUSPENDED and (
        is_null(args["suspend_VDI"]) or not all(args[field] for field in _NEEDED_TO_BE_SUSPENDED)
    ):
        raise errors.vm_bad_power_state(NULL_REF, HALTED.lower(), SUSPENDED.lower())
    limits = memory.Limits(
        args["memory_static_min"], args["memory_dynamic_min"], args["memory_dynamic_max"], args["memory_static_max"]
    )
    limits.check()
    if args["VCPUs_max"] < 1:
        raise errors.invalid_value("VCPUs_max", args["VCPUs_max"])
    if not 1 <= args["VCPUs_at_startup"] <= args["VCPUs_max"]:
        raise errors.invalid_value("VCPUs_at_startup", args["VCPUs_at_startup"])
    if args["HVM_shadow_multiplier"] < 1.0:
        raise errors.invalid_value("HVM_shadow_multiplier", args["HVM_shadow_multiplier"])
    for field, table in (("affinity", "host"), ("suspend_SR", "SR"), ("appliance", "VM_appliance")):
        if not is_null(args[field]):
            ctx.db.row(table, args[field])


def _drop_metrics(ctx: Context, vm: str) -> str:
    row = ctx.db.get("VM", vm, "metrics")
    if ctx.db.exists("VM_metrics", row):
        ctx.db.destroy("VM_metrics", row)
    return NULL_REF


@implements("VM.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VM.destroy. Its disks stay."""
    row = ctx.db.row("VM", self).values
    if row["is_default_template"]:
        raise error("VM_CANNOT_DELETE_DEFAULT_TEMPLATE", self)
    async with holding(ctx, self, "destroy"):
        for child in ctx.db.get("VM", self, "children"):
            ctx.db.set("VM", child, parent=row["parent"])
        vm_uuid = row["uuid"]
        # Before the row goes: a VM that is made again with this uuid must not be forgotten by the way.
        await vm_lifecycle.quietly(ctx.services.xenops.vm_remove(ctx.dbg, vm_uuid))
        forget(ctx, self)
    ctx.app.spawn(vm_lifecycle.quietly(ctx.services.metrics.remove_rrd(vm_uuid)), f"remove metrics of {vm_uuid}")


def forget(ctx: Context, vm: str) -> None:
    """Delete a VM's row and all that belongs to it; disks are not touched."""
    db = ctx.db
    for ref in db.get("VM", vm, "VBDs"):
        vbd.forget(ctx, ref)
    for ref in db.get("VM", vm, "VIFs"):
        vif.forget(ctx, ref)
    for cls, field in (("console", "consoles"), ("VGPU", "VGPUs"), ("VUSB", "VUSBs")):
        for ref in db.get("VM", vm, field):
            db.destroy(cls, ref)
    for ref in db.get("VM", vm, "VTPMs"):
        vtpm.forget(db, ref)
    for ref in db.get("VM", vm, "blobs").values():
        blob.remove(ctx, ref)
    appliance = db.get("VM", vm, "appliance")
    for cls, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
        ref = db.get("VM", vm, field)
        if db.exists(cls, ref):
            db.destroy(cls, ref)
    for snapshot in db.get("VM", vm, "snapshots"):
        # They stay; what they were taken of is gone.
        db.set("VM", snapshot, snapshot_of=NULL_REF)
    db.destroy("VM", vm)
    if db.exists("VM_appliance", appliance):
        vm_lifecycle.refresh_appliance(ctx.db, appliance)


# -- templates --


@implements("VM.set_is_a_template")
async def set_is_a_template(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: VM.set_is_a_template"""
    db = ctx.db
    if value == db.get("VM", self, "is_a_template"):
        return
    if not value:
        metrics = vm_metrics.ensure(ctx, self)
        db.set("VM_metrics", metrics, install_time=now())
        db.set("VM", self, is_a_template=False)
        return refresh_with_devices(ctx, self)
    assert_valid(db, self, "make_into_template")
    if db.get("VM", self, "ha_restart_priority") == "restart":
        raise error("VM_IS_PROTECTED", self)
    for vusb in db.get("VM", self, "VUSBs"):
        db.destroy("VUSB", vusb)
    db.set("VM", self, is_a_template=True, ha_always_run=False, groups=[], metrics=_drop_metrics(ctx, self))
    refresh_with_devices(ctx, self)


@implements("VM.set_is_default_template")
async def set_is_default_template(ctx: Context, vm: str, value: bool) -> None:
    """XenAPI: VM.set_is_default_template"""
    ctx.db.set("VM", vm, is_default_template=value, **({"is_a_template": True} if value else {}))
    ctx.db.remove_from_map("VM", vm, "other_config", "default_template")
    if value:
        ctx.db.put_in_map("VM", vm, "other_config", default_template="true")
    refresh(ctx, vm)


# -- questions --


@implements("VM.assert_operation_valid")
async def assert_operation_valid(ctx: Context, self: str, op: str) -> None:
    """XenAPI: VM.assert_operation_valid"""
    assert_valid(ctx.db, self, op)


@implements("VM.update_allowed_operations")
async def update_allowed_operations(ctx: Context, self: str) -> None:
    """XenAPI: VM.update_allowed_operations"""
    refresh_with_devices(ctx, self)


@implements("VM.get_boot_record")
async def get_boot_record(ctx: Context, self: str) -> dict[str, Any]:
    """XenAPI: VM.get_boot_record. The settings a live VM was booted with are those in its record: what can only change at a
    boot is refused while it is live."""
    return ctx.db.record("VM", self)


@implements("VM.query_services")
async def query_services(ctx: Context, self: str) -> dict[str, str]:
    """XenAPI: VM.query_services"""
    assert_valid(ctx.db, self, "query_services")
    return {}


@implements("VM.get_cooperative")
async def get_cooperative(ctx: Context, self: str) -> bool:
    """XenAPI: VM.get_cooperative. Deprecated: guests that do not balloon are dealt with where memory is moved."""
    ctx.db.row("VM", self)
    return True


@implements("VM.retrieve_wlb_recommendations")
async def retrieve_wlb_recommendations(ctx: Context, vm: str) -> dict[str, list[str]]:
    """XenAPI: VM.retrieve_wlb_recommendations"""
    ctx.db.row("VM", vm)
    raise error("WLB_DISABLED")


@implements("VM.atomic_set_resident_on")
async def atomic_set_resident_on(ctx: Context, vm: str, host: str) -> None:
    """XenAPI: VM.atomic_set_resident_on"""
    ctx.db.set("VM", vm, resident_on=host, scheduled_to_be_resident_on=NULL_REF)
    refresh(ctx, vm)


@implements("VM.create_new_blob")
async def create_new_blob(ctx: Context, vm: str, name: str, mime_type: str, public: bool) -> str:
    """XenAPI: VM.create_new_blob"""
    ctx.db.row("VM", vm)
    return blob.create_new_blob(ctx, "VM", vm, name, mime_type, public)


@implements("VM.update_snapshot_metadata")
async def update_snapshot_metadata(
    ctx: Context, vm: str, snapshot_of: str, snapshot_time: str, transportable_snapshot_id: str
) -> None:
    """XenAPI: VM.update_snapshot_metadata"""
    ctx.db.set(
        "VM",
        vm,
        is_a_snapshot=True,
        snapshot_of=snapshot_of,
        snapshot_time=snapshot_time,
        transportable_snapshot_id=transportable_snapshot_id,
    )
    refresh(ctx, vm)
