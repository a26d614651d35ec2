"""XenAPI class Bond: several cards of a host as one interface.

The bond takes over what its first (or managing) card had: address, VLANs, tunnels, and the guests on the cards' networks;
destroying it gives everything back to that card.
"""

from contextlib import AsyncExitStack

from xapi import errors
from xapi.classes import pif_rows as rows
from xapi.classes import vif
from xapi.classes.pif_link import bring_down, bring_up, children, is_null
from xapi.database.schema import NULL_REF
from xapi.planning.interface_config import bond_device, bond_properties
from xapi.server.context import Context
from xapi.server.registry import implements


def _primary(ctx: Context, members: list[str]) -> str:
    """Return the member whose identity the bond takes: the one that manages the host, has an address, or is first.

    :raises XenAPIError: PIF_BOND_MORE_THAN_ONE_IP.
    """
    records = {pif: ctx.db.record("PIF", pif) for pif in members}
    addressed = [
        pif
        for pif, record in records.items()
        if record["ip_configuration_mode"] != "None" or record["ipv6_configuration_mode"] != "None"
    ]
    if len(addressed) > 1:
        raise errors.error("PIF_BOND_MORE_THAN_ONE_IP")
    managing = [pif for pif, record in records.items() if record["management"]]
    return [*managing, *addressed, *members][0]


def _assert_may_join(ctx: Context, pif: str) -> None:
    rows.assert_managed(ctx, pif)
    rows.assert_not_slave(ctx, pif, "PIF_ALREADY_BONDED")
    rows.assert_not_vlan(ctx, pif)
    rows.assert_not_tunnel(ctx, pif)
    if not ctx.db.get("PIF", pif, "physical"):
        raise errors.error("PIF_IS_NOT_PHYSICAL", pif)


@implements("Bond.create")
async def create(ctx: Context, network: str, members: list[str], MAC: str, mode: str, properties: dict[str, str]) -> str:
    """XenAPI: Bond.create; without *MAC* the bond has that of its primary member.

    :raises XenAPIError: PIF_UNMANAGED, PIF_ALREADY_BONDED, PIF_IS_VLAN, IS_TUNNEL_ACCESS_PIF, PIF_IS_NOT_PHYSICAL,
        PIF_CANNOT_BOND_CROSS_HOST, PIF_BOND_NEEDS_MORE_MEMBERS, PIF_BOND_MORE_THAN_ONE_IP, NETWORK_ALREADY_CONNECTED,
        NETWORK_UNMANAGED, MAC_INVALID, INVALID_VALUE ["properties", …].
    """
    members = list(dict.fromkeys(members))
    for pif in members:
        _assert_may_join(ctx, pif)
    hosts = {ctx.db.get("PIF", pif, "host") for pif in members}
    if len(hosts) > 1:
        raise errors.error("PIF_CANNOT_BOND_CROSS_HOST")
    if len(members) < 2:
        raise errors.error("PIF_BOND_NEEDS_MORE_MEMBERS")
    host = hosts.pop()
    rows.assert_network_free(ctx, network, host)
    if MAC:
        vif.assert_mac(MAC)
    checked = bond_properties(mode, properties)
    primary = _primary(ctx, members)
    taken = [ctx.db.get("PIF", pif, "device") for pif in ctx.db.get("host", host, "PIFs")]
    metrics = ctx.db.create("PIF_metrics")
    master = rows.create(
        ctx,
        device=bond_device(taken),
        network=network,
        host=host,
        MAC=MAC.lower() or ctx.db.get("PIF", primary, "MAC"),
        MTU=ctx.db.get("network", network, "MTU"),
        metrics=metrics,
        physical=False,
    )
    bond = ctx.db.create("Bond", master=master, mode=mode, properties=checked, primary_slave=primary, auto_update_mac=not MAC)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_dissolve, ctx, bond)
        rows.move_address(ctx, primary, master)
        for slave in members:
            await _take_over(ctx, slave, master)
            ctx.db.set("PIF", slave, bond_slave_of=bond)
        await bring_up(ctx, master)
        await _raise_children(ctx, master)
        for slave in members:
            await _move_guests(ctx, ctx.db.get("PIF", slave, "network"), network)
        stack.pop_all()
    return bond


async def _take_over(ctx: Context, source: str, target: str) -> None:
    """Take an interface down and hand what stands on it to another, to be brought up there."""
    device = ctx.db.get("PIF", target, "device")
    was_up = [pif for pif in children(ctx, source) if ctx.db.get("PIF", pif, "currently_attached")]
    for pif in was_up:
        await bring_down(ctx, pif)
    if ctx.db.get("PIF", source, "currently_attached"):
        await bring_down(ctx, source)
    record = ctx.db.record("PIF", source)
    for vlan in record["VLAN_slave_of"]:
        ctx.db.set("VLAN", vlan, tagged_PIF=target)
        ctx.db.set("PIF", ctx.db.get("VLAN", vlan, "untagged_PIF"), device=device)
    for tunnel in record["tunnel_transport_PIF_of"]:
        ctx.db.set("tunnel", tunnel, transport_PIF=target)


async def _raise_children(ctx: Context, pif: str) -> None:
    for child in children(ctx, pif):
        await bring_up(ctx, child)


async def _move_guests(ctx: Context, source: str, target: str) -> None:
    for interface in ctx.db.get("network", source, "VIFs"):
        await vif.move(ctx, interface, target)


@implements("Bond.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: Bond.destroy: its primary member gets address, VLANs, tunnels and guests."""
    record = ctx.db.record("Bond", self)
    primary, network = record["primary_slave"], ctx.db.get("PIF", record["master"], "network")
    await _dissolve(ctx, self)
    if ctx.db.exists("PIF", primary):
        await _move_guests(ctx, network, ctx.db.get("PIF", primary, "network"))


async def _dissolve(ctx: Context, bond: str) -> None:
    record = ctx.db.record("Bond", bond)
    master, slaves = record["master"], record["slaves"]
    primary = record["primary_slave"]
    if ctx.db.exists("PIF", primary):
        await _take_over(ctx, master, primary)
        rows.move_address(ctx, master, primary)
    elif ctx.db.get("PIF", master, "currently_attached"):
        await bring_down(ctx, master)
    for slave in slaves:
        ctx.db.set("PIF", slave, bond_slave_of=NULL_REF)
    rows.destroy(ctx, master)
    ctx.db.destroy("Bond", bond)
    for slave in dict.fromkeys([primary, *slaves]):
        if ctx.db.exists("PIF", slave):
            await bring_up(ctx, slave)
            await _raise_children(ctx, slave)


async def _reform(ctx: Context, bond: str, mode: str, properties: dict[str, str]) -> None:
    """Change how a bond works; where it is up it is remade, and stays as it was if that fails."""
    before = {name: ctx.db.get("Bond", bond, name) for name in ("mode", "properties")}
    ctx.db.set("Bond", bond, mode=mode, properties=bond_properties(mode, properties))
    master = ctx.db.get("Bond", bond, "master")
    try:
        if ctx.db.get("PIF", master, "currently_attached"):
            await bring_up(ctx, master)
    except BaseException:
        ctx.db.set("Bond", bond, **before)
        raise


@implements("Bond.set_mode")
async def set_mode(ctx: Context, self: str, value: str) -> None:
    """XenAPI: Bond.set_mode: properties of the old mode go, those of the new one take their defaults."""
    await _reform(ctx, self, value, ctx.db.get("Bond", self, "properties"))


@implements("Bond.set_property")
async def set_property(ctx: Context, self: str, name: str, value: str) -> None:
    """XenAPI: Bond.set_property. :raises XenAPIError: INVALID_VALUE ["properties", "<name> = <value>"]."""
    record = ctx.db.record("Bond", self)
    if name not in bond_properties(record["mode"], {}):
        raise errors.invalid_value("properties", f"{name} = {value}")
    await _reform(ctx, self, record["mode"], {**record["properties"], name: value})


async def refresh(ctx: Context, host: str) -> None:
    """Write how many links of each bond of this host are up."""
    carriers = {entry.name: entry.carrier for entry in await ctx.services.network.interface_get_all_status(ctx.dbg)}
    for row in ctx.db.rows("Bond"):
        if is_null(row.values["master"]) or ctx.db.get("PIF", row.values["master"], "host") != host:
            continue
        devices = [ctx.db.get("PIF", slave, "device") for slave in row.values["slaves"]]
        ctx.db.set("Bond", row.ref, links_up=sum(carriers.get(device, False) for device in devices))
