"""XenAPI classes PVS_site, PVS_server, PVS_proxy, PVS_cache_storage: who streams disks to whom, and who may cache it."""

import ipaddress
from typing import Any

from xapi import errors
from xapi.classes.vm_lifecycle import is_null
from xapi.errors import XenAPIError, error, invalid_value
from xapi.server.context import Context
from xapi.server.registry import implements

LAST_PORT = 65535


@implements("PVS_site.introduce")
async def introduce_site(ctx: Context, name_label: str, name_description: str, pvs_uuid: str) -> str:
    """XenAPI: PVS_site.introduce."""
    return ctx.db.create("PVS_site", name_label=name_label, name_description=name_description, PVS_uuid=pvs_uuid)


@implements("PVS_site.forget")
async def forget_site(ctx: Context, self: str) -> None:
    """XenAPI: PVS_site.forget: with what is left of its proxies and caches.

    :raises XenAPIError: PVS_SITE_CONTAINS_RUNNING_PROXIES, PVS_SITE_CONTAINS_SERVERS.
    """
    db = ctx.db
    row = db.row("PVS_site", self).values
    running = [proxy for proxy in row["proxies"] if db.get("PVS_proxy", proxy, "currently_attached")]
    if running:
        raise XenAPIError("PVS_SITE_CONTAINS_RUNNING_PROXIES", running)
    if row["servers"]:
        raise XenAPIError("PVS_SITE_CONTAINS_SERVERS", list(row["servers"]))
    for cls, field in (("PVS_proxy", "proxies"), ("PVS_cache_storage", "cache_storage")):
        for ref in list(row[field]):
            db.destroy(cls, ref)
    db.destroy("PVS_site", self)


@implements("PVS_site.set_PVS_uuid")
async def set_pvs_uuid(ctx: Context, self: str, value: str) -> None:
    """XenAPI: PVS_site.set_PVS_uuid."""
    ctx.db.set("PVS_site", self, PVS_uuid=value)


@implements("PVS_server.introduce")
async def introduce_server(ctx: Context, addresses: list[str], first_port: int, last_port: int, site: str) -> str:
    """XenAPI: PVS_server.introduce.

    :raises XenAPIError: INVALID_IP_ADDRESS_SPECIFIED, PVS_SERVER_ADDRESS_IN_USE [address], INVALID_VALUE for ports.
    """
    ctx.db.row("PVS_site", site)
    if not addresses:
        raise invalid_value("addresses", "")
    taken = {address for row in ctx.db.rows("PVS_server") for address in row.values["addresses"]}
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise error("INVALID_IP_ADDRESS_SPECIFIED", "addresses") from None
        if address in taken:
            raise error("PVS_SERVER_ADDRESS_IN_USE", address)
    if not 0 < first_port <= LAST_PORT:
        raise invalid_value("first_port", first_port)
    if not first_port <= last_port <= LAST_PORT:
        raise invalid_value("last_port", last_port)
    distinct = list(dict.fromkeys(addresses))
    return ctx.db.create("PVS_server", addresses=distinct, first_port=first_port, last_port=last_port, site=site)


@implements("PVS_server.forget")
async def forget_server(ctx: Context, self: str) -> None:
    """XenAPI: PVS_server.forget."""
    ctx.db.destroy("PVS_server", self)


@implements("PVS_proxy.create")
async def create_proxy(ctx: Context, site: str, vif: str) -> str:
    """XenAPI: PVS_proxy.create: for the guest's next start.

    :raises XenAPIError: PVS_VIF_MUST_BE_FIRST_DEVICE, PVS_PROXY_ALREADY_PRESENT [proxies].
    """
    ctx.db.row("PVS_site", site)
    if ctx.db.get("VIF", vif, "device") != "0":
        raise error("PVS_VIF_MUST_BE_FIRST_DEVICE")
    known = ctx.db.where("PVS_proxy", VIF=vif)
    if known:
        raise XenAPIError("PVS_PROXY_ALREADY_PRESENT", known)
    return ctx.db.create("PVS_proxy", site=site, VIF=vif)


@implements("PVS_proxy.destroy")
async def destroy_proxy(ctx: Context, self: str) -> None:
    """XenAPI: PVS_proxy.destroy. :raises XenAPIError: OPERATION_NOT_ALLOWED while the guest runs with it."""
    if ctx.db.get("PVS_proxy", self, "currently_attached"):
        raise errors.operation_not_allowed("the running guest's traffic goes through the proxy")
    ctx.db.destroy("PVS_proxy", self)


@implements("PVS_cache_storage.create")
async def create_cache(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: PVS_cache_storage.create: one for each host and site.

    :raises XenAPIError: PVS_CACHE_STORAGE_ALREADY_PRESENT [site; host], HOST_CANNOT_SEE_SR, INVALID_VALUE for the size.
    """
    db, host, sr, site = ctx.db, args["host"], args["SR"], args["site"]
    db.row("host", host)
    db.row("PVS_site", site)
    if args["size"] <= 0:
        raise invalid_value("size", args["size"])
    if not is_null(sr):
        pbds = [db.row("PBD", pbd).values for pbd in db.get("SR", sr, "PBDs")]
        if host not in (pbd["host"] for pbd in pbds):
            raise error("HOST_CANNOT_SEE_SR", host, sr)
    if db.where("PVS_cache_storage", host=host, site=site):
        raise error("PVS_CACHE_STORAGE_ALREADY_PRESENT", site, host)
    return db.create("PVS_cache_storage", **args)


@implements("PVS_cache_storage.destroy")
async def destroy_cache(ctx: Context, self: str) -> None:
    """XenAPI: PVS_cache_storage.destroy. :raises XenAPIError: PVS_CACHE_STORAGE_IS_IN_USE."""
    db = ctx.db
    row = db.row("PVS_cache_storage", self).values
    for proxy in db.where("PVS_proxy", site=row["site"], currently_attached=True):
        if db.get("VM", db.get("VIF", db.get("PVS_proxy", proxy, "VIF"), "VM"), "resident_on") == row["host"]:
            raise error("PVS_CACHE_STORAGE_IS_IN_USE", self)
    db.destroy("PVS_cache_storage", self)
