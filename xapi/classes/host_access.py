"""How a host's own system is reached beside the API: SSH, for how long, and when an idle console logs out."""

import asyncio
import time
from datetime import UTC, datetime

from xapi import errors
from xapi.classes.every_host import ask_each
from xapi.classes.host import assert_here
from xapi.classes.host_machine import if_installed, write_setting
from xapi.database.schema import NULL_REF
from xapi.datamodel import EPOCH
from xapi.errors import XenAPIError, error
from xapi.server.context import Context, internal_context, wire_date
from xapi.server.registry import implements

LONGEST_SSH = 2 * 86400
"""Seconds that SSH may stay open by itself."""
LONGEST_IDLE = 2**31 - 1
IDLE_FILE = "/etc/profile.d/console_timeout.sh"


@implements("host.enable_ssh")
async def enable_ssh(ctx: Context, self: str) -> None:
    """XenAPI: host.enable_ssh: for ``ssh_enabled_timeout`` seconds. :raises XenAPIError: ENABLE_SSH_FAILED [host]."""
    assert_here(ctx, self)
    try:
        await if_installed(ctx, "systemctl", "enable", "--now", "ssh")
    except XenAPIError as reason:
        raise error("ENABLE_SSH_FAILED", self) from reason
    ctx.db.set("host", self, ssh_enabled=True)
    _count_anew(ctx, self)


@implements("host.disable_ssh")
async def disable_ssh(ctx: Context, self: str) -> None:
    """XenAPI: host.disable_ssh. :raises XenAPIError: DISABLE_SSH_FAILED [host]."""
    assert_here(ctx, self)
    await _close(ctx, self)


async def _close(ctx: Context, host: str) -> None:
    try:
        await if_installed(ctx, "systemctl", "disable", "--now", "ssh")
    except XenAPIError as reason:
        raise error("DISABLE_SSH_FAILED", host) from reason
    ctx.db.set("host", host, ssh_enabled=False, ssh_expiry=EPOCH)


@implements("host.set_ssh_enabled_timeout")
async def set_ssh_enabled_timeout(ctx: Context, self: str, value: int) -> None:
    """XenAPI: host.set_ssh_enabled_timeout: at most two days, 0 for ever. :raises XenAPIError: INVALID_VALUE."""
    assert_here(ctx, self)
    if not 0 <= value <= LONGEST_SSH:
        raise errors.invalid_value("ssh_enabled_timeout", value)
    ctx.db.set("host", self, ssh_enabled_timeout=value)
    if ctx.db.get("host", self, "ssh_enabled"):
        _count_anew(ctx, self)


def _count_anew(ctx: Context, host: str) -> None:
    """Have SSH end when its time is up, counted from now."""
    seconds = ctx.db.get("host", host, "ssh_enabled_timeout")
    ctx.db.set("host", host, ssh_expiry=wire_date(time.time() + seconds) if seconds else EPOCH)
    watch(ctx)


def watch(ctx: Context) -> None:
    """Close SSH of this host when its time is up, also after a restart of the toolstack."""
    app = ctx.app
    expiry = app.db.get("host", app.localhost, "ssh_expiry") if app.localhost != NULL_REF else EPOCH
    if expiry == EPOCH:
        return

    async def close() -> None:
        await asyncio.sleep(max(0.0, seconds_until(expiry)))
        # Another call may have set another time meanwhile: that one has a watcher of its own.
        if app.db.exists("host", app.localhost) and app.db.get("host", app.localhost, "ssh_expiry") == expiry:
            await _close(internal_context(app, "end of SSH"), app.localhost)

    app.spawn(close(), f"SSH until {expiry}")


def seconds_until(date: str) -> float:
    return datetime.strptime(date, "%Y%m%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() - time.time()


@implements("host.set_console_idle_timeout")
async def set_console_idle_timeout(ctx: Context, self: str, value: int) -> None:
    """XenAPI: host.set_console_idle_timeout: seconds, 0 for never; for shells that start from now on.

    :raises XenAPIError: INVALID_VALUE.
    """
    assert_here(ctx, self)
    if not 0 <= value <= LONGEST_IDLE:
        raise errors.invalid_value("console_idle_timeout", value)
    write_setting(ctx, IDLE_FILE, f"export TMOUT={value}\nreadonly TMOUT\n" if value else "")
    ctx.db.set("host", self, console_idle_timeout=value)


# The pool


async def _everywhere(ctx: Context, pool: str, code: str, name: str, *params: int) -> None:
    ctx.db.row("pool", pool)
    failed = await ask_each(ctx, name, *params)
    if failed:
        raise error(code, ", ".join(failed))


@implements("pool.enable_ssh")
async def enable_ssh_everywhere(ctx: Context, self: str) -> None:
    """XenAPI: pool.enable_ssh. :raises XenAPIError: ENABLE_SSH_PARTIALLY_FAILED [hosts]."""
    await _everywhere(ctx, self, "ENABLE_SSH_PARTIALLY_FAILED", "enable_ssh")


@implements("pool.disable_ssh")
async def disable_ssh_everywhere(ctx: Context, self: str) -> None:
    """XenAPI: pool.disable_ssh. :raises XenAPIError: DISABLE_SSH_PARTIALLY_FAILED [hosts]."""
    await _everywhere(ctx, self, "DISABLE_SSH_PARTIALLY_FAILED", "disable_ssh")


@implements("pool.set_ssh_enabled_timeout")
async def set_ssh_enabled_timeout_everywhere(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_ssh_enabled_timeout. :raises XenAPIError: INVALID_VALUE, SET_SSH_TIMEOUT_PARTIALLY_FAILED [hosts]."""
    if not 0 <= value <= LONGEST_SSH:
        raise errors.invalid_value("ssh_enabled_timeout", value)
    await _everywhere(ctx, self, "SET_SSH_TIMEOUT_PARTIALLY_FAILED", "set_ssh_enabled_timeout", value)


@implements("pool.set_console_idle_timeout")
async def set_console_idle_timeout_everywhere(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_console_idle_timeout. :raises XenAPIError: INVALID_VALUE, SET_CONSOLE_TIMEOUT_PARTIALLY_FAILED [hosts]."""
    if not 0 <= value <= LONGEST_IDLE:
        raise errors.invalid_value("console_idle_timeout", value)
    await _everywhere(ctx, self, "SET_CONSOLE_TIMEOUT_PARTIALLY_FAILED", "set_console_idle_timeout", value)
