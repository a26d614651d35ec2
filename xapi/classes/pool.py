"""XenAPI class pool: the one record that holds the pool together ."""

from xapi import errors
from xapi.server.authentication import pool_secret
from xapi.server.context import Context
from xapi.server.registry import implements

SYNC_PATIENCE = 60.0


def the_pool(ctx: Context) -> str:
    """Return the pool's ref."""
    return ctx.db.refs("pool")[0]


@implements("pool.sync_database")
async def sync_database(ctx: Context) -> None:
    """XenAPI: pool.sync_database: return when everything written so far is on the disk of every host.

    :raises XenAPIError: CANNOT_CONTACT_HOST for one that does not confirm it.
    """
    await ctx.db.durable()
    feed = ctx.app.pool.feed
    if feed is None:
        return
    late = await feed.kept_by_all(SYNC_PATIENCE)
    members = {row.values["uuid"]: row.ref for row in ctx.db.rows("host") if row.ref != ctx.app.localhost}
    missing = [*late, *(uuid for uuid in members if uuid not in feed.members)]
    if missing:
        raise errors.cannot_contact_host(members.get(missing[0], missing[0]))


@implements("pool.initial_auth")
async def initial_auth(ctx: Context) -> str:
    """XenAPI: pool.initial_auth: the pool's secret, for hosts of the pool."""
    return pool_secret(ctx.app)


@implements("pool.get_license_state")
async def get_license_state(ctx: Context, self: str) -> dict[str, str]:
    """XenAPI: pool.get_license_state: everything is free and never expires."""
    ctx.db.row("pool", self)
    return {"edition": "free", "expiry": "never"}


@implements("pool.add_to_guest_agent_config")
async def add_to_guest_agent_config(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: pool.add_to_guest_agent_config."""
    ctx.db.add_to_map("pool", self, "guest_agent_config", key, value)


@implements("pool.remove_from_guest_agent_config")
async def remove_from_guest_agent_config(ctx: Context, self: str, key: str) -> None:
    """XenAPI: pool.remove_from_guest_agent_config."""
    ctx.db.remove_from_map("pool", self, "guest_agent_config", key)
