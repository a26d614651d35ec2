"""Commands that work on one snapshot, named by ``snapshot-uuid=`` or ``uuid=``."""

from typing import Final

from xapi.cli.command import Command, Context
from xapi.cli.commands.devices import show_disks
from xapi.cli.commands.vm import print_new, snapshot_of
from xapi.cli.failures import CommandFailure
from xapi.datamodel import NULL_REF


async def clone(ctx: Context) -> None:
    await print_new(ctx, [await ctx.api.call("VM.clone", await snapshot_of(ctx), ctx.arguments.required("new-name-label"))])


async def copy(ctx: Context) -> None:
    uuid = ctx.arguments.get("sr-uuid")
    sr = NULL_REF if uuid is None else await ctx.api.call("SR.get_by_uuid", uuid)
    name = ctx.arguments.required("new-name-label")
    await print_new(ctx, [await ctx.api.call("VM.copy", await snapshot_of(ctx), name, sr)])


async def destroy(ctx: Context) -> None:
    snapshot = await snapshot_of(ctx)
    if await ctx.api.call("VM.get_power_state", snapshot) != "Halted":
        await ctx.api.call("VM.hard_shutdown", snapshot)
    await ctx.api.call("VM.destroy", snapshot)


async def disk_list(ctx: Context) -> None:
    record = await ctx.api.call("VM.get_record", await snapshot_of(ctx))
    await show_disks(ctx, record, "Disk")


async def reset_powerstate(ctx: Context) -> None:
    if not ctx.arguments.flag("force"):
        raise CommandFailure("The suspended state of a checkpoint is lost with this: use --force to go on")
    await ctx.api.call("VM.power_state_reset", await snapshot_of(ctx))


_EITHER: Final = ("uuid", "snapshot-uuid")
_NEW: Final = ("new-name-label",)

COMMANDS: Final = (
    Command("snapshot-clone", clone, _NEW, ("uuid", "new-name-description"), standard=True),
    Command("snapshot-copy", copy, _NEW, ("uuid", "new-name-description", "sr-uuid"), standard=True),
    Command("snapshot-destroy", destroy, (), _EITHER),
    Command("snapshot-disk-list", disk_list, (), (*_EITHER, "vbd-params", "vdi-params"), standard=True, selects="vm"),
    Command("snapshot-reset-powerstate", reset_powerstate, (), (*_EITHER, "force"), standard=True, selects="vm"),
)
