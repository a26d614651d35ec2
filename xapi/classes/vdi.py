"""Disk images: made, copied, frozen, resized, described."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from idl.storage import VdiInfo
from xapi import errors
from xapi.classes import sr_contents, vdi_rows
from xapi.classes.storage_state import assert_attached_here, hold_sr, hold_vdi, vdi_situation
from xapi.classes.storage_state import update_vdi as update_allowed_operations
from xapi.database.schema import EPOCH, NULL_REF
from xapi.planning import vdi_operations
from xapi.server.context import Context, now
from xapi.server.registry import implements
from xapi.transfer.images import copy_content, read_image

__all__ = ["clone", "copy", "create", "destroy", "snapshot", "update_allowed_operations"]


def place(ctx: Context, vdi: str) -> tuple[str, str]:
    """Return how the storage service knows an image: (SR uuid, location)."""
    row = ctx.db.row("VDI", vdi).values
    if not ctx.db.exists("SR", row["SR"]):
        raise errors.handle_invalid("SR", row["SR"])
    return ctx.db.get("SR", row["SR"], "uuid"), row["location"]


@contextlib.asynccontextmanager
async def _held(ctx: Context, vdi: str, name: str) -> AsyncIterator[tuple[str, str]]:
    """Hold an operation on an image whose repository is plugged here; gives its place."""
    async with hold_vdi(ctx, vdi, name):
        assert_attached_here(ctx, ctx.db.get("VDI", vdi, "SR"))
        yield place(ctx, vdi)


async def _stat(ctx: Context, vdi: str) -> None:
    sr, location = place(ctx, vdi)
    vdi_rows.update(ctx, vdi, await ctx.services.storage.vdi_stat(ctx.dbg, sr, location))


# -- making --


@implements("VDI.create")
async def create(ctx: Context, record: dict[str, Any]) -> str:
    """XenAPI: VDI.create. ``virtual_size`` in bytes; the storage may round it up."""
    sr, size = record["SR"], int(record["virtual_size"])
    ctx.db.row("SR", sr)
    if size < 0:
        raise errors.invalid_value("virtual_size", size)
    wanted = VdiInfo(
        vdi="",
        name_label=record.get("name_label", ""),
        name_description=record.get("name_description", ""),
        ty=record.get("type", "user"),
        read_only=record.get("read_only", False),
        sharable=record.get("sharable", False),
        virtual_size=size,
        sm_config=record.get("sm_config", {}),
    )
    async with hold_sr(ctx, sr, "vdi_create"):
        assert_attached_here(ctx, sr)
        made = await ctx.services.storage.vdi_create(ctx.dbg, ctx.db.get("SR", sr, "uuid"), wanted)
        async with _disk_undone(ctx, sr, made):
            vdi = vdi_rows.create(
                ctx,
                sr,
                made,
                type=wanted.ty,
                other_config=dict(record.get("other_config", {})),
                xenstore_data=dict(record.get("xenstore_data", {})),
                sm_config={**wanted.sm_config, **made.sm_config},
                tags=list(record.get("tags", [])),
            )
            await sr_contents.refresh_sizes(ctx, sr)
    return vdi


@contextlib.asynccontextmanager
async def _disk_undone(ctx: Context, sr: str, made: VdiInfo) -> AsyncIterator[None]:
    """If the block fails, delete a disk that has just been made, and its row."""
    try:
        yield
    except BaseException:
        row = vdi_rows.at(ctx.db, sr, made.vdi)
        if row is not None:
            vdi_rows.drop(ctx, row)
        await ctx.services.storage.vdi_destroy(ctx.dbg, ctx.db.get("SR", sr, "uuid"), made.vdi)
        raise


def _info(ctx: Context, vdi: str, **changes: Any) -> VdiInfo:
    """Describe a disk that is to be made from *vdi*."""
    row = ctx.db.row("VDI", vdi).values
    fields: dict[str, Any] = {
        "vdi": row["location"],
        "name_label": row["name_label"],
        "name_description": row["name_description"],
        "ty": row["type"],
        "sharable": row["sharable"],
        "virtual_size": row["virtual_size"],
    }
    return VdiInfo(**(fields | changes))


def _inherited(ctx: Context, vdi: str) -> dict[str, Any]:
    """Fields a new disk takes over from the one it is made from, which the storage does not know."""
    row = ctx.db.record("VDI", vdi)
    return {"type": row["type"], "other_config": row["other_config"], "xenstore_data": row["xenstore_data"], "tags": row["tags"]}


@implements("VDI.snapshot")
async def snapshot(ctx: Context, vdi: str, driver_params: dict[str, str]) -> str:
    """XenAPI: VDI.snapshot. A running guest goes on writing to the original."""
    sr = ctx.db.get("VDI", vdi, "SR")
    async with _held(ctx, vdi, "snapshot") as (sr_uuid, location):
        wanted = _info(
            ctx, vdi, is_a_snapshot=True, snapshot_of=location, snapshot_time=now(), read_only=True, sm_config=dict(driver_params)
        )
        made = await ctx.services.storage.vdi_snapshot(ctx.dbg, sr_uuid, wanted)
        async with _disk_undone(ctx, sr, made):
            told = {"is_a_snapshot": True, "snapshot_of": vdi, "snapshot_time": wanted.snapshot_time}
            frozen = vdi_rows.create(ctx, sr, made, **(_inherited(ctx, vdi) | told))
            # The original now reads through a base copy: its own share and parent changed.
            await _stat(ctx, vdi)
            await sr_contents.refresh_sizes(ctx, sr)
    return frozen


@implements("VDI.clone")
async def clone(ctx: Context, vdi: str, driver_params: dict[str, str]) -> str:
    """XenAPI: VDI.clone. A writable disk that shares what is there with the original."""
    sr = ctx.db.get("VDI", vdi, "SR")
    async with _held(ctx, vdi, "clone") as (sr_uuid, _):
        made = await ctx.services.storage.vdi_clone(ctx.dbg, sr_uuid, _info(ctx, vdi, sm_config=dict(driver_params)))
        async with _disk_undone(ctx, sr, made):
            new = {"is_a_snapshot": False, "snapshot_of": NULL_REF, "snapshot_time": EPOCH, "read_only": False}
            cloned = vdi_rows.create(ctx, sr, made, **(_inherited(ctx, vdi) | new))
            await _stat(ctx, vdi)
            await sr_contents.refresh_sizes(ctx, sr)
    return cloned


@implements("VDI.copy")
async def copy(ctx: Context, vdi: str, sr: str, base_vdi: str, into_vdi: str) -> str:
    """XenAPI: VDI.copy. A full copy as a new disk in *sr*, or onto *into_vdi*; *base_vdi* only ever saves time."""
    if into_vdi != NULL_REF:
        return await _copy_into(ctx, vdi, into_vdi)
    ctx.db.row("SR", sr)
    async with _held(ctx, vdi, "copy") as (sr_uuid, location), hold_sr(ctx, sr, "vdi_create"):
        assert_attached_here(ctx, sr)
        made = await ctx.services.storage.vdi_copy(
            ctx.dbg, sr_uuid, location, ctx.db.get("SR", sr, "uuid"), _info(ctx, vdi, sharable=False)
        )
        async with _disk_undone(ctx, sr, made):
            new = {"is_a_snapshot": False, "snapshot_of": NULL_REF, "snapshot_time": EPOCH, "read_only": False}
            copied = vdi_rows.create(ctx, sr, made, **(_inherited(ctx, vdi) | new))
            await sr_contents.refresh_sizes(ctx, sr)
    return copied


async def _copy_into(ctx: Context, vdi: str, into: str) -> str:
    target, size = ctx.db.row("VDI", into).values, ctx.db.get("VDI", vdi, "virtual_size")
    if target["read_only"]:
        raise errors.vdi_readonly(into)
    if target["virtual_size"] < size:
        raise errors.error("VDI_TOO_SMALL", into, size)
    async with _held(ctx, vdi, "copy") as source, hold_writing(ctx, into) as destination:
        await copy_content(ctx, source, destination)
        await _stat(ctx, into)
        await sr_contents.refresh_sizes(ctx, target["SR"])
    return into


@contextlib.asynccontextmanager
async def hold_writing(ctx: Context, vdi: str) -> AsyncIterator[tuple[str, str]]:
    """Keep an image for whoever replaces its content from outside of a guest; gives its place.

    VDI_READONLY for one that must not be written, VDI_IN_USE while anybody has it attached.
    """
    if ctx.db.get("VDI", vdi, "read_only"):
        raise errors.vdi_readonly(vdi)
    async with _held(ctx, vdi, "blocked") as found:
        # "blocked" itself is fine beside a guest, writing under it is not.
        for attachment in vdi_situation(ctx.db, vdi).attachments:
            if attachment.active or attachment.operations:
                raise errors.vdi_in_use(vdi, "import")
        yield found


@contextlib.asynccontextmanager
async def hold_reading(ctx: Context, vdi: str) -> AsyncIterator[tuple[str, str]]:
    """Keep an image for whoever reads its content; VDI_IN_USE while a guest may write to it. Gives its place."""
    async with _held(ctx, vdi, "copy") as found:
        yield found


async def content_replaced(ctx: Context, vdi: str) -> None:
    """Write down what an import changed: sizes of the image and of its repository."""
    await _stat(ctx, vdi)
    await sr_contents.refresh_sizes(ctx, ctx.db.get("VDI", vdi, "SR"))


@implements("VDI.revert")
async def revert(ctx: Context, snapshot: str) -> None:
    """XenAPI: VDI.revert. The image keeps its identity and gets the snapshot's content."""
    original = ctx.db.get("VDI", snapshot, "snapshot_of")
    situation = vdi_situation(ctx.db, snapshot)
    if "VDI_REVERT" not in situation.features:
        raise errors.error("UNIMPLEMENTED_IN_SM_BACKEND", "VDI.revert")
    vdi_operations.assert_valid(situation, "revert_from")
    ctx.db.row("VDI", original)
    async with _held(ctx, snapshot, "revert_from") as (sr, frozen), _held(ctx, original, "revert_to") as (_, location):
        await ctx.services.storage.vdi_revert(ctx.dbg, sr, location, frozen)
        await content_replaced(ctx, original)


# -- changing --


@implements("VDI.resize")
async def resize(ctx: Context, vdi: str, size: int) -> None:
    await _resize(ctx, vdi, size, "resize")


@implements("VDI.resize_online")
async def resize_online(ctx: Context, vdi: str, size: int) -> None:
    await _resize(ctx, vdi, size, "resize_online")


async def _resize(ctx: Context, vdi: str, size: int, name: str) -> None:
    async with _held(ctx, vdi, name) as (sr, location):
        got = await ctx.services.storage.vdi_resize(ctx.dbg, sr, location, size)
        ctx.db.set("VDI", vdi, virtual_size=got)
        await content_replaced(ctx, vdi)


@implements("VDI.destroy")
async def destroy(ctx: Context, vdi: str) -> None:
    async with _held(ctx, vdi, "destroy") as (sr_uuid, location):
        sr = ctx.db.get("VDI", vdi, "SR")
        await ctx.services.storage.vdi_destroy(ctx.dbg, sr_uuid, location)
        vdi_rows.drop(ctx, vdi)
        await sr_contents.refresh_sizes(ctx, sr)


@implements("VDI.set_name_label")
async def set_name_label(ctx: Context, vdi: str, value: str) -> None:
    """XenAPI: VDI.set_name_label. The storage keeps it too, so that it survives SR.forget."""
    sr, location = _reachable(ctx, vdi)
    await ctx.services.storage.vdi_set_name_label(ctx.dbg, sr, location, value)
    ctx.db.set("VDI", vdi, name_label=value)


@implements("VDI.set_name_description")
async def set_name_description(ctx: Context, vdi: str, value: str) -> None:
    sr, location = _reachable(ctx, vdi)
    await ctx.services.storage.vdi_set_name_description(ctx.dbg, sr, location, value)
    ctx.db.set("VDI", vdi, name_description=value)


def _reachable(ctx: Context, vdi: str) -> tuple[str, str]:
    found = place(ctx, vdi)
    assert_attached_here(ctx, ctx.db.get("VDI", vdi, "SR"))
    return found


@implements("VDI.set_on_boot")
async def set_on_boot(ctx: Context, vdi: str, value: str) -> None:
    """XenAPI: VDI.set_on_boot. Takes effect when a VM next attaches the image."""
    async with _held(ctx, vdi, "set_on_boot"):
        ctx.db.set("VDI", vdi, on_boot=value)


# -- changed blocks: the rules are asked, then the driver would be; none of this house offers them yet --


async def _tracking_unavailable(ctx: Context, vdi: str, name: str) -> None:
    vdi_operations.assert_valid(vdi_situation(ctx.db, vdi), name)
    raise errors.sr_operation_not_supported(ctx.db.get("VDI", vdi, "SR"))


@implements("VDI.enable_cbt")
async def enable_cbt(ctx: Context, vdi: str) -> None:
    await _tracking_unavailable(ctx, vdi, "enable_cbt")


@implements("VDI.disable_cbt")
async def disable_cbt(ctx: Context, vdi: str) -> None:
    await _tracking_unavailable(ctx, vdi, "disable_cbt")


@implements("VDI.data_destroy")
async def data_destroy(ctx: Context, vdi: str) -> None:
    await _tracking_unavailable(ctx, vdi, "data_destroy")


@implements("VDI.list_changed_blocks")
async def list_changed_blocks(ctx: Context, vdi_from: str, vdi_to: str) -> str:
    ctx.db.row("VDI", vdi_to)
    await _tracking_unavailable(ctx, vdi_from, "list_changed_blocks")
    return ""


# -- asking --


@implements("VDI.update")
async def update(ctx: Context, vdi: str) -> None:
    async with _held(ctx, vdi, "update"):
        await _stat(ctx, vdi)


@implements("VDI.checksum")
async def checksum(ctx: Context, vdi: str) -> str:
    """XenAPI: VDI.checksum. MD5 of the whole content, hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    async with hold_reading(ctx, vdi) as (sr, location), read_image(ctx, sr, location, "raw") as stream:
        while chunk := await stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@implements("VDI.generate_config")
async def generate_config(ctx: Context, host: str, vdi: str) -> str:
    ctx.db.row("host", host)
    vdi_operations.assert_valid(vdi_situation(ctx.db, vdi), "generate_config")
    raise errors.sr_operation_not_supported(ctx.db.get("VDI", vdi, "SR"))


@implements("VDI.get_nbd_info")
async def get_nbd_info(ctx: Context, vdi: str) -> list[dict[str, Any]]:
    """XenAPI: VDI.get_nbd_info. Empty: no network of this pool offers images over NBD."""
    if ctx.db.get("VDI", vdi, "type") == "cbt_metadata":
        raise errors.vdi_incompatible_type(vdi, "cbt_metadata")
    return []


@implements("VDI.pool_migrate")
async def pool_migrate(ctx: Context, vdi: str, sr: str, options: dict[str, str]) -> str:
    ctx.db.row("SR", sr)
    if not any(attachment.active for attachment in vdi_situation(ctx.db, vdi).attachments):
        raise errors.error("VDI_NEEDS_VM_FOR_MIGRATE", vdi)
    raise errors.error("SR_DOES_NOT_SUPPORT_MIGRATION", ctx.db.get("VDI", vdi, "SR"), "VDI_MIRROR")


@implements("VDI.open_database")
async def open_database(ctx: Context, vdi: str) -> str:
    if ctx.db.get("VDI", vdi, "type") != "metadata":
        raise errors.vdi_incompatible_type(vdi, ctx.db.get("VDI", vdi, "type"))
    raise errors.not_implemented(ctx.name)


@implements("VDI.read_database_pool_uuid")
async def read_database_pool_uuid(ctx: Context, vdi: str) -> str:
    """XenAPI: VDI.read_database_pool_uuid. Empty where the image holds no pool's database."""
    pool = ctx.db.get("VDI", vdi, "metadata_of_pool")
    return str(ctx.db.get("pool", pool, "uuid")) if ctx.db.exists("pool", pool) else ""
