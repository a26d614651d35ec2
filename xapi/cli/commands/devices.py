"""Commands about what is plugged into a VM: disks, CDs and network interfaces."""

from contextlib import suppress
from typing import Any, Final

from xapi.cli import enum_texts, reading, values
from xapi.cli.api import Object
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure
from xapi.cli.generated import chosen_fields
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each, select
from xapi.datamodel import NULL_REF
from xapi.errors import XenAPIError

SHOWN_OF_VBD: Final = frozenset({"uuid", "vm-name-label", "userdevice"})
SHOWN_OF_VDI: Final = frozenset({"uuid", "name-label", "virtual-size", "sr-name-label"})
SHOWN_OF_VIF: Final = frozenset({"uuid", "device", "MAC", "network-uuid", "network-name-label", "vm-name-label"})
SHOWN: Final = ("vbd-params", "vdi-params")
PARAMS: Final = frozenset(SHOWN)


def on_uuid(cls: str, message: str) -> Run:
    """A command that is one message to the object of ``uuid=``."""

    async def run(ctx: Context) -> None:
        ref = await ctx.api.call(f"{cls}.get_by_uuid", ctx.arguments.required("uuid"))
        await ctx.api.call(f"{cls}.{message}", ref)

    return run


def _disk_list(kind: str, own_fields: frozenset[str]) -> Run:
    """vm-disk-list and vm-cd-list: each VBD of that type with its VDI."""

    async def run(ctx: Context) -> None:
        await on_each(ctx, Selection("vm", not_filters=PARAMS), lambda vm: show_disks(ctx, vm.record, kind, own_fields))

    return run


async def show_disks(ctx: Context, vm: Object, kind: str, own_fields: frozenset[str] = frozenset()) -> None:
    """The VBDs of a VM that are CDs, or are not, each with its VDI."""
    vbds = [(ref, await ctx.objects.get("VBD", ref)) for ref in vm["VBDs"]]
    shown = [(ref, vbd) for ref, vbd in vbds if vbd is not None and (vbd["type"] == "CD") == (kind == "CD")]
    for number, (ref, vbd) in enumerate(sorted(shown, key=lambda pair: str(pair[1]["userdevice"]))):
        subject = Subject(ctx.objects, "VBD", ref, vbd)
        await _show(ctx, f"{kind} {number} VBD:", "vbd", subject, SHOWN_OF_VBD | own_fields)
        vdi = None if vbd["empty"] else await ctx.objects.get("VDI", vbd["VDI"])
        if vdi is not None:
            subject = Subject(ctx.objects, "VDI", vbd["VDI"], vdi)
            await _show(ctx, f"{kind} {number} VDI:", "vdi", subject, SHOWN_OF_VDI)


async def _show(ctx: Context, heading: str, cls: str, subject: Subject, usual: frozenset[str]) -> None:
    fields = chosen_fields(CLASSES[cls], ctx.arguments, f"{cls}-params") if _given(ctx, cls) else usual
    ctx.printer.message(heading)
    ctx.printer.table([await reading.row(CLASSES[cls].record, subject, fields, brief=False)])


def _given(ctx: Context, cls: str) -> bool:
    return ctx.arguments.get(f"{cls}-params") is not None


async def vif_list(ctx: Context) -> None:
    vms = await select(ctx, Selection("vm", Several.ALWAYS, not_filters=frozenset({"params"})))
    named = ctx.arguments.get("params") is not None
    fields = chosen_fields(CLASSES["vif"], ctx.arguments) if named else SHOWN_OF_VIF
    rows = []
    for ref in [ref for vm in vms for ref in vm.record["VIFs"]]:
        vif = await ctx.objects.get("VIF", ref)
        if vif is not None:
            subject = Subject(ctx.objects, "VIF", ref, vif)
            rows.append(await reading.row(CLASSES["vif"].record, subject, fields, brief=False))
    ctx.printer.table(rows)


async def disk_add(ctx: Context) -> None:
    size = values.size("disk-size", ctx.arguments.required("disk-size"))
    device = ctx.arguments.required("device")
    sr = await sr_or_default(ctx)

    async def act(vm: Subject) -> None:
        vdi = await ctx.api.call("VDI.create", _vdi(sr, size, str(vm.record["uuid"])))
        try:
            vbd = await ctx.api.call("VBD.create", vbd_record(vm.ref, vdi, device, other_config={"owner": ""}))
        except XenAPIError:
            await ctx.api.call("VDI.destroy", vdi)
            raise
        with suppress(XenAPIError):  # a halted VM takes the disk at its next start
            await ctx.api.call("VBD.plug", vbd)

    await on_each(ctx, Selection("vm", not_filters=frozenset({"sr-uuid", "device", "disk-size"})), act)


async def sr_or_default(ctx: Context) -> str:
    """The SR of ``sr-uuid=``, or the pool's default. Raises CommandFailure if there is none."""
    uuid = ctx.arguments.get("sr-uuid")
    if uuid is not None:
        given: str = await ctx.api.call("SR.get_by_uuid", uuid)
        return given
    for pool in (await ctx.objects.all("pool")).values():
        if await ctx.objects.get("SR", pool["default_SR"]) is not None:
            return str(pool["default_SR"])
    raise CommandFailure("The pool has no default SR: give sr-uuid=")


def _vdi(sr: str, size: int, vm_uuid: str) -> dict[str, Any]:
    return {
        "name_label": "Created by xe",
        "name_description": "",
        "SR": sr,
        "virtual_size": size,
        "type": "user",
        "sharable": False,
        "read_only": False,
        "other_config": {},
        "xenstore_data": {},
        "sm_config": {"vmhint": vm_uuid},
        "tags": [],
    }


def vbd_record(
    vm: str,
    vdi: str,
    device: str,
    *,
    mode: str = "RW",
    kind: str = "Disk",
    bootable: bool = False,
    unpluggable: bool = True,
    other_config: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The argument of VBD.create."""
    return {
        "VM": vm,
        "VDI": vdi,
        "userdevice": device,
        "bootable": bootable,
        "mode": mode,
        "type": kind,
        "unpluggable": unpluggable,
        "empty": vdi == NULL_REF,
        "other_config": other_config or {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }


async def disk_remove(ctx: Context) -> None:
    device = ctx.arguments.required("device")

    async def act(vm: Subject) -> None:
        for ref in vm.record["VBDs"]:
            vbd = await ctx.objects.get("VBD", ref)
            if vbd is not None and vbd["userdevice"] == device:
                await ctx.api.call("VBD.destroy", ref)
                await ctx.api.call("VDI.destroy", vbd["VDI"])
                return
        raise CommandFailure(f"No disk at device '{device}'")

    await on_each(ctx, Selection("vm", not_filters=frozenset({"device"})), act)


async def vbd_create(ctx: Context) -> None:
    arguments = ctx.arguments
    vm = await ctx.api.call("VM.get_by_uuid", arguments.required("vm-uuid"))
    vdi_uuid = arguments.get("vdi-uuid")
    vdi = NULL_REF if vdi_uuid is None else await ctx.api.call("VDI.get_by_uuid", vdi_uuid)
    kind = enum_texts.parse("vbd_type", "type", arguments.text("type", "Disk"))
    if vdi == NULL_REF and kind == "Disk":
        raise CommandFailure("Only a CD or floppy drive can be empty: give vdi-uuid= or type=CD")
    record = vbd_record(
        vm,
        vdi,
        arguments.required("device"),
        mode=enum_texts.parse("vbd_mode", "mode", arguments.text("mode", "RW")),
        kind=kind,
        bootable=arguments.flag("bootable"),
        unpluggable=arguments.flag("unpluggable", default=True),
    )
    vbd = await ctx.api.call("VBD.create", record)
    ctx.printer.list([await ctx.api.call("VBD.get_uuid", vbd)])


async def vbd_insert(ctx: Context) -> None:
    vbd = await ctx.api.call("VBD.get_by_uuid", ctx.arguments.required("uuid"))
    await ctx.api.call("VBD.insert", vbd, await ctx.api.call("VDI.get_by_uuid", ctx.arguments.required("vdi-uuid")))


async def unplug(ctx: Context) -> None:
    """vbd-unplug and vif-unplug."""
    cls = "VBD" if ctx.arguments.command.startswith("vbd") else "VIF"
    ref = await ctx.api.call(f"{cls}.get_by_uuid", ctx.arguments.required("uuid"))
    await ctx.api.call(f"{cls}.unplug_force" if ctx.arguments.flag("force") else f"{cls}.unplug", ref)


async def vif_create(ctx: Context) -> None:
    arguments = ctx.arguments
    vm = await ctx.api.call("VM.get_by_uuid", arguments.required("vm-uuid"))
    network = await ctx.api.call("network.get_by_uuid", arguments.required("network-uuid"))
    mac = arguments.text("mac")
    record = {
        "device": arguments.required("device"),
        "network": network,
        "VM": vm,
        "MAC": "" if mac == "random" else mac,  # the server's own choice is as random
        "MTU": await ctx.api.call("network.get_MTU", network),
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }
    vif = await ctx.api.call("VIF.create", record)
    ctx.printer.list([await ctx.api.call("VIF.get_uuid", vif)])


_UUID: Final = ("uuid",)

COMMANDS: Final = (
    Command("vm-disk-list", _disk_list("Disk", frozenset()), (), SHOWN, standard=True, selects="vm"),
    Command("vm-cd-list", _disk_list("CD", frozenset({"empty"})), (), SHOWN, standard=True, selects="vm"),
    Command("vm-vif-list", vif_list, standard=True, selects="vm"),
    Command("vm-disk-add", disk_add, ("disk-size", "device"), ("sr-uuid",), standard=True, selects="vm"),
    Command("vm-disk-remove", disk_remove, ("device",), standard=True, selects="vm"),
    Command("vbd-create", vbd_create, ("vm-uuid", "device"), ("vdi-uuid", "bootable", "type", "mode", "unpluggable")),
    Command("vbd-insert", vbd_insert, ("uuid", "vdi-uuid")),
    Command("vbd-eject", on_uuid("VBD", "eject"), _UUID),
    Command("vbd-plug", on_uuid("VBD", "plug"), _UUID),
    Command("vbd-unplug", unplug, _UUID, ("timeout", "force")),
    Command("vbd-destroy", on_uuid("VBD", "destroy"), _UUID),
    Command("vif-create", vif_create, ("device", "network-uuid", "vm-uuid"), ("mac",)),
    Command("vif-plug", on_uuid("VIF", "plug"), _UUID),
    Command("vif-unplug", unplug, _UUID, ("force",)),
    Command("vif-destroy", on_uuid("VIF", "destroy"), _UUID),
)
