"""Which interface a host is managed through: switching it, and following its address."""

from pathlib import Path

from xapi import errors
from xapi.classes import bond, pif
from xapi.classes import pif_rows as rows
from xapi.classes.pif_link import bring_up
from xapi.server.context import Context
from xapi.server.registry import implements

FIXED = "this host's management address is set in its configuration (management-address)"


def management_pif(ctx: Context, host: str) -> str | None:
    """Return the PIF that a host is managed through, if there is one."""
    return next((ref for ref in ctx.db.get("host", host, "PIFs") if ctx.db.get("PIF", ref, "management")), None)


@implements("host.get_management_interface")
async def get_management_interface(ctx: Context, host: str) -> str:
    """XenAPI: host.get_management_interface. :raises XenAPIError: INTERNAL_ERROR where there is none."""
    found = management_pif(ctx, host)
    if found is None:
        raise errors.internal_error("the host has no management interface")
    return found


def address_of(ctx: Context, ref: str) -> str:
    """Return a PIF's address of its primary type, or an empty string."""
    record = ctx.db.record("PIF", ref)
    if record["primary_address_type"] == "IPv6":
        return str(next(iter(record["IPv6"]), "")).partition("/")[0]
    return str(record["IP"])


def write_inventory(path: Path, **values: str) -> None:
    """Set keys of ``/etc/xensource-inventory``, leaving every other line as it is; whole or not at all."""
    lines = path.read_text().splitlines()
    kept = [line for line in lines if line.partition("=")[0].strip() not in values]
    fresh = path.with_name(path.name + ".new")
    fresh.write_text("".join(f"{line}\n" for line in [*kept, *(f"{key}='{value}'" for key, value in values.items())]))
    fresh.replace(path)


@implements("host.management_reconfigure")
async def management_reconfigure(ctx: Context, pif: str) -> None:
    """XenAPI: host.management_reconfigure.

    :raises XenAPIError: PIF_HAS_NO_NETWORK_CONFIGURATION, PIF_HAS_NO_V6_NETWORK_CONFIGURATION, CANNOT_PLUG_BOND_SLAVE,
        INTERFACE_HAS_NO_IP [bridge]; OPERATION_NOT_ALLOWED where the configuration fixes the address.
    """
    if ctx.app.config.text("management-address", ""):
        raise errors.operation_not_allowed(FIXED)
    record = ctx.db.record("PIF", pif)
    rows.assert_not_slave(ctx, pif, "CANNOT_PLUG_BOND_SLAVE")
    if record["primary_address_type"] == "IPv4" and record["ip_configuration_mode"] == "None":
        raise errors.error("PIF_HAS_NO_NETWORK_CONFIGURATION", pif)
    if record["primary_address_type"] == "IPv6" and record["ipv6_configuration_mode"] == "None":
        raise errors.error("PIF_HAS_NO_V6_NETWORK_CONFIGURATION", pif)
    before = management_pif(ctx, record["host"])
    bridge = ctx.db.get("network", record["network"], "bridge")
    try:
        _manage_through(ctx, record["host"], pif)
        await bring_up(ctx, pif)
        if not address_of(ctx, pif):
            raise errors.error("INTERFACE_HAS_NO_IP", bridge)
    except BaseException:
        _manage_through(ctx, record["host"], before)
        raise
    kind = record["primary_address_type"]
    write_inventory(ctx.app.root.inventory, MANAGEMENT_INTERFACE=bridge, MANAGEMENT_ADDRESS_TYPE=kind)
    ctx.app.inventory.update(MANAGEMENT_INTERFACE=bridge, MANAGEMENT_ADDRESS_TYPE=kind)
    await ctx.services.network.set_gateway_interface(ctx.dbg, bridge)
    await ctx.services.network.set_dns_interface(ctx.dbg, bridge)
    ctx.db.set("host", record["host"], address=address_of(ctx, pif))


def _manage_through(ctx: Context, host: str, chosen: str | None) -> None:
    for ref in ctx.db.get("host", host, "PIFs"):
        ctx.db.set("PIF", ref, management=ref == chosen)


@implements("pool.management_reconfigure")
async def pool_management_reconfigure(ctx: Context, network: str) -> None:
    """XenAPI: pool.management_reconfigure: every host through its PIF of that network.

    :raises XenAPIError: PIF_NOT_PRESENT [host; network], HA_IS_ENABLED, and what `management_reconfigure` raises.
    """
    if ctx.db.get("pool", ctx.db.refs("pool")[0], "ha_enabled"):
        raise errors.error("HA_IS_ENABLED")
    pifs = {ctx.db.get("PIF", ref, "host"): ref for ref in ctx.db.get("network", network, "PIFs")}
    for host in ctx.db.refs("host"):
        if host not in pifs:
            raise errors.error("PIF_NOT_PRESENT", host, network)
    for ref in pifs.values():
        await management_reconfigure(ctx, ref)


@implements("host.signal_networking_change")
async def signal_networking_change(ctx: Context) -> None:
    """XenAPI: host.signal_networking_change: an address or link of this host changed."""
    host = ctx.app.localhost
    await pif.refresh(ctx, host)
    await bond.refresh(ctx, host)
    chosen = management_pif(ctx, host)
    if chosen is not None and address_of(ctx, chosen):
        ctx.db.set("host", host, address=address_of(ctx, chosen))
