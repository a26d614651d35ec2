"""Copies of a VM: clone, copy, snapshot, checkpoint. They differ in how disks are copied and in what the new VM is.

A copy that fails leaves nothing: disks made for it are destroyed, its rows deleted.
"""

import contextlib
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from idl.rpc import RpcError
from xapi import errors
from xapi.classes import gpu, vbd, vdi, vif, vm_guest_metrics, vm_metrics, vm_suspend, vtpm
from xapi.classes import vm as vms
from xapi.classes.vm_lifecycle import holding, is_null, refresh_with_devices, tell
from xapi.classes.vm_power import force_halt
from xapi.database.schema import EPOCH, NULL_REF
from xapi.database.store import Store
from xapi.errors import error
from xapi.planning.vm_operations import HALTED, RUNNING, SUSPENDED
from xapi.server.context import Context, now
from xapi.server.registry import implements

CopyDisk = Callable[[str], Awaitable[str]]
"""Takes a disk's ref, returns that of its copy."""

_NOT_COPIED: Final = (
    "uuid",
    "allowed_operations",
    "current_operations",
    "consoles",
    "VIFs",
    "VBDs",
    "VUSBs",
    "VTPMs",
    "VGPUs",
    "crash_dumps",
    "snapshots",
    "children",
    "blobs",
    "attached_PCIs",
    "resident_on",
    "scheduled_to_be_resident_on",
    "groups",
    "appliance",
    "protection_policy",
    "snapshot_schedule",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the new VM is to be."""

    is_snapshot: bool
    keeps_suspended: bool = False


def new_generation(old: str) -> str:
    """Return a fresh generation id where the VM has one."""
    if not old:
        return old
    number = uuid.uuid4().int
    return f"{number >> 64 & (1 << 63) - 1}:{number & (1 << 63) - 1}"


def _fields(ctx: Context, vm: str, name: str, kind: Kind) -> dict[str, Any]:
    row = ctx.db.record("VM", vm)
    other_config = {
        key: value for key, value in row["other_config"].items() if key not in ("default_template", "xensource_internal")
    }
    if not kind.is_snapshot:
        other_config["mac_seed"] = str(uuid.uuid4())
        if row["is_a_template"] and not row["is_a_snapshot"]:
            other_config.setdefault("base_template_name", row["name_label"])
    kept = {field: value for field, value in row.items() if field not in _NOT_COPIED}
    changed = {
        "name_label": name,
        "power_state": SUSPENDED if kind.keeps_suspended else HALTED,
        "is_default_template": False,
        "is_control_domain": False,
        "domid": -1,
        "other_config": other_config,
        "suspend_VDI": NULL_REF,
        "ha_always_run": False,
        "generation_id": new_generation(row["generation_id"]),
        "metrics": vm_metrics.copy(ctx, row["metrics"]),
        "guest_metrics": vm_guest_metrics.copy(ctx, row["guest_metrics"]),
        "requires_reboot": False,
    }
    return kept | changed | (_snapshot_fields(ctx, vm, row) if kind.is_snapshot else _own_fields())


def _snapshot_fields(ctx: Context, vm: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "is_a_template": True,
        "is_a_snapshot": True,
        "snapshot_of": vm,
        "snapshot_time": now(),
        "transportable_snapshot_id": "",
        "parent": row["parent"],
        "snapshot_info": {"power-state-at-snapshot": row["power_state"], "disk-snapshot-type": "crash_consistent"},
        "snapshot_metadata": json.dumps(row, sort_keys=True),
    }


def _own_fields() -> dict[str, Any]:
    return {
        "is_a_snapshot": False,
        "snapshot_of": NULL_REF,
        "snapshot_time": EPOCH,
        "snapshot_info": {},
        "snapshot_metadata": "",
        "transportable_snapshot_id": "",
        "parent": NULL_REF,
    }


def is_shared(db: Store, vbd_ref: str) -> bool:
    """Return whether copies of a VM use the same disk: CDs are not copied."""
    return bool(db.get("VBD", vbd_ref, "type") == "CD")


def own_disks(db: Store, vm: str) -> list[str]:
    """Return the disks that are the VM's own: all but CDs, each once."""
    used = [db.get("VBD", ref, "VDI") for ref in db.get("VM", vm, "VBDs") if not is_shared(db, ref)]
    return [disk for disk in dict.fromkeys(used) if db.exists("VDI", disk)]


async def make(ctx: Context, vm: str, name: str, kind: Kind, copy_disk: CopyDisk, ignored: "list[str] | None" = None) -> str:
    """Copy a VM; who calls holds the operation. Disks in *ignored* are left out. Return the new VM."""
    db = ctx.db
    plans = [ref for ref in db.get("VM", vm, "VBDs") if db.get("VBD", ref, "VDI") not in (ignored or [])]
    async with contextlib.AsyncExitStack() as undo:
        copies: dict[str, str] = {}
        suspended_to = db.get("VM", vm, "suspend_VDI") if kind.keeps_suspended else NULL_REF
        disks = [db.get("VBD", ref, "VDI") for ref in plans if not is_shared(db, ref)]
        wanted = [disk for disk in dict.fromkeys([*disks, suspended_to]) if not is_null(disk)]
        for done, disk in enumerate(wanted):
            copies[disk] = await copy_disk(disk)
            undo.push_async_callback(vdi.destroy, ctx, copies[disk])
            ctx.progress(0.9 * (done + 1) / len(wanted))
        # From here on nothing waits: the new VM appears whole.
        new = db.create("VM", **_fields(ctx, vm, name, kind))
        if not is_null(suspended_to):
            db.set("VM", new, suspend_VDI=copies[suspended_to])
        for ref in plans:
            disk = db.get("VBD", ref, "VDI")
            vbd.copy(ctx, ref, new, disk if is_shared(db, ref) else copies.get(disk, NULL_REF))
        for ref in db.get("VM", vm, "VIFs"):
            vif.copy(ctx, ref, new, keep_mac=kind.is_snapshot)
        for ref in db.get("VM", vm, "VTPMs"):
            vtpm.copy(db, ref, new)
        for ref in db.get("VM", vm, "VGPUs"):
            gpu.copy(db, ref, new)
        if kind.is_snapshot:
            db.set("VM", vm, parent=new)
        refresh_with_devices(ctx, new)
        undo.pop_all()
    return new


async def discard(ctx: Context, snapshot: str) -> None:
    """Delete a snapshot with the disks and the memory that were kept for it."""
    disks = [*own_disks(ctx.db, snapshot), ctx.db.get("VM", snapshot, "suspend_VDI")]
    await vms.destroy(ctx, snapshot)
    for disk in disks:
        if ctx.db.exists("VDI", disk):
            await vdi.destroy(ctx, disk)


@implements("VM.clone")
async def clone(ctx: Context, vm: str, new_name: str) -> str:
    """XenAPI: VM.clone"""
    async with holding(ctx, vm, "clone"):
        suspended = ctx.db.get("VM", vm, "power_state") == SUSPENDED
        new = await make(
            ctx, vm, new_name, Kind(is_snapshot=False, keeps_suspended=suspended), lambda disk: vdi.clone(ctx, disk, {})
        )
        if suspended and ctx.db.get("VM", vm, "is_a_snapshot"):
            # A checkpoint's clone has another identity: the memory of the old one is of no use to it.
            await force_halt(ctx, new)
        how = "made from snapshot" if ctx.db.get("VM", vm, "is_a_snapshot") else "cloned from"
        tell(ctx, "VM_CLONED", new, f"was {how} '{ctx.db.get('VM', vm, 'name_label')}'")
    return new


@implements("VM.copy")
async def copy(ctx: Context, vm: str, new_name: str, sr: str) -> str:
    """XenAPI: VM.copy. To *sr*, or each disk to its own where that is null."""
    db = ctx.db
    if not is_null(sr) and db.exists("SR", sr) and db.get("SR", sr, "content_type") == "iso":
        raise errors.operation_not_allowed("Cannot copy a VM's disks to an ISO SR")

    async def copy_disk(disk: str) -> str:
        target = sr if db.exists("SR", sr) else db.get("VDI", disk, "SR")
        return await vdi.copy(ctx, disk, target, NULL_REF, NULL_REF)

    async with holding(ctx, vm, "copy"):
        suspended = db.get("VM", vm, "power_state") == SUSPENDED
        return await make(ctx, vm, new_name, Kind(is_snapshot=False, keeps_suspended=suspended), copy_disk)


@implements("VM.snapshot")
async def snapshot(ctx: Context, vm: str, new_name: str, ignore_vdis: list[str]) -> str:
    """XenAPI: VM.snapshot. A running guest goes on; disks are as after a power cut."""
    async with holding(ctx, vm, "snapshot"):
        taken = await make(
            ctx, vm, new_name, Kind(is_snapshot=True), lambda disk: vdi.snapshot(ctx, disk, {}), ignored=ignore_vdis
        )
        tell(ctx, "VM_SNAPSHOTTED", vm, f"was snapshotted as '{new_name}'")
    return taken


@implements("VM.checkpoint")
async def checkpoint(ctx: Context, vm: str, new_name: str) -> str:
    """XenAPI: VM.checkpoint. A snapshot with the guest's memory, where it runs."""
    async with holding(ctx, vm, "checkpoint"):
        was_running = ctx.db.get("VM", vm, "power_state") == RUNNING
        suspended = ctx.db.get("VM", vm, "power_state") == SUSPENDED
        if was_running:
            await _checked(vm_suspend.save(ctx, vm), "VM_CHECKPOINT_SUSPEND_FAILED", vm)
        try:
            kind = Kind(is_snapshot=True, keeps_suspended=was_running or suspended)
            taken = await make(ctx, vm, new_name, kind, lambda disk: vdi.snapshot(ctx, disk, {}))
        finally:
            if was_running:
                await _checked(vm_suspend.restore(ctx, vm, start_paused=False), "VM_CHECKPOINT_RESUME_FAILED", vm)
        tell(ctx, "VM_CHECKPOINTED", vm, f"was checkpointed as '{new_name}'")
    return taken


async def _checked(step: Awaitable[None], code: str, vm: str) -> None:
    """Await a half of a checkpoint; say which half failed."""
    try:
        await step
    except (errors.XenAPIError, RpcError) as reason:
        raise error(code, vm) from reason
