"""Storage repositories: made, found, forgotten, and compared with the storage itself."""

import contextlib
import logging
import uuid
from typing import Any
from xml.sax.saxutils import escape

from idl.rpc import RpcError, Unreachable
from idl.storage import ProbeResult, SrInfo
from xapi import errors
from xapi.classes import blob, pbd, secret, sm, sr_contents, vdi_rows
from xapi.classes.host import data_source_record, known
from xapi.classes.storage_state import assert_attached_here, hold_sr, is_attached
from xapi.classes.storage_state import update_sr as update_allowed_operations
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.registry import implements

__all__ = ["scan", "update_allowed_operations"]

log = logging.getLogger(__name__)


def _uuid(ctx: Context, sr: str) -> str:
    identity: str = ctx.db.get("SR", sr, "uuid")
    return identity


@implements("SR.scan")
async def scan(ctx: Context, sr: str) -> None:
    """XenAPI: SR.scan."""
    async with hold_sr(ctx, sr, "scan"):
        assert_attached_here(ctx, sr)
        await sr_contents.read(ctx, sr)


@implements("SR.update")
async def update(ctx: Context, sr: str) -> None:
    async with hold_sr(ctx, sr, "update"):
        assert_attached_here(ctx, sr)
        await sr_contents.refresh_sizes(ctx, sr)


@implements("SR.create")
async def create(
    ctx: Context,
    host: str,
    device_config: dict[str, str],
    physical_size: int,
    name_label: str,
    name_description: str,
    type: str,
    content_type: str,
    shared: bool,
    sm_config: dict[str, str],
) -> str:
    """XenAPI: SR.create. Makes the storage, then the rows, and plugs *host* (all hosts if *shared*)."""
    ctx.db.row("host", host)
    type = type.lower()
    sm.assert_known(ctx.db, type)
    identity = str(uuid.uuid4())
    settled = await ctx.services.storage.sr_create(
        ctx.dbg, identity, type, name_label, name_description, secret.resolve(ctx.db, device_config), physical_size
    )
    # The driver may have added to the configuration; what named a secret must go on naming it.
    settled = {key: value for key, value in settled.items() if f"{key}_secret" not in device_config} | device_config
    sr = _new_row(ctx, identity, name_label, name_description, type, content_type, shared, sm_config)
    async with contextlib.AsyncExitStack() as undo:
        undo.push_async_callback(_unmake, ctx, sr, settled)
        others: list[str] = []
        for member in ctx.db.refs("host") if shared else [host]:
            connection = pbd.new_row(ctx, member, sr, settled, {})
            if member == ctx.app.localhost:
                await pbd.connect(ctx, connection)
            else:
                others.append(connection)
        await sr_contents.read(ctx, sr)
        undo.pop_all()
    update_allowed_operations(ctx, sr)
    await pbd.plug_elsewhere(ctx, others)
    return sr


async def _unmake(ctx: Context, sr: str, device_config: dict[str, str]) -> None:
    """Take back a creation that failed: the storage as far as it goes, then the rows."""
    identity, type = _uuid(ctx, sr), ctx.db.get("SR", sr, "type")
    try:
        await ctx.services.storage.sr_attach(ctx.dbg, identity, type, secret.resolve(ctx.db, device_config))
        await ctx.services.storage.sr_destroy(ctx.dbg, identity)
    except (RpcError, Unreachable) as reason:
        log.warning("storage of the new SR %s could not be removed: %s", identity, reason)
        with contextlib.suppress(RpcError, Unreachable):  # best effort: the first failure is the one to tell
            await ctx.services.storage.sr_detach(ctx.dbg, identity)
    _drop_rows(ctx, sr)


def _new_row(
    ctx: Context,
    identity: str,
    name_label: str,
    name_description: str,
    type: str,
    content_type: str,
    shared: bool,
    sm_config: dict[str, str],
) -> str:
    sr = ctx.db.create(
        "SR",
        uuid=identity,
        name_label=name_label,
        name_description=name_description,
        type=type,
        content_type=content_type or "user",
        shared=shared,
        sm_config=dict(sm_config),
    )
    update_allowed_operations(ctx, sr)
    return sr


@implements("SR.introduce")
async def introduce(
    ctx: Context,
    uuid: str,
    name_label: str,
    name_description: str,
    type: str,
    content_type: str,
    shared: bool,
    sm_config: dict[str, str],
) -> str:
    """XenAPI: SR.introduce. Only the row: PBD.create and PBD.plug reach the storage."""
    type = type.lower()
    sm.assert_known(ctx.db, type)
    identity = uuid or _fresh_uuid()
    if ctx.db.where("SR", uuid=identity):
        raise errors.sr_uuid_exists(identity)
    return _new_row(ctx, identity, name_label, name_description, type, content_type, shared, sm_config)


def _fresh_uuid() -> str:
    return str(uuid.uuid4())


@implements("SR.make")
async def make(ctx: Context, *details: Any) -> str:
    raise errors.message_deprecated()


def _assert_dispensable(ctx: Context, sr: str) -> None:
    if ctx.db.get("SR", sr, "other_config").get("indestructible") == "true":
        raise errors.error("SR_INDESTRUCTIBLE", sr)
    _assert_not_cache(ctx, sr)


def _assert_not_cache(ctx: Context, sr: str) -> None:
    for host in ctx.db.rows("host"):
        if host.values["local_cache_sr"] == sr and ctx.db.get("SR", sr, "local_cache_enabled"):
            raise errors.error("SR_IS_CACHE_SR", host.ref)


@implements("SR.destroy")
async def destroy(ctx: Context, sr: str) -> None:
    """XenAPI: SR.destroy. All PBDs are unplugged; the storage is attached once more to be deleted."""
    async with hold_sr(ctx, sr, "destroy"):
        _assert_dispensable(ctx, sr)
        identity, type = _uuid(ctx, sr), ctx.db.get("SR", sr, "type")
        own = [ref for ref in ctx.db.get("SR", sr, "PBDs") if ctx.db.get("PBD", ref, "host") == ctx.app.localhost]
        if not own:
            raise errors.sr_has_no_pbds(sr)
        device_config = secret.resolve(ctx.db, ctx.db.get("PBD", own[0], "device_config"))
        await ctx.services.storage.sr_attach(ctx.dbg, identity, type, device_config)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(ctx.services.storage.sr_detach, ctx.dbg, identity)
            await ctx.services.storage.sr_destroy(ctx.dbg, identity)
            undo.pop_all()
        _drop_rows(ctx, sr)


@implements("SR.forget")
async def forget(ctx: Context, sr: str) -> None:
    async with hold_sr(ctx, sr, "forget"):
        _assert_not_cache(ctx, sr)
        _drop_rows(ctx, sr)


def _drop_rows(ctx: Context, sr: str) -> None:
    for vdi in ctx.db.get("SR", sr, "VDIs"):
        vdi_rows.drop(ctx, vdi)
    for connection in ctx.db.get("SR", sr, "PBDs"):
        pbd.drop_row(ctx, connection)
    for attached in ctx.db.get("SR", sr, "blobs").values():
        blob.remove(ctx, attached)
    ctx.db.destroy("SR", sr)


async def _probe(ctx: Context, type: str, device_config: dict[str, str], sm_config: dict[str, str]) -> list[ProbeResult]:
    sm.assert_known(ctx.db, type)
    if "SR_PROBE" not in sm.features_of(ctx.db, type):
        raise errors.sr_operation_not_supported(NULL_REF)
    return await ctx.services.storage.sr_probe(ctx.dbg, type, secret.resolve(ctx.db, device_config), sm_config)


@implements("SR.probe")
async def probe(ctx: Context, host: str, device_config: dict[str, str], type: str, sm_config: dict[str, str]) -> str:
    """XenAPI: SR.probe. What was found as the XML list that clients of classic drivers parse."""
    ctx.db.row("host", host)
    found = await _probe(ctx, type.lower(), device_config, sm_config)
    return f"<?xml version='1.0'?>\n<SRlist>{''.join(_probed_xml(one) for one in found)}</SRlist>\n"


def _probed_xml(found: ProbeResult) -> str:
    fields = {**found.configuration, **found.extra_info}
    if found.sr is not None:
        fields["UUID"] = found.sr.sr_uuid
        fields["Size"] = str(found.sr.total_space)
    # A configuration key is whatever a driver chose: only what can be a tag becomes one.
    return "<SR>" + "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items() if key.isidentifier()) + "</SR>"


@implements("SR.probe_ext")
async def probe_ext(
    ctx: Context, host: str, device_config: dict[str, str], type: str, sm_config: dict[str, str]
) -> list[dict[str, Any]]:
    ctx.db.row("host", host)
    found = await _probe(ctx, type.lower(), device_config, sm_config)
    return [
        {
            "configuration": one.configuration,
            "complete": one.complete,
            "sr": None if one.sr is None else _sr_stat(one.sr),
            "extra_info": one.extra_info,
        }
        for one in found
    ]


def _sr_stat(info: SrInfo) -> dict[str, Any]:
    return {
        "uuid": info.sr_uuid or None,
        "name_label": info.name_label,
        "name_description": info.name_description,
        "free_space": info.free_space,
        "total_space": info.total_space,
        "clustered": info.clustered,
        "health": info.health.lower(),
    }


@implements("SR.get_supported_types")
async def get_supported_types(ctx: Context) -> list[str]:
    return [row.values["type"] for row in ctx.db.rows("SM")]


@implements("SR.set_shared")
async def set_shared(ctx: Context, sr: str, value: bool) -> None:
    connections = ctx.db.get("SR", sr, "PBDs")
    if not value and len(connections) > 1:
        raise errors.error("SR_HAS_MULTIPLE_PBDS", connections[0])
    ctx.db.set("SR", sr, shared=value)


@implements("SR.set_name_label")
async def set_name_label(ctx: Context, sr: str, value: str) -> None:
    """XenAPI: SR.set_name_label. Told to the storage too where it is plugged."""
    if is_attached(ctx.db, sr):
        await ctx.services.storage.sr_set_name_label(ctx.dbg, _uuid(ctx, sr), value)
    ctx.db.set("SR", sr, name_label=value)


@implements("SR.set_name_description")
async def set_name_description(ctx: Context, sr: str, value: str) -> None:
    if is_attached(ctx.db, sr):
        await ctx.services.storage.sr_set_name_description(ctx.dbg, _uuid(ctx, sr), value)
    ctx.db.set("SR", sr, name_description=value)


@implements("SR.create_new_blob")
async def create_new_blob(ctx: Context, sr: str, name: str, mime_type: str, public: bool) -> str:
    return blob.create_new_blob(ctx, "SR", sr, name, mime_type, public)


@implements("SR.set_physical_size")
async def set_physical_size(ctx: Context, sr: str, value: int) -> None:
    ctx.db.set("SR", sr, physical_size=value)


@implements("SR.set_virtual_allocation")
async def set_virtual_allocation(ctx: Context, sr: str, value: int) -> None:
    ctx.db.set("SR", sr, virtual_allocation=value)


@implements("SR.set_physical_utilisation")
async def set_physical_utilisation(ctx: Context, sr: str, value: int) -> None:
    ctx.db.set("SR", sr, physical_utilisation=value)


def _assert_features(ctx: Context, sr: str, *needed: str) -> None:
    if not set(needed) <= sm.features_of(ctx.db, ctx.db.get("SR", sr, "type")):
        raise errors.sr_operation_not_supported(sr)


@implements("SR.assert_can_host_ha_statefile")
async def assert_can_host_ha_statefile(ctx: Context, sr: str) -> None:
    if not ctx.db.get("SR", sr, "shared"):
        raise errors.error("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)
    if not ctx.db.get("SR", sr, "PBDs"):
        raise errors.sr_has_no_pbds(sr)
    if len(await get_live_hosts(ctx, sr)) < ctx.db.count("host"):
        raise errors.sr_not_attached(sr)
    _assert_features(ctx, sr, "VDI_GENERATE_CONFIG", "VDI_ATTACH_OFFLINE")


@implements("SR.assert_supports_database_replication")
async def assert_supports_database_replication(ctx: Context, sr: str) -> None:
    if not is_attached(ctx.db, sr):
        raise errors.sr_has_no_pbds(sr) if not ctx.db.get("SR", sr, "PBDs") else errors.sr_not_attached(sr)
    _assert_features(ctx, sr, "SR_METADATA")


@implements("SR.enable_database_replication")
async def enable_database_replication(ctx: Context, sr: str) -> None:
    await assert_supports_database_replication(ctx, sr)
    raise errors.not_implemented(ctx.name)


@implements("SR.disable_database_replication")
async def disable_database_replication(ctx: Context, sr: str) -> None:
    """XenAPI: SR.disable_database_replication. It is never on, so there is nothing to do."""
    ctx.db.row("SR", sr)


@implements("SR.get_data_sources")
async def get_data_sources(ctx: Context, sr: str) -> list[dict[str, Any]]:
    sources = await ctx.services.metrics.query_possible_sr_dss(_uuid(ctx, sr))
    return [data_source_record(source) for source in sources]


@implements("SR.record_data_source")
async def record_data_source(ctx: Context, sr: str, data_source: str) -> None:
    await ctx.services.metrics.add_sr_ds(_uuid(ctx, sr), data_source)


@implements("SR.query_data_source")
async def query_data_source(ctx: Context, sr: str, data_source: str) -> float:
    return known(await ctx.services.metrics.query_sr_ds(_uuid(ctx, sr), data_source))


@implements("SR.forget_data_source_archives")
async def forget_data_source_archives(ctx: Context, sr: str, data_source: str) -> None:
    await ctx.services.metrics.forget_sr_ds(_uuid(ctx, sr), data_source)


@implements("SR.get_live_hosts")
async def get_live_hosts(ctx: Context, sr: str) -> list[str]:
    """XenAPI: SR.get_live_hosts. Enabled, living hosts that have the repository plugged."""
    plugged = [ref for ref in ctx.db.get("SR", sr, "PBDs") if ctx.db.get("PBD", ref, "currently_attached")]
    hosts = {ctx.db.get("PBD", ref, "host") for ref in plugged}
    return [host for host in ctx.db.refs("host") if host in hosts and _is_live(ctx, host)]


def _is_live(ctx: Context, host: str) -> bool:
    metrics = ctx.db.get("host", host, "metrics")
    live = ctx.db.exists("host_metrics", metrics) and ctx.db.get("host_metrics", metrics, "live")
    return bool(live and ctx.db.get("host", host, "enabled"))
