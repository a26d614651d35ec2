"""Crash dumps of guests, as older pools may still have them."""

from xapi.classes import vdi
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("crashdump.destroy")
async def destroy(ctx: Context, crashdump: str) -> None:
    """XenAPI: crashdump.destroy. The image that holds it goes too, and the row with it."""
    image = ctx.db.get("crashdump", crashdump, "VDI")
    if ctx.db.exists("VDI", image):
        await vdi.destroy(ctx, image)
    if ctx.db.exists("crashdump", crashdump):
        ctx.db.destroy("crashdump", crashdump)
