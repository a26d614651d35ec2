"""PBDs: how a host reaches a repository, and plugging it."""

import asyncio
import logging
from collections.abc import Sequence

from idl.rpc import RpcError, Unreachable
from xapi import errors
from xapi.classes import secret, sm, sr_contents
from xapi.classes.message import send
from xapi.classes.storage_state import hold_sr, update_contents, update_sr
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.pool.calls import through_coordinator
from xapi.server.context import Context
from xapi.server.daemon_errors import translate
from xapi.server.registry import implements

log = logging.getLogger(__name__)


@implements("PBD.create")
async def create(ctx: Context, record: dict[str, object]) -> str:
    """XenAPI: PBD.create. PBD_EXISTS, or SR_NOT_SHARABLE for a second host of a repository that is not shared."""
    host, sr = str(record["host"]), str(record["SR"])
    ctx.db.row("host", host)
    device_config, other_config = record.get("device_config", {}), record.get("other_config", {})
    assert isinstance(device_config, dict)
    assert isinstance(other_config, dict)
    for known in ctx.db.get("SR", sr, "PBDs"):
        if ctx.db.get("PBD", known, "host") == host:
            raise errors.pbd_exists(sr, host, known)
        if not ctx.db.get("SR", sr, "shared"):
            raise errors.error("SR_NOT_SHARABLE", sr, ctx.db.get("PBD", known, "host"))
    async with hold_sr(ctx, sr, "pbd_create"):
        return new_row(ctx, host, sr, device_config, other_config)


def new_row(ctx: Context, host: str, sr: str, device_config: dict[str, str], other_config: dict[str, str]) -> str:
    """Make the row of a connection that is not plugged."""
    pbd = ctx.db.create(
        "PBD", host=host, SR=sr, device_config=dict(device_config), other_config=dict(other_config), currently_attached=False
    )
    update_sr(ctx, sr)
    return pbd


def drop_row(ctx: Context, pbd: str) -> None:
    """Forget a connection and the secrets that only it named."""
    device_config = ctx.db.get("PBD", pbd, "device_config")
    ctx.db.destroy("PBD", pbd)
    secret.drop_unused(ctx.db, device_config)


@implements("PBD.destroy")
async def destroy(ctx: Context, pbd: str) -> None:
    sr = ctx.db.get("PBD", pbd, "SR")
    if ctx.db.get("PBD", pbd, "currently_attached"):
        raise errors.operation_not_allowed("PBD is currently plugged: unplug it first")
    if not ctx.db.exists("SR", sr):
        return drop_row(ctx, pbd)
    async with hold_sr(ctx, sr, "pbd_destroy"):
        drop_row(ctx, pbd)


async def connect(ctx: Context, pbd: str) -> None:
    """Attach the repository on this host and say so; attaching again is no error."""
    sr = ctx.db.get("PBD", pbd, "SR")
    row = ctx.db.row("SR", sr).values
    sm.assert_known(ctx.db, row["type"])
    device_config = secret.resolve(ctx.db, ctx.db.get("PBD", pbd, "device_config"))
    await ctx.services.storage.sr_attach(ctx.dbg, row["uuid"], row["type"], device_config)
    ctx.db.set("PBD", pbd, currently_attached=True)
    update_contents(ctx, sr)


async def _first_look(ctx: Context, sr: str) -> None:
    """Scan a repository that has just been plugged. It is usable even if that fails."""
    try:
        await sr_contents.read(ctx, sr)
    except (RpcError, Unreachable) as reason:
        log.warning("SR %s is plugged but could not be scanned: %s", ctx.db.get("SR", sr, "uuid"), reason)


@implements("PBD.plug")
async def plug(ctx: Context, pbd: str) -> None:
    """XenAPI: PBD.plug. Plugging again is no error."""
    sr = ctx.db.get("PBD", pbd, "SR")
    if ctx.db.get("PBD", pbd, "currently_attached"):
        return
    async with hold_sr(ctx, sr, "plug"):
        await connect(ctx, pbd)
        await _first_look(ctx, sr)


def _in_use(db: Store, pbd: str) -> str | None:
    """Return an image of the repository that the PBD's host has attached, or None."""
    host = db.get("PBD", pbd, "host")
    images: list[str] = db.get("SR", db.get("PBD", pbd, "SR"), "VDIs")
    for vdi in images:
        for vbd in db.get("VDI", vdi, "VBDs"):
            row = db.row("VBD", vbd).values
            if not (row["currently_attached"] or row["reserved"]):
                continue
            if db.exists("VM", row["VM"]) and db.get("VM", row["VM"], "resident_on") == host:
                return vdi
    return None


@implements("PBD.unplug")
async def unplug(ctx: Context, pbd: str) -> None:
    """XenAPI: PBD.unplug. VDI_IN_USE while a VM of that host has a disk in it; unplugging again is no error."""
    sr = ctx.db.get("PBD", pbd, "SR")
    if not ctx.db.get("PBD", pbd, "currently_attached"):
        return
    async with hold_sr(ctx, sr, "unplug"):
        used = _in_use(ctx.db, pbd)
        if used is not None:
            raise errors.vdi_in_use(used, "unplug")
        await ctx.services.storage.sr_detach(ctx.dbg, ctx.db.get("SR", sr, "uuid"))
        ctx.db.set("PBD", pbd, currently_attached=False)
    update_contents(ctx, sr)


@implements("PBD.set_device_config")
async def set_device_config(ctx: Context, pbd: str, value: dict[str, str]) -> None:
    if "SRmaster" in value:
        raise errors.value_not_supported("device_config", "SRmaster", "This key is for internal use only")
    ctx.db.set("PBD", pbd, device_config=dict(value))


async def plug_elsewhere(ctx: Context, pbds: Sequence[str]) -> None:
    """Plug connections of other hosts of the pool. One that fails is unplugged, and can be plugged by hand."""
    for connection in pbds:
        try:
            await through_coordinator(ctx, "PBD.plug", connection)
        except XenAPIError as reason:
            log.warning("PBD %s is not plugged: %s", connection, reason)


async def plug_all(ctx: Context) -> list[tuple[str, XenAPIError]]:
    """Plug every PBD of this host, as at start-up: what was plugged before may not be now.

    Return the PBDs that failed, with the reason; they are marked as not attached.
    """
    own = ctx.db.where("PBD", host=ctx.app.localhost)
    outcomes = await asyncio.gather(*(_replug(ctx, pbd) for pbd in own))
    return [(pbd, reason) for pbd, reason in zip(own, outcomes, strict=True) if reason is not None]


async def _replug(ctx: Context, pbd: str) -> XenAPIError | None:
    sr = ctx.db.get("PBD", pbd, "SR")
    if not ctx.db.exists("SR", sr):
        return None
    try:
        await connect(ctx, pbd)
        await _first_look(ctx, sr)
    except (RpcError, Unreachable, XenAPIError) as reason:
        ctx.db.set("PBD", pbd, currently_attached=False)
        update_contents(ctx, sr)
        shown = reason if isinstance(reason, XenAPIError) else translate(ctx, reason)
        identity = ctx.db.get("PBD", pbd, "uuid")
        log.error("PBD %s could not be plugged: %s", identity, shown)
        host = ctx.db.get("host", ctx.app.localhost, "uuid")
        send(ctx, "PBD_PLUG_FAILED_ON_SERVER_START", "Host", host, f"PBD {identity}: {shown}")
        return shown
    return None
