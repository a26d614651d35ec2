"""What the pool asks of each of its hosts, one after the other or as far as it gets."""

from typing import Any

from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.dispatch import call_as


async def ask_all(ctx: Context, name: str, *params: Any) -> None:
    """Call ``host.<name>`` for every host, the coordinator first; the first failure ends it."""
    for host in _coordinator_first(ctx):
        await call_as(ctx, f"host.{name}", host, *params)


async def ask_each(ctx: Context, name: str, *params: Any) -> list[str]:
    """Call ``host.<name>`` for every host and return those that failed."""
    failed = []
    for host in _coordinator_first(ctx):
        try:
            await call_as(ctx, f"host.{name}", host, *params)
        except XenAPIError:
            failed.append(host)
    return failed


def _coordinator_first(ctx: Context) -> list[str]:
    return sorted(ctx.db.refs("host"), key=lambda host: host != ctx.app.localhost)
