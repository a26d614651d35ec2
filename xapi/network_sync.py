"""Bringing the records of this host's network in line with reality at start-up, and the network in line with the records."""

import logging

from idl.config import parse_pairs
from idl.rpc import RpcError
from xapi.classes import bond, pif
from xapi.classes.management import address_of, management_pif
from xapi.classes.pif_link import bring_up, is_slave
from xapi.errors import XenAPIError
from xapi.planning.interface_config import installed_config
from xapi.server.context import Context

log = logging.getLogger(__name__)

MANAGEMENT_CONF = "/etc/firstboot.d/data/management.conf"


async def _plug_pifs(ctx: Context, host: str) -> None:
    """Bring up what was up before, and cards and bonds that nobody uses directly.

    A card with an address of its own carries this host's traffic without our doing: a bridge would cut it off.
    """
    busy = {entry.name for entry in await ctx.services.network.interface_get_all_status(ctx.dbg) if entry.ipv4}
    for ref in ctx.db.get("host", host, "PIFs"):
        record = ctx.db.record("PIF", ref)
        is_base = record["physical"] or bool(record["bond_master_of"])
        wanted = record["currently_attached"] or record["disallow_unplug"] or is_base
        if not wanted or not record["managed"] or is_slave(ctx, ref) or record["device"] in busy:
            continue
        try:
            await bring_up(ctx, ref)
        except (RpcError, XenAPIError) as reason:
            log.error("%s stays down: %s", record["device"], reason)


async def sync_network(ctx: Context) -> None:
    """Make records for this host's interfaces and the internal network, and bring the interfaces up."""
    host = ctx.app.localhost
    await pif.scan(ctx, host)
    _adopt_management(ctx, host)
    await _plug_pifs(ctx, host)
    await pif.refresh(ctx, host)
    await bond.refresh(ctx, host)
    _internal_network(ctx)
    _follow_management(ctx, host)
    await _management(ctx, host)


def _adopt_management(ctx: Context, host: str) -> None:
    """On an installed host's first start, take over how the installer had the management bridge brought up.

    Before any interface is: a record without an address would take the bridge's away.
    """
    bridge = ctx.app.inventory.get("MANAGEMENT_INTERFACE", "")
    answers = ctx.app.root.under(MANAGEMENT_CONF)
    if not bridge or management_pif(ctx, host) is not None or not answers.is_file():
        return
    for ref in ctx.db.get("host", host, "PIFs"):
        if ctx.db.get("network", ctx.db.get("PIF", ref, "network"), "bridge") == bridge:
            ctx.db.set("PIF", ref, **installed_config(dict(parse_pairs(answers.read_text()))))


def _follow_management(ctx: Context, host: str) -> None:
    """Give the host the address of its management interface, unless the configuration says which it has."""
    chosen = management_pif(ctx, host)
    if chosen is not None and not ctx.app.config.text("management-address", "") and (address := address_of(ctx, chosen)):
        ctx.db.set("host", host, address=address)


def _internal_network(ctx: Context) -> None:
    """Make the network over which guests can talk to this host's API, unless it is there."""
    if ctx.db.where("network", bridge="xenapi"):
        return
    ctx.db.create(
        "network",
        name_label="Host internal management network",
        name_description="Network on which guests will be assigned a private link-local IP address which can be used "
        "to talk XenAPI",
        bridge="xenapi",
        managed=True,
        other_config={
            "is_guest_installer_network": "true",
            "is_host_internal_management_network": "true",
            "ip_begin": "169.254.0.1",
            "ip_end": "169.254.255.254",
            "netmask": "255.255.0.0",
        },
    )


async def _management(ctx: Context, host: str) -> None:
    """Mark the PIF that has the host's address, be it on the card or on its bridge."""
    address = ctx.db.get("host", host, "address")
    status = await ctx.services.network.interface_get_all_status(ctx.dbg)
    names = {entry.name for entry in status if address in {ip for ip, _ in entry.ipv4}}
    for ref in ctx.db.get("host", host, "PIFs"):
        record = ctx.db.record("PIF", ref)
        bridge = ctx.db.get("network", record["network"], "bridge")
        # A VLAN has its card's device name, but not its address.
        if bridge in names or (record["physical"] and record["device"] in names):
            ctx.db.set("PIF", ref, management=True, IP=address, currently_attached=True)
