"""Commands by which hosts join, leave and lead pools. The dangerous ones ask first."""

from typing import Any, Final

from xapi.cli.command import Command, Context, confirmed
from xapi.datamodel import NULL_REF
from xapi.errors import XenAPIError

FUSE: Final = "10.000 seconds"
"""How long after the answer a host restarts its toolstack; scripts look for this text."""


async def join(ctx: Context) -> None:
    arguments = ctx.arguments
    message = "pool.join_force" if arguments.flag("force") else "pool.join"
    try:
        await ctx.api.call(
            message,
            arguments.required("master-address"),
            arguments.required("master-username"),
            arguments.required("master-password"),
        )
    except XenAPIError as error:
        if error.code != "JOINING_HOST_CONNECTION_FAILED":
            raise
        ctx.printer.list(["The pool's coordinator did not answer.", "Check that the address is that of a coordinator."])
        return
    ctx.printer.list([f"This host joins the pool and restarts its toolstack in {FUSE}"])


async def reset_master(ctx: Context) -> None:
    await ctx.api.call("pool.emergency_reset_master", ctx.arguments.required("master-address"))
    ctx.printer.list([f"This host follows the new coordinator and restarts its toolstack in {FUSE}"])


async def become_master(ctx: Context) -> None:
    # Only what a host answers that has lost its coordinator.
    if not await ctx.api.call("pool.is_slave", NULL_REF) and not ctx.arguments.flag("force"):
        ctx.printer.list(["This host is the coordinator already"])
        return
    await ctx.api.call("pool.emergency_transition_to_master")
    ctx.printer.list([f"This host becomes the coordinator and restarts its toolstack in {FUSE}"])


async def eject(ctx: Context) -> None:
    host = await ctx.api.call("host.get_by_uuid", ctx.arguments.required("host-uuid"))
    if not ctx.arguments.flag("force"):
        ctx.printer.raw("WARNING: the host is installed anew: everything on its local storage is lost for ever.")
        for vdi in await _local_vdis(ctx, host):
            ctx.printer.raw(f"VDI: {vdi['uuid']} ({vdi['name_label']})")
    if await confirmed(ctx):
        await ctx.api.call("pool.eject", host)
        ctx.printer.list([f"The host leaves the pool and restarts in {FUSE}"])


async def _local_vdis(ctx: Context, host: str) -> list[dict[str, Any]]:
    """The disks in SRs that no other host is connected to."""
    pbds = list((await ctx.objects.all("PBD")).values())
    shared = {pbd["SR"] for pbd in pbds if pbd["host"] != host}
    local = {pbd["SR"] for pbd in pbds if pbd["host"] == host} - shared
    return [vdi for vdi in (await ctx.objects.all("VDI")).values() if vdi["SR"] in local]


async def forget(ctx: Context) -> None:
    host = await ctx.api.call("host.get_by_uuid", ctx.arguments.required("uuid"))
    if not ctx.arguments.flag("force"):
        ctx.printer.raw("WARNING: the pool forgets the host for ever, and what it knows of its local storage.")
        ctx.printer.raw("To bring the host back it has to be installed anew. If it is alive, use pool-eject.")
    if await confirmed(ctx):
        await ctx.api.call("host.destroy", host)


async def declare_dead(ctx: Context) -> None:
    host = await ctx.api.call("host.get_by_uuid", ctx.arguments.required("uuid"))
    if not ctx.arguments.flag("force"):
        ctx.printer.raw("WARNING: the VMs of this host are taken for halted and can be started on others.")
        ctx.printer.raw("If the host is still running, their disks are destroyed. Be sure that it is off.")
    if await confirmed(ctx):
        await ctx.api.call("host.declare_dead", host)


async def nothing(ctx: Context) -> None:
    """Old scripts call it; the protocol that it would switch off is gone."""


COMMANDS: Final = (
    Command("pool-join", join, ("master-address", "master-username", "master-password"), ("force",)),
    Command("pool-emergency-reset-master", reset_master, ("master-address",), local_session=True, never_forward=True),
    Command("pool-emergency-transition-to-master", become_master, (), ("force",), local_session=True,
            never_forward=True),
    Command("pool-eject", eject, ("host-uuid",)),
    Command("pool-disable-ssl-legacy", nothing, (), ("uuid",)),
    Command("host-forget", forget, ("uuid",)),
    Command("host-declare-dead", declare_dead, ("uuid",)),
)
