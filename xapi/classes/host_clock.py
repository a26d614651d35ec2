"""A host's clock: what sets it, or who."""

from datetime import UTC, datetime

from xapi import errors
from xapi.classes.host import assert_here
from xapi.classes.host_machine import assert_installed, if_installed, write_setting
from xapi.errors import error
from xapi.planning import clock_config
from xapi.server.context import Context
from xapi.server.registry import implements

CONFIG = "/etc/chrony/chrony.conf"
DISABLED = "Disabled"


async def _apply(ctx: Context, mode: str, servers: list[str]) -> None:
    clock_config.check(mode, servers)
    if mode == DISABLED:
        await if_installed(ctx, "systemctl", "disable", "--now", "chrony")
        return
    write_setting(ctx, CONFIG, clock_config.chrony_config(mode, servers))
    await if_installed(ctx, "systemctl", "enable", "chrony")
    await if_installed(ctx, "systemctl", "restart", "chrony")


@implements("host.set_ntp_mode")
async def set_ntp_mode(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_ntp_mode. :raises XenAPIError: INVALID_NTP_CONFIG [reason]: custom without servers."""
    assert_here(ctx, self)
    await _apply(ctx, value, ctx.db.get("host", self, "ntp_custom_servers"))
    ctx.db.set("host", self, ntp_mode=value)


@implements("host.set_ntp_custom_servers")
async def set_ntp_custom_servers(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: host.set_ntp_custom_servers; they count in custom mode. :raises XenAPIError: INVALID_NTP_CONFIG [reason]."""
    assert_here(ctx, self)
    servers, mode = list(dict.fromkeys(value)), ctx.db.get("host", self, "ntp_mode")
    clock_config.check(mode, servers)
    if mode == "Custom":
        await _apply(ctx, mode, servers)
    ctx.db.set("host", self, ntp_custom_servers=servers)


@implements("host.set_servertime")
async def set_servertime(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_servertime. :raises XenAPIError: NOT_ALLOWED_WHEN_NTP_IS_ENABLED [host], INVALID_VALUE."""
    assert_here(ctx, self)
    if ctx.db.get("host", self, "ntp_mode") != DISABLED:
        raise error("NOT_ALLOWED_WHEN_NTP_IS_ENABLED", self)
    try:
        wanted = datetime.strptime(value, "%Y%m%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise errors.invalid_value("value", value) from None
    assert_installed(ctx)
    await if_installed(ctx, "date", "--utc", "--set", f"@{wanted.timestamp():.0f}")
