"""VDI messages that only write rows: introducing, forgetting, and the setters that drivers use."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from xapi import errors
from xapi.classes import vdi_rows
from xapi.classes.storage_state import assert_attached_here, hold_sr, hold_vdi, update_vdi
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.registry import implements

_INTRODUCED = (
    "uuid", "name_label", "name_description", "SR", "type", "sharable", "read_only", "other_config", "location",
    "xenstore_data", "sm_config", "managed", "virtual_size", "physical_utilisation", "metadata_of_pool", "is_a_snapshot",
    "snapshot_time", "snapshot_of", "cbt_enabled",
)  # fmt: skip
"""Parameters of the introducing messages in order; all are fields. ``VDI.introduce`` lacks the last."""


def _fields(details: tuple[Any, ...]) -> dict[str, Any]:
    fields = dict(zip(_INTRODUCED, details, strict=False))
    for reference in ("metadata_of_pool", "snapshot_of"):
        fields[reference] = fields[reference] or NULL_REF
    return fields


def _record(ctx: Context, fields: dict[str, Any]) -> str:
    sr = fields["SR"]
    if vdi_rows.at(ctx.db, sr, fields["location"]) is not None:
        raise errors.error("LOCATION_NOT_UNIQUE", sr, fields["location"])
    vdi = ctx.db.create("VDI", **fields)
    update_vdi(ctx, vdi)
    return vdi


@implements("VDI.pool_introduce", "VDI.db_introduce")
async def db_introduce(ctx: Context, *details: Any) -> str:
    """XenAPI: VDI.db_introduce. LOCATION_NOT_UNIQUE if the repository has a row of that location."""
    return _record(ctx, _fields(details))


@implements("VDI.introduce")
async def introduce(ctx: Context, *details: Any) -> str:
    """XenAPI: VDI.introduce. The storage is asked whether the disk is there and how large it is."""
    fields = _fields(details)
    sr = fields["SR"]
    if vdi_rows.at(ctx.db, sr, fields["location"]) is not None:
        raise errors.error("LOCATION_NOT_UNIQUE", sr, fields["location"])
    async with hold_sr(ctx, sr, "vdi_introduce"):
        assert_attached_here(ctx, sr)
        info = await ctx.services.storage.vdi_introduce(
            ctx.dbg, ctx.db.get("SR", sr, "uuid"), fields["uuid"], fields["sm_config"], fields["location"]
        )
        return _record(
            ctx,
            fields
            | {
                "uuid": info.uuid or fields["uuid"],
                "location": info.vdi,
                "virtual_size": info.virtual_size,
                "physical_utilisation": info.physical_utilisation,
            },
        )


@implements("VDI.forget")
async def forget(ctx: Context, vdi: str) -> None:
    async with hold_vdi(ctx, vdi, "forget"):
        vdi_rows.drop(ctx, vdi)


@implements("VDI.db_forget")
async def db_forget(ctx: Context, vdi: str) -> None:
    vdi_rows.drop(ctx, vdi)


@implements("VDI.force_unlock")
async def force_unlock(ctx: Context, vdi: str) -> None:
    raise errors.message_deprecated()


_SET_AS_TOLD = (
    "managed", "sharable", "read_only", "missing", "virtual_size", "physical_utilisation", "is_a_snapshot", "snapshot_of",
    "snapshot_time", "metadata_of_pool", "allow_caching", "cbt_enabled",
)  # fmt: skip


async def _set(field: str, ctx: Context, vdi: str, value: Any) -> None:
    ctx.db.set("VDI", vdi, **{field: value})
    update_vdi(ctx, vdi)


def _setter(field: str) -> Callable[..., Awaitable[None]]:
    return functools.partial(_set, field)


for _field in _SET_AS_TOLD:
    implements(f"VDI.set_{_field}")(_setter(_field))
