"""Settings of the pool that are more than a field."""

import re
import time
import uuid

from xapi import errors
from xapi.classes.blob import create_new_blob
from xapi.classes.host_settings import EDITION
from xapi.classes.pif_link import bring_up, is_slave
from xapi.database.schema import NULL_REF
from xapi.server.context import Context, wire_date
from xapi.server.registry import implements

MOST_THREADS = 8
LATEST_TELEMETRY = 28 * 86400
"""Seconds from now."""


@implements("pool.create_new_blob")
async def new_blob(ctx: Context, pool: str, name: str, mime_type: str, public: bool) -> str:
    """XenAPI: pool.create_new_blob."""
    return create_new_blob(ctx, "pool", pool, name, mime_type, public)


@implements("pool.apply_edition")
async def apply_edition(ctx: Context, self: str, edition: str) -> None:
    """XenAPI: pool.apply_edition: there is one. :raises XenAPIError: INVALID_EDITION."""
    ctx.db.row("pool", self)
    if edition.lower() not in (EDITION, ""):
        raise errors.error("INVALID_EDITION", edition)


@implements("pool.disable_ssl_legacy")
async def disable_ssl_legacy(ctx: Context, self: str) -> None:
    """XenAPI: pool.disable_ssl_legacy: it is never enabled."""
    for host in ctx.db.refs("host"):
        ctx.db.set("host", host, ssl_legacy=False)


@implements("pool.set_igmp_snooping_enabled")
async def set_igmp_snooping_enabled(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: pool.set_igmp_snooping_enabled: on the bridges that are up, and all that come."""
    ctx.db.set("pool", self, igmp_snooping_enabled=value)
    for pif in ctx.db.get("host", ctx.app.localhost, "PIFs"):
        if ctx.db.get("PIF", pif, "currently_attached") and not is_slave(ctx, pif):
            await bring_up(ctx, pif)
            ctx.db.set("PIF", pif, igmp_snooping_status="enabled" if value else "disabled")


@implements("pool.audit_log_append")
async def audit_log_append(ctx: Context, line: str) -> None:
    """XenAPI: pool.audit_log_append: what happened on another host of the pool."""
    ctx.app.audit.write(ctx.dbg, line)




# Secure Boot


@implements("pool.set_uefi_certificates")
async def set_uefi_certificates(ctx: Context, self: str, value: str) -> None:
    """XenAPI: pool.set_uefi_certificates (deprecated): as `set_custom_uefi_certificates`."""
    ctx.db.set("pool", self, uefi_certificates=value, custom_uefi_certificates=value)


@implements("pool.set_custom_uefi_certificates")
async def set_custom_uefi_certificates(ctx: Context, self: str, value: str) -> None:
    """XenAPI: pool.set_custom_uefi_certificates."""
    ctx.db.set("pool", self, custom_uefi_certificates=value)


@implements("pool.get_guest_secureboot_readiness")
async def get_guest_secureboot_readiness(ctx: Context, self: str) -> str:
    """XenAPI: pool.get_guest_secureboot_readiness: without certificates no guest can check what it boots."""
    record = ctx.db.record("pool", self)
    return "ready" if record["custom_uefi_certificates"] or record["uefi_certificates"] else "not_ready"


# Where updates come from


@implements("pool.set_repositories")
async def set_repositories(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: pool.set_repositories."""
    for repository in value:
        ctx.db.row("Repository", repository)
    ctx.db.set("pool", self, repositories=list(dict.fromkeys(value)))


@implements("pool.add_repository")
async def add_repository(ctx: Context, self: str, value: str) -> None:
    """XenAPI: pool.add_repository."""
    ctx.db.row("Repository", value)
    ctx.db.add_to_set("pool", self, "repositories", value)


@implements("pool.remove_repository")
async def remove_repository(ctx: Context, self: str, value: str) -> None:
    """XenAPI: pool.remove_repository."""
    ctx.db.remove_from_set("pool", self, "repositories", value)


@implements("pool.configure_repository_proxy")
async def configure_repository_proxy(ctx: Context, self: str, url: str, username: str, password: str) -> None:
    """XenAPI: pool.configure_repository_proxy; the password is kept as a secret.

    :raises XenAPIError: INVALID_REPOSITORY_PROXY_URL [url], INVALID_REPOSITORY_PROXY_CREDENTIAL.
    """
    if not re.fullmatch(r"https?://[^\s/@]+", url):
        raise errors.error("INVALID_REPOSITORY_PROXY_URL", url)
    if bool(username) != bool(password) or re.search(r"[\s\n]", username + password):
        raise errors.error("INVALID_REPOSITORY_PROXY_CREDENTIAL")
    await disable_repository_proxy(ctx, self)
    secret = ctx.db.create("secret", value=password) if password else NULL_REF
    ctx.db.set("pool", self, repository_proxy_url=url, repository_proxy_username=username, repository_proxy_password=secret)


@implements("pool.disable_repository_proxy")
async def disable_repository_proxy(ctx: Context, self: str) -> None:
    """XenAPI: pool.disable_repository_proxy."""
    secret = ctx.db.get("pool", self, "repository_proxy_password")
    if ctx.db.exists("secret", secret):
        ctx.db.destroy("secret", secret)
    ctx.db.set("pool", self, repository_proxy_url="", repository_proxy_username="", repository_proxy_password=NULL_REF)


@implements("pool.configure_update_sync")
async def configure_update_sync(ctx: Context, self: str, update_sync_frequency: str, update_sync_day: int) -> None:
    """XenAPI: pool.configure_update_sync; *update_sync_day* counts from Sunday and is 0 for daily.

    :raises XenAPIError: INVALID_UPDATE_SYNC_DAY [day].
    """
    if not 0 <= update_sync_day <= (6 if update_sync_frequency == "weekly" else 0):
        raise errors.error("INVALID_UPDATE_SYNC_DAY", update_sync_day)
    ctx.db.set("pool", self, update_sync_frequency=update_sync_frequency, update_sync_day=update_sync_day)


@implements("pool.set_update_sync_enabled")
async def set_update_sync_enabled(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: pool.set_update_sync_enabled. :raises XenAPIError: NO_REPOSITORIES_CONFIGURED."""
    if value and not ctx.db.get("pool", self, "repositories"):
        raise errors.error("NO_REPOSITORIES_CONFIGURED")
    ctx.db.set("pool", self, update_sync_enabled=value)


# Telemetry


@implements("pool.set_telemetry_next_collection")
async def set_telemetry_next_collection(ctx: Context, self: str, value: str) -> None:
    """XenAPI: pool.set_telemetry_next_collection. :raises XenAPIError: TELEMETRY_NEXT_COLLECTION_TOO_LATE [timestamp]."""
    if value > wire_date(time.time() + LATEST_TELEMETRY):
        raise errors.error("TELEMETRY_NEXT_COLLECTION_TOO_LATE", value)
    ctx.db.set("pool", self, telemetry_next_collection=value)


@implements("pool.reset_telemetry_uuid")
async def reset_telemetry_uuid(ctx: Context, self: str) -> None:
    """XenAPI: pool.reset_telemetry_uuid: the name that reports carry, as a secret."""
    old = ctx.db.get("pool", self, "telemetry_uuid")
    ctx.db.set("pool", self, telemetry_uuid=ctx.db.create("secret", value=str(uuid.uuid4())))
    if ctx.db.exists("secret", old):
        ctx.db.destroy("secret", old)


# Limits of logging in


def _limited(field: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise errors.value_not_supported(field, value, f"the value must be between {least} and {most}")
    return value


@implements("pool.set_local_auth_max_threads")
async def set_local_auth_max_threads(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_local_auth_max_threads. :raises XenAPIError: VALUE_NOT_SUPPORTED."""
    ctx.db.set("pool", self, local_auth_max_threads=_limited("value", value, 1, MOST_THREADS))


@implements("pool.set_ext_auth_max_threads")
async def set_ext_auth_max_threads(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_ext_auth_max_threads. :raises XenAPIError: VALUE_NOT_SUPPORTED."""
    ctx.db.set("pool", self, ext_auth_max_threads=_limited("value", value, 1, MOST_THREADS))


@implements("pool.set_ext_auth_cache_enabled")
async def set_ext_auth_cache_enabled(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: pool.set_ext_auth_cache_enabled."""
    ctx.db.set("pool", self, ext_auth_cache_enabled=value)


@implements("pool.set_ext_auth_cache_size")
async def set_ext_auth_cache_size(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_ext_auth_cache_size. :raises XenAPIError: VALUE_NOT_SUPPORTED."""
    ctx.db.set("pool", self, ext_auth_cache_size=_limited("value", value, 1, 1_000_000))


@implements("pool.set_ext_auth_cache_expiry")
async def set_ext_auth_cache_expiry(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_ext_auth_cache_expiry (seconds). :raises XenAPIError: VALUE_NOT_SUPPORTED."""
    ctx.db.set("pool", self, ext_auth_cache_expiry=_limited("value", value, 1, 1_000_000))
