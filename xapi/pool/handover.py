"""A new coordinator in good order, in two phases, led by the host that is to be it.

First every host is asked (`propose`): the old coordinator then answers nothing more, so that nothing is written that
would be lost; any refusal takes it all back. Then this host is nobody's coordinator on paper, the old coordinator is told
(`commit`), and only after that this host writes that it coordinates: a crash in between leaves one coordinator or a
broken host that says so, never two. Supporters that miss the news are found by ``pool.recover_slaves``.
"""

import asyncio
import logging
from typing import Final

from xapi.errors import XenAPIError, error
from xapi.pool.joining import light_fuse
from xapi.pool.peers import Unreachable
from xapi.pool.replica import Replica
from xapi.pool.role import Broken, Coordinator, Supporter, write
from xapi.server.context import App, Context

log = logging.getLogger(__name__)

PATIENCE: Final = 20.0


async def _tell(app: App, address: str, message: str, *params: object) -> None:
    """:raises Unreachable: :raises XenAPIError:"""
    pool = app.pool
    async with pool.peers.local_session(address, pool.secret) as session:
        await pool.peers.call(address, message, session, *params, timeout=PATIENCE)


async def take_over(ctx: Context) -> None:
    """Make this supporter the coordinator. :raises XenAPIError: HA_ABORT_NEW_MASTER: all is as it was."""
    app, old = ctx.app, ctx.app.pool.coordinator
    assert isinstance(ctx.db, Replica)
    own = ctx.db.get("host", app.localhost, "address")
    hosts = [row.values["address"] for row in ctx.db.rows("host") if row.ref != app.localhost]
    others = [address for address in hosts if address != old]
    asked: list[str] = []
    try:
        # The old one last: it answers nothing from then on.
        for address in (*others, old):
            asked.append(address)
            await _tell(app, address, "host.propose_new_master", own, True)
        await asyncio.wait_for(ctx.db.caught_up(), PATIENCE)
        await ctx.db.kept()
    except (XenAPIError, Unreachable, TimeoutError) as reason:
        await _take_back(app, asked, own)
        raise error("HA_ABORT_NEW_MASTER", reason) from reason
    write(app.root.pool_conf, Broken())
    try:
        await _tell(app, old, "host.commit_new_master", own)
    except XenAPIError as reason:
        write(app.root.pool_conf, Supporter(old))
        await _take_back(app, asked, own)
        raise error("HA_ABORT_NEW_MASTER", reason) from reason
    except Unreachable as reason:
        # Nobody knows whether it has heard: a person must decide.
        light_fuse(app)
        raise error("HA_ABORT_NEW_MASTER", f"{reason}; this host is broken now") from reason
    write(app.root.pool_conf, Coordinator())
    for address in others:
        try:
            await _tell(app, address, "host.commit_new_master", own)
        except (XenAPIError, Unreachable) as reason:
            log.warning("%s has not heard of its new coordinator: %s", address, reason)
    light_fuse(app)


async def _take_back(app: App, asked: list[str], own: str) -> None:
    for address in asked:
        try:
            await _tell(app, address, "host.abort_new_master", own)
        except (XenAPIError, Unreachable) as reason:
            log.info("%s need not be told: %s", address, reason)
