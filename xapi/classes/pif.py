"""XenAPI class PIF: a host's network interfaces."""

import re
from typing import Any

from xapi import errors
from xapi.classes import pif_rows as rows
from xapi.classes.pif_link import bring_down, bring_up, is_null, read_address
from xapi.planning.interface_config import assert_address, assert_cidr6, name_servers, prefix_length
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("PIF.scan")
async def scan(ctx: Context, host: str) -> None:
    """XenAPI: PIF.scan: make a PIF (and its network) for every physical interface that has none."""
    known = {ctx.db.get("PIF", pif, "device") for pif in ctx.db.get("host", host, "PIFs")}
    for interface in await ctx.services.network.interface_get_all_status(ctx.dbg):
        if interface.is_physical and interface.name not in known:
            rows.introduce_physical(ctx, host, interface)


@implements("PIF.introduce")
async def introduce(ctx: Context, host: str, MAC: str, device: str, managed: bool) -> str:
    """XenAPI: PIF.introduce: by MAC address, by the device's name, or by both.

    :raises XenAPIError: MAC_INVALID, DUPLICATE_PIF_DEVICE_NAME,
        COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS.
    """
    wanted = MAC.lower()
    if wanted and not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", wanted):
        raise errors.mac_invalid(MAC)
    for interface in await ctx.services.network.interface_get_all_status(ctx.dbg):
        if not (wanted or device) or not interface.is_physical:
            continue
        if wanted in ("", interface.mac.lower()) and device in ("", interface.name):
            if ctx.db.where("PIF", host=host, device=interface.name, VLAN=-1):
                raise errors.error("DUPLICATE_PIF_DEVICE_NAME", interface.name)
            return rows.introduce_physical(ctx, host, interface, managed)
    raise errors.error("COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS", device, MAC)


@implements("PIF.db_introduce", "PIF.pool_introduce")
async def db_introduce(ctx: Context, *values: Any) -> str:
    """XenAPI: PIF.db_introduce: a record and nothing else."""
    return rows.create(ctx, **dict(zip(_INTRODUCED, values, strict=True)))


_INTRODUCED = (
    "device", "network", "host", "MAC", "MTU", "VLAN", "physical", "ip_configuration_mode", "IP", "netmask", "gateway", "DNS",
    "bond_slave_of", "VLAN_master_of", "management", "other_config", "disallow_unplug", "ipv6_configuration_mode", "IPv6",
    "ipv6_gateway", "primary_address_type", "managed", "properties",
)  # fmt: skip


@implements("PIF.db_forget")
async def db_forget(ctx: Context, self: str) -> None:
    """XenAPI: PIF.db_forget: the record and nothing else."""
    rows.destroy(ctx, self)


@implements("PIF.forget")
async def forget(ctx: Context, self: str) -> None:
    """XenAPI: PIF.forget: take a physical interface down and drop its records.

    :raises XenAPIError: PIF_IS_NOT_PHYSICAL, PIF_IS_MANAGEMENT_INTERFACE, PIF_ALREADY_BONDED, PIF_VLAN_STILL_EXISTS,
        PIF_TUNNEL_STILL_EXISTS, PIF_SRIOV_STILL_EXISTS.
    """
    rows.assert_not_vlan(ctx, self)
    if not ctx.db.get("PIF", self, "physical"):
        raise errors.error("PIF_IS_NOT_PHYSICAL", self)
    rows.assert_not_management(ctx, self)
    rows.assert_not_slave(ctx, self, "PIF_ALREADY_BONDED")
    rows.assert_nothing_on_it(ctx, self)
    if ctx.db.get("PIF", self, "currently_attached") and ctx.db.get("PIF", self, "managed"):
        await bring_down(ctx, self)
    rows.destroy(ctx, self)


@implements("PIF.plug")
async def plug(ctx: Context, self: str) -> None:
    """XenAPI: PIF.plug. :raises XenAPIError: PIF_UNMANAGED, CANNOT_PLUG_BOND_SLAVE."""
    await bring_up(ctx, self)


@implements("PIF.unplug")
async def unplug(ctx: Context, self: str) -> None:
    """XenAPI: PIF.unplug. :raises XenAPIError: PIF_UNMANAGED, PIF_IS_MANAGEMENT_INTERFACE, PIF_DOES_NOT_ALLOW_UNPLUG."""
    rows.assert_managed(ctx, self)
    rows.assert_may_unplug(ctx, self)
    await bring_down(ctx, self)


@implements("PIF.set_disallow_unplug")
async def set_disallow_unplug(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: PIF.set_disallow_unplug."""
    ctx.db.set("PIF", self, disallow_unplug=value)


@implements("PIF.set_property")
async def set_property(ctx: Context, self: str, name: str, value: str) -> None:
    """XenAPI: PIF.set_property: only ``gro``, of a card or bond.

    :raises XenAPIError: INVALID_VALUE, CANNOT_CHANGE_PIF_PROPERTIES.
    """
    record = ctx.db.record("PIF", self)
    if name != "gro" or value not in ("on", "off"):
        raise errors.invalid_value("properties", f"{name} = {value}")
    if not is_null(record["VLAN_master_of"]) or record["tunnel_access_PIF_of"] or not is_null(record["bond_slave_of"]):
        raise errors.error("CANNOT_CHANGE_PIF_PROPERTIES", self)
    ctx.db.put_in_map("PIF", self, "properties", gro=value)
    await _apply(ctx, self)


async def _apply(ctx: Context, pif: str) -> None:
    """Have a change of the record take effect where the interface is up."""
    if ctx.db.get("PIF", pif, "currently_attached"):
        await bring_up(ctx, pif)


async def _change(ctx: Context, pif: str, **fields: Any) -> None:
    """Write fields and apply them; what cannot be applied is taken back."""
    before = {name: ctx.db.get("PIF", pif, name) for name in fields}
    ctx.db.set("PIF", pif, **fields)
    try:
        await _apply(ctx, pif)
    except BaseException:
        ctx.db.set("PIF", pif, **before)
        raise


@implements("PIF.reconfigure_ip")
async def reconfigure_ip(ctx: Context, self: str, mode: str, IP: str, netmask: str, gateway: str, DNS: str) -> None:
    """XenAPI: PIF.reconfigure_ip.

    :raises XenAPIError: INVALID_IP_ADDRESS_SPECIFIED [parameter], PIF_UNMANAGED, CANNOT_PLUG_BOND_SLAVE,
        PIF_IS_MANAGEMENT_INTERFACE where the host would be left without an address.
    """
    rows.assert_managed(ctx, self)
    rows.assert_not_slave(ctx, self, "CANNOT_PLUG_BOND_SLAVE")
    if mode == "None" and ctx.db.get("PIF", self, "primary_address_type") == "IPv4":
        rows.assert_not_management(ctx, self)
    if mode == "Static":
        assert_address(IP, "IP")
        prefix_length(netmask)
        if gateway:
            assert_address(gateway, "gateway")
        for server in name_servers(DNS):
            assert_address(server, "DNS", 6 if ":" in server else 4)
        values = {"IP": IP, "netmask": netmask, "gateway": gateway, "DNS": DNS}
    else:
        values = dict.fromkeys(("IP", "netmask", "gateway", "DNS"), "")
    await _change(ctx, self, ip_configuration_mode=mode, **values)


@implements("PIF.reconfigure_ipv6")
async def reconfigure_ipv6(ctx: Context, self: str, mode: str, IPv6: str, gateway: str, DNS: str) -> None:
    """XenAPI: PIF.reconfigure_ipv6; *IPv6* is ``<address>/<prefix length>``.

    :raises XenAPIError: INVALID_CIDR_ADDRESS_SPECIFIED, INVALID_IP_ADDRESS_SPECIFIED [parameter], and as `reconfigure_ip`.
    """
    rows.assert_managed(ctx, self)
    rows.assert_not_slave(ctx, self, "CANNOT_PLUG_BOND_SLAVE")
    if mode == "None" and ctx.db.get("PIF", self, "primary_address_type") == "IPv6":
        rows.assert_not_management(ctx, self)
    static = mode == "Static"
    if static:
        assert_cidr6(IPv6, "IPv6")
        if gateway:
            assert_address(gateway, "gateway", 6)
        for server in name_servers(DNS):
            assert_address(server, "DNS", 6 if ":" in server else 4)
    fields: dict[str, Any] = {"IPv6": [IPv6] if static else [], "ipv6_gateway": gateway if static else ""}
    if static and DNS:
        fields["DNS"] = DNS
    await _change(ctx, self, ipv6_configuration_mode=mode, **fields)


@implements("PIF.set_primary_address_type")
async def set_primary_address_type(ctx: Context, self: str, primary_address_type: str) -> None:
    """XenAPI: PIF.set_primary_address_type.

    :raises XenAPIError: PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE where the PIF has no address of that type.
    """
    record = ctx.db.record("PIF", self)
    mode = record["ip_configuration_mode" if primary_address_type == "IPv4" else "ipv6_configuration_mode"]
    if mode == "None":
        raise errors.error("PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE", self)
    ctx.db.set("PIF", self, primary_address_type=primary_address_type)


async def refresh(ctx: Context, host: str) -> None:
    """Bring the PIF rows of this host up to date with its interfaces: which are up, carrier, speed, addresses."""
    status = {entry.name: entry for entry in await ctx.services.network.interface_get_all_status(ctx.dbg)}
    bridges = set(await ctx.services.network.bridge_get_all(ctx.dbg))
    for pif in ctx.db.get("host", host, "PIFs"):
        record = ctx.db.record("PIF", pif)
        up = ctx.db.get("network", record["network"], "bridge") in bridges
        ctx.db.set("PIF", pif, currently_attached=up and is_null(record["bond_slave_of"]))
        if up:
            await read_address(ctx, pif)
        interface = status.get(record["device"])
        if interface is None or not record["physical"]:
            continue
        ctx.db.set("PIF", pif, MAC=interface.mac, MTU=interface.mtu)
        if ctx.db.exists("PIF_metrics", record["metrics"]):
            ctx.db.set("PIF_metrics", record["metrics"], carrier=interface.carrier, speed=interface.speed)
