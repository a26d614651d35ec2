"""XenAPI class pool: the one record that holds the pool together (of one host, for now)."""

from xapi.server.authentication import pool_secret
from xapi.server.context import Context
from xapi.server.registry import implements


def the_pool(ctx: Context) -> str:
    """Return the pool's ref."""
    return ctx.db.refs("pool")[0]


@implements("pool.sync_database")
async def sync_database(ctx: Context) -> None:
    """XenAPI: pool.sync_database: return when everything written so far is on disk."""
    await ctx.db.durable()


@implements("pool.is_slave")
async def is_slave(ctx: Context, host: str) -> bool:
    """XenAPI: pool.is_slave."""
    ctx.db.row("host", host)
    return bool(ctx.db.get("pool", the_pool(ctx), "master") != host)


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
