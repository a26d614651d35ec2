"""Commands that make, run and remove virtual machines."""

from typing import Any, Final

from xapi.cli import tasks
from xapi.cli.command import Command, Context, confirmed
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each
from xapi.datamodel import NULL_REF
from xapi.errors import XenAPIError, error

PROGRESS: Final = frozenset({"progress"})
NEW_NAMES: Final = frozenset({"new-name-label", "new-name-description", "ignore-vdi-uuids"})


async def start(ctx: Context) -> None:
    """XenAPI: VM.start, VM.start_on."""
    force, paused, on = ctx.arguments.flag("force"), ctx.arguments.flag("paused"), ctx.arguments.get("on")
    host = await find_host(ctx, on) if on is not None else None

    async def act(vm: Subject) -> None:
        if host is None:
            await tasks.call(ctx, "VM.start", vm.ref, paused, force)
        else:
            await tasks.call(ctx, "VM.start_on", vm.ref, host, paused, force)

    await on_each(ctx, Selection("vm", control_domains=True, not_filters=frozenset({"on", "paused"}) | PROGRESS), act)


async def find_host(ctx: Context, name: str) -> str:
    """The host of that uuid, hostname or name. Raises CommandFailure."""
    hosts = await ctx.objects.all("host")
    found = [ref for ref, host in hosts.items() if name in (host["uuid"], host["hostname"], host["name_label"])]
    if len(found) != 1:
        raise CommandFailure("No matching hosts found" if not found else f"Several hosts match '{name}'")
    return found[0]


async def resume(ctx: Context) -> None:
    """XenAPI: VM.resume, VM.resume_on."""
    force, on = ctx.arguments.flag("force"), ctx.arguments.get("on")
    host = await find_host(ctx, on) if on is not None else None

    async def act(vm: Subject) -> None:
        if host is None:
            await tasks.call(ctx, "VM.resume", vm.ref, False, force)
        else:
            await tasks.call(ctx, "VM.resume_on", vm.ref, host, False, force)

    await on_each(ctx, Selection("vm", not_filters=frozenset({"on"}) | PROGRESS), act)


async def shutdown(ctx: Context) -> None:
    message = "VM.hard_shutdown" if ctx.arguments.flag("force") else "VM.clean_shutdown"
    await on_each(ctx, Selection("vm", not_filters=PROGRESS), lambda vm: tasks.call(ctx, message, vm.ref))


async def reboot(ctx: Context) -> None:
    message = "hard_reboot" if ctx.arguments.flag("force") else "clean_reboot"
    await on_each(ctx, Selection("vm"), lambda vm: vm.call(message))


async def suspend(ctx: Context) -> None:
    await on_each(ctx, Selection("vm", not_filters=PROGRESS), lambda vm: tasks.call(ctx, "VM.suspend", vm.ref))


async def pause(ctx: Context) -> None:
    await on_each(ctx, Selection("vm"), lambda vm: vm.call("pause"))


async def unpause(ctx: Context) -> None:
    await on_each(ctx, Selection("vm"), lambda vm: vm.call("unpause"))


async def reset_powerstate(ctx: Context) -> None:
    if not ctx.arguments.flag("force"):
        raise CommandFailure("This forgets a running VM without stopping it: use --force if the VM is really gone")
    await on_each(ctx, Selection("vm"), lambda vm: vm.call("power_state_reset"))


# New machines


async def print_new(ctx: Context, refs: list[str]) -> None:
    """Says which VMs were made, after describing a single one."""
    description = ctx.arguments.get("new-name-description")
    if description is not None and len(refs) == 1:
        await ctx.api.call("VM.set_name_description", refs[0], description)
    ctx.printer.list([await ctx.api.call("VM.get_uuid", ref) for ref in refs])


async def clone(ctx: Context) -> None:
    name = ctx.arguments.required("new-name-label")
    refs = await on_each(ctx, Selection("vm", templates=True, not_filters=NEW_NAMES), lambda vm: vm.call("clone", name))
    await print_new(ctx, refs)


async def copy(ctx: Context) -> None:
    name, sr_uuid = ctx.arguments.required("new-name-label"), ctx.arguments.get("sr-uuid")
    sr = NULL_REF if sr_uuid is None else await ctx.api.call("SR.get_by_uuid", sr_uuid)
    selection = Selection(
        "vm", Several.NEVER, templates=True, not_filters=frozenset({"sr-uuid"}) | NEW_NAMES - {"ignore-vdi-uuids"}
    )
    await print_new(ctx, await on_each(ctx, selection, lambda vm: vm.call("copy", name, sr)))


async def snapshot(ctx: Context) -> None:
    name = ctx.arguments.required("new-name-label")
    ignored = [await ctx.api.call("VDI.get_by_uuid", uuid) for uuid in ctx.arguments.words("ignore-vdi-uuids")]
    refs = await on_each(ctx, Selection("vm", not_filters=NEW_NAMES), lambda vm: vm.call("snapshot", name, ignored))
    await print_new(ctx, refs)


async def checkpoint(ctx: Context) -> None:
    name = ctx.arguments.required("new-name-label")
    refs = await on_each(ctx, Selection("vm", not_filters=NEW_NAMES), lambda vm: vm.call("checkpoint", name))
    await print_new(ctx, refs)


async def snapshot_of(ctx: Context) -> str:
    """The snapshot of ``snapshot-uuid=`` or ``uuid=``. Raises CommandFailure for another VM."""
    uuid = ctx.arguments.get("snapshot-uuid")
    uuid = ctx.arguments.required("uuid") if uuid is None else uuid
    ref: str = await ctx.api.call("VM.get_by_uuid", uuid)
    if not await ctx.api.call("VM.get_is_a_snapshot", ref):
        raise CommandFailure(f"{uuid} is not a snapshot")
    return ref


async def snapshot_revert(ctx: Context) -> None:
    await ctx.api.call("VM.revert", await snapshot_of(ctx))


async def install(ctx: Context) -> None:
    """A VM out of a template: clone or copy, settle where its disks go, provision; undone if a step fails."""
    name = ctx.arguments.required("new-name-label")
    template = await _template(ctx)
    record = await ctx.api.call("VM.get_record", template)
    sr = await _sr_for_install(ctx, record)
    if sr is None:
        vm = await ctx.api.call("VM.clone", template, name)
    else:
        vm = await ctx.api.call("VM.copy", template, name, sr)
    try:
        await _provision(ctx, vm, record, sr)
    except (XenAPIError, CommandFailure):
        await ctx.api.call("VM.destroy", vm)
        raise
    ctx.printer.list([await ctx.api.call("VM.get_uuid", vm)])


async def _provision(ctx: Context, vm: str, template: dict[str, Any], sr: str | None) -> None:
    label = template["name_label"]
    await ctx.api.call("VM.set_name_description", vm, f"Installed from the template '{label}'")
    if sr is not None:
        await ctx.api.call("VM.set_suspend_SR", vm, sr)
        disks = template["other_config"].get("disks")
        if disks is not None:
            await ctx.api.call("VM.remove_from_other_config", vm, "disks")
            await ctx.api.call("VM.add_to_other_config", vm, "disks", _disks_on(disks, await _uuid(ctx, sr)))
    await ctx.api.call("VM.provision", vm)
    source = ctx.arguments.get("copy-bios-strings-from")
    if source is not None:
        await ctx.api.call("VM.copy_bios_strings", vm, await ctx.api.call("host.get_by_uuid", source))


async def _uuid(ctx: Context, sr: str) -> str:
    return str(await ctx.api.call("SR.get_uuid", sr))


def _disks_on(disks: str, sr_uuid: str) -> str:
    """The template's wish list of disks, all on one SR."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(disks)
    except ElementTree.ParseError as reason:
        raise CommandFailure(f"The template's other-config:disks is not XML: {reason}") from reason
    for disk in root.iter("disk"):
        disk.set("sr", sr_uuid)
    return ElementTree.tostring(root, encoding="unicode")


async def _sr_for_install(ctx: Context, template: dict[str, Any]) -> str | None:
    uuid, name = ctx.arguments.get("sr-uuid"), ctx.arguments.get("sr-name-label")
    if uuid is None and name is None:
        return None
    if template["is_a_snapshot"]:
        raise CommandFailure("sr-uuid and sr-name-label cannot be used with a snapshot as template")
    if uuid is not None:
        found: str = await ctx.api.call("SR.get_by_uuid", uuid)
        return found
    named: list[str] = await ctx.api.call("SR.get_by_name_label", name)
    if len(named) != 1:
        raise CommandFailure(f"{len(named)} SRs are called '{name}': use sr-uuid")
    return named[0]


async def _template(ctx: Context) -> str:
    """By uuid or name, whatever of the accepted parameters comes first in their order. Raises CommandFailure."""
    uuid = ctx.arguments.get("template-uuid")
    if uuid is not None:
        ref: str = await ctx.api.call("VM.get_by_uuid", uuid)
        return await require_template(ctx, ref, uuid)
    for parameter in ("template-name-label", "template-name", "template"):
        name = ctx.arguments.get(parameter)
        if name is not None:
            return await _template_named(ctx, name, by_uuid=parameter == "template")
    raise CommandFailure("Which template? Give template=, its name or uuid")


async def require_template(ctx: Context, ref: str, uuid: str) -> str:
    """Raises CommandFailure for a VM that is no template."""
    record = await ctx.api.call("VM.get_record", ref)
    if not record["is_a_template"]:
        raise CommandFailure(f"{uuid} is not a template")
    return ref


async def _template_named(ctx: Context, name: str, *, by_uuid: bool) -> str:
    vms = await ctx.objects.all("VM")
    templates = {ref: vm for ref, vm in vms.items() if vm["is_a_template"] and not vm["is_control_domain"]}
    found = [ref for ref, vm in templates.items() if by_uuid and vm["uuid"] == name]
    found = found or [ref for ref, vm in templates.items() if vm["name_label"] == name]
    if len(found) != 1:
        raise CommandFailure(f"{len(found)} templates match '{name}'" if found else f"No templates match '{name}'")
    return found[0]


# The end of machines


async def destroy(ctx: Context) -> None:
    ref = await ctx.api.call("VM.get_by_uuid", ctx.arguments.required("uuid"))
    if await ctx.api.call("VM.get_is_control_domain", ref):
        raise error("OPERATION_NOT_ALLOWED", "A control domain cannot be destroyed")
    await ctx.api.call("VM.destroy", ref)


async def uninstall(ctx: Context) -> None:
    async def all_of(vm: Subject) -> list[str]:
        return [vm.ref, *vm.record["snapshots"]]

    found = await on_each(ctx, Selection("vm"), all_of)
    await _remove(ctx, [ref for refs in found for ref in refs])


async def snapshot_uninstall(ctx: Context) -> None:
    await _remove(ctx, [await snapshot_of(ctx)])


async def template_uninstall(ctx: Context) -> None:
    uuid = ctx.arguments.required("template-uuid")
    await _remove(ctx, [await require_template(ctx, await ctx.api.call("VM.get_by_uuid", uuid), uuid)])


async def _remove(ctx: Context, vms: list[str]) -> None:
    """Destroys VMs and the disks that were made for them, after showing which and asking."""
    disks = list(dict.fromkeys([vdi for vm in vms for vdi in await _own_disks(ctx, vm)]))
    ctx.printer.raw("The following items are about to be destroyed")
    for vm in vms:
        record = await ctx.api.call("VM.get_record", vm)
        ctx.printer.raw(f"VM : {record['uuid']} ({record['name_label']})")
    for vdi in disks:
        record = await ctx.api.call("VDI.get_record", vdi)
        ctx.printer.raw(f"VDI: {record['uuid']} ({record['name_label']}) ")
    if not await confirmed(ctx):
        return
    for vm in vms:
        if await ctx.api.call("VM.get_power_state", vm) not in ("Halted",):
            await ctx.api.call("VM.hard_shutdown", vm)
        await ctx.api.call("VM.destroy", vm)
    for vdi in disks:
        await ctx.api.call("VDI.destroy", vdi)
    ctx.printer.raw("All objects destroyed")


async def _own_disks(ctx: Context, vm: str) -> list[str]:
    """The VDIs that go with a VM: those whose VBD is marked ``owner``, and its suspend image."""
    record = await ctx.api.call("VM.get_record", vm)
    vbds = [await ctx.objects.get("VBD", ref) for ref in record["VBDs"]]
    owned = [vbd["VDI"] for vbd in vbds if vbd is not None and "owner" in vbd["other_config"]]
    return [vdi for vdi in (*owned, record["suspend_VDI"]) if await ctx.objects.get("VDI", vdi) is not None]


def _selecting(name: str, run: Any, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> Command:
    return Command(name, run, required, optional, standard=True, selects="vm")


_NEW: Final = ("new-name-label",)

COMMANDS: Final = (
    _selecting("vm-start", start, optional=("force", "on", "paused")),
    _selecting("vm-resume", resume, optional=("force", "on")),
    _selecting("vm-shutdown", shutdown, optional=("force",)),
    _selecting("vm-reboot", reboot, optional=("force",)),
    _selecting("vm-suspend", suspend),
    _selecting("vm-pause", pause),
    _selecting("vm-unpause", unpause),
    _selecting("vm-reset-powerstate", reset_powerstate, optional=("force",)),
    _selecting("vm-clone", clone, _NEW, ("new-name-description",)),
    _selecting("vm-copy", copy, _NEW, ("new-name-description", "sr-uuid")),
    _selecting("vm-snapshot", snapshot, _NEW, ("new-name-description", "ignore-vdi-uuids")),
    _selecting("vm-checkpoint", checkpoint, _NEW, ("new-name-description",)),
    _selecting("vm-uninstall", uninstall, optional=("force",)),
    Command("snapshot-revert", snapshot_revert, (), ("uuid", "snapshot-uuid"), standard=True),
    Command("snapshot-uninstall", snapshot_uninstall, (), ("uuid", "snapshot-uuid", "force"), standard=True),
    Command("template-uninstall", template_uninstall, ("template-uuid",), ("force",), standard=True),
    Command("vm-install", install, _NEW, ("sr-name-label", "sr-uuid", "template", "copy-bios-strings-from"), standard=True),
    Command("vm-destroy", destroy, ("uuid",)),
)
