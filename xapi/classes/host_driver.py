"""XenAPI classes Host_driver and Driver_variant: drivers of a host's kernel of which several versions are installed.

The tool that swaps them (``driver-tool``) is the host's own; where it is not there, there is nothing to choose from.
"""

from pathlib import Path

from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.database.schema import NULL_REF
from xapi.errors import error, invalid_value, not_implemented
from xapi.server.context import Context
from xapi.server.registry import implements

TOOL = "/opt/xensource/libexec/driver-tool"
TIMEOUT = 60.0


def _tool(ctx: Context) -> Path | None:
    path = ctx.app.root.under(TOOL)
    return path if path.is_file() else None


async def _choose(ctx: Context, driver: str, variant: str) -> None:
    row = ctx.db.row("Host_driver", driver).values
    assert_here(ctx, row["host"])
    tool = _tool(ctx)
    if tool is not None:
        version = [] if variant == NULL_REF else ["-v", ctx.db.get("Driver_variant", variant, "name")]
        await checked(str(tool), "-s" if version else "-d", "-n", row["name"], *version, timeout=TIMEOUT)
    ctx.db.set("Host_driver", driver, selected_variant=variant)


@implements("Host_driver.select")
async def select(ctx: Context, self: str, variant: str) -> None:
    """XenAPI: Host_driver.select. :raises XenAPIError: INVALID_VALUE for another driver's, HOST_DRIVER_NO_HARDWARE."""
    row = ctx.db.row("Driver_variant", variant).values
    if row["driver"] != self:
        raise invalid_value("variant", variant)
    if not row["hardware_present"]:
        raise error("HOST_DRIVER_NO_HARDWARE", variant)
    await _choose(ctx, self, variant)


@implements("Driver_variant.select")
async def select_variant(ctx: Context, self: str) -> None:
    """XenAPI: Driver_variant.select."""
    await select(ctx, ctx.db.get("Driver_variant", self, "driver"), self)


@implements("Host_driver.deselect")
async def deselect(ctx: Context, self: str) -> None:
    """XenAPI: Host_driver.deselect."""
    await _choose(ctx, self, NULL_REF)


@implements("Host_driver.rescan", "host.rescan_drivers")
async def rescan(ctx: Context, host: str) -> None:
    """XenAPI: Host_driver.rescan, host.rescan_drivers: without the tool there are no versions, and so no records.

    :raises XenAPIError: NOT_IMPLEMENTED where the tool is there: what it lists is not read yet.
    """
    assert_here(ctx, host)
    if _tool(ctx) is not None:
        raise not_implemented("Host_driver.rescan")
    for driver in ctx.db.where("Host_driver", host=host):
        for variant in list(ctx.db.get("Host_driver", driver, "variants")):
            ctx.db.destroy("Driver_variant", variant)
        ctx.db.destroy("Host_driver", driver)
