"""Which hosts of the pool are alive, as the coordinator sees it; clocks that differ; a second coordinator prevented."""

import logging
import time
from typing import Final

from xapi.classes.message import send
from xapi.errors import XenAPIError
from xapi.pool.feed import Feed, Member
from xapi.pool.peers import Unreachable
from xapi.pool.role import Supporter, write
from xapi.server.context import RESTART, App, Context, internal_context, now

log = logging.getLogger(__name__)

DEAD_AFTER: Final = 600.0
"""Seconds of silence; ``host_assumed_dead_interval`` in xapi.conf."""
SKEW: Final = 300.0
SKEW_OVER: Final = 150.0


def _host(ctx: Context, uuid: str) -> str | None:
    try:
        return ctx.db.by_uuid("host", uuid)
    except KeyError:
        return None


def set_live(ctx: Context, host: str, live: bool) -> None:
    """Write whether a host is alive; a change is told to the administrator."""
    metrics = ctx.db.get("host", host, "metrics")
    if not ctx.db.exists("host_metrics", metrics):
        return
    before = ctx.db.get("host_metrics", metrics, "live")
    ctx.db.set("host_metrics", metrics, live=live, **({"last_updated": now()} if live else {}))
    if before == live:
        return
    uuid = ctx.db.get("host", host, "uuid")
    log.warning("host %s is %s", uuid, "alive" if live else "dead")
    if live:
        send(ctx, "HOST_RETURNED", "Host", uuid, f"Host {uuid} is back", priority=4)
    else:
        send(ctx, "HOST_LOST", "Host", uuid, f"Host {uuid} does not answer any more", priority=2)
        for give_up in list(ctx.app.pool.calls.get(host, ())):
            give_up()


def watch(app: App, feed: Feed) -> None:
    """Have heartbeats keep hosts alive from now on."""
    ctx = internal_context(app, "heartbeat")
    skewed: set[str] = set()

    def beat(member: Member) -> None:
        host = _host(ctx, member.host)
        if host is None:
            return
        if member.leaving:
            app.pool.shutting_down.add(member.host)
            return set_live(ctx, host, False)
        app.pool.shutting_down.discard(member.host)
        set_live(ctx, host, True)
        if abs(member.skew) > SKEW and member.host not in skewed:
            skewed.add(member.host)
            text = f"The clock of host {member.host} is {member.skew:+.0f} seconds off the coordinator's"
            send(ctx, "HOST_CLOCK_SKEW_DETECTED", "Host", member.host, text)
        elif abs(member.skew) < SKEW_OVER:
            skewed.discard(member.host)

    silent_since: dict[str, float] = app.pool.silent_since

    def lost(member: Member) -> None:
        silent_since[member.host] = time.monotonic()

    feed.on_beat, feed.on_lost = beat, lost


def look(app: App) -> None:
    """Mark dead the hosts that have been silent for too long."""
    feed = app.pool.feed
    if feed is None or app.db.count("host") < 2:
        return
    ctx = internal_context(app, "liveness")
    limit = app.config.number("host_assumed_dead_interval", DEAD_AFTER)
    for row in app.db.rows("host"):
        uuid = row.values["uuid"]
        if row.ref == app.localhost:
            continue
        if uuid in feed.members and time.monotonic() - feed.members[uuid].heard < limit:
            app.pool.silent_since.pop(uuid, None)
            continue
        since = app.pool.silent_since.setdefault(uuid, time.monotonic())
        if time.monotonic() - since > limit:
            set_live(ctx, row.ref, False)


async def give_way(app: App) -> None:
    """Before anything is touched: if another host of the pool has become its coordinator, become that one's supporter.

    Hosts that do not answer, or do not know our secret, cannot be asked.
    """
    inventory = app.inventory["INSTALLATION_UUID"]
    secret = app.pool.secret
    for row in app.db.rows("host"):
        address = row.values["address"]
        if row.values["uuid"] == inventory or not address:
            continue
        try:
            async with app.pool.peers.local_session(address, secret) as session:
                supports = await app.pool.peers.call(address, "pool.is_slave", session, row.ref, timeout=10.0)
        except (Unreachable, XenAPIError) as reason:
            log.info("host %s cannot say whose it is: %s", address, reason)
            continue
        if not supports:
            log.warning("host %s is the pool's coordinator by now: supporting it", address)
            write(app.root.pool_conf, Supporter(address))
            app.leave(RESTART)
            raise SystemExit(RESTART)
