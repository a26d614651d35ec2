"""Taking hosts and their toolstack down and up, and whether their guests let them."""

import asyncio
import os
import signal

from xapi import errors
from xapi.classes import vm_lifecycle
from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.classes.plugins import installed, run
from xapi.pool import leaving
from xapi.server.context import Context
from xapi.server.forwarding.forward import give_up_calls
from xapi.server.registry import implements

PAUSE = 1.0
"""Seconds for the answer to reach the client before the toolstack goes."""
TIMEOUT = 60.0
IN_A_FOLDER = "a host that runs in a folder has no machine of its own to do this to"


def _assert_installed(ctx: Context) -> None:
    if not ctx.app.root.is_installed_host:
        raise errors.operation_not_allowed(IN_A_FOLDER)


def _guests(ctx: Context, host: str) -> list[str]:
    return [vm for vm in ctx.db.get("host", host, "resident_VMs") if not ctx.db.get("VM", vm, "is_control_domain")]


@implements("host.restart_agent")
async def restart_agent(ctx: Context, host: str) -> None:
    """XenAPI: host.restart_agent: guests go on; whoever watches over us starts us again."""
    assert_here(ctx, host)

    async def leave() -> None:
        await asyncio.sleep(PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)

    ctx.app.spawn(leave(), "restart of the toolstack")


@implements("host.shutdown_agent")
async def shutdown_agent(ctx: Context) -> None:
    """XenAPI: host.shutdown_agent: until somebody starts the service again."""
    _assert_installed(ctx)
    await checked("systemctl", "--no-block", "stop", "xapi", timeout=TIMEOUT)


async def _leave(ctx: Context, host: str, *command: str) -> None:
    assert_here(ctx, host)
    if ctx.db.get("host", host, "enabled"):
        raise errors.host_not_disabled()
    if _guests(ctx, host):
        raise errors.error("HOST_HAS_RESIDENT_VMS", host)
    _assert_installed(ctx)
    await checked(*command, timeout=TIMEOUT)


@implements("host.shutdown")
async def shutdown(ctx: Context, host: str) -> None:
    """XenAPI: host.shutdown. :raises XenAPIError: HOST_NOT_DISABLED, HOST_HAS_RESIDENT_VMS."""
    await _leave(ctx, host, "shutdown", "-h", "now")


@implements("host.reboot")
async def reboot(ctx: Context, host: str) -> None:
    """XenAPI: host.reboot. :raises XenAPIError: HOST_NOT_DISABLED, HOST_HAS_RESIDENT_VMS."""
    await _leave(ctx, host, "shutdown", "-r", "now")


@implements("host.power_on")
async def power_on(ctx: Context, host: str) -> None:
    """XenAPI: host.power_on: through the plugin ``power-on-host`` of the coordinator.

    :raises XenAPIError: HOST_IS_LIVE, HOST_POWER_ON_MODE_DISABLED, XENAPI_MISSING_PLUGIN, what the plugin says.
    """
    record = ctx.db.record("host", host)
    if host == ctx.app.localhost:
        raise errors.error("HOST_IS_LIVE", host)
    if not record["power_on_mode"]:
        raise errors.error("HOST_POWER_ON_MODE_DISABLED")
    arguments = {"remote_host_uuid": record["uuid"], "power_on_mode": record["power_on_mode"], **record["power_on_config"]}
    path = installed(ctx, "/etc/xapi.d/plugins", "power-on-host")
    if path is None:
        raise errors.error("XENAPI_MISSING_PLUGIN", "power-on-host")
    await run(ctx, path, "main", arguments)


@implements("host.set_power_on_mode")
async def set_power_on_mode(ctx: Context, self: str, power_on_mode: str, power_on_config: dict[str, str]) -> None:
    """XenAPI: host.set_power_on_mode."""
    ctx.db.set("host", self, power_on_mode=power_on_mode, power_on_config=power_on_config)


@implements("host.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: host.destroy: forget a dead host. :raises XenAPIError: HOST_CANNOT_DESTROY_SELF, HOST_IS_LIVE,
    HOST_HAS_RESIDENT_VMS."""
    ctx.db.row("host", self)
    if self == ctx.app.localhost:
        raise errors.error("HOST_CANNOT_DESTROY_SELF", self)
    _assert_dead(ctx, self)
    if _guests(ctx, self):
        raise errors.error("HOST_HAS_RESIDENT_VMS", self)
    leaving.forget_host(ctx, self)


def _assert_dead(ctx: Context, host: str) -> None:
    metrics = ctx.db.get("host", host, "metrics")
    if host == ctx.app.localhost or (ctx.db.exists("host_metrics", metrics) and ctx.db.get("host_metrics", metrics, "live")):
        raise errors.error("HOST_IS_LIVE", host)


@implements("host.declare_dead")
async def declare_dead(ctx: Context, host: str) -> None:
    """XenAPI: host.declare_dead: its guests are Halted from now on. :raises XenAPIError: HOST_IS_LIVE."""
    _assert_dead(ctx, host)
    give_up_calls(ctx.app, host)
    for vm in _guests(ctx, host):
        ctx.db.set("VM", vm, current_operations={})
        vm_lifecycle.left_host(ctx, vm, "Halted")


@implements("host.get_uncooperative_resident_VMs")
async def get_uncooperative_resident_vms(ctx: Context, self: str) -> list[str]:
    """XenAPI: host.get_uncooperative_resident_VMs (deprecated): ballooning that stalls is seen by the domain manager alone."""
    ctx.db.row("host", self)
    return []
