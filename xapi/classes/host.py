"""XenAPI class host: what this machine is and does. Start-up's facts are filled in by `xapi.startup`."""

import asyncio
import datetime
import logging
import math
from pathlib import Path

from idl.rpc import RpcError, Unreachable
from idl.rrd import DataSource
from xapi import errors
from xapi.classes import plugins
from xapi.classes.command import checked
from xapi.datamodel import MODEL
from xapi.planning.host_operations import HostFacts, host_allowed
from xapi.server.context import Context, now
from xapi.server.registry import implements

log = logging.getLogger(__name__)

DMESG_TIMEOUT = 30.0
LONGEST_BACKUP_DELAY = 86400.0


def assert_here(ctx: Context, host: str) -> None:
    """:raises XenAPIError: CANNOT_CONTACT_HOST for another host than the one this runs on."""
    ctx.db.row("host", host)
    if host != ctx.app.localhost:
        raise errors.cannot_contact_host(host)


def update_allowed_operations(ctx: Context, host: str) -> None:
    """Recompute the host's ``allowed_operations``."""
    row = ctx.db.row("host", host).values
    facts = HostFacts(host, row["enabled"], row["current_operations"], can_be_powered_on=bool(row["power_on_mode"]))
    ctx.db.set("host", host, allowed_operations=host_allowed(facts))


@implements("host.list_methods")
async def list_methods(ctx: Context) -> list[str]:
    """XenAPI: host.list_methods."""
    return list(MODEL.messages)


@implements("host.get_servertime")
async def get_servertime(ctx: Context, host: str) -> str:
    """XenAPI: host.get_servertime (UTC)."""
    assert_here(ctx, host)
    return now()


@implements("host.get_server_localtime")
async def get_server_localtime(ctx: Context, host: str) -> str:
    """XenAPI: host.get_server_localtime: without a zone, by definition."""
    assert_here(ctx, host)
    return datetime.datetime.now().astimezone().strftime("%Y%m%dT%H:%M:%S")


@implements("host.disable")
async def disable(ctx: Context, host: str, auto_enable: bool) -> None:
    """XenAPI: host.disable: no more guests are started or resumed here."""
    ctx.db.set("host", host, enabled=False)
    update_allowed_operations(ctx, host)


@implements("host.enable")
async def enable(ctx: Context, host: str) -> None:
    """XenAPI: host.enable."""
    ctx.db.set("host", host, enabled=True)
    update_allowed_operations(ctx, host)


@implements("host.is_in_emergency_mode")
async def is_in_emergency_mode(ctx: Context) -> bool:
    """XenAPI: host.is_in_emergency_mode."""
    return False


@implements("host.local_assert_healthy")
async def local_assert_healthy(ctx: Context) -> None:
    """XenAPI: host.local_assert_healthy."""


@implements("host.get_sched_gran")
async def get_sched_gran(ctx: Context, self: str) -> str:
    """XenAPI: host.get_sched_gran: vCPUs are scheduled one by one."""
    assert_here(ctx, self)
    return "cpu"


@implements("host.set_sched_gran")
async def set_sched_gran(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_sched_gran. :raises XenAPIError: VALUE_NOT_SUPPORTED for anything but what is."""
    assert_here(ctx, self)
    if value != "cpu":
        raise errors.value_not_supported("value", value, "the hypervisor schedules vCPUs one by one")


@implements("host.compute_free_memory")
async def compute_free_memory(ctx: Context, host: str) -> int:
    """XenAPI: host.compute_free_memory (bytes): what guests that run or are about to run here have not been given."""
    assert_here(ctx, host)
    state = await ctx.services.xenops.host_stat(ctx.dbg)
    return state.free_memory


@implements("host.compute_memory_overhead")
async def compute_memory_overhead(ctx: Context, host: str) -> int:
    """XenAPI: host.compute_memory_overhead (bytes)."""
    return int(ctx.db.get("host", host, "memory_overhead"))


@implements("host.dmesg")
async def dmesg(ctx: Context, host: str) -> str:
    """XenAPI: host.dmesg: the kernel's (or hypervisor's) messages."""
    assert_here(ctx, host)
    command = ["xl", "dmesg"] if Path("/proc/xen/capabilities").exists() else ["dmesg"]
    return await checked(*command, timeout=DMESG_TIMEOUT)


@implements("host.get_data_sources")
async def get_data_sources(ctx: Context, host: str) -> list[dict[str, object]]:
    """XenAPI: host.get_data_sources."""
    assert_here(ctx, host)
    return [data_source_record(source) for source in await ctx.services.metrics.query_possible_host_dss()]


def data_source_record(source: DataSource) -> dict[str, object]:
    """Return a metric's description as a XenAPI ``data_source`` record."""
    return {
        "name_label": source.name,
        "name_description": source.description,
        "enabled": source.enabled,
        "standard": source.standard,
        "units": source.units,
        "min": -math.inf if source.min is None else source.min,
        "max": math.inf if source.max is None else source.max,
        "value": 0.0,
    }


def known(value: float | None) -> float:
    """Return a metric's value, NaN where it is not known."""
    return math.nan if value is None else value


@implements("host.record_data_source")
async def record_data_source(ctx: Context, host: str, data_source: str) -> None:
    """XenAPI: host.record_data_source."""
    assert_here(ctx, host)
    await ctx.services.metrics.add_host_ds(data_source)


@implements("host.query_data_source")
async def query_data_source(ctx: Context, host: str, data_source: str) -> float:
    """XenAPI: host.query_data_source: the newest value."""
    assert_here(ctx, host)
    return known(await ctx.services.metrics.query_host_ds(data_source))


@implements("host.forget_data_source_archives")
async def forget_data_source_archives(ctx: Context, host: str, data_source: str) -> None:
    """XenAPI: host.forget_data_source_archives."""
    assert_here(ctx, host)
    await ctx.services.metrics.forget_host_ds(data_source)


@implements("host.backup_rrds")
async def backup_rrds(ctx: Context, host: str, delay: float) -> None:
    """XenAPI: host.backup_rrds: write the metrics to disk after *delay* seconds, a day at most."""
    assert_here(ctx, host)
    if not delay <= LONGEST_BACKUP_DELAY:
        raise errors.invalid_value("delay", delay)

    async def later() -> None:
        await asyncio.sleep(delay)
        try:
            await ctx.services.metrics.backup_rrds()
        except (RpcError, Unreachable) as reason:
            log.warning("the metrics were not written to disk: %s", reason)

    ctx.app.spawn(later(), "backup_rrds")


@implements("host.call_plugin")
async def call_plugin(ctx: Context, host: str, plugin: str, fn: str, args: dict[str, str]) -> str:
    """XenAPI: host.call_plugin: run ``/etc/xapi.d/plugins/<plugin>`` with an XML-RPC call as its argument.

    :raises XenAPIError: XENAPI_MISSING_PLUGIN, XENAPI_PLUGIN_FAILURE, or whatever the plugin answers.
    """
    assert_here(ctx, host)
    path = plugins.installed(ctx, "/etc/xapi.d/plugins", plugin)
    if path is None:
        raise errors.error("XENAPI_MISSING_PLUGIN", plugin)
    return await plugins.run(ctx, path, fn, args)
