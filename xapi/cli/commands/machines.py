"""Commands about VMs, their devices and groups that are more than one call and not of every day."""

from typing import Any, Final

from xapi.cli import reading, values
from xapi.cli.command import Command, Context
from xapi.cli.commands.vm import NEW_NAMES, print_new
from xapi.cli.generated import find
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Subject
from xapi.cli.records.vm_parts import CRASHDUMP
from xapi.cli.selectors import Selection, Several, on_each, select
from xapi.datamodel import MODEL, NULL_REF, default_value
from xapi.errors import XenAPIError

MIB: Final = 1 << 20


async def create(ctx: Context) -> None:
    """A halted VM with nothing in it: 256 MiB, one processor."""
    record: dict[str, Any] = {field.name: default_value(field) for field in MODEL.classes["VM"].constructor_fields}
    record |= {
        "name_label": ctx.arguments.required("name-label"),
        "name_description": ctx.arguments.text("name-description"),
        "memory_static_max": 256 * MIB,
        "memory_dynamic_max": 256 * MIB,
        "memory_dynamic_min": 128 * MIB,
        "memory_static_min": 128 * MIB,
        "VCPUs_max": 1,
        "VCPUs_at_startup": 1,
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "destroy",
        "domain_type": "unspecified",
    }
    ctx.printer.list([await ctx.api.call("VM.get_uuid", await ctx.api.call("VM.create", record))])


async def snapshot_with_quiesce(ctx: Context) -> None:
    name = ctx.arguments.required("new-name-label")
    selection = Selection("vm", not_filters=NEW_NAMES)
    await print_new(ctx, await on_each(ctx, selection, lambda vm: vm.call("snapshot_with_quiesce", name)))


async def crashdumps(ctx: Context) -> None:
    rows = []
    for ref in [ref for vm in await select(ctx, Selection("vm")) for ref in vm.record["crash_dumps"]]:
        dump = await ctx.objects.get("crashdump", ref)
        if dump is not None:
            rows.append(await reading.row(CRASHDUMP, Subject(ctx.objects, "crashdump", ref, dump), None, brief=False))
    ctx.printer.table(rows)


async def bios_customized(ctx: Context) -> None:
    async def act(vm: Subject) -> None:
        strings = await vm.call("get_bios_strings")
        ctx.printer.message(bios_sentence(strings))

    await on_each(ctx, Selection("vm"), act)


def bios_sentence(strings: dict[str, str]) -> str:
    """What a VM's BIOS strings mean. Pure."""
    if not strings:
        return "The BIOS strings of this VM have not been set: it gets the generic ones at its first start."
    if strings.get("bios-vendor") == "Xen":
        return "This VM has the generic BIOS strings."
    return "This VM has BIOS strings of its own."


async def status(ctx: Context) -> None:
    """Where a VM can run, and where not and why."""
    vm = await find(CLASSES["vm"], ctx)
    shown = frozenset({"uuid", "name-label", "power-state", "possible-hosts"})
    ctx.printer.table([await reading.row(CLASSES["vm"].record, vm, shown, brief=False)])
    ctx.printer.list(["Its VBDs:"])
    for ref in vm.record["VBDs"]:
        vbd = await ctx.objects.get("VBD", ref)
        if vbd is not None:
            fields = frozenset({"uuid", "userdevice", "device", "vdi-uuid", "empty", "mode", "type", "currently-attached"})
            subject = Subject(ctx.objects, "VBD", ref, vbd)
            ctx.printer.table([await reading.row(CLASSES["vbd"].record, subject, fields, brief=False)])
    ctx.printer.list(["Hosts:"])
    reasons = [(str(host["name_label"]), await _obstacle(vm, ref)) for ref, host in (await ctx.objects.all("host")).items()]
    ctx.printer.table([reasons])
    ctx.printer.list([await _agility(vm)])


async def _obstacle(vm: Subject, host: str) -> str:
    try:
        await vm.call("assert_can_boot_here", host)
    except XenAPIError as error:
        return str(error)
    return "the VM can run here"


async def _agility(vm: Subject) -> str:
    try:
        await vm.call("assert_agile")
    except XenAPIError as error:
        return f"The VM is not agile: {error}"
    return "The VM is agile."


async def appliance_shutdown(ctx: Context) -> None:
    appliance = await ctx.api.call("VM_appliance.get_by_uuid", ctx.arguments.required("uuid"))
    message = "hard_shutdown" if ctx.arguments.flag("force") else "clean_shutdown"
    await ctx.api.call(f"VM_appliance.{message}", appliance)


async def vgpu_create(ctx: Context) -> None:
    arguments = ctx.arguments
    kind = arguments.get("vgpu-type-uuid")
    vgpu = await ctx.api.call(
        "VGPU.create",
        await ctx.api.call("VM.get_by_uuid", arguments.required("vm-uuid")),
        await ctx.api.call("GPU_group.get_by_uuid", arguments.required("gpu-group-uuid")),
        arguments.text("device", "0"),
        {},
        NULL_REF if kind is None else await ctx.api.call("VGPU_type.get_by_uuid", kind),
    )
    ctx.printer.list([await ctx.api.call("VGPU.get_uuid", vgpu)])


async def vdi_pool_migrate(ctx: Context) -> None:
    arguments = ctx.arguments
    vdi = await ctx.api.call("VDI.get_by_uuid", arguments.required("uuid"))
    sr = await ctx.api.call("SR.get_by_uuid", arguments.required("sr-uuid"))
    image_format = arguments.get("dest-img-format")
    options = {} if image_format is None else {"dest_img_format": image_format}
    new = await ctx.api.call("VDI.pool_migrate", vdi, sr, options)
    ctx.printer.list([await ctx.api.call("VDI.get_uuid", new)])


async def cache_storage_create(ctx: Context) -> None:
    arguments = ctx.arguments
    sr = await ctx.api.call("SR.get_by_uuid", arguments.required("sr-uuid"))
    site = await ctx.api.call("PVS_site.get_by_uuid", arguments.required("pvs-site-uuid"))
    size = values.size("size", arguments.required("size"))
    own = frozenset({"sr-uuid", "pvs-site-uuid", "size"})
    hosts = await select(ctx, Selection("host", Several.NEVER, not_filters=own))
    record = {"host": hosts[0].ref, "SR": sr, "site": site, "size": size}
    storage = await ctx.api.call("PVS_cache_storage.create", record)
    ctx.printer.list([await ctx.api.call("PVS_cache_storage.get_uuid", storage)])


COMMANDS: Final = (
    Command("vm-create", create, ("name-label",), ("name-description",), hidden=True),
    Command("vm-snapshot-with-quiesce", snapshot_with_quiesce, ("new-name-label",), ("new-name-description",),
            standard=True, selects="vm"),
    Command("vm-crashdump-list", crashdumps, selects="vm"),
    Command("vm-is-bios-customized", bios_customized, selects="vm"),
    Command("diagnostic-vm-status", status, ("uuid",), standard=True),
    Command("appliance-shutdown", appliance_shutdown, ("uuid",), ("force",)),
    Command("vgpu-create", vgpu_create, ("vm-uuid", "gpu-group-uuid"), ("vgpu-type-uuid", "device")),
    Command("vdi-pool-migrate", vdi_pool_migrate, ("uuid", "sr-uuid"), ("dest-img-format",)),
    Command("pvs-cache-storage-create", cache_storage_create, ("sr-uuid", "pvs-site-uuid", "size"), selects="host"),
)  # fmt: skip
