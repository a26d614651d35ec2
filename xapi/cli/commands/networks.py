"""Commands about VLANs, tunnels and the addresses of virtual interfaces."""

from typing import Final

from xapi.cli import enum_texts, values
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure
from xapi.errors import XenAPIError


async def vlan_create(ctx: Context) -> None:
    """Prints the uuid of the new PIF, not that of the VLAN."""
    pif = await ctx.api.call("PIF.get_by_uuid", ctx.arguments.required("pif-uuid"))
    network = await ctx.api.call("network.get_by_uuid", ctx.arguments.required("network-uuid"))
    tag = values.integer("vlan", ctx.arguments.required("vlan"))
    vlan = await ctx.api.call("VLAN.create", pif, tag, network)
    new = await ctx.api.call("VLAN.get_untagged_PIF", vlan)
    ctx.printer.list([await ctx.api.call("PIF.get_uuid", new)])


async def vlan_destroy(ctx: Context) -> None:
    """Of the VLAN's uuid or, as in old scripts, that of its PIF."""
    uuid = ctx.arguments.required("uuid")
    try:
        vlan = await ctx.api.call("VLAN.get_by_uuid", uuid)
    except XenAPIError as error:
        if error.code != "UUID_INVALID":
            raise
        await ctx.api.call("PIF.destroy", await ctx.api.call("PIF.get_by_uuid", uuid))
    else:
        await ctx.api.call("VLAN.destroy", vlan)


async def tunnel_create(ctx: Context) -> None:
    """Prints the uuid of the new PIF, not that of the tunnel."""
    pif = await ctx.api.call("PIF.get_by_uuid", ctx.arguments.required("pif-uuid"))
    network = await ctx.api.call("network.get_by_uuid", ctx.arguments.required("network-uuid"))
    protocol = enum_texts.parse("tunnel_protocol", "protocol", ctx.arguments.text("protocol", "gre"))
    tunnel = await ctx.api.call("tunnel.create", pif, network, protocol)
    new = await ctx.api.call("tunnel.get_access_PIF", tunnel)
    ctx.printer.list([await ctx.api.call("PIF.get_uuid", new)])


def _configure(version: str) -> Run:
    async def run(ctx: Context) -> None:
        arguments = ctx.arguments
        vif = await ctx.api.call("VIF.get_by_uuid", arguments.required("uuid"))
        mode = enum_texts.parse(f"vif_{version}_configuration_mode", "mode", arguments.required("mode"))
        address = arguments.text("address")
        if mode == "Static" and not address:
            raise CommandFailure("The mode static needs address=")
        await ctx.api.call(f"VIF.configure_{version}", vif, mode, address, arguments.text("gateway"))

    return run


COMMANDS: Final = (
    Command("vlan-create", vlan_create, ("pif-uuid", "vlan", "network-uuid")),
    Command("vlan-destroy", vlan_destroy, ("uuid",)),
    Command("tunnel-create", tunnel_create, ("pif-uuid", "network-uuid"), ("protocol",)),
    Command("vif-configure-ipv4", _configure("ipv4"), ("uuid", "mode"), ("address", "gateway")),
    Command("vif-configure-ipv6", _configure("ipv6"), ("uuid", "mode"), ("address", "gateway")),
)
