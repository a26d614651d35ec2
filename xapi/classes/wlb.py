"""Workload balancing: a server of another maker, not made any more. None can be connected, so none is."""

from xapi.database.schema import NULL_REF
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("pool.initialize_wlb")
async def initialize_wlb(
    ctx: Context, wlb_url: str, wlb_username: str, wlb_password: str, xenserver_username: str, xenserver_password: str
) -> None:
    """XenAPI: pool.initialize_wlb. :raises XenAPIError: WLB_URL_INVALID [url], WLB_CONNECTION_REFUSED: nothing speaks to it."""
    address, _, port = wlb_url.rpartition(":")
    if not address or not port.isdecimal() or any(character.isspace() for character in address):
        raise error("WLB_URL_INVALID", wlb_url)
    raise error("WLB_CONNECTION_REFUSED")


@implements("pool.deconfigure_wlb")
async def deconfigure_wlb(ctx: Context) -> None:
    """XenAPI: pool.deconfigure_wlb: an imported database may still name a server."""
    for row in list(ctx.db.rows("pool")):
        secret = row.values["wlb_password"]
        if ctx.db.exists("secret", secret):
            ctx.db.destroy("secret", secret)
        ctx.db.set("pool", row.ref, wlb_url="", wlb_username="", wlb_password=NULL_REF, wlb_enabled=False)


@implements("pool.send_wlb_configuration")
async def send_wlb_configuration(ctx: Context, config: dict[str, str]) -> None:
    """XenAPI: pool.send_wlb_configuration. :raises XenAPIError: WLB_NOT_INITIALIZED."""
    raise error("WLB_NOT_INITIALIZED")


@implements("pool.retrieve_wlb_configuration")
async def retrieve_wlb_configuration(ctx: Context) -> dict[str, str]:
    """XenAPI: pool.retrieve_wlb_configuration. :raises XenAPIError: WLB_NOT_INITIALIZED."""
    raise error("WLB_NOT_INITIALIZED")


@implements("pool.retrieve_wlb_recommendations")
async def retrieve_wlb_recommendations(ctx: Context) -> dict[str, list[str]]:
    """XenAPI: pool.retrieve_wlb_recommendations. :raises XenAPIError: WLB_NOT_INITIALIZED."""
    raise error("WLB_NOT_INITIALIZED")


@implements("host.retrieve_wlb_evacuate_recommendations")
async def retrieve_wlb_evacuate_recommendations(ctx: Context, self: str) -> dict[str, list[str]]:
    """XenAPI: host.retrieve_wlb_evacuate_recommendations. :raises XenAPIError: WLB_NOT_INITIALIZED."""
    ctx.db.row("host", self)
    raise error("WLB_NOT_INITIALIZED")
