"""XenAPI class network: bridges that VIFs and PIFs share."""

from typing import Any

from xapi import errors
from xapi.classes.blob import create_new_blob
from xapi.classes.pif_link import bring_up
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.registry import implements


def free_bridge_name(ctx: Context) -> str:
    """Return the first unused name of the ``xapi<N>`` series."""
    used = {row.values["bridge"] for row in ctx.db.rows("network")}
    number = 0
    while f"xapi{number}" in used:
        number += 1
    return f"xapi{number}"


@implements("network.create")
async def create(ctx: Context, record: dict[str, Any]) -> str:
    """XenAPI: network.create: an internal network until a PIF joins it; its bridge is made when first needed."""
    bridge = record["bridge"] or free_bridge_name(ctx)
    if len(bridge) > 15 or any(row.values["bridge"] == bridge for row in ctx.db.rows("network")):
        raise errors.invalid_value("bridge", bridge)
    if not 68 <= record["MTU"] <= 65535:
        raise errors.invalid_value("MTU", record["MTU"])
    return ctx.db.create("network", **{**record, "bridge": bridge})


@implements("network.pool_introduce")
async def pool_introduce(
    ctx: Context,
    name_label: str,
    name_description: str,
    MTU: int,
    other_config: dict[str, str],
    bridge: str,
    managed: bool,
    purpose: list[str],
) -> str:
    """XenAPI: network.pool_introduce."""
    return ctx.db.create(
        "network",
        name_label=name_label,
        name_description=name_description,
        MTU=MTU,
        other_config=other_config,
        bridge=bridge,
        managed=managed,
        purpose=purpose,
    )


@implements("network.destroy")
async def destroy(ctx: Context, network: str) -> None:
    """XenAPI: network.destroy. :raises XenAPIError: NETWORK_CONTAINS_PIF, NETWORK_CONTAINS_VIF while in use;
    CANNOT_DESTROY_SYSTEM_NETWORK for the hosts' internal one."""
    record = ctx.db.record("network", network)
    if record["other_config"].get("is_host_internal_management_network") == "true":
        raise errors.error("CANNOT_DESTROY_SYSTEM_NETWORK", network)
    if record["PIFs"]:
        raise errors.network_contains_pif(record["PIFs"][0])
    for vif in record["VIFs"]:
        if ctx.db.get("VIF", vif, "currently_attached"):
            raise errors.network_contains_vif(vif)
    await ctx.services.network.bridge_destroy(ctx.dbg, record["bridge"], force=False)
    for vif in record["VIFs"]:
        ctx.db.set("VIF", vif, network=NULL_REF)
    ctx.db.destroy("network", network)


async def attach(ctx: Context, network: str) -> None:
    """Make a network usable on this host: its bridge is there and up, its PIF here plugged into it."""
    record = ctx.db.record("network", network)
    if not record["managed"]:
        return
    for pif in record["PIFs"]:
        if ctx.db.get("PIF", pif, "host") == ctx.app.localhost:
            return await bring_up(ctx, pif)
    await ctx.services.network.bridge_create(ctx.dbg, record["bridge"], other_config=record["other_config"])


@implements("network.attach")
async def attach_to_host(ctx: Context, network: str, host: str) -> None:
    """XenAPI: network.attach."""
    ctx.db.row("host", host)
    await attach(ctx, network)


@implements("network.attach_for_vm")
async def attach_for_vm(ctx: Context, host: str, vm: str) -> None:
    """XenAPI: network.attach_for_vm: every network that the VM's VIFs need."""
    for vif in ctx.db.get("VM", vm, "VIFs"):
        await attach(ctx, ctx.db.get("VIF", vif, "network"))


@implements("network.detach_for_vm")
async def detach_for_vm(ctx: Context, host: str, vm: str) -> None:
    """XenAPI: network.detach_for_vm: bridges stay; they cost nothing and the next guest finds them."""
    ctx.db.row("VM", vm)


@implements("network.create_new_blob")
async def new_blob(ctx: Context, network: str, name: str, mime_type: str, public: bool) -> str:
    """XenAPI: network.create_new_blob."""
    return create_new_blob(ctx, "network", network, name, mime_type, public)


@implements("network.set_default_locking_mode")
async def set_default_locking_mode(ctx: Context, network: str, value: str) -> None:
    """XenAPI: network.set_default_locking_mode. :raises XenAPIError: NETWORK_ALREADY_CONNECTED [host; vif…]."""
    for vif in ctx.db.get("network", network, "VIFs"):
        if ctx.db.get("VIF", vif, "currently_attached") and ctx.db.get("VIF", vif, "locking_mode") == "network_default":
            raise errors.network_contains_vif(vif)
    ctx.db.set("network", network, default_locking_mode=value)


@implements("network.add_purpose")
async def add_purpose(ctx: Context, network: str, value: str) -> None:
    """XenAPI: network.add_purpose. :raises XenAPIError: NETWORK_INCOMPATIBLE_PURPOSES [new; present]: disks are exported over
    a network either encrypted or not."""
    for row in ctx.db.rows("network"):
        for present in row.values["purpose"]:
            if {value, present} == {"nbd", "insecure_nbd"}:
                raise errors.error("NETWORK_INCOMPATIBLE_PURPOSES", value, present)
    ctx.db.add_to_set("network", network, "purpose", value)


@implements("network.remove_purpose")
async def remove_purpose(ctx: Context, network: str, value: str) -> None:
    """XenAPI: network.remove_purpose."""
    ctx.db.remove_from_set("network", network, "purpose", value)
