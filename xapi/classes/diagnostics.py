"""What a host tells of itself to somebody who looks for a fault: logs, what is running, counts. And XenAPI class Diagnostics."""

import asyncio
import gc
from pathlib import Path
from xml.sax.saxutils import quoteattr

from xapi import errors
from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.server.context import Context
from xapi.server.registry import implements

LOG_SHOWN = 256 * 1024
TIMEOUT = 30.0


@implements("host.get_log")
async def get_log(ctx: Context, host: str) -> str:
    """XenAPI: host.get_log: the end of the toolstack's log."""
    assert_here(ctx, host)
    for name in ("/var/log/xensource.log", "/var/log/xapi.log"):
        path = ctx.app.root.under(name)
        if path.is_file():
            return await asyncio.to_thread(_tail, path)
    raise errors.internal_error("the log is not in a file; use journalctl on the host")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_SHOWN))
        return file.read(LOG_SHOWN).decode(errors="replace")


@implements("host.dmesg_clear")
async def dmesg_clear(ctx: Context, host: str) -> str:
    """XenAPI: host.dmesg_clear: the kernel's (or hypervisor's) messages, which are then gone."""
    assert_here(ctx, host)
    if not ctx.app.root.is_installed_host:
        raise errors.operation_not_allowed("a host that runs in a folder shares its kernel's messages with others")
    has_xen = Path("/proc/xen/capabilities").exists()
    return await checked(*(["xl", "dmesg", "-c"] if has_xen else ["dmesg", "--read-clear"]), timeout=TIMEOUT)


CAPABILITIES = ("xapi-logs", "database", "system-state")


@implements("host.get_system_status_capabilities")
async def get_system_status_capabilities(ctx: Context, host: str) -> str:
    """XenAPI: host.get_system_status_capabilities: an XML document that lists what a status report can contain."""
    assert_here(ctx, host)
    entries = "".join(f'<capability key={quoteattr(key)} checked="yes" pii="maybe"/>' for key in CAPABILITIES)
    return f'<?xml version="1.0" ?><system-status-capabilities>{entries}</system-status-capabilities>'


@implements("host.get_diagnostic_timing_stats")
async def get_diagnostic_timing_stats(ctx: Context, host: str, counts: bool) -> dict[str, str]:
    """XenAPI: host.get_diagnostic_timing_stats: none are kept."""
    assert_here(ctx, host)
    return {}


@implements("host.get_thread_diagnostics")
async def get_thread_diagnostics(ctx: Context, host: str) -> str:
    """XenAPI: host.get_thread_diagnostics: what is running, and where each waits."""
    assert_here(ctx, host)
    lines = []
    for task in asyncio.all_tasks():
        frames = task.get_stack(limit=1)
        place = f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "not started"
        lines.append(f"{task.get_name()}: {place}")
    return "\n".join(sorted(lines))


@implements("host.get_sm_diagnostics")
async def get_sm_diagnostics(ctx: Context, host: str) -> str:
    """XenAPI: host.get_sm_diagnostics: which disks are attached, and for whom."""
    assert_here(ctx, host)
    return "\n".join(str(entry) for entry in await ctx.services.storage.dp_list(ctx.dbg))


@implements("Diagnostics.gc_compact")
async def gc_compact(ctx: Context, host: str) -> None:
    """XenAPI: Diagnostics.gc_compact."""
    assert_here(ctx, host)
    gc.collect()


@implements("Diagnostics.gc_stats")
async def gc_stats(ctx: Context, host: str) -> dict[str, str]:
    """XenAPI: Diagnostics.gc_stats: of each generation of objects."""
    assert_here(ctx, host)
    return {
        f"generation{number}_{key}": str(value) for number, stats in enumerate(gc.get_stats()) for key, value in stats.items()
    }


@implements("Diagnostics.db_stats")
async def db_stats(ctx: Context) -> dict[str, str]:
    """XenAPI: Diagnostics.db_stats: how many rows each table has, and how many changes there have been."""
    counts = {name: str(ctx.db.count(name)) for name in ctx.db.schema if ctx.db.count(name)}
    return {"generation": str(ctx.db.generation), **counts}


@implements("Diagnostics.network_stats")
async def network_stats(ctx: Context, host: str, params: dict[str, str]) -> list[list[str]]:
    """XenAPI: Diagnostics.network_stats: each interface: name, MAC address, state, speed in Mbit/s."""
    assert_here(ctx, host)
    status = await ctx.services.network.interface_get_all_status(ctx.dbg)
    return [[entry.name, entry.mac, "up" if entry.is_up else "down", str(entry.speed)] for entry in status]
