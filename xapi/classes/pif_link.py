"""Bringing a host's interfaces up and down: a PIF's bridge, and what it stands on, through the networking daemon."""

from typing import Any

from idl.network import BridgeConfig, Kind, PortConfig
from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.planning.interface_config import interface_config, netmask_of, port_properties
from xapi.server.context import Context


def is_null(ref: str) -> bool:
    """Whether a reference field points nowhere; records of old have an empty one."""
    return ref in ("", NULL_REF)


def is_slave(ctx: Context, pif: str) -> bool:
    """Whether the PIF is part of a bond."""
    return not is_null(ctx.db.get("PIF", pif, "bond_slave_of"))


async def bring_up(ctx: Context, pif: str) -> None:
    """Make the PIF's bridge and configure its address; what it stands on (a VLAN's card, a tunnel's) comes up first.

    :raises XenAPIError: CANNOT_PLUG_BOND_SLAVE, PIF_UNMANAGED, OPENVSWITCH_NOT_ACTIVE.
    """
    record = ctx.db.record("PIF", pif)
    if not record["managed"]:
        raise errors.error("PIF_UNMANAGED", pif)
    if is_slave(ctx, pif):
        raise errors.error("CANNOT_PLUG_BOND_SLAVE", pif)
    network = ctx.db.record("network", record["network"])
    bridge = network["bridge"]
    config = await _bridge(ctx, record, network)
    await ctx.services.network.bridge_make_config(ctx.dbg, conservative=False, config={bridge: config})
    interface = interface_config(record, network)
    await ctx.services.network.interface_make_config(ctx.dbg, conservative=False, config={bridge: interface})
    if not ctx.db.exists("PIF", pif):
        return
    ctx.db.set("PIF", pif, currently_attached=True)
    for tunnel in record["tunnel_access_PIF_of"]:
        ctx.db.set("tunnel", tunnel, status={"active": "true"})
    await read_address(ctx, pif)


async def _bridge(ctx: Context, record: dict[str, Any], network: dict[str, Any]) -> BridgeConfig:
    config = BridgeConfig(
        bridge_mac=record["MAC"] or None,
        other_config=network["other_config"],
        igmp_snooping=ctx.db.get("pool", ctx.db.refs("pool")[0], "igmp_snooping_enabled"),
        persistent_b=record["management"],
    )
    if not is_null(record["VLAN_master_of"]):
        vlan = ctx.db.record("VLAN", record["VLAN_master_of"])
        config.vlan = (await _parent_bridge(ctx, vlan["tagged_PIF"]), vlan["tag"])
    elif record["tunnel_access_PIF_of"]:
        if await ctx.services.network.bridge_get_kind(ctx.dbg) is not Kind.OPENVSWITCH:
            raise errors.error("OPENVSWITCH_NOT_ACTIVE")
        await _parent_bridge(ctx, ctx.db.get("tunnel", record["tunnel_access_PIF_of"][0], "transport_PIF"))
    elif record["bond_master_of"]:
        config.ports = {record["device"]: _bonded(ctx, record)}
    else:
        config.ports = {record["device"]: PortConfig(interfaces=[record["device"]])}
    return config


async def _parent_bridge(ctx: Context, pif: str) -> str:
    """Return the bridge under a VLAN or tunnel, up."""
    if not ctx.db.get("PIF", pif, "currently_attached"):
        await bring_up(ctx, pif)
    return str(ctx.db.get("network", ctx.db.get("PIF", pif, "network"), "bridge"))


def _bonded(ctx: Context, record: dict[str, Any]) -> PortConfig:
    bond = ctx.db.record("Bond", record["bond_master_of"][0])
    return PortConfig(
        interfaces=[ctx.db.get("PIF", slave, "device") for slave in bond["slaves"]],
        bond_mac=record["MAC"] or None,
        bond_properties=port_properties(bond["mode"], bond["properties"], record["other_config"]),
    )


async def bring_down(ctx: Context, pif: str) -> None:
    """Take the PIF's address away, and its bridge unless a VLAN that is in use sits on it."""
    record = ctx.db.record("PIF", pif)
    bridge = ctx.db.get("network", record["network"], "bridge")
    if bridge in await ctx.services.network.bridge_get_all(ctx.dbg):
        await ctx.services.network.interface_bring_down(ctx.dbg, bridge)
        if not any(ctx.db.get("PIF", child, "currently_attached") for child in children(ctx, pif)):
            await ctx.services.network.bridge_destroy(ctx.dbg, bridge, force=False)
    if ctx.db.exists("PIF", pif):
        ctx.db.set("PIF", pif, currently_attached=False)
        for tunnel in record["tunnel_access_PIF_of"]:
            ctx.db.set("tunnel", tunnel, status={"active": "false"})


def children(ctx: Context, pif: str) -> list[str]:
    """Return the PIFs that stand on a PIF: its VLANs and tunnels."""
    record = ctx.db.record("PIF", pif)
    return [
        *(ctx.db.get("VLAN", vlan, "untagged_PIF") for vlan in record["VLAN_slave_of"]),
        *(ctx.db.get("tunnel", tunnel, "access_PIF") for tunnel in record["tunnel_transport_PIF_of"]),
    ]


async def read_address(ctx: Context, pif: str) -> None:
    """Write the address that DHCP or the router gave to an attached PIF into its record."""
    record = ctx.db.record("PIF", pif)
    wants4, wants6 = record["ip_configuration_mode"] == "DHCP", record["ipv6_configuration_mode"] in ("DHCP", "Autoconf")
    if not (wants4 or wants6):
        return
    bridge = ctx.db.get("network", record["network"], "bridge")
    status = await ctx.services.network.interface_get_status(ctx.dbg, bridge)
    if wants4:
        gateway = await ctx.services.network.interface_get_ipv4_gateway(ctx.dbg, bridge)
        servers, _ = await ctx.services.network.interface_get_dns(ctx.dbg, bridge)
        address, prefix = status.ipv4[0] if status.ipv4 else ("", 0)
        mask = netmask_of(prefix) if address else ""
        ctx.db.set("PIF", pif, IP=address, netmask=mask, gateway=gateway or "", DNS=",".join(servers) if address else "")
    if wants6:
        ctx.db.set("PIF", pif, IPv6=[f"{address}/{prefix}" for address, prefix in status.ipv6])
