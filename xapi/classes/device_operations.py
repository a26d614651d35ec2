"""What a VM's disks and network interfaces may do now: facts from the store, ``allowed_operations``, operations held."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from xapi.classes.storage_state import update_vdi
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.planning import vbd_operations, vif_operations
from xapi.planning.vbd_operations import VbdFacts
from xapi.planning.vif_operations import VifFacts
from xapi.server.context import Context
from xapi.server.operations import QUICK_PATIENCE, operation

_PRECLUDING = frozenset({"destroy", "resize", "force_unlock", "data_destroy", "blocked"})
"""Operations on a disk during which no VM may take it."""


def _hotplug(db: Store, vm: dict[str, Any], field: str) -> bool:
    metrics = vm["guest_metrics"]
    return not db.exists("VM_guest_metrics", metrics) or db.row("VM_guest_metrics", metrics).values[field] != "no"


def vbd_facts(db: Store, vbd: str, vdi: str | None = None) -> VbdFacts:
    """Return what the rules need to know about *vbd*; *vdi* is the disk to judge instead of its own (for an insertion)."""
    values = db.row("VBD", vbd).values
    vm = db.row("VM", values["VM"]).values
    disk = values["VDI"] if vdi is None else vdi
    domain = vm["domain_type"]
    common = {
        "ref": vbd,
        "vm": values["VM"],
        "power_state": vm["power_state"],
        "hvm": domain == "hvm" or (domain == "unspecified" and vm["HVM_boot_policy"] != ""),
        "current": values["current_operations"],
        "attached": values["currently_attached"],
        "is_cd": values["type"] == "CD",
        "empty": values["empty"] or disk in ("", NULL_REF),
        "unpluggable": values["unpluggable"],
        "read_only": values["mode"] == "RO",
        "hotplug": _hotplug(db, vm, "can_use_hotplug_vbd"),
    }
    if not db.exists("VDI", disk):
        return VbdFacts(**common)
    found = db.row("VDI", disk).values
    others = [
        other
        for other in (db.row("VBD", ref).values for ref in found["VBDs"] if ref != vbd)
        if other["currently_attached"] or other["reserved"]
    ]
    return VbdFacts(
        **common,
        vdi=disk,
        vdi_current={task: name for task, name in found["current_operations"].items() if name in _PRECLUDING},
        vdi_shared=found["sharable"] or found["type"] in ("system",),
        vdi_missing=found["missing"],
        sr=found["SR"],
        others_attached=len(others),
        others_writing=sum(other["mode"] == "RW" for other in others),
    )


def vif_facts(db: Store, vif: str) -> VifFacts:
    """Return what the rules need to know about *vif*."""
    values = db.row("VIF", vif).values
    vm = db.row("VM", values["VM"]).values
    return VifFacts(
        ref=vif,
        vm=values["VM"],
        power_state=vm["power_state"],
        current=values["current_operations"],
        attached=values["currently_attached"],
        hotplug=_hotplug(db, vm, "can_use_hotplug_vif"),
    )


def refresh(ctx: Context, cls: str, device: str) -> None:
    """Recompute ``allowed_operations`` of a VBD (and what its disk allows) or a VIF; *cls* says which it is."""
    db = ctx.db
    if not db.exists(cls, device) or not db.exists("VM", db.get(cls, device, "VM")):
        return
    if cls == "VIF":
        db.set("VIF", device, allowed_operations=vif_operations.allowed(vif_facts(db, device)))
        return
    db.set("VBD", device, allowed_operations=vbd_operations.allowed(vbd_facts(db, device)))
    update_vdi(ctx, db.get("VBD", device, "VDI"))


def assert_vbd(db: Store, vbd: str, name: str, vdi: str | None = None) -> None:
    """:raises XenAPIError: the VBD does not allow operation *name* now."""
    vbd_operations.assert_valid(vbd_facts(db, vbd, vdi), name)


def assert_vif(db: Store, vif: str, name: str) -> None:
    """:raises XenAPIError: the VIF does not allow operation *name* now."""
    vif_operations.assert_valid(vif_facts(db, vif), name)


def holding_vbd(
    ctx: Context, vbd: str, name: str, *, vdi: str | None = None, patience: float = QUICK_PATIENCE
) -> AbstractAsyncContextManager[None]:
    """Hold operation *name* on a VBD while the block runs."""
    return operation(
        ctx, "VBD", vbd, name, lambda: assert_vbd(ctx.db, vbd, name, vdi), lambda: refresh(ctx, "VBD", vbd), patience
    )


def holding_vif(ctx: Context, vif: str, name: str, *, patience: float = QUICK_PATIENCE) -> AbstractAsyncContextManager[None]:
    """Hold operation *name* on a VIF while the block runs."""
    return operation(ctx, "VIF", vif, name, lambda: assert_vif(ctx.db, vif, name), lambda: refresh(ctx, "VIF", vif), patience)


def attached(db: Store, cls: str, devices: Iterable[str]) -> list[str]:
    """Return those of *devices* that are attached."""
    return [device for device in devices if db.get(cls, device, "currently_attached")]
