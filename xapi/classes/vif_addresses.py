"""The addresses a guest is told to give to an interface. They are kept for its agent, and checked here."""

import ipaddress

from xapi.errors import error, vm_lacks_feature
from xapi.server.context import Context
from xapi.server.registry import implements

_STATIC = "Static"


def _check(mode: str, address: str, gateway: str, version: int) -> None:
    """:raises XenAPIError: INVALID_IP_ADDRESS_SPECIFIED. Static needs ``address/prefix``; a gateway may be empty."""
    if mode != _STATIC:
        return
    try:
        given = ipaddress.ip_interface(address)
    except ValueError:
        raise error("INVALID_IP_ADDRESS_SPECIFIED", "address") from None
    if given.version != version or "/" not in address:
        raise error("INVALID_IP_ADDRESS_SPECIFIED", "address")
    try:
        wrong_gateway = gateway != "" and ipaddress.ip_address(gateway).version != version
    except ValueError:
        wrong_gateway = True
    if wrong_gateway:
        raise error("INVALID_IP_ADDRESS_SPECIFIED", "gateway")


def _configure(ctx: Context, vif: str, mode: str, address: str, gateway: str, version: int) -> None:
    _check(mode, address, gateway, version)
    row = ctx.db.row("VIF", vif).values
    if row["currently_attached"]:
        # Nothing carries this to the agent of a running guest.
        raise vm_lacks_feature(row["VM"])
    static = mode == _STATIC
    fields = {
        f"ipv{version}_configuration_mode": mode,
        f"ipv{version}_addresses": [address] if static else [],
        f"ipv{version}_gateway": gateway if static else "",
    }
    ctx.db.set("VIF", vif, **fields)


@implements("VIF.configure_ipv4")
async def configure_ipv4(ctx: Context, self: str, mode: str, address: str, gateway: str) -> None:
    """XenAPI: VIF.configure_ipv4"""
    _configure(ctx, self, mode, address, gateway, 4)


@implements("VIF.configure_ipv6")
async def configure_ipv6(ctx: Context, self: str, mode: str, address: str, gateway: str) -> None:
    """XenAPI: VIF.configure_ipv6"""
    _configure(ctx, self, mode, address, gateway, 6)
