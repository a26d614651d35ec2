"""XenAPI class tunnel: a network carried over a host's interface; Open vSwitch's controller connects the hosts."""

from contextlib import AsyncExitStack

from idl.network import Kind
from xapi import errors
from xapi.classes import pif_rows as rows
from xapi.classes.pif_link import bring_down, bring_up
from xapi.planning.interface_config import tunnel_device
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("tunnel.create")
async def create(ctx: Context, transport_PIF: str, network: str, protocol: str) -> str:
    """XenAPI: tunnel.create.

    :raises XenAPIError: OPENVSWITCH_NOT_ACTIVE, PIF_UNMANAGED, IS_TUNNEL_ACCESS_PIF, CANNOT_ADD_TUNNEL_TO_BOND_SLAVE,
        NETWORK_ALREADY_CONNECTED, NETWORK_UNMANAGED, TRANSPORT_PIF_NOT_CONFIGURED.
    """
    if await ctx.services.network.bridge_get_kind(ctx.dbg) is not Kind.OPENVSWITCH:
        raise errors.error("OPENVSWITCH_NOT_ACTIVE")
    rows.assert_managed(ctx, transport_PIF)
    rows.assert_not_tunnel(ctx, transport_PIF)
    rows.assert_not_slave(ctx, transport_PIF, "CANNOT_ADD_TUNNEL_TO_BOND_SLAVE")
    transport = ctx.db.record("PIF", transport_PIF)
    rows.assert_network_free(ctx, network, transport["host"])
    if transport["ip_configuration_mode"] == "None":
        raise errors.error("TRANSPORT_PIF_NOT_CONFIGURED", transport_PIF)
    taken = [ctx.db.get("PIF", pif, "device") for pif in ctx.db.get("host", transport["host"], "PIFs")]
    async with AsyncExitStack() as stack:
        metrics = ctx.db.create("PIF_metrics")
        access = rows.create(
            ctx,
            device=tunnel_device(taken),
            network=network,
            host=transport["host"],
            MAC=transport["MAC"],
            MTU=ctx.db.get("network", network, "MTU"),
            metrics=metrics,
            physical=False,
        )
        stack.callback(rows.destroy, ctx, access)
        tunnel = ctx.db.create("tunnel", access_PIF=access, transport_PIF=transport_PIF, protocol=protocol)
        stack.callback(ctx.db.destroy, "tunnel", tunnel)
        await bring_up(ctx, access)
        stack.pop_all()
    return tunnel


@implements("tunnel.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: tunnel.destroy. :raises XenAPIError: PIF_IS_MANAGEMENT_INTERFACE, PIF_DOES_NOT_ALLOW_UNPLUG."""
    access = ctx.db.get("tunnel", self, "access_PIF")
    if ctx.db.exists("PIF", access):
        rows.assert_may_unplug(ctx, access)
        await bring_down(ctx, access)
        rows.destroy(ctx, access)
    ctx.db.destroy("tunnel", self)
