"""XenAPI class VLAN: a tag on a card or bond, joined to a network; and the older messages that make one."""

from contextlib import AsyncExitStack

from xapi import errors
from xapi.classes import pif_rows as rows
from xapi.classes.pif_link import bring_down, bring_up, is_null
from xapi.planning.interface_config import TAGS
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("VLAN.create")
async def create(ctx: Context, tagged_PIF: str, tag: int, network: str) -> str:
    """XenAPI: VLAN.create: *tagged_PIF* is the card or bond whose frames get the tag; the new PIF sees them without it.

    :raises XenAPIError: VLAN_TAG_INVALID, PIF_UNMANAGED, PIF_IS_VLAN, CANNOT_ADD_VLAN_TO_BOND_SLAVE, IS_TUNNEL_ACCESS_PIF,
        PIF_VLAN_EXISTS [pif], NETWORK_ALREADY_CONNECTED, NETWORK_UNMANAGED, VLAN_IN_USE [device; tag].
    """
    _assert_may_tag(ctx, tagged_PIF, tag)
    record = ctx.db.record("PIF", tagged_PIF)
    rows.assert_network_free(ctx, network, record["host"])
    async with AsyncExitStack() as stack:
        untagged = rows.create(
            ctx,
            device=record["device"],
            network=network,
            host=record["host"],
            MAC=record["MAC"],
            MTU=ctx.db.get("network", network, "MTU"),
            VLAN=tag,
            metrics=record["metrics"],
            physical=False,
        )
        stack.callback(rows.destroy, ctx, untagged)
        vlan = ctx.db.create("VLAN", tagged_PIF=tagged_PIF, untagged_PIF=untagged, tag=tag)
        stack.callback(ctx.db.destroy, "VLAN", vlan)
        ctx.db.set("PIF", untagged, VLAN_master_of=vlan)
        await bring_up(ctx, untagged)
        stack.pop_all()
    return vlan


def _assert_may_tag(ctx: Context, pif: str, tag: int) -> None:
    if tag not in TAGS:
        raise errors.vlan_tag_invalid(tag)
    rows.assert_managed(ctx, pif)
    rows.assert_not_vlan(ctx, pif)
    rows.assert_not_slave(ctx, pif, "CANNOT_ADD_VLAN_TO_BOND_SLAVE")
    rows.assert_not_tunnel(ctx, pif)
    for vlan in ctx.db.get("PIF", pif, "VLAN_slave_of"):
        if ctx.db.get("VLAN", vlan, "tag") == tag:
            raise errors.error("PIF_VLAN_EXISTS", ctx.db.get("VLAN", vlan, "untagged_PIF"))


@implements("VLAN.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VLAN.destroy. :raises XenAPIError: PIF_IS_MANAGEMENT_INTERFACE, PIF_DOES_NOT_ALLOW_UNPLUG,
    PIF_TUNNEL_STILL_EXISTS."""
    untagged = ctx.db.get("VLAN", self, "untagged_PIF")
    if ctx.db.exists("PIF", untagged):
        rows.assert_may_unplug(ctx, untagged)
        rows.assert_nothing_on_it(ctx, untagged)
        await bring_down(ctx, untagged)
        rows.destroy(ctx, untagged)
    ctx.db.destroy("VLAN", self)


@implements("VLAN.pool_introduce")
async def pool_introduce(ctx: Context, tagged_PIF: str, untagged_PIF: str, tag: int, other_config: dict[str, str]) -> str:
    """XenAPI: VLAN.pool_introduce: a record and nothing else."""
    vlan = ctx.db.create("VLAN", tagged_PIF=tagged_PIF, untagged_PIF=untagged_PIF, tag=tag, other_config=other_config)
    ctx.db.set("PIF", untagged_PIF, VLAN_master_of=vlan)
    return vlan


# Older ways to the same


def _card(ctx: Context, host: str, device: str) -> str:
    """:raises XenAPIError: INVALID_VALUE for a device that the host has not."""
    for pif in ctx.db.where("PIF", host=host, device=device):
        if is_null(ctx.db.get("PIF", pif, "VLAN_master_of")):
            return pif
    raise errors.invalid_value("device", device)


async def _untagged(ctx: Context, tagged_pif: str, tag: int, network: str) -> str:
    return str(ctx.db.get("VLAN", await create(ctx, tagged_pif, tag, network), "untagged_PIF"))


@implements("PIF.create_VLAN")
async def create_by_device(ctx: Context, device: str, network: str, host: str, VLAN: int) -> str:
    """XenAPI: PIF.create_VLAN."""
    return await _untagged(ctx, _card(ctx, host, device), VLAN, network)


@implements("pool.create_VLAN")
async def create_everywhere(ctx: Context, device: str, network: str, VLAN: int) -> list[str]:
    """XenAPI: pool.create_VLAN: on every host, or on none."""
    made: list[str] = []
    try:
        for host in ctx.db.refs("host"):
            made.append(await create_by_device(ctx, device, network, host, VLAN))
    except BaseException:
        for pif in made:
            await destroy(ctx, ctx.db.get("PIF", pif, "VLAN_master_of"))
        raise
    return made


@implements("pool.create_VLAN_from_PIF")
async def create_from_pif(ctx: Context, pif: str, network: str, VLAN: int) -> list[str]:
    """XenAPI: pool.create_VLAN_from_PIF: on the PIF's own host, and on the others where their PIFs of its network are."""
    rows.assert_not_vlan(ctx, pif)
    made: list[str] = []
    try:
        for sibling in ctx.db.get("network", ctx.db.get("PIF", pif, "network"), "PIFs"):
            made.append(await _untagged(ctx, sibling, VLAN, network))
    except BaseException:
        for untagged in made:
            await destroy(ctx, ctx.db.get("PIF", untagged, "VLAN_master_of"))
        raise
    return made


@implements("PIF.destroy")
async def destroy_pif(ctx: Context, self: str) -> None:
    """XenAPI: PIF.destroy: only of a VLAN. :raises XenAPIError: PIF_IS_PHYSICAL."""
    vlan = ctx.db.get("PIF", self, "VLAN_master_of")
    if is_null(vlan):
        raise errors.pif_is_physical(self)
    await destroy(ctx, vlan)
