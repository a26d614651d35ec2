"""XenAPI class host: what a host does about being in a pool, asked by the pool's other hosts or in an emergency."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from xapi import errors
from xapi.classes.message import send
from xapi.pool import joining, trust
from xapi.pool.role import Coordinator, replace, write
from xapi.server.context import Context
from xapi.server.registry import implements

PROPOSAL_KEPT: Final = 600.0
HANDOVER_LIMIT: Final = 60.0
"""Seconds after which a coordinator that was asked to hand over goes on, if it was not told to go."""


@implements("host.cert_distrib_atom")
async def cert_distrib_atom(ctx: Context, host: str, command: str) -> str:
    """XenAPI: host.cert_distrib_atom: believe the hosts whose certificates *command* is a JSON object of, and no others."""
    try:
        certificates = msgspec.json.decode(command, type=dict[str, str])
        if not all(trust.is_certificate(text) for text in certificates.values()):
            raise ValueError(command)
        trust.believe(ctx.app.root, certificates)
    except (msgspec.DecodeError, ValueError):
        raise errors.invalid_value("command", command[:40]) from None
    trust.doubt(ctx.app.root, {name.removesuffix(".pem") for name in certificates})
    return ""


@implements("host.update_pool_secret")
async def update_pool_secret(ctx: Context, host: str, pool_secret: str) -> None:
    """XenAPI: host.update_pool_secret."""
    replace(ctx.app.root.pool_secret, pool_secret)


@implements("host.update_master")
async def update_master(ctx: Context, host: str, master_address: str) -> None:
    """XenAPI: host.update_master: as pool.emergency_reset_master, within the pool."""
    joining.become_supporter(ctx.app, master_address)


# -- verification of the other hosts --


@implements("host.emergency_disable_tls_verification")
async def emergency_disable_tls_verification(ctx: Context) -> None:
    """XenAPI: host.emergency_disable_tls_verification: this host believes everybody until it is switched on again."""
    trust.set_verifying(ctx.app.root, False)
    ctx.app.pool.peers.forget()
    if ctx.app.pool.emergency is None:
        ctx.db.set("host", ctx.app.localhost, tls_verification_enabled=False)
        uuid = ctx.db.get("host", ctx.app.localhost, "uuid")
        send(ctx, "TLS_VERIFICATION_EMERGENCY_DISABLED", "Host", uuid, "TLS verification is switched off on this host")


@implements("host.emergency_reenable_tls_verification")
async def emergency_reenable_tls_verification(ctx: Context) -> None:
    """XenAPI: host.emergency_reenable_tls_verification."""
    trust.set_verifying(ctx.app.root, True)
    ctx.app.pool.peers.forget()
    if ctx.app.pool.emergency is None:
        ctx.db.set("host", ctx.app.localhost, tls_verification_enabled=True)


# -- a new coordinator, in two phases --


@dataclass(slots=True)
class Proposal:
    address: str
    at: float


_proposed: dict[int, Proposal] = {}
"""What was proposed to each app of this process (tests have several)."""


@implements("host.propose_new_master")
async def propose_new_master(ctx: Context, address: str, manual: bool) -> None:
    """XenAPI: host.propose_new_master: the first phase. One proposal at a time; an old one is forgotten.

    :raises XenAPIError: INTERNAL_ERROR while another one stands.
    """
    known = _proposed.get(id(ctx.app))
    if known is not None and known.address != address and time.monotonic() - known.at < PROPOSAL_KEPT:
        raise errors.internal_error(f"{known.address} has been proposed already")
    _proposed[id(ctx.app)] = Proposal(address, time.monotonic())
    if ctx.app.pool.is_coordinator:
        # What would be written from now on would be lost.
        ctx.app.pool.emergency = errors.error("HOST_STILL_BOOTING")
        asyncio.get_running_loop().call_later(HANDOVER_LIMIT, _thaw, ctx, address)


def _thaw(ctx: Context, address: str) -> None:
    """Go on as coordinator: the other one has given up, or is gone."""
    known = _proposed.get(id(ctx.app))
    if known is not None and known.address == address:
        del _proposed[id(ctx.app)]
    if known is None or known.address == address:
        ctx.app.pool.emergency = None if ctx.app.pool.is_coordinator else ctx.app.pool.emergency


@implements("host.abort_new_master")
async def abort_new_master(ctx: Context, address: str) -> None:
    """XenAPI: host.abort_new_master. :raises XenAPIError: INTERNAL_ERROR where it was not proposed."""
    known = _proposed.get(id(ctx.app))
    if known is None or known.address != address:
        raise errors.internal_error(f"{address} was not proposed")
    if ctx.app.pool.is_coordinator:
        _thaw(ctx, address)
    else:
        del _proposed[id(ctx.app)]


@implements("host.commit_new_master")
async def commit_new_master(ctx: Context, address: str) -> None:
    """XenAPI: host.commit_new_master: the second phase: this host's coordinator is another one from now on.

    :raises XenAPIError: INTERNAL_ERROR where it was not proposed.
    """
    known = _proposed.pop(id(ctx.app), None)
    if known is None or known.address != address:
        raise errors.internal_error(f"{address} was not proposed")
    if address == ctx.app.config.text("management-address", ""):
        write(ctx.app.root.pool_conf, Coordinator())
        joining.light_fuse(ctx.app)
    else:
        joining.become_supporter(ctx.app, address)
