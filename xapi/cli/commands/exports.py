"""Commands that bring whole VMs in and out as files."""

import re
from typing import Any, Final

from idl import cli
from xapi.cli import tasks, values
from xapi.cli.command import Command, Context
from xapi.cli.commands.devices import sr_or_default
from xapi.cli.commands.vm import require_template, snapshot_of
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, select
from xapi.datamodel import NULL_REF

_EXPORT_OPTIONS: Final = ("compress", "metadata", "excluded-device-types")
_REF: Final = re.compile(r"OpaqueRef:[0-9A-Za-z-]+")


def compression(text: str | None) -> str:
    """The value of ``use_compression``: gzip for ``true``, zstd, else none."""
    return {"true": "gzip", "gzip": "gzip", "zstd": "zstd"}.get((text or "").lower(), "false")


async def _export(ctx: Context, vm: str, filename: str, *, snapshots: bool) -> None:
    arguments = ctx.arguments
    path = "/export_metadata" if arguments.flag("metadata") else "/export"
    query = (
        f"ref={vm}&use_compression={compression(arguments.get('compress'))}"
        f"&preserve_power_state={values.show_boolean(arguments.flag('preserve-power-state'))}"
        f"&export_snapshots={values.show_boolean(snapshots)}"
    )
    excluded = arguments.get("excluded-device-types")
    if excluded is not None:
        query += f"&excluded_device_types={excluded}"
    await tasks.transfer(ctx, "Export", cli.HttpGet, f"{path}?{query}", filename=filename)
    if filename:
        ctx.printer.raw("Export succeeded")


async def export_vms(ctx: Context) -> None:
    """One file for each VM: the second and later ones have their number after the name."""
    own = {"filename", "preserve-power-state", "include-snapshots", *_EXPORT_OPTIONS}
    vms: list[Subject] = await select(ctx, Selection("vm", not_filters=frozenset(own)))
    filename, snapshots = ctx.arguments.required("filename"), ctx.arguments.flag("include-snapshots", default=True)
    for number, vm in enumerate(vms, start=1):
        await _export(ctx, vm.ref, filename if number == 1 else f"{filename}{number}", snapshots=snapshots)


async def export_template(ctx: Context) -> None:
    uuid = ctx.arguments.required("template-uuid")
    template = await require_template(ctx, await ctx.api.call("VM.get_by_uuid", uuid), uuid)
    await _export(ctx, template, ctx.arguments.required("filename"), snapshots=ctx.arguments.flag("include-snapshots"))


async def export_snapshot(ctx: Context) -> None:
    filename = ctx.arguments.required("filename")
    await _export(ctx, await snapshot_of(ctx), filename, snapshots=ctx.arguments.flag("include-snapshots"))


async def import_vm(ctx: Context) -> None:
    arguments = ctx.arguments
    if arguments.get("type") not in (None, "XenServer"):
        await ctx.api.call("VM.import_convert", *await _foreign(ctx))
        return
    url, filename = arguments.get("url"), arguments.get("filename")
    if (url is None) == (filename is None):
        raise CommandFailure("Give either filename= or url=")
    vms = await _fetch(ctx, url) if url is not None else await _upload(ctx)
    ctx.printer.raw(",".join([await ctx.api.call("VM.get_uuid", vm) for vm in vms]))


async def _foreign(ctx: Context) -> list[Any]:
    arguments = ctx.arguments
    return [
        arguments.required("type"),
        arguments.text("host-username"),
        arguments.text("host-password"),
        await sr_or_default(ctx),
        arguments.map("remote-config"),
    ]


async def _fetch(ctx: Context, url: str) -> list[str]:
    restore, force = ctx.arguments.flag("preserve"), ctx.arguments.flag("force")
    vms: list[str] = await ctx.api.call("VM.import", url, await sr_or_default(ctx), restore, force)
    return vms


async def _upload(ctx: Context) -> list[str]:
    arguments = ctx.arguments
    metadata, dry_run = arguments.flag("metadata"), arguments.flag("dry-run")
    if dry_run and not metadata:
        raise CommandFailure("dry-run=true needs metadata=true")
    flags = {"restore": arguments.flag("preserve"), "force": arguments.flag("force"), "dry_run": dry_run}
    query = [f"{name}={values.show_boolean(value)}" for name, value in flags.items()]
    if not metadata or arguments.get("sr-uuid") is not None:
        query.append(f"sr_id={await sr_or_default(ctx)}")
    query += [f"vdi:{key}={value}" for key, value in arguments.map("vdi").items()]
    path = "/import_metadata" if metadata else "/import"
    result = await tasks.transfer(ctx, "VM import", cli.HttpPut, f"{path}?{'&'.join(query)}")
    return [ref for ref in _REF.findall(result) if ref != NULL_REF]


COMMANDS: Final = (
    Command("vm-export", export_vms, ("filename",), ("preserve-power-state", *_EXPORT_OPTIONS, "include-snapshots"),
            standard=True, selects="vm"),
    Command("template-export", export_template, ("filename", "template-uuid"), _EXPORT_OPTIONS, standard=True),
    Command("snapshot-export-to-template", export_snapshot, ("filename", "snapshot-uuid"),
            ("preserve-power-state", *_EXPORT_OPTIONS), standard=True),
    Command("vm-import", import_vm, (),
            ("filename", "preserve", "sr-uuid", "force", "host-username", "host-password", "type", "remote-config",
             "dry-run", "metadata", "url", "vdi:"), standard=True),
)  # fmt: skip
