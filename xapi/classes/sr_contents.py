"""What is in a repository, as its storage says: sizes and disks, written into the rows."""

from idl.storage import SrInfo
from xapi.classes import vdi_rows
from xapi.server.context import Context


def _write_sizes(ctx: Context, sr: str, info: SrInfo, virtual_allocation: int) -> None:
    ctx.db.set(
        "SR",
        sr,
        physical_size=info.total_space,
        physical_utilisation=info.total_space - info.free_space,
        virtual_allocation=virtual_allocation,
        clustered=info.clustered,
    )


async def refresh_sizes(ctx: Context, sr: str) -> None:
    """Ask the storage for a repository's space, after something in it changed size."""
    info = await ctx.services.storage.sr_stat(ctx.dbg, ctx.db.get("SR", sr, "uuid"))
    _write_sizes(ctx, sr, info, info.virtual_allocation)


async def read(ctx: Context, sr: str) -> None:
    """Compare a repository's rows with its storage, which must be attached here."""
    found, info = await ctx.services.storage.sr_scan(ctx.dbg, ctx.db.get("SR", sr, "uuid"))
    vdi_rows.reconcile(ctx, sr, found)
    _write_sizes(ctx, sr, info, sum(vdi.virtual_size for vdi in found))
    ctx.db.remove_from_map("SR", sr, "other_config", "dirty")
