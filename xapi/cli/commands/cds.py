"""Commands about CD drives of VMs and the ISO images that go into them."""

from contextlib import suppress
from typing import Any, Final

from xapi.cli.command import Command, Context
from xapi.cli.commands.devices import vbd_record
from xapi.cli.failures import CommandFailure
from xapi.cli.generated import chosen_fields
from xapi.cli.reading import row
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, on_each
from xapi.errors import XenAPIError, error

NAME: Final = frozenset({"cd-name"})
NO_DISC: Final = "<EMPTY>"


async def _isos(ctx: Context, name: str) -> list[str]:
    """The VDIs of that name in SRs of ISO images."""
    found = []
    for ref in await ctx.api.call("VDI.get_by_name_label", name):
        if await _is_iso(ctx, ref):
            found.append(ref)
    return found


async def _is_iso(ctx: Context, vdi_ref: str) -> bool:
    vdi = await ctx.objects.get("VDI", vdi_ref)
    sr = None if vdi is None else await ctx.objects.get("SR", vdi["SR"])
    return sr is not None and sr["content_type"] == "iso"


async def _drives(ctx: Context, vm: Subject) -> list[tuple[str, dict[str, Any]]]:
    vbds = [(ref, await ctx.objects.get("VBD", ref)) for ref in vm.record["VBDs"]]
    return [(ref, vbd) for ref, vbd in vbds if vbd is not None and vbd["type"] == "CD"]


async def add(ctx: Context) -> None:
    name, device = ctx.arguments.required("cd-name"), ctx.arguments.required("device")
    isos = await _isos(ctx, name)
    if not isos:
        raise CommandFailure(f"No CD is called '{name}'")

    async def act(vm: Subject) -> None:
        vbd = await ctx.api.call("VBD.create", vbd_record(vm.ref, isos[0], device, mode="RO", kind="CD"))
        with suppress(XenAPIError):  # a halted VM has the drive at its next start
            await ctx.api.call("VBD.plug", vbd)

    await on_each(ctx, Selection("vm", not_filters=NAME | {"device", "cd-location"}), act)


async def remove(ctx: Context) -> None:
    name = ctx.arguments.required("cd-name")

    async def act(vm: Subject) -> None:
        for ref, vbd in await _drives(ctx, vm):
            vdi = await ctx.objects.get("VDI", vbd["VDI"])
            holds = name == NO_DISC if vdi is None else vdi["name_label"] == name and await _is_iso(ctx, vbd["VDI"])
            if holds:
                await ctx.api.call("VBD.destroy", ref)
                return
        raise CommandFailure(f"The VM has no drive with the CD '{name}'")

    await on_each(ctx, Selection("vm", not_filters=NAME), act)


async def eject(ctx: Context) -> None:
    async def act(vm: Subject) -> None:
        drives = await _drives(ctx, vm)
        if len(drives) != 1:
            raise CommandFailure(f"The VM has {len(drives)} CD drives: use vbd-eject")
        await ctx.api.call("VBD.eject", drives[0][0])

    await on_each(ctx, Selection("vm"), act)


async def insert(ctx: Context) -> None:
    name = ctx.arguments.required("cd-name")
    isos = await _isos(ctx, name)
    if len(isos) != 1:
        raise CommandFailure(f"{len(isos)} CDs are called '{name}'" if isos else f"No CD is called '{name}'")

    async def act(vm: Subject) -> None:
        drives = [ref for ref, vbd in await _drives(ctx, vm) if vbd["empty"]]
        if not drives:
            raise error("VM_NO_EMPTY_CD_VBD", vm.ref)
        if len(drives) > 1:
            raise CommandFailure(f"The VM has {len(drives)} empty CD drives: use vbd-insert")
        await ctx.api.call("VBD.insert", drives[0], isos[0])

    await on_each(ctx, Selection("vm", not_filters=NAME), act)


async def list_all(ctx: Context) -> None:
    """Every disc image of every SR of ISO images."""
    given = ctx.arguments.get("params") is not None
    fields = chosen_fields(CLASSES["vdi"], ctx.arguments) if given else frozenset({"uuid", "name-label"})
    rows = []
    for ref, vdi in (await ctx.objects.all("VDI")).items():
        if await _is_iso(ctx, ref):
            rows.append(await row(CLASSES["vdi"].record, Subject(ctx.objects, "VDI", ref, vdi), fields, brief=False))
    ctx.printer.table(rows)


COMMANDS: Final = (
    Command("vm-cd-add", add, ("cd-name", "device"), standard=True, selects="vm"),
    Command("vm-cd-remove", remove, ("cd-name",), standard=True, selects="vm"),
    Command("vm-cd-eject", eject, standard=True, selects="vm"),
    Command("vm-cd-insert", insert, ("cd-name",), standard=True, selects="vm"),
    Command("cd-list", list_all, (), ("params",), standard=True),
)
