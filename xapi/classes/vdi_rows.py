"""VDI rows made from, and kept in step with, what the storage service says of its disks."""

import uuid
from collections.abc import Iterable
from typing import Any

from idl.storage import VdiInfo
from xapi.classes.storage_state import update_vdi
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.datamodel import MODEL
from xapi.server.context import Context

_TYPES = frozenset(MODEL.enums["vdi_type"])


def at(db: Store, sr: str, location: str) -> str | None:
    """Return the row of the disk at *location* in a repository, or None."""
    images: list[str] = db.get("SR", sr, "VDIs")
    return next((vdi for vdi in images if db.get("VDI", vdi, "location") == location), None)


def _ref_at(db: Store, sr: str, location: str) -> str:
    return (at(db, sr, location) if location else None) or NULL_REF


def _told(info: VdiInfo) -> dict[str, Any]:
    """The fields that the storage owns: each scan writes them again."""
    return {
        "name_label": info.name_label,
        "name_description": info.name_description,
        "virtual_size": info.virtual_size,
        "physical_utilisation": info.physical_utilisation,
        "is_a_snapshot": info.is_a_snapshot,
        "snapshot_time": info.snapshot_time,
        "cbt_enabled": info.cbt_enabled,
        "managed": info.managed,
        "read_only": info.read_only,
        "sharable": info.sharable,
        "type": info.ty if info.ty in _TYPES else "user",
        "missing": False,
    }


def create(ctx: Context, sr: str, info: VdiInfo, **more: Any) -> str:
    """Make the row of a disk that the storage has; *more* are fields the storage does not keep or that differ."""
    identity = info.uuid or info.vdi
    taken = ctx.db.exists("VDI", identity) or _uuid_taken(ctx.db, identity)
    fields = {
        **_told(info),
        "uuid": str(uuid.uuid4()) if taken else identity,
        "location": info.vdi,
        "SR": sr,
        "sm_config": dict(info.sm_config),
        "snapshot_of": _ref_at(ctx.db, sr, info.snapshot_of),
        "parent": _ref_at(ctx.db, sr, info.parent),
        "metadata_of_pool": NULL_REF,
        "on_boot": "persist" if info.persistent else "reset",
    }
    vdi = ctx.db.create("VDI", **(fields | more))
    update_vdi(ctx, vdi)
    return vdi


def _uuid_taken(db: Store, identity: str) -> bool:
    try:
        db.by_uuid("VDI", identity)
    except KeyError:
        return False
    return True


def update(ctx: Context, vdi: str, info: VdiInfo) -> None:
    """Write what the storage says of a known disk into its row."""
    row = ctx.db.row("VDI", vdi).values
    fields = _told(info)
    if row["type"] in ("cbt_metadata", "rrd") and not info.sm_config.get("vdi_type"):
        # These are meanings that XenAPI gave; a driver may know the disk as an ordinary one.
        del fields["type"]
    snapshot_of = _ref_at(ctx.db, row["SR"], info.snapshot_of)
    if snapshot_of != NULL_REF or not info.is_a_snapshot:
        fields["snapshot_of"] = snapshot_of
    fields["parent"] = _ref_at(ctx.db, row["SR"], info.parent)
    if info.sm_config:
        fields["sm_config"] = {**row["sm_config"], **info.sm_config}
    if ctx.db.set("VDI", vdi, **fields):
        update_vdi(ctx, vdi)


def drop(ctx: Context, vdi: str) -> None:
    """Forget a disk's row, and the crash dumps it held."""
    for dump in ctx.db.get("VDI", vdi, "crash_dumps"):
        ctx.db.destroy("crashdump", dump)
    ctx.db.destroy("VDI", vdi)


def reconcile(ctx: Context, sr: str, found: Iterable[VdiInfo]) -> None:
    """Make a repository's VDI rows match a scan: new ones are made, known ones updated, the others forgotten."""
    known = {ctx.db.get("VDI", vdi, "location"): vdi for vdi in ctx.db.get("SR", sr, "VDIs")}
    infos = {info.vdi: info for info in found}
    for location, vdi in known.items():
        # What somebody is working on may be on its way in or out: the next scan sees it clearly.
        if location not in infos and not ctx.db.get("VDI", vdi, "current_operations"):
            drop(ctx, vdi)
    for location, info in infos.items():
        if location not in known:
            known[location] = create(ctx, sr, info)
    # In a second pass, for a disk may name one that came after it.
    for location, info in infos.items():
        update(ctx, known[location], info)


def collect_garbage(ctx: Context) -> None:
    """Drop what still names disks that are gone: CD drives become empty, other VBDs go."""
    for vbd in ctx.db.rows("VBD"):
        row = vbd.values
        if row["empty"] or row["currently_attached"] or ctx.db.exists("VDI", row["VDI"]):
            continue
        if row["type"] == "CD" and ctx.db.exists("VM", row["VM"]):
            ctx.db.set("VBD", vbd.ref, empty=True, VDI=NULL_REF)
            continue
        if ctx.db.exists("VBD_metrics", row["metrics"]):
            ctx.db.destroy("VBD_metrics", row["metrics"])
        ctx.db.destroy("VBD", vbd.ref)
