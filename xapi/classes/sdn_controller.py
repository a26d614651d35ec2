"""XenAPI class SDN_controller: who controls the virtual switches, where they are Open vSwitch."""

from idl.network import Kind
from xapi import errors
from xapi.classes.plugins import installed, run
from xapi.planning.interface_config import assert_address
from xapi.server.context import Context
from xapi.server.registry import implements

DEFAULT_PORT = 6632
PLUGIN = "openvswitch-config-update"


async def _tell(ctx: Context) -> None:
    path = installed(ctx, "/etc/xapi.d/plugins", PLUGIN)
    if path is None:
        raise errors.error("XENAPI_MISSING_PLUGIN", PLUGIN)
    await run(ctx, path, "update", {})


@implements("SDN_controller.introduce")
async def introduce(ctx: Context, protocol: str, address: str, port: int) -> str:
    """XenAPI: SDN_controller.introduce. :raises XenAPIError: OPENVSWITCH_NOT_ACTIVE, OPERATION_NOT_ALLOWED for a second one,
    INVALID_IP_ADDRESS_SPECIFIED, VALUE_NOT_SUPPORTED."""
    if await ctx.services.network.bridge_get_kind(ctx.dbg) is not Kind.OPENVSWITCH:
        raise errors.error("OPENVSWITCH_NOT_ACTIVE")
    if ctx.db.count("SDN_controller"):
        raise errors.operation_not_allowed("an SDN controller has been configured already")
    if protocol == "pssl":
        if address or port:
            raise errors.value_not_supported("address", address, "a passive controller has neither address nor port")
    else:
        assert_address(address, "address", 6 if ":" in address else 4)
    controller = ctx.db.create(
        "SDN_controller", protocol=protocol, address=address, port=port or (DEFAULT_PORT if protocol == "ssl" else 0)
    )
    try:
        await _tell(ctx)
    except BaseException:
        ctx.db.destroy("SDN_controller", controller)
        raise
    return controller


@implements("SDN_controller.forget")
async def forget(ctx: Context, self: str) -> None:
    """XenAPI: SDN_controller.forget."""
    ctx.db.destroy("SDN_controller", self)
    await _tell(ctx)
