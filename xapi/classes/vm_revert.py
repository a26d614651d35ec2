"""VM.revert: a VM gets back the disks, devices and settings it had when a snapshot of it was taken.

Disks keep their identity where their storage can put an old content back; elsewhere copies take their place. A VM that
was destroyed since is made again, with the uuid it had.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from xapi.classes import vbd, vdi, vif, vm_copies, vm_metrics
from xapi.classes import vm as vms
from xapi.classes.storage_state import vdi_situation
from xapi.classes.vm_lifecycle import assert_valid, holding, is_null, left_host, refresh_with_devices, tell
from xapi.classes.vm_power import drop_suspend_image, force_halt
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
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
        "ha_always_run",
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


@dataclass(slots=True)
class Disks:
    """What a snapshot's disks become in the VM: snapshot's disk -> the VM's."""

    in_place: dict[str, str] = field(default_factory=dict)
    """The VM's own disk, which gets the old content."""
    copied: dict[str, str] = field(default_factory=dict)


@implements("VM.revert")
async def revert(ctx: Context, snapshot: str) -> None:
    """XenAPI: VM.revert. What the VM is now is lost, but not the snapshot."""
    assert_valid(ctx.db, snapshot, "revert")
    async with holding(ctx, snapshot, "revert"), contextlib.AsyncExitStack() as undo:
        vm = ctx.db.get("VM", snapshot, "snapshot_of")
        if not ctx.db.exists("VM", vm):
            vm = _made_again(ctx, snapshot)
            undo.callback(vms.forget, ctx, vm)
        async with holding(ctx, vm, "reverting"):
            await force_halt(ctx, vm)
            disks = await _old_contents(ctx, vm, snapshot)
            undo.pop_all()
            await _swap_devices(ctx, vm, snapshot, disks)
            _restore_settings(ctx, vm, snapshot)
            tell(ctx, "VM_SNAPSHOT_REVERTED", vm, f"was reverted to '{ctx.db.get('VM', snapshot, 'name_label')}'")
    refresh_with_devices(ctx, vm)


# -- disks --


async def _old_contents(ctx: Context, vm: str, snapshot: str) -> Disks:
    """Have the contents of the snapshot's disks in disks for the VM. Copies go first: they can be undone."""
    db, disks = ctx.db, Disks()
    for disk in vm_copies.own_disks(db, snapshot):
        if _reverts_in_place(db, disk, vm):
            disks.in_place[disk] = db.get("VDI", disk, "snapshot_of")
    memory = db.get("VM", snapshot, "suspend_VDI")
    async with contextlib.AsyncExitStack() as undo:
        for disk in [*vm_copies.own_disks(db, snapshot), memory]:
            if db.exists("VDI", disk) and disk not in disks.in_place:
                disks.copied[disk] = await vdi.clone(ctx, disk, {})
                undo.push_async_callback(vdi.destroy, ctx, disks.copied[disk])
        for disk in disks.in_place:
            await vdi.revert(ctx, disk)
        undo.pop_all()
    return disks


def _reverts_in_place(db: Store, disk: str, vm: str) -> bool:
    """Return whether the disk that *disk* was taken of is there, nobody's but the VM's, on storage that can do it."""
    original = db.get("VDI", disk, "snapshot_of")
    if not db.exists("VDI", original) or "VDI_REVERT" not in vdi_situation(db, disk).features:
        return False
    return all(db.get("VBD", user, "VM") == vm for user in db.get("VDI", original, "VBDs"))


async def _swap_devices(ctx: Context, vm: str, snapshot: str, disks: Disks) -> None:
    """Replace the VM's devices by those of the snapshot. Disks that copies stand for are deleted."""
    db = ctx.db
    replaced = {db.get("VDI", disk, "snapshot_of"): copy for disk, copy in disks.copied.items()}
    doomed = [disk for disk in vm_copies.own_disks(db, vm) if disk in replaced]
    for old in db.get("VM", vm, "VBDs"):
        vbd.forget(ctx, old)
    for old in db.get("VM", vm, "VIFs"):
        vif.forget(ctx, old)
    become = disks.in_place | disks.copied
    for ref in db.get("VM", snapshot, "VBDs"):
        disk = db.get("VBD", ref, "VDI")
        vbd.copy(ctx, ref, vm, become.get(disk, disk))
    for ref in db.get("VM", snapshot, "VIFs"):
        vif.copy(ctx, ref, vm, keep_mac=True)
    for original, copy in replaced.items():
        _inherit_snapshots(db, original, copy)
    await drop_suspend_image(ctx, vm)
    db.set("VM", vm, suspend_VDI=disks.copied.get(db.get("VM", snapshot, "suspend_VDI"), NULL_REF))
    for disk in doomed:
        # One that another VM has as well stays, and so does one that something holds just now.
        if not db.get("VDI", disk, "VBDs"):
            with contextlib.suppress(XenAPIError):
                await vdi.destroy(ctx, disk)


def _inherit_snapshots(db: Store, original: str, copy: str) -> None:
    """Have the disk that takes another's place be the origin of its snapshots."""
    if db.exists("VDI", original):
        for snapshot in db.get("VDI", original, "snapshots"):
            db.set("VDI", snapshot, snapshot_of=copy)


# -- settings --


def _stored(db: Store, snapshot: str) -> dict[str, Any]:
    """Return the VM's record as it was when the snapshot was taken."""
    try:
        found: dict[str, Any] = json.loads(db.get("VM", snapshot, "snapshot_metadata"))
    except ValueError:
        # A snapshot from elsewhere: its own row says nearly the same.
        found = {name: value for name, value in db.record("VM", snapshot).items() if name not in ("uuid", "name_label")}
    return found


def _restored(db: Store, stored: dict[str, Any]) -> dict[str, Any]:
    columns = db.schema["VM"].columns
    return {name: value for name, value in stored.items() if name in columns and name not in _NOT_RESTORED}


def _restore_settings(ctx: Context, vm: str, snapshot: str) -> None:
    db = ctx.db
    suspended = db.get("VM", snapshot, "power_state") == SUSPENDED and not is_null(db.get("VM", vm, "suspend_VDI"))
    db.set(
        "VM",
        vm,
        **_restored(db, _stored(db, snapshot)),
        parent=snapshot,
        generation_id=vm_copies.new_generation(db.get("VM", snapshot, "generation_id")),
        last_booted_record=db.get("VM", snapshot, "last_booted_record") if suspended else "",
        ha_always_run=False,
    )
    left_host(ctx, vm, SUSPENDED if suspended else HALTED)


def _made_again(ctx: Context, snapshot: str) -> str:
    """Make the row of a VM that was destroyed since *snapshot* was taken; its other snapshots are its own again.

    :raises XenAPIError: VM_REVERT_FAILED where the snapshot does not say what VM it is of.
    """
    db, stored = ctx.db, _stored(ctx.db, snapshot)
    uuid = stored.get("uuid")
    if uuid is None or any(row.values["uuid"] == uuid for row in db.rows("VM")):
        raise error("VM_REVERT_FAILED", db.get("VM", snapshot, "snapshot_of"), snapshot)
    vm = db.create("VM", **_restored(db, stored), uuid=uuid, power_state=HALTED, domid=-1)
    vm_metrics.ensure(ctx, vm)
    for sibling in _orphans_of(db, uuid):
        db.set("VM", sibling, snapshot_of=vm)
    return vm


def _orphans_of(db: Store, uuid: str) -> Iterable[str]:
    for row in db.rows("VM"):
        orphan = row.values["is_a_snapshot"] and not db.exists("VM", row.values["snapshot_of"])
        if orphan and _stored(db, row.ref).get("uuid") == uuid:
            yield row.ref
