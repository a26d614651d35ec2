"""The joining host's side of ``pool.join``: look, ask whether it may, exchange secrets, move in, start again as supporter.

Nothing of this host changes before the pool's database has its objects; then three files are written, the role last. A
failure or a crash at any step leaves a pool of one from which the same command works again: what the pool then has of
us already is written over.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncIterator
from typing import Final

from xapi import errors
from xapi.database.schema import from_model
from xapi.errors import XenAPIError, error
from xapi.planning import pool_join
from xapi.pool import trust, wire
from xapi.pool.link import PATH
from xapi.pool.merge import merge
from xapi.pool.peers import Peers, Unreachable
from xapi.pool.replica import Replica
from xapi.pool.role import Supporter, replace, write
from xapi.pool.sides import side
from xapi.server.context import RESTART, App, Context

log = logging.getLogger(__name__)

PATIENCE: Final = 60.0
FUSE: Final = 1.0
"""Seconds between the answer and our going: the client is to hear it."""


@contextlib.asynccontextmanager
async def foreign_database(peers: Peers, address: str, secret: str, *, verify: bool) -> AsyncIterator[Replica]:
    """A live copy of another pool's database, which can be written too. :raises Unreachable:"""
    headers = {"Cookie": f"pool_secret={secret}", "Connection": "close"}
    status, line = await peers.open(address, "POST", PATH, headers, verify=verify)
    if status != 200:
        line.writer.close()
        raise Unreachable(f"{address}: HTTP status {status}")
    copy = Replica(from_model())
    line.writer.write(wire.frame(wire.Hello(wire.PROTOCOL, "", str(uuid.uuid4()), "", 0, time.time(), guest=True)))

    async def read() -> None:
        while True:
            message = wire.from_coordinator.decode(await wire.read(line.reader))
            if not isinstance(message, wire.Keep):
                copy.take(message)

    reading = asyncio.create_task(read())
    try:
        copy.connected(lambda batch: line.writer.write(wire.frame(batch)))
        waiting = asyncio.create_task(copy.reached(1))
        await asyncio.wait((waiting, reading), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        if not waiting.done():
            waiting.cancel()
            raise Unreachable(f"{address}: {reading.exception() if reading.done() else 'no answer'}")
        yield copy
    except ConnectionError as reason:
        raise Unreachable(f"{address}: {reason}") from reason
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        line.writer.close()


async def join(ctx: Context, address: str, user: str, password: str, *, force: bool) -> None:
    """Make this host a supporter of the pool at *address*.

    :raises XenAPIError: a pre-join check's, HOST_IS_SLAVE, SESSION_AUTHENTICATION_FAILED, JOINING_HOST_CONNECTION_FAILED.
    """
    app, peers = ctx.app, ctx.app.pool.peers
    if address == app.config.text("management-address", ""):
        raise errors.operation_not_allowed("Host cannot become slave of itself")
    try:
        session = str(await peers.call(address, "session.login_with_password", user, password, "1.0", "pool.join", verify=False))
        try:
            await _join(ctx, address, session, force=force)
        finally:
            with contextlib.suppress(XenAPIError, Unreachable):
                await peers.call(address, "session.logout", session, verify=False)
    except Unreachable as reason:
        log.warning("joining %s: %s", address, reason)
        raise error("JOINING_HOST_CONNECTION_FAILED") from reason


async def _join(ctx: Context, address: str, session: str, *, force: bool) -> None:
    app, peers = ctx.app, ctx.app.pool.peers
    secret = str(await peers.call(address, "pool.initial_auth", session, verify=False))
    async with foreign_database(peers, address, secret, verify=False) as remote:
        theirs = side(remote)
        pool_join.check(side(ctx.db), theirs, force=force)
    await _exchange_certificates(ctx, address, session, theirs.uuid)
    ctx.progress(0.3)
    # From here on we know whom we talk to.
    async with foreign_database(peers, address, secret, verify=trust.is_verifying(app.root)) as remote:
        # Once more: it may have changed while we were trusting each other.
        pool_join.check(side(ctx.db), side(remote), force=force)
        merge(ctx.db, remote)
        await asyncio.wait_for(remote.durable(), PATIENCE)
    ctx.progress(0.9)
    become_supporter(app, address, secret)


async def _exchange_certificates(ctx: Context, address: str, session: str, coordinator: str) -> None:
    """Give the pool our certificate and take those of its hosts."""
    root, peers = ctx.app.root, ctx.app.pool.peers
    own, own_uuid = trust.own_certificate(root), ctx.app.inventory["INSTALLATION_UUID"]
    theirs = await peers.call(address, "pool.exchange_certificates_on_join", session, own_uuid, own, verify=False)
    if f"{coordinator}.pem" not in theirs:
        raise error("POOL_JOINING_MASTER_CERTIFICATE_NOT_IN_POOL_BUNDLE", coordinator)
    trust.believe(root, {**theirs, f"{own_uuid}.pem": own})
    if not trust.members(root):
        raise error("POOL_JOINING_POOL_BUNDLE_EMPTY_AFTER_IMPORT", str(root.under(trust.BUNDLE)))


def become_supporter(app: App, address: str, secret: str | None = None) -> None:
    """Write the new role, and start again with it soon."""
    if secret is not None:
        replace(app.root.pool_secret, secret)
    write(app.root.pool_conf, Supporter(address))
    light_fuse(app)


def light_fuse(app: App) -> None:
    """Start this process again, once the caller has its answer."""

    async def burn() -> None:
        await asyncio.sleep(app.config.number("fuse_time", FUSE))
        app.leave(RESTART)

    app.spawn(burn(), "fuse")
