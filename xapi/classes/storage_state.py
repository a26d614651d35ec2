"""What repositories and images are doing: the values their rules are asked about, and operations held on them."""

import contextlib
from collections.abc import AsyncIterator

from xapi import errors
from xapi.classes.sm import features_of
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.planning import sr_operations, vdi_operations
from xapi.server.context import Context
from xapi.server.operations import operation


def pbds(db: Store, sr: str) -> list[str]:
    return [] if not db.exists("SR", sr) else db.get("SR", sr, "PBDs")


def is_attached(db: Store, sr: str) -> bool:
    """Some host has the repository plugged."""
    return any(db.get("PBD", pbd, "currently_attached") for pbd in pbds(db, sr))


def assert_attached_here(ctx: Context, sr: str) -> None:
    """SR_HAS_NO_PBDS or SR_NOT_ATTACHED unless this host has the repository plugged."""
    own = [pbd for pbd in pbds(ctx.db, sr) if ctx.db.get("PBD", pbd, "host") == ctx.app.localhost]
    if not own:
        raise errors.sr_has_no_pbds(sr)
    if not any(ctx.db.get("PBD", pbd, "currently_attached") for pbd in own):
        raise errors.sr_not_attached(sr)


def sr_situation(db: Store, sr: str) -> sr_operations.Sr:
    row = db.row("SR", sr).values
    return sr_operations.Sr(
        ref=sr,
        features=features_of(db, row["type"]),
        has_pbds=bool(row["PBDs"]),
        attached=is_attached(db, sr),
        operations=tuple(row["current_operations"].items()),
    )


def _attachment(db: Store, vbd: str) -> vdi_operations.Attachment:
    row = db.row("VBD", vbd).values
    return vdi_operations.Attachment(
        vbd,
        active=row["currently_attached"] or row["reserved"],
        writable=row["mode"] == "RW",
        operations=tuple(row["current_operations"].items()),
    )


def _keeps_ha_alive(db: Store, vdi: str) -> bool:
    return any(
        (pool.values["ha_enabled"] and vdi in pool.values["ha_statefiles"])
        or (pool.values["redo_log_enabled"] and pool.values["redo_log_vdi"] == vdi)
        for pool in db.rows("pool")
    )


def vdi_situation(db: Store, vdi: str) -> vdi_operations.Vdi:
    row = db.row("VDI", vdi).values
    sr = row["SR"]
    sr_row = db.row("SR", sr).values if db.exists("SR", sr) else None
    return vdi_operations.Vdi(
        ref=vdi,
        sr=sr,
        type=row["type"],
        sr_type=sr_row["type"] if sr_row else "",
        sr_has_pbds=bool(sr_row and sr_row["PBDs"]),
        sr_attached=is_attached(db, sr),
        sr_is_tools=bool(sr_row and sr_row["is_tools_sr"]),
        features=features_of(db, sr_row["type"]) if sr_row else frozenset(),
        managed=row["managed"],
        missing=row["missing"],
        sharable=row["sharable"],
        is_a_snapshot=row["is_a_snapshot"],
        resets_on_boot=row["on_boot"] == "reset",
        cbt_enabled=row["cbt_enabled"],
        keeps_ha_alive=_keeps_ha_alive(db, vdi),
        operations=tuple(row["current_operations"].items()),
        attachments=tuple(_attachment(db, vbd) for vbd in row["VBDs"]),
    )


def update_sr(ctx: Context, sr: str) -> None:
    """Recompute a repository's ``allowed_operations``."""
    ctx.db.set("SR", sr, allowed_operations=sr_operations.allowed(sr_situation(ctx.db, sr)))


def update_vdi(ctx: Context, vdi: str) -> None:
    """Recompute an image's ``allowed_operations``. An image that is gone is no error: its VBD may outlive it."""
    if vdi != NULL_REF and ctx.db.exists("VDI", vdi):
        ctx.db.set("VDI", vdi, allowed_operations=vdi_operations.allowed(vdi_situation(ctx.db, vdi)))


def update_contents(ctx: Context, sr: str) -> None:
    """As both, for a repository and all its images: it was plugged or unplugged."""
    update_sr(ctx, sr)
    for vdi in ctx.db.get("SR", sr, "VDIs"):
        update_vdi(ctx, vdi)


@contextlib.asynccontextmanager
async def hold_sr(ctx: Context, sr: str, name: str) -> AsyncIterator[None]:
    """Hold a ``storage_operations`` word on a repository while the block runs."""
    async with operation(
        ctx, "SR", sr, name,
        lambda: sr_operations.assert_valid(sr_situation(ctx.db, sr), name), lambda: update_sr(ctx, sr),
    ):  # fmt: skip
        yield


@contextlib.asynccontextmanager
async def hold_vdi(ctx: Context, vdi: str, name: str) -> AsyncIterator[None]:
    """Hold a ``vdi_operations`` word on an image, and ``vdi_<name>`` on its repository, while the block runs."""
    sr_name = "vdi_revert" if name.startswith("revert") else f"vdi_{name}"
    # The image first: its own state is the better answer where both refuse.
    async with (
        operation(
            ctx, "VDI", vdi, name,
            lambda: vdi_operations.assert_valid(vdi_situation(ctx.db, vdi), name), lambda: update_vdi(ctx, vdi),
        ),
        hold_sr(ctx, ctx.db.get("VDI", vdi, "SR"), sr_name),
    ):  # fmt: skip
        yield
