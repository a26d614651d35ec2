"""Metrics of a VM by name: which there are, recorded or not, their value now. The metrics daemon answers."""

from typing import Any

from idl.rpc import RpcError
from xapi.classes.host import data_source_record, known
from xapi.classes.vm_lifecycle import is_live
from xapi.errors import XenAPIError, invalid_value
from xapi.server.context import Context
from xapi.server.registry import implements


def _known(ctx: Context, vm: str) -> tuple[str, int]:
    row = ctx.db.row("VM", vm).values
    return row["uuid"], row["domid"]


@implements("VM.get_data_sources")
async def get_data_sources(ctx: Context, self: str) -> list[dict[str, Any]]:
    """XenAPI: VM.get_data_sources"""
    uuid, _ = _known(ctx, self)
    if not is_live(ctx.db, self):
        return []
    return [data_source_record(source) for source in await ctx.services.metrics.query_possible_vm_dss(uuid)]


def _missing(name: str, reason: RpcError) -> XenAPIError | RpcError:
    return invalid_value("data_source", name) if reason.name == "Datasource_missing" else reason


@implements("VM.record_data_source")
async def record_data_source(ctx: Context, self: str, data_source: str) -> None:
    """XenAPI: VM.record_data_source"""
    uuid, domid = _known(ctx, self)
    try:
        await ctx.services.metrics.add_vm_ds(uuid, domid, data_source)
    except RpcError as reason:
        raise _missing(data_source, reason) from reason


@implements("VM.query_data_source")
async def query_data_source(ctx: Context, self: str, data_source: str) -> float:
    """XenAPI: VM.query_data_source"""
    uuid, _ = _known(ctx, self)
    try:
        return known(await ctx.services.metrics.query_vm_ds(uuid, data_source))
    except RpcError as reason:
        raise _missing(data_source, reason) from reason


@implements("VM.forget_data_source_archives")
async def forget_data_source_archives(ctx: Context, self: str, data_source: str) -> None:
    """XenAPI: VM.forget_data_source_archives"""
    uuid, _ = _known(ctx, self)
    try:
        await ctx.services.metrics.forget_vm_ds(uuid, data_source)
    except RpcError as reason:
        raise _missing(data_source, reason) from reason
