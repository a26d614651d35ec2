"""What is made once, on a host's first start: its local storage."""

from idl.config import parse_pairs
from xapi.classes import sr
from xapi.server.context import Context

CONFIG = "/etc/firstboot.d/data/default-storage.conf"


async def make_local_storage(ctx: Context) -> None:
    """Create "Local storage" as ``default-storage.conf`` says (XSTYPE, XSPARTITIONS), and make it the pool's default.

    Nothing is done where the file is missing, or where the host has had an SR made from it before.
    """
    file = ctx.app.root.under(CONFIG)
    if not file.is_file() or any("first_boot" in row.values["other_config"] for row in ctx.db.rows("SR")):
        return
    wanted = dict(parse_pairs(file.read_text()))
    kind, place = wanted.get("XSTYPE", ""), wanted.get("XSPARTITIONS", "")
    if not kind or not place:
        return
    key = "location" if kind == "file" else "device"
    ref = await sr.create(ctx, ctx.app.localhost, {key: place}, 0, "Local storage", "", kind, "user", False, {})
    ctx.db.put_in_map("SR", ref, "other_config", first_boot="true")
    pool = ctx.db.refs("pool")[0]
    ctx.db.set("pool", pool, default_SR=ref, suspend_image_SR=ref, crash_dump_SR=ref)
    ctx.db.set("host", ctx.app.localhost, suspend_image_sr=ref, crash_dump_sr=ref)
