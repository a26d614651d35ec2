"""Commands that bring back VMs and appliances from the database of another pool, kept on a VDI."""

from typing import Final

from xapi.cli import other_database
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure


def _recovery(cls: str, *, act: bool) -> Run:
    """Recovers the object of ``uuid=`` in the other database to this pool, or says whether that would do."""

    async def run(ctx: Context) -> None:
        if ctx.arguments.get(other_database.OF_A_DISK) is None:
            raise CommandFailure(f"Which database? Give {other_database.OF_A_DISK}=")
        async with other_database.opened(ctx) as there:
            other = there.api
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
