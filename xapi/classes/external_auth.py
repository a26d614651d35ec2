"""Connecting hosts and the pool to an external directory, and letting go of it."""

import logging
from collections.abc import Mapping

from xapi import errors
from xapi.classes import login, login_watch
from xapi.classes.host import assert_here
from xapi.datamodel.errors import ERRORS
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.directory import DirectoryError, ServiceFailure
from xapi.server.dispatch import call_as
from xapi.server.registry import implements

log = logging.getLogger(__name__)


def _failure(prefix: str, reason: DirectoryError) -> XenAPIError:
    """Return AUTH_ENABLE_FAILED or AUTH_DISABLE_FAILED, ending in the directory's own word for why if there is such a code."""
    kind = reason.kind if isinstance(reason, ServiceFailure) else ""
    code = f"{prefix}_{kind}"
    return errors.error(code if kind and code in ERRORS else prefix, str(reason))


@implements("host.enable_external_auth")
async def enable_host(ctx: Context, host: str, config: dict[str, str], service_name: str, auth_type: str) -> None:
    """XenAPI: host.enable_external_auth.

    :raises XenAPIError: AUTH_ALREADY_ENABLED [type; service], AUTH_UNKNOWN_TYPE [type], AUTH_ENABLE_FAILED… [message].
    """
    assert_here(ctx, host)
    record = ctx.db.record("host", host)
    if record["external_auth_type"]:
        raise errors.error("AUTH_ALREADY_ENABLED", record["external_auth_type"], record["external_auth_service_name"])
    found = login.find_directory(ctx.app, auth_type)
    if found is None:
        raise errors.error("AUTH_UNKNOWN_TYPE", auth_type)
    try:
        kept = await found.enable(config, service_name)
    except DirectoryError as reason:
        raise _failure("AUTH_ENABLE_FAILED", reason) from reason
    ctx.db.set(
        "host",
        host,
        external_auth_type=auth_type,
        external_auth_service_name=service_name,
        external_auth_configuration=kept,
    )


@implements("host.disable_external_auth")
async def disable_host(ctx: Context, host: str, config: dict[str, str], force: bool) -> None:
    """XenAPI: host.disable_external_auth: nobody from the directory can log in here any more, whatever it says to that.

    :raises XenAPIError: AUTH_DISABLE_FAILED… [message], after it was done all the same; not with *force*.
    """
    assert_here(ctx, host)
    kind = ctx.db.get("host", host, "external_auth_type")
    if not kind:
        return
    found = login.find_directory(ctx.app, kind)
    refusal = None
    try:
        if found is not None:
            await found.disable(config)
    except DirectoryError as reason:
        log.warning("the directory %s does not let go of this host: %s", kind, reason)
        refusal = reason
    ctx.db.set("host", host, external_auth_type="", external_auth_service_name="", external_auth_configuration={})
    await login_watch.revalidate_sessions(ctx, every=True)
    if refusal is not None and not force:
        raise _failure("AUTH_DISABLE_FAILED", refusal) from refusal


def _of_pool(prefix: str, host: str, error: XenAPIError) -> XenAPIError:
    """Return what a pool-wide call says of the failure of one host."""
    suffix = error.code.removeprefix(prefix) if error.code.startswith(prefix) else ""
    message = error.params[0] if suffix or error.code == prefix else str(error)
    code = f"POOL_{prefix}{suffix}"
    return errors.error(code if code in ERRORS else f"POOL_{prefix}", host, message)


@implements("pool.enable_external_auth")
async def enable_pool(ctx: Context, pool: str, config: dict[str, str], service_name: str, auth_type: str) -> None:
    """XenAPI: pool.enable_external_auth: on every host or on none.

    :raises XenAPIError: POOL_AUTH_ALREADY_ENABLED [host], POOL_AUTH_ENABLE_FAILED… [host; message], AUTH_UNKNOWN_TYPE.
    """
    hosts = ctx.db.refs("host")
    for host in hosts:
        if ctx.db.get("host", host, "external_auth_type"):
            raise errors.error("POOL_AUTH_ALREADY_ENABLED", host)
    names = [ctx.db.get("host", host, "hostname") for host in hosts]
    if len(set(names)) < len(names):
        raise errors.error("POOL_AUTH_ENABLE_FAILED_DUPLICATE_HOSTNAME", hosts[0], "two hosts of the pool have the same name")
    done: list[str] = []
    try:
        for host in hosts:
            try:
                await call_as(ctx, "host.enable_external_auth", host, config, service_name, auth_type)
            except XenAPIError as error:
                if error.code == "AUTH_UNKNOWN_TYPE":
                    raise
                raise _of_pool("AUTH_ENABLE_FAILED", host, error) from error
            done.append(host)
    except BaseException:
        for host in reversed(done):
            await _undo(ctx, host, config)
        raise


async def _undo(ctx: Context, host: str, config: Mapping[str, str]) -> None:
    try:
        await call_as(ctx, "host.disable_external_auth", host, dict(config), True)
    except XenAPIError as error:
        log.error("host %s stays connected to the directory: %s", host, error)


@implements("pool.disable_external_auth")
async def disable_pool(ctx: Context, pool: str, config: dict[str, str]) -> None:
    """XenAPI: pool.disable_external_auth: on every host, also after one has failed.

    :raises XenAPIError: POOL_AUTH_DISABLE_FAILED… [host; message], of the first that did.
    """
    failure: XenAPIError | None = None
    for host in ctx.db.refs("host"):
        try:
            await call_as(ctx, "host.disable_external_auth", host, config, False)
        except XenAPIError as error:
            failure = failure or _of_pool("AUTH_DISABLE_FAILED", host, error)
    if failure is not None:
        raise failure


@implements("pool.detect_nonhomogeneous_external_auth")
async def detect_nonhomogeneous_external_auth(ctx: Context, pool: str) -> None:
    """XenAPI: pool.detect_nonhomogeneous_external_auth: alert if hosts are connected to different directories."""
    fields = ("external_auth_type", "external_auth_service_name")
    settings = {tuple(row.values[field] for field in fields) for row in ctx.db.rows("host")}
    if len(settings) > 1:
        login_watch.alert(
            ctx, "EXTAUTH_IN_POOL_IS_NON_HOMOGENEOUS", "hosts of the pool are connected to different external directories"
        )
