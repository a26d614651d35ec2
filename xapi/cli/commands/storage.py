"""Commands about disk images and storage repositories."""

from typing import Any, Final

from idl import cli
from xapi.cli import tasks, values
from xapi.cli.command import Command, Context, file_content
from xapi.cli.commands.devices import on_uuid
from xapi.cli.failures import CommandFailure
from xapi.datamodel import NULL_REF

_FILE: Final = "-filename"
VDI_TYPES: Final = ("system", "user", "suspend", "crashdump")


async def _vdi(ctx: Context) -> str:
    ref: str = await ctx.api.call("VDI.get_by_uuid", ctx.arguments.required("uuid"))
    return ref


async def _print_uuid(ctx: Context, cls: str, ref: str) -> None:
    ctx.printer.list([await ctx.api.call(f"{cls}.get_uuid", ref)])


async def vdi_create(ctx: Context) -> None:
    arguments = ctx.arguments
    kind = arguments.text("type", "user").lower()
    if kind not in VDI_TYPES:
        raise CommandFailure(f"Unknown VDI type '{kind}': one of {', '.join(VDI_TYPES)}")
    record: dict[str, Any] = {
        "name_label": arguments.required("name-label"),
        "name_description": "",
        "SR": await ctx.api.call("SR.get_by_uuid", arguments.required("sr-uuid")),
        "virtual_size": values.size("virtual-size", arguments.required("virtual-size")),
        "type": kind,
        "sharable": arguments.flag("sharable"),
        "read_only": False,
        "other_config": {},
        "xenstore_data": {},
        "sm_config": arguments.map("sm-config"),
        "tags": list(arguments.map("tags")),
    }
    await _print_uuid(ctx, "VDI", await ctx.api.call("VDI.create", record))


async def vdi_resize(ctx: Context) -> None:
    message = "VDI.resize_online" if ctx.arguments.get("online") == "true" else "VDI.resize"
    size = values.size("disk-size", ctx.arguments.required("disk-size"))
    await ctx.api.call(message, await _vdi(ctx), size)


async def vdi_clone(ctx: Context) -> None:
    new = await ctx.api.call("VDI.clone", await _vdi(ctx), ctx.arguments.map("driver-params"))
    for parameter, message in (("new-name-label", "name_label"), ("new-name-description", "name_description")):
        text = ctx.arguments.get(parameter)
        if text is not None:
            await ctx.api.call(f"VDI.set_{message}", new, text)
    await _print_uuid(ctx, "VDI", new)


async def vdi_snapshot(ctx: Context) -> None:
    await _print_uuid(ctx, "VDI", await ctx.api.call("VDI.snapshot", await _vdi(ctx), ctx.arguments.map("driver-params")))


async def vdi_copy(ctx: Context) -> None:
    arguments = ctx.arguments
    sr_uuid, into_uuid, base_uuid = (arguments.get(name) for name in ("sr-uuid", "into-vdi-uuid", "base-vdi-uuid"))
    if (sr_uuid is None) == (into_uuid is None):
        raise CommandFailure("Give either sr-uuid= or into-vdi-uuid=")
    sr = NULL_REF if sr_uuid is None else await ctx.api.call("SR.get_by_uuid", sr_uuid)
    into = NULL_REF if into_uuid is None else await ctx.api.call("VDI.get_by_uuid", into_uuid)
    base = NULL_REF if base_uuid is None else await ctx.api.call("VDI.get_by_uuid", base_uuid)
    await _print_uuid(ctx, "VDI", await ctx.api.call("VDI.copy", await _vdi(ctx), sr, base, into))


async def vdi_introduce(ctx: Context) -> None:
    arguments = ctx.arguments
    new = await ctx.api.call(
        "VDI.introduce",
        arguments.required("uuid"),
        arguments.text("name-label"),
        arguments.text("name-description"),
        await ctx.api.call("SR.get_by_uuid", arguments.required("sr-uuid")),
        arguments.required("type").lower(),
        arguments.flag("sharable"),
        arguments.flag("read-only"),
        arguments.map("other-config"),
        arguments.required("location"),
        arguments.map("xenstore-data"),
        arguments.map("sm-config"),
    )
    await _print_uuid(ctx, "VDI", new)


async def vdi_import(ctx: Context) -> None:
    await tasks.transfer(ctx, "Import of a VDI", cli.HttpPut, await _raw_vdi(ctx, "/import_raw_vdi"))


async def vdi_export(ctx: Context) -> None:
    await tasks.transfer(ctx, "Export of a VDI", cli.HttpGet, await _raw_vdi(ctx, "/export_raw_vdi"))


async def _raw_vdi(ctx: Context, handler: str) -> str:
    path = f"{handler}?vdi={await _vdi(ctx)}"
    image_format, base = ctx.arguments.get("format"), ctx.arguments.get("base")
    if image_format is not None:
        path += f"&format={image_format}"
    if base is not None and handler == "/export_raw_vdi":
        path += f"&base={base}"
    return path


async def sr_create(ctx: Context) -> None:
    arguments = ctx.arguments
    size = arguments.text("physical-size")
    sr = await ctx.api.call(
        "SR.create",
        await _sr_host(ctx),
        await _device_config(ctx),
        values.size("physical-size", size) if size else 0,
        arguments.required("name-label"),
        arguments.text("name-description"),
        arguments.required("type"),
        arguments.text("content-type"),
        arguments.flag("shared"),
        arguments.map("sm-config"),
    )
    ctx.printer.raw(await ctx.api.call("SR.get_uuid", sr))


async def _device_config(ctx: Context) -> dict[str, str]:
    """The pairs given; ``K-filename=PATH`` is the content of the client's file under the key K."""
    return {
        key.removesuffix(_FILE): await file_content(ctx, value) if key.endswith(_FILE) else value
        for key, value in ctx.arguments.map("device-config").items()
    }


async def _sr_host(ctx: Context) -> str:
    """The host given, the only one, or the coordinator for shared storage. Raises CommandFailure."""
    uuid = ctx.arguments.get("host-uuid")
    if uuid is not None:
        given: str = await ctx.api.call("host.get_by_uuid", uuid)
        return given
    hosts = await ctx.objects.all("host")
    if len(hosts) == 1:
        return next(iter(hosts))
    if not ctx.arguments.flag("shared"):
        raise CommandFailure("The pool has several hosts: give host-uuid=")
    return str(next(iter((await ctx.objects.all("pool")).values()))["master"])


_UUID: Final = ("uuid",)

COMMANDS: Final = (
    Command("vdi-create", vdi_create, ("sr-uuid", "name-label", "virtual-size"),
            ("sm-config:", "sharable", "tags:", "type")),
    Command("vdi-resize", vdi_resize, ("uuid", "disk-size"), ("online",)),
    Command("vdi-clone", vdi_clone, _UUID, ("driver-params-", "new-name-label", "new-name-description")),
    Command("vdi-snapshot", vdi_snapshot, _UUID, ("driver-params-",)),
    Command("vdi-copy", vdi_copy, _UUID, ("sr-uuid", "base-vdi-uuid", "into-vdi-uuid")),
    Command("vdi-introduce", vdi_introduce, ("uuid", "sr-uuid", "type", "location"),
            ("name-description", "sharable", "read-only", "managed", "other-config:", "xenstore-data:", "sm-config:",
             "name-label")),
    Command("vdi-import", vdi_import, ("uuid", "filename"), ("format", "progress")),
    Command("vdi-export", vdi_export, ("uuid", "filename"), ("format", "base", "progress")),
    Command("vdi-destroy", on_uuid("VDI", "destroy"), _UUID),
    Command("vdi-forget", on_uuid("VDI", "forget"), _UUID),
    Command("vdi-update", on_uuid("VDI", "update"), _UUID),
    Command("sr-create", sr_create, ("name-label", "type"),
            ("name-description", "host-uuid", "device-config:", "shared", "physical-size", "content-type",
             "sm-config:")),
    Command("sr-scan", on_uuid("SR", "scan"), _UUID),
    Command("sr-forget", on_uuid("SR", "forget"), _UUID),
    Command("sr-destroy", on_uuid("SR", "destroy"), _UUID),
    Command("pbd-plug", on_uuid("PBD", "plug"), _UUID),
    Command("pbd-unplug", on_uuid("PBD", "unplug"), _UUID),
)  # fmt: skip
