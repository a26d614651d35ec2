"""XenAPI class PIF: a host's network interfaces, physical ones first."""

import ipaddress
import re

from idl.network import BridgeConfig, InterfaceConfig, InterfaceStatus, PortConfig, Static4
from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.registry import implements


def bridge_for(device: str) -> str:
    """Return the bridge name of a physical interface: ``eth0`` -> ``xenbr0``."""
    match = re.fullmatch(r"eth(\d+)", device)
    return f"xenbr{match[1]}" if match else f"br{device}"[:15]


@implements("PIF.scan")
async def scan(ctx: Context, host: str) -> None:
    """XenAPI: PIF.scan: make a PIF (and its network) for every physical interface that has none."""
    known = {ctx.db.get("PIF", pif, "device") for pif in ctx.db.get("host", host, "PIFs")}
    for interface in await ctx.services.network.interface_get_all_status(ctx.dbg):
        if interface.is_physical and interface.name not in known:
            introduce_physical(ctx, host, interface)


def introduce_physical(ctx: Context, host: str, interface: InterfaceStatus) -> str:
    """Make the rows for a physical interface: metrics, network, PIF."""
    metrics = ctx.db.create(
        "PIF_metrics",
        carrier=interface.carrier,
        speed=interface.speed,
        device_id=interface.device_id,
        device_name=interface.device_name,
        vendor_id=interface.vendor_id,
        vendor_name=interface.vendor_name,
        pci_bus_path=interface.pci_bus_path,
    )
    bridge = bridge_for(interface.name)
    existing = ctx.db.where("network", bridge=bridge)
    network = (
        existing[0]
        if existing
        else ctx.db.create(
            "network",
            name_label=f"Pool-wide network associated with {interface.name}",
            bridge=bridge,
            MTU=interface.mtu,
            managed=True,
        )
    )
    return ctx.db.create(
        "PIF",
        device=interface.name,
        network=network,
        host=host,
        MAC=interface.mac,
        MTU=interface.mtu,
        VLAN=-1,
        metrics=metrics,
        physical=True,
        ip_configuration_mode="None",
        ipv6_configuration_mode="None",
        managed=True,
    )


def _interface_config(record: dict[str, object]) -> InterfaceConfig:
    """Return what the bridge interface of a PIF is to be configured as."""
    mtu = record["MTU"]
    config = InterfaceConfig(mtu=mtu if isinstance(mtu, int) else 1500, persistent_i=bool(record["management"]))
    match record["ip_configuration_mode"]:
        case "DHCP":
            config.ipv4_conf = "DHCP4"
        case "Static":
            prefix = ipaddress.ip_network(f"0.0.0.0/{record['netmask']}").prefixlen
            config.ipv4_conf = Static4([(str(record["IP"]), prefix)])
            config.ipv4_gateway = str(record["gateway"]) or None
    return config


async def bring_up(ctx: Context, pif: str) -> None:
    """Make the PIF's bridge with the interface in it, and configure its address."""
    record = ctx.db.record("PIF", pif)
    bridge = ctx.db.get("network", record["network"], "bridge")
    port = PortConfig(interfaces=[record["device"]])
    config = BridgeConfig(ports={record["device"]: port}, bridge_mac=record["MAC"], persistent_b=record["management"])
    await ctx.services.network.bridge_make_config(ctx.dbg, conservative=False, config={bridge: config})
    await ctx.services.network.interface_make_config(ctx.dbg, conservative=False, config={bridge: _interface_config(record)})
    ctx.db.set("PIF", pif, currently_attached=True)


@implements("PIF.plug")
async def plug(ctx: Context, self: str) -> None:
    """XenAPI: PIF.plug."""
    await bring_up(ctx, self)


@implements("PIF.unplug")
async def unplug(ctx: Context, self: str) -> None:
    """XenAPI: PIF.unplug. :raises XenAPIError: PIF_DOES_NOT_ALLOW_UNPLUG, PIF_IS_MANAGEMENT_INTERFACE."""
    record = ctx.db.record("PIF", self)
    if record["management"]:
        raise errors.error("PIF_IS_MANAGEMENT_INTERFACE", self)
    if record["disallow_unplug"]:
        raise errors.error("PIF_DOES_NOT_ALLOW_UNPLUG", self)
    bridge = ctx.db.get("network", record["network"], "bridge")
    await ctx.services.network.interface_bring_down(ctx.dbg, bridge)
    await ctx.services.network.bridge_destroy(ctx.dbg, bridge, force=False)
    ctx.db.set("PIF", self, currently_attached=False)


@implements("PIF.set_disallow_unplug")
async def set_disallow_unplug(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: PIF.set_disallow_unplug."""
    ctx.db.set("PIF", self, disallow_unplug=value)


@implements("PIF.set_property")
async def set_property(ctx: Context, self: str, name: str, value: str) -> None:
    """XenAPI: PIF.set_property: only ``gro``."""
    if name != "gro" or value not in ("on", "off"):
        raise errors.invalid_value("properties", f"{name} = {value}")
    ctx.db.put_in_map("PIF", self, "properties", gro=value)


@implements("PIF.introduce")
async def introduce(ctx: Context, host: str, MAC: str, device: str, managed: bool) -> str:
    """XenAPI: PIF.introduce: by MAC address, the device's name being free to choose if empty."""
    wanted = MAC.lower()
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", wanted):
        raise errors.mac_invalid(MAC)
    for interface in await ctx.services.network.interface_get_all_status(ctx.dbg):
        if interface.mac.lower() == wanted:
            if ctx.db.where("PIF", host=host, device=interface.name):
                raise errors.error("DUPLICATE_PIF_DEVICE_NAME", interface.name)
            return introduce_physical(ctx, host, interface)
    raise errors.error("COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS", device, MAC)


@implements("PIF.forget")
async def forget(ctx: Context, self: str) -> None:
    """XenAPI: PIF.forget: drop the records of a physical interface."""
    record = ctx.db.record("PIF", self)
    if not record["physical"]:
        raise errors.error("PIF_IS_VLAN", self)
    if record["management"]:
        raise errors.error("PIF_IS_MANAGEMENT_INTERFACE", self)
    if record["metrics"] != NULL_REF and ctx.db.exists("PIF_metrics", record["metrics"]):
        ctx.db.destroy("PIF_metrics", record["metrics"])
    ctx.db.destroy("PIF", self)


async def refresh(ctx: Context, host: str) -> None:
    """Bring the PIF rows of this host up to date with its interfaces (addresses, carrier, speed)."""
    status = {entry.name: entry for entry in await ctx.services.network.interface_get_all_status(ctx.dbg)}
    for pif in ctx.db.get("host", host, "PIFs"):
        record = ctx.db.record("PIF", pif)
        interface = status.get(record["device"])
        if interface is None:
            continue
        ctx.db.set("PIF", pif, MAC=interface.mac, MTU=interface.mtu)
        if ctx.db.exists("PIF_metrics", record["metrics"]):
            ctx.db.set("PIF_metrics", record["metrics"], carrier=interface.carrier, speed=interface.speed)
