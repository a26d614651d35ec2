"""Commands that bring back VMs and appliances from the database of another pool, kept on a VDI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from xapi.cli.api import Api
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure


@asynccontextmanager
async def _other_database(ctx: Context) -> AsyncIterator[Api]:
    """Calls into the database that ``database:vdi-uuid=`` names."""
    uuid = ctx.arguments.get("database:vdi-uuid")
    if uuid is None:
        raise CommandFailure("Which database? Give database:vdi-uuid=")
    session = await ctx.api.call("VDI.open_database", await ctx.api.call("VDI.get_by_uuid", uuid))
    other = ctx.api.under(session)
    try:
        yield other
    finally:
        await other.call("session.logout")


def _recovery(cls: str, *, act: bool) -> Run:
    """Recovers the object of ``uuid=`` in the other database to this pool, or says whether that would do."""

    async def run(ctx: Context) -> None:
        async with _other_database(ctx) as other:
            ref = await other.call(f"{cls}.get_by_uuid", ctx.arguments.required("uuid"))
            if act:
                await other.call(f"{cls}.recover", ref, ctx.session, ctx.arguments.flag("force"))
            else:
                await other.call(f"{cls}.assert_can_be_recovered", ref, ctx.session)

    return run


_UUID: Final = ("uuid",)

COMMANDS: Final = (
    Command("vm-recover", _recovery("VM", act=True), _UUID, ("database:", "force")),
    Command("vm-assert-can-be-recovered", _recovery("VM", act=False), _UUID, ("database:",)),
    Command("appliance-recover", _recovery("VM_appliance", act=True), _UUID, ("database:", "force")),
    Command("appliance-assert-can-be-recovered", _recovery("VM_appliance", act=False), _UUID, ("database:",)),
)
