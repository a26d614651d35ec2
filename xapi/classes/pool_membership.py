"""XenAPI class pool: hosts coming and going, and who is their coordinator."""

import asyncio
import logging
import re

import msgspec

from xapi import errors
from xapi.classes.message import send
from xapi.database.store import UuidMissing
from xapi.errors import XenAPIError
from xapi.pool import handover, joining, leaving, trust
from xapi.pool.liveness import set_live
from xapi.pool.peers import Unreachable
from xapi.pool.role import Coordinator, Supporter, write
from xapi.server.context import Context
from xapi.server.forwarding.forward import abandon, to_host
from xapi.server.registry import implements

log = logging.getLogger(__name__)

TALK_BACK = 15.0
_UUID = re.compile(r"[0-9a-fA-F-]{36}")


@implements("pool.join")
async def join(ctx: Context, master_address: str, master_username: str, master_password: str) -> None:
    """XenAPI: pool.join, called on the joining host."""
    await joining.join(ctx, master_address, master_username, master_password, force=False)


@implements("pool.join_force")
async def join_force(ctx: Context, master_address: str, master_username: str, master_password: str) -> None:
    """XenAPI: pool.join_force: software and processors may differ."""
    await joining.join(ctx, master_address, master_username, master_password, force=True)


@implements("pool.exchange_certificates_on_join")
async def exchange_certificates_on_join(ctx: Context, uuid: str, certificate: str) -> dict[str, str]:
    """XenAPI: pool.exchange_certificates_on_join: on the coordinator; every host believes the new one from now on.

    :raises XenAPIError: INVALID_VALUE for what is no uuid or no certificate.
    """
    root, own = ctx.app.root, trust.own_certificate(ctx.app.root)
    if not _UUID.fullmatch(uuid):
        raise errors.invalid_value("uuid", uuid[:60])
    if not trust.is_certificate(certificate):
        raise errors.invalid_value("certificate", "not a certificate in PEM form")
    mine = {f"{ctx.db.get('host', ctx.app.localhost, 'uuid')}.pem": own} if own else {}
    trust.believe(root, {**mine, f"{uuid}.pem": certificate})
    await _spread_certificates(ctx)
    return trust.members(root)


async def _spread_certificates(ctx: Context) -> None:
    """Have the other hosts believe whom this one does; one that is away asks when it comes back."""
    certificates = msgspec.json.encode(trust.members(ctx.app.root)).decode()
    for host in ctx.db.refs("host"):
        if host != ctx.app.localhost:
            try:
                await to_host(ctx, host, "host.cert_distrib_atom", host, certificates)
            except XenAPIError as reason:
                log.warning("host %s does not take the pool's certificates now: %s", host, reason)


@implements("pool.hello")
async def hello(ctx: Context, host_uuid: str, host_address: str) -> str:
    """XenAPI: pool.hello: a supporter starts; ``ok``, ``unknown_host`` or ``cannot_talk_back``."""
    if not ctx.app.pool.is_coordinator:
        raise errors.host_is_slave(ctx.app.pool.coordinator)
    try:
        host = ctx.db.by_uuid("host", host_uuid)
    except UuidMissing:
        return "unknown_host"
    peers = ctx.app.pool.peers
    peers.forget(host_address)
    try:
        async with peers.local_session(host_address, ctx.app.pool.secret) as session:
            await peers.call(host_address, "pool.is_slave", session, host, timeout=TALK_BACK)
    except XenAPIError as reason:
        if reason.code != "HOST_STILL_BOOTING":
            log.warning("host %s at %s answers %s", host_uuid, host_address, reason)
            return "cannot_talk_back"
    except Unreachable as reason:
        log.warning("host %s cannot be reached at %s: %s", host_uuid, host_address, reason)
        return "cannot_talk_back"
    if ctx.db.get("host", host, "address") != host_address:
        ctx.db.set("host", host, address=host_address)
    ctx.app.pool.shutting_down.discard(host_uuid)
    set_live(ctx, host, True)
    _end_tasks_of(ctx, host)
    return "ok"


def _end_tasks_of(ctx: Context, host: str) -> None:
    """What a host was doing before it started again has failed."""
    for row in ctx.db.rows("task"):
        if row.values["resident_on"] == host and row.values["status"] == "pending":
            ctx.app.tasks.fail(row.ref, errors.internal_error("the host that did this was restarted"))
            abandon(ctx, row.ref)


@implements("pool.is_slave")
async def is_slave(ctx: Context, host: str) -> bool:
    """XenAPI: pool.is_slave: whether the host that is asked supports another one."""
    return isinstance(ctx.app.pool.role, Supporter)


# -- leaving --


@implements("pool.eject")
async def eject(ctx: Context, host: str) -> None:
    """XenAPI: pool.eject: the host starts afresh as a pool of one, the pool forgets it.

    :raises XenAPIError: HA_IS_ENABLED, NOT_SUPPORTED_DURING_UPGRADE, OPERATION_NOT_ALLOWED for the coordinator and for a host
        with guests, HOST_OFFLINE for one that is dead (host.destroy forgets that).
    """
    if not ctx.app.pool.is_coordinator:
        return leaving.start_afresh(ctx.app)
    leaving.assert_may_leave(ctx, host)
    try:
        await to_host(ctx, host, "pool.eject", host)
    except XenAPIError as reason:
        # It has gone in an earlier attempt that we did not live to finish.
        if reason.code not in ("SESSION_INVALID", "HANDLE_INVALID"):
            raise
    uuid = ctx.db.get("host", host, "uuid")
    leaving.forget_host(ctx, host)
    trust.doubt(ctx.app.root, {row.values["uuid"] for row in ctx.db.rows("host")})
    ctx.app.pool.silent_since.pop(uuid, None)
    await _spread_certificates(ctx)


# -- handing over --


@implements("pool.designate_new_master")
async def designate_new_master(ctx: Context, host: str) -> None:
    """XenAPI: pool.designate_new_master. It is the new coordinator that leads through the two phases.

    :raises XenAPIError: HA_IS_ENABLED, HOST_OFFLINE, CANNOT_CONTACT_HOST, HA_ABORT_NEW_MASTER [reason]: all is as it was.
    """
    ctx.db.row("host", host)
    if next(ctx.db.rows("pool")).values["ha_enabled"]:
        raise errors.error("HA_IS_ENABLED")
    if not ctx.app.pool.is_coordinator:
        return await handover.take_over(ctx)
    if host == ctx.app.localhost:
        return
    feed, uuid = ctx.app.pool.feed, ctx.db.get("host", host, "uuid")
    if feed is None or uuid not in feed.members or uuid in await feed.kept_by_all(TALK_BACK):
        raise errors.cannot_contact_host(host)
    await to_host(ctx, host, "pool.designate_new_master", host)


# -- changing the coordinator without one --


@implements("pool.emergency_transition_to_master")
async def emergency_transition_to_master(ctx: Context) -> None:
    """XenAPI: pool.emergency_transition_to_master: this host takes over, with the copy of the database that it has.

    :raises XenAPIError: NOT_IN_EMERGENCY_MODE while the coordinator is in touch: there must not be two.
    """
    pool = ctx.app.pool
    if pool.is_coordinator:
        return
    if pool.link is not None and pool.link.is_connected:
        raise errors.error("NOT_IN_EMERGENCY_MODE")
    write(ctx.app.root.pool_conf, Coordinator())
    joining.light_fuse(ctx.app)


@implements("pool.emergency_reset_master")
async def emergency_reset_master(ctx: Context, master_address: str) -> None:
    """XenAPI: pool.emergency_reset_master: this host supports another coordinator from now on."""
    if not master_address:
        raise errors.invalid_value("master_address", master_address)
    joining.become_supporter(ctx.app, master_address)


@implements("pool.recover_slaves")
async def recover_slaves(ctx: Context) -> list[str]:
    """XenAPI: pool.recover_slaves: tell every other host that this one is the coordinator; return those that listened."""
    pool = ctx.app.pool
    own = ctx.db.get("host", ctx.app.localhost, "address")

    async def tell(host: str) -> str | None:
        address = ctx.db.get("host", host, "address")
        try:
            async with pool.peers.local_session(address, pool.secret) as session:
                await pool.peers.call(address, "pool.emergency_reset_master", session, own, timeout=TALK_BACK)
        except (Unreachable, XenAPIError) as reason:
            log.warning("host %s does not hear that we coordinate: %s", address, reason)
            return None
        return host

    others = [host for host in ctx.db.refs("host") if host != ctx.app.localhost]
    return [host for host in await asyncio.gather(*map(tell, others)) if host is not None]


def tell_transition(ctx: Context) -> None:
    """Tell the administrator that the coordinator is another one now."""
    uuid = ctx.db.get("host", ctx.app.localhost, "uuid")
    send(ctx, "POOL_MASTER_TRANSITION", "Host", uuid, f"Host {uuid} is the pool's coordinator")
