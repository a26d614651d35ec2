"""Commands that move files between the client and a host: databases, backups, logs, reports, updates, blobs."""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree

from idl import cli
from xapi.cli import tasks, values
from xapi.cli.command import Command, Context, Run
from xapi.cli.commands.devices import sr_or_default
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each
from xapi.errors import XenAPIError


async def address_of(ctx: Context, host: str) -> str:
    """The start of a URL for a host: nothing for the coordinator, to which the client is talking."""
    pool = next(iter((await ctx.objects.all("pool")).values()))
    if pool["master"] == host:
        return ""
    address = str(await ctx.api.call("host.get_address", host))
    return f"https://[{address}]" if ":" in address else f"https://{address}"


async def dump_database(ctx: Context) -> None:
    await tasks.transfer(ctx, "Database dump", cli.HttpGet, "/pool/xmldbdump", filename=ctx.arguments.required("file-name"))


async def restore_database(ctx: Context) -> None:
    filename, dry_run = ctx.arguments.required("file-name"), ctx.arguments.get("dry-run") is not None
    if not dry_run and ctx.arguments.get("force") is None:
        raise CommandFailure("This replaces the pool's database and restarts the host: use --force, or dry-run=true to check")
    path = f"/pool/xmldbdump?dry_run={values.show_boolean(dry_run)}"
    await tasks.transfer(ctx, "Database restore", cli.HttpPut, path, filename=filename)
    ctx.printer.list(["The database can be restored" if dry_run else "The host restarts in 30.000 seconds"])


def _of_host(
    label: str, request: type[cli.HttpGet] | type[cli.HttpPut], path: str, several: Several, own: frozenset[str], parameter: str
) -> Run:
    """A file from or to the hosts chosen."""

    async def run(ctx: Context) -> None:
        async def act(host: Subject) -> None:
            url = await address_of(ctx, host.ref) + path
            given = [f"{name}={ctx.arguments.required(name)}" for name in sorted(own) if ctx.arguments.get(name) is not None]
            filename = ctx.arguments.get(parameter)
            await tasks.transfer(
                ctx, label, request, url + ("?" + "&".join(given) if given else ""), filename=_named(filename, host)
            )

        await on_each(ctx, Selection("host", several, not_filters=own | {parameter}), act)

    return run


def _named(filename: str | None, host: Subject) -> str:
    """The file of the user, or a name with the time and the host's name."""
    return (
        filename if filename is not None else f"logs-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{host.record['name_label']}"
    )


def _report(label: str, path: str, query: Callable[[Context], str]) -> Run:
    """A file that the coordinator makes; on standard output if the user names none."""

    async def run(ctx: Context) -> None:
        question = query(ctx)
        url = f"{path}?{question}" if question else path
        await tasks.transfer(ctx, label, cli.HttpGet, url, filename=ctx.arguments.text("filename"))

    return run


def _wlb_query(ctx: Context) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in ctx.arguments.others(["filename"]))


async def audit_log(ctx: Context) -> None:
    since = ctx.arguments.get("since")
    path = "/audit_log" if since is None else f"/audit_log?since={quote(since)}"
    await tasks.transfer(ctx, "Audit log", cli.HttpGet, path)
    if ctx.arguments.text("filename"):
        ctx.printer.raw("Audit log succeeded")


async def sync_bundle(ctx: Context) -> None:
    await tasks.transfer(ctx, "Sync bundle", cli.HttpPut, "/bundle")


def _text(result: str) -> str:
    """What a handler answers through its task: ``<value>text</value>``."""
    return "".join(ElementTree.fromstring(result).itertext()) if result.startswith("<") else result


async def patch_upload(ctx: Context) -> None:
    path = f"/pool_patch_upload?sr_id={await sr_or_default(ctx)}"
    result = await tasks.transfer(ctx, "Patch upload", cli.HttpPut, path, filename=ctx.arguments.required("file-name"))
    ctx.printer.raw(await ctx.api.call("pool_patch.get_uuid", _text(result)))


async def update_upload(ctx: Context) -> None:
    path = f"/import_raw_vdi?sr_id={await sr_or_default(ctx)}"
    vdi = _text(await tasks.transfer(ctx, "Update upload", cli.HttpPut, path, filename=ctx.arguments.required("file-name")))
    try:
        update = await ctx.api.call("pool_update.introduce", vdi)
    except XenAPIError:
        await ctx.api.call("VDI.destroy", vdi)
        raise
    ctx.printer.raw(await ctx.api.call("pool_update.get_uuid", update))


def _blob(request: type[cli.HttpGet] | type[cli.HttpPut], done: str) -> Run:
    async def run(ctx: Context) -> None:
        ref = await ctx.api.call("blob.get_by_uuid", ctx.arguments.required("uuid"))
        # The handler works without the client's task: what the client says is all there is to know.
        url = f"/blob?session_id={ctx.session}&ref={ref}"
        if not await ctx.client.transfer(request(ctx.arguments.required("filename"), url)):
            raise CommandFailure("The blob could not be moved")
        ctx.printer.raw(done)

    return run


BLOB_OWNERS: Final = {"vm-uuid": "VM", "pool-uuid": "pool", "sr-uuid": "SR", "host-uuid": "host", "network-uuid": "network"}


async def blob_create(ctx: Context) -> None:
    arguments = ctx.arguments
    name, kind, public = arguments.required("name"), arguments.text("mime-type"), arguments.flag("public")
    for parameter, cls in BLOB_OWNERS.items():
        if arguments.get(parameter) is not None:
            owner = await ctx.api.call(f"{cls}.get_by_uuid", arguments.required(parameter))
            blob = await ctx.api.call(f"{cls}.create_new_blob", owner, name, kind, public)
            ctx.printer.list([await ctx.api.call("blob.get_uuid", blob)])
            return
    raise CommandFailure(f"Whose blob? Give one of {', '.join(BLOB_OWNERS)}")


_FILE: Final = ("file-name",)

COMMANDS: Final = (
    Command("pool-dump-database", dump_database, _FILE),
    Command("pool-restore-database", restore_database, _FILE, ("dry-run",)),
    Command("pool-sync-bundle", sync_bundle, ("filename",)),
    Command("pool-retrieve-wlb-report", _report("WLB report", "/wlb_report", _wlb_query), ("report",), ("filename",),
            never_forward=True),
    Command("pool-retrieve-wlb-diagnostics", _report("WLB diagnostics", "/wlb_diagnostics", lambda _: ""), (),
            ("filename",), never_forward=True),
    Command("host-backup", _of_host("Host backup", cli.HttpGet, "/host_backup", Several.NEVER, frozenset(), "file-name"),
            _FILE, selects="host"),
    Command("host-restore", _of_host("Host restore", cli.HttpPut, "/host_restore", Several.NEVER, frozenset(), "file-name"),
            _FILE, selects="host"),
    Command("host-logs-download",
            _of_host("Host logs", cli.HttpGet, "/host_logs_download", Several.IF_ASKED, frozenset(), "file-name"), (), _FILE,
            selects="host"),
    Command("host-get-system-status",
            _of_host("System status", cli.HttpGet, "/system-status", Several.IF_ASKED, frozenset({"entries", "output"}),
                     "filename"),
            ("filename",), ("entries", "output"), selects="host"),
    Command("audit-log-get", audit_log, ("filename",), ("since",)),
    Command("patch-upload", patch_upload, _FILE),
    Command("update-upload", update_upload, _FILE, ("sr-uuid",)),
    Command("blob-get", _blob(cli.HttpGet, "Blob get succeeded"), ("uuid", "filename"), hidden=True),
    Command("blob-put", _blob(cli.HttpPut, "Blob put succeeded"), ("uuid", "filename"), hidden=True),
    Command("blob-create", blob_create, ("name",),
            ("mime-type", "vm-uuid", "host-uuid", "sr-uuid", "network-uuid", "pool-uuid", "public"), hidden=True),
)  # fmt: skip
