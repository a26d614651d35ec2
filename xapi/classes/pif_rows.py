"""Making and checking the records of interfaces: what PIFs, VLANs, bonds and tunnels share."""

from typing import Any

from idl.network import InterfaceStatus
from xapi import errors
from xapi.classes.pif_link import is_null, is_slave
from xapi.database.schema import NULL_REF
from xapi.server.context import Context


def bridge_for(device: str) -> str:
    """Return the bridge name of a physical interface: ``eth0`` -> ``xenbr0``."""
    number = device.removeprefix("eth")
    return f"xenbr{number}" if device.startswith("eth") and number.isdecimal() else f"br{device}"[:15]


def introduce_physical(ctx: Context, host: str, interface: InterfaceStatus, managed: bool = True) -> str:
    """Make the rows for a physical interface: metrics, network (unless its bridge has one), PIF."""
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
    network = existing[0] if existing else _network_of_card(ctx, interface, bridge, managed)
    return create(
        ctx,
        device=interface.name,
        network=network,
        host=host,
        MAC=interface.mac,
        MTU=interface.mtu,
        metrics=metrics,
        physical=True,
        managed=managed,
    )


def _network_of_card(ctx: Context, interface: InterfaceStatus, bridge: str, managed: bool) -> str:
    label = f"Pool-wide network associated with {interface.name}"
    return ctx.db.create("network", name_label=label, bridge=bridge, MTU=interface.mtu, managed=managed)


def create(ctx: Context, **fields: Any) -> str:
    """Make a PIF row that is not attached yet, with null references where none are given."""
    blank = {"VLAN": -1, "bond_slave_of": NULL_REF, "VLAN_master_of": NULL_REF, "currently_attached": False}
    return ctx.db.create("PIF", **{**blank, **fields})


def destroy(ctx: Context, pif: str) -> None:
    """Drop a PIF's row, and its metrics unless another PIF has them too (a VLAN has its card's)."""
    metrics = ctx.db.get("PIF", pif, "metrics")
    ctx.db.destroy("PIF", pif)
    if ctx.db.exists("PIF_metrics", metrics) and not ctx.db.where("PIF", metrics=metrics):
        ctx.db.destroy("PIF_metrics", metrics)


def move_address(ctx: Context, source: str, target: str) -> None:
    """Give one PIF's addresses, and its part in managing the host, to another."""
    blank = {
        "ip_configuration_mode": "None", "IP": "", "netmask": "", "gateway": "", "DNS": "", "ipv6_configuration_mode": "None",
        "IPv6": [], "ipv6_gateway": "", "management": False, "disallow_unplug": False,
    }  # fmt: skip
    record = ctx.db.record("PIF", source)
    kept = ctx.db.get("PIF", target, "disallow_unplug") or record["disallow_unplug"]
    moved = {key: record[key] for key in blank} | {"primary_address_type": record["primary_address_type"]}
    ctx.db.set("PIF", target, **{**moved, "disallow_unplug": kept})
    ctx.db.set("PIF", source, **blank)


# Checks, each raising the XenAPIError of its name


def assert_managed(ctx: Context, pif: str) -> None:
    if not ctx.db.get("PIF", pif, "managed"):
        raise errors.error("PIF_UNMANAGED", pif)


def assert_not_management(ctx: Context, pif: str) -> None:
    if ctx.db.get("PIF", pif, "management"):
        raise errors.error("PIF_IS_MANAGEMENT_INTERFACE", pif)


def assert_may_unplug(ctx: Context, pif: str) -> None:
    """:raises XenAPIError: PIF_IS_MANAGEMENT_INTERFACE, PIF_DOES_NOT_ALLOW_UNPLUG."""
    assert_not_management(ctx, pif)
    if ctx.db.get("PIF", pif, "disallow_unplug"):
        raise errors.error("PIF_DOES_NOT_ALLOW_UNPLUG", pif)


def assert_nothing_on_it(ctx: Context, pif: str) -> None:
    """:raises XenAPIError: PIF_VLAN_STILL_EXISTS, PIF_TUNNEL_STILL_EXISTS, PIF_SRIOV_STILL_EXISTS."""
    record = ctx.db.record("PIF", pif)
    for field, code in (
        ("VLAN_slave_of", "PIF_VLAN_STILL_EXISTS"),
        ("tunnel_transport_PIF_of", "PIF_TUNNEL_STILL_EXISTS"),
        ("sriov_physical_PIF_of", "PIF_SRIOV_STILL_EXISTS"),
    ):
        if record[field]:
            raise errors.error(code, pif)


def assert_not_slave(ctx: Context, pif: str, code: str) -> None:
    if is_slave(ctx, pif):
        raise errors.error(code, pif)


def assert_not_vlan(ctx: Context, pif: str) -> None:
    if not is_null(ctx.db.get("PIF", pif, "VLAN_master_of")):
        raise errors.error("PIF_IS_VLAN", pif)


def assert_not_tunnel(ctx: Context, pif: str) -> None:
    if ctx.db.get("PIF", pif, "tunnel_access_PIF_of"):
        raise errors.error("IS_TUNNEL_ACCESS_PIF", pif)


def assert_network_free(ctx: Context, network: str, host: str) -> None:
    """:raises XenAPIError: NETWORK_UNMANAGED; NETWORK_ALREADY_CONNECTED where the network has a PIF on that host."""
    if not ctx.db.get("network", network, "managed"):
        raise errors.error("NETWORK_UNMANAGED", network)
    for pif in ctx.db.get("network", network, "PIFs"):
        if ctx.db.get("PIF", pif, "host") == host:
            raise errors.error("NETWORK_ALREADY_CONNECTED", network, pif)
