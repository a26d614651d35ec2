"""Settings of a host that are more than a field, its licence (everything is free), and its clock."""

import asyncio
import re
import zoneinfo
from pathlib import Path

from xapi import errors
from xapi.classes.blob import create_new_blob
from xapi.classes.command import checked, output
from xapi.classes.host import assert_here
from xapi.server.context import Context
from xapi.server.registry import implements

EDITION = "free"
TIMEOUT = 30.0
IQN_FILE = "/etc/iscsi/initiatorname.iscsi"

_IQN = re.compile(r"iqn\.\d{4}-\d{2}\.[a-z0-9][a-z0-9.-]*(:\S+)?|eui\.[0-9a-fA-F]{16}")
_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


@implements("host.create_new_blob")
async def new_blob(ctx: Context, host: str, name: str, mime_type: str, public: bool) -> str:
    """XenAPI: host.create_new_blob."""
    return create_new_blob(ctx, "host", host, name, mime_type, public)


# Names and storage


def hostname_problem(name: str) -> str | None:
    """Return what is wrong with a host's name, or nothing."""
    if not name:
        return "empty string"
    if len(name) > 64:
        return "hostname is too long"
    return None if _HOSTNAME.fullmatch(name) else f"hostname contains invalid characters: {name}"


@implements("host.set_hostname_live")
async def set_hostname_live(ctx: Context, host: str, hostname: str) -> None:
    """XenAPI: host.set_hostname_live. :raises XenAPIError: HOST_NAME_INVALID [reason]."""
    assert_here(ctx, host)
    problem = hostname_problem(hostname)
    if problem is not None:
        raise errors.error("HOST_NAME_INVALID", problem)
    if not ctx.app.root.is_installed_host:
        raise errors.operation_not_allowed("a host that runs in a folder has the name of its machine")
    await checked("hostnamectl", "set-hostname", hostname, timeout=TIMEOUT)
    ctx.db.set("host", host, hostname=hostname)


@implements("host.set_iscsi_iqn")
async def set_iscsi_iqn(ctx: Context, host: str, value: str) -> None:
    """XenAPI: host.set_iscsi_iqn: who this host is to iSCSI targets. :raises XenAPIError: INVALID_VALUE."""
    assert_here(ctx, host)
    if not _IQN.fullmatch(value):
        raise errors.invalid_value("value", value)
    path = ctx.app.root.under(IQN_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(f"InitiatorName={value}\n")
    fresh.replace(path)
    ctx.db.set("host", host, iscsi_iqn=value)


def initiator_name(path: Path) -> str:
    """Return the iSCSI name in *path*, or nothing."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition("=")[2].strip() for line in lines if line.startswith("InitiatorName=")), "")


@implements("host.set_multipathing")
async def set_multipathing(ctx: Context, host: str, value: bool) -> None:
    """XenAPI: host.set_multipathing: storage that is plugged from now on follows. :raises XenAPIError: HOST_NOT_DISABLED."""
    if ctx.db.get("host", host, "enabled"):
        raise errors.host_not_disabled()
    ctx.db.set("host", host, multipathing=value)


@implements("host.set_ssl_legacy")
async def set_ssl_legacy(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: host.set_ssl_legacy: old ciphers are gone for good. :raises XenAPIError: VALUE_NOT_SUPPORTED for true."""
    if value:
        raise errors.value_not_supported("value", "true", "Legacy SSL support has been removed")
    ctx.db.set("host", self, ssl_legacy=False)


@implements("host.set_uefi_certificates")
async def set_uefi_certificates(ctx: Context, host: str, value: str) -> None:
    """XenAPI: host.set_uefi_certificates (deprecated): they are the pool's."""
    ctx.db.row("host", host)
    for pool in ctx.db.refs("pool"):
        ctx.db.set("pool", pool, custom_uefi_certificates=value)


# The licence


@implements("host.apply_edition")
async def apply_edition(ctx: Context, host: str, edition: str, force: bool) -> None:
    """XenAPI: host.apply_edition: there is one. :raises XenAPIError: INVALID_EDITION."""
    ctx.db.row("host", host)
    if edition.lower() not in (EDITION, ""):
        raise errors.error("INVALID_EDITION", edition)


@implements("host.license_add")
async def license_add(ctx: Context, host: str, contents: str) -> None:
    """XenAPI: host.license_add. :raises XenAPIError: LICENSE_FILE_DEPRECATED: nothing here needs one."""
    ctx.db.row("host", host)
    raise errors.error("LICENSE_FILE_DEPRECATED")


@implements("host.license_remove")
async def license_remove(ctx: Context, host: str) -> None:
    """XenAPI: host.license_remove: there is none to remove."""
    ctx.db.row("host", host)


@implements("host.set_license_params")
async def set_license_params(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: host.set_license_params (of the pool itself)."""
    ctx.db.set("host", self, license_params=value)


@implements("host.refresh_pack_info")
async def refresh_pack_info(ctx: Context, host: str) -> None:
    """XenAPI: host.refresh_pack_info: supplemental packs are ordinary packages here."""
    ctx.db.row("host", host)


# The clock


@implements("host.list_timezones")
async def list_timezones(ctx: Context, self: str) -> list[str]:
    """XenAPI: host.list_timezones."""
    assert_here(ctx, self)
    return sorted(await asyncio.to_thread(zoneinfo.available_timezones))


@implements("host.set_timezone")
async def set_timezone(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_timezone. :raises XenAPIError: INVALID_VALUE for a zone that is not known."""
    assert_here(ctx, self)
    if value not in await asyncio.to_thread(zoneinfo.available_timezones):
        raise errors.invalid_value("timezone", value)
    link = ctx.app.root.under("/etc/localtime")
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name("localtime.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"/usr/share/zoneinfo/{value}")
    fresh.replace(link)
    ctx.db.set("host", self, timezone=value)


def timezone(link: Path) -> str:
    """Return the zone that ``/etc/localtime`` links to; UTC where it is no link."""
    try:
        target = str(link.readlink())
    except OSError:
        return "UTC"
    return target.rpartition("zoneinfo/")[2] if "zoneinfo/" in target else "UTC"


@implements("host.get_ntp_synchronized")
async def get_ntp_synchronized(ctx: Context, self: str) -> bool:
    """XenAPI: host.get_ntp_synchronized, as the kernel says."""
    assert_here(ctx, self)
    code, out, _ = await output("timedatectl", "show", "--property=NTPSynchronized", "--value", timeout=TIMEOUT)
    return code == 0 and out.strip() == "yes"


@implements("host.get_ntp_servers_status")
async def get_ntp_servers_status(ctx: Context, self: str) -> dict[str, str]:
    """XenAPI: host.get_ntp_servers_status: server -> what chrony thinks of it; empty where chrony does not run."""
    assert_here(ctx, self)
    try:
        code, out, _ = await output("chronyc", "-c", "sources", timeout=TIMEOUT)
    except errors.XenAPIError:
        return {}
    rows = [line.split(",") for line in out.splitlines()] if code == 0 else []
    return {row[2]: _CHRONY.get(row[1], "unknown") for row in rows if len(row) > 2}


_CHRONY = {"*": "synchronized", "+": "combined", "-": "not combined", "?": "unreachable", "x": "false ticker", "~": "unstable"}


# Between hosts


@implements("host.sync_data")
async def sync_data(ctx: Context, host: str) -> None:
    """XenAPI: host.sync_data: the coordinator's messages and metrics, to other hosts: this one has them."""
    assert_here(ctx, host)
    await ctx.db.durable()


@implements("host.tickle_heartbeat")
async def tickle_heartbeat(ctx: Context, host: str, stuff: dict[str, str]) -> dict[str, str]:
    """XenAPI: host.tickle_heartbeat: a host says that it is there."""
    ctx.db.set("host_metrics", ctx.db.get("host", host, "metrics"), live="shutting-down" not in stuff)
    return {}
