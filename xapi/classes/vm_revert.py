"""VM.revert: a VM gets back the disks, devices and settings it had when a snapshot of it was taken."""

import contextlib
import json
from typing import Any, Final

from xapi.classes import vbd, vdi, vif, vm_copies
from xapi.classes.vm_lifecycle import assert_valid, holding, is_null, left_host, refresh_with_devices, tell
from xapi.classes.vm_power import drop_suspend_image, force_halt
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError, error
from xapi.planning.vm_operations import HALTED, SUSPENDED
from xapi.server.context import Context
from xapi.server.registry import implements

_NOT_RESTORED: Final = frozenset(
    {
        "VBDs",
        "VGPUs",
        "VIFs",
        "VTPMs",
        "VUSBs",
        "affinity",
        "allowed_operations",
        "appliance",
        "attached_PCIs",
        "blobs",
        "children",
        "consoles",
        "crash_dumps",
        "current_operations",
        "domid",
        "generation_id",
        "groups",
        "guest_metrics",
        "is_a_snapshot",
        "is_a_template",
        "is_control_domain",
        "is_default_template",
        "last_booted_record",
        "metrics",
        "parent",
        "power_state",
        "protection_policy",
        "resident_on",
        "scheduled_to_be_resident_on",
        "snapshot_info",
        "snapshot_metadata",
        "snapshot_of",
        "snapshot_schedule",
        "snapshot_time",
        "snapshots",
        "suspend_VDI",
        "tags",
        "uuid",
    }
)


@implements("VM.revert")
async def revert(ctx: Context, snapshot: str) -> None:
    """XenAPI: VM.revert. What the VM is now is lost, but not the snapshot."""
    assert_valid(ctx.db, snapshot, "revert")
    vm = ctx.db.get("VM", snapshot, "snapshot_of")
    if not ctx.db.exists("VM", vm):
        raise error("VM_REVERT_FAILED", vm, snapshot)
    async with holding(ctx, snapshot, "revert"), holding(ctx, vm, "reverting"):
        await force_halt(ctx, vm)
        await _swap_disks(ctx, vm, snapshot)
        _restore_settings(ctx, vm, snapshot)
        tell(ctx, "VM_SNAPSHOT_REVERTED", vm, f"was reverted to '{ctx.db.get('VM', snapshot, 'name_label')}'")
    refresh_with_devices(ctx, vm)


async def _swap_disks(ctx: Context, vm: str, snapshot: str) -> None:
    """Replace the VM's devices by copies of the snapshot's. The old disks go last, when the new ones are all there."""
    db = ctx.db
    old_vbds, old_vifs = db.get("VM", vm, "VBDs"), db.get("VM", vm, "VIFs")
    copied: dict[str, str] = {}
    suspended_to = db.get("VM", snapshot, "suspend_VDI")
    async with contextlib.AsyncExitStack() as undo:
        for disk in [*_own_disks(ctx, snapshot), *([suspended_to] if db.exists("VDI", suspended_to) else [])]:
            copied[disk] = await vdi.clone(ctx, disk, {})
            undo.push_async_callback(vdi.destroy, ctx, copied[disk])
        undo.pop_all()
    originals = {db.get("VDI", disk, "snapshot_of"): copy for disk, copy in copied.items()}
    doomed = _own_disks(ctx, vm, only=set(originals))
    for old in old_vbds:
        vbd.forget(ctx, old)
    for old in old_vifs:
        vif.forget(ctx, old)
    for ref in db.get("VM", snapshot, "VBDs"):
        disk = db.get("VBD", ref, "VDI")
        vbd.copy(ctx, ref, vm, copied.get(disk, disk))
    for ref in db.get("VM", snapshot, "VIFs"):
        vif.copy(ctx, ref, vm, keep_mac=True)
    for original, copy in originals.items():
        _inherit_snapshots(ctx, original, copy)
    for disk in doomed:
        with contextlib.suppress(XenAPIError):
            # A disk somebody else uses now stays.
            await vdi.destroy(ctx, disk)
    await drop_suspend_image(ctx, vm)
    if suspended_to in copied:
        db.set("VM", vm, suspend_VDI=copied[suspended_to])


def _own_disks(ctx: Context, vm: str, only: "set[str] | None" = None) -> list[str]:
    vbds = [ref for ref in ctx.db.get("VM", vm, "VBDs") if not vm_copies.is_shared(ctx, ref)]
    disks = [ctx.db.get("VBD", ref, "VDI") for ref in vbds]
    return [disk for disk in dict.fromkeys(disks) if ctx.db.exists("VDI", disk) and (only is None or disk in only)]


def _inherit_snapshots(ctx: Context, original: str, copy: str) -> None:
    """Have the disk that takes another's place be the origin of its snapshots."""
    if not is_null(original) and ctx.db.exists("VDI", original):
        for snapshot in ctx.db.get("VDI", original, "snapshots"):
            ctx.db.set("VDI", snapshot, snapshot_of=copy)


def _restore_settings(ctx: Context, vm: str, snapshot: str) -> None:
    db = ctx.db
    try:
        stored: dict[str, Any] = json.loads(db.get("VM", snapshot, "snapshot_metadata"))
    except ValueError:
        # A snapshot from elsewhere: its own row says nearly the same.
        stored = db.record("VM", snapshot)
        stored.pop("name_label")
    columns = db.schema["VM"].columns
    fields = {name: value for name, value in stored.items() if name in columns and name not in _NOT_RESTORED}
    suspended = db.get("VM", snapshot, "power_state") == SUSPENDED and not is_null(db.get("VM", vm, "suspend_VDI"))
    db.set("VM", vm, **fields, parent=snapshot, generation_id=vm_copies.new_generation(db.get("VM", vm, "generation_id")))
    db.set("VM", vm, last_booted_record=db.get("VM", snapshot, "last_booted_record") if suspended else "")
    left_host(ctx, vm, SUSPENDED if suspended else HALTED)
    if not suspended:
        db.set("VM", vm, suspend_VDI=NULL_REF)
