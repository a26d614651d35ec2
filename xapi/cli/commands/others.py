"""Commands about consoles, events, networks, hosts and tasks."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from idl import cli
from xapi.cli import filters, formats, reading, tasks, values
from xapi.cli.api import Objects
from xapi.cli.command import Command, Context
from xapi.cli.commands.devices import on_uuid
from xapi.cli.failures import CommandFailure
from xapi.cli.formats import Format
from xapi.cli.generated import chosen_fields, print_records
from xapi.cli.reading import Cell
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Class, Subject
from xapi.cli.selectors import Selection, Several, on_each, select

WATCH: Final = "watch"

EVENT_CLASSES: Final = frozenset(
    {"vm", "vdi", "sr", "host", "network", "vif", "pif", "vbd", "pbd", "pool", "task", "subject", "role", "secret"} | {"vmss"}
)


async def console(ctx: Context) -> None:
    """The text console of one VM on the user's terminal."""
    (vm,) = await select(ctx, Selection("vm", Several.NEVER, control_domains=True))
    for ref in vm.record["consoles"]:
        record = await ctx.objects.get("console", ref)
        if record is not None and record["protocol"] == "vt100":
            ctx.printer.raw(f"Connecting to the console of {vm.record['name_label']}: Ctrl-] ends.")
            url = await _from_here(ctx, str(record["location"]))
            joint = "&" if "?" in url else "?"
            if not await ctx.client.transfer(cli.HttpConnect(f"{url}{joint}session_id={ctx.session}")):
                raise CommandFailure("The console could not be reached")
            return
    raise CommandFailure(f"{vm.record['name_label']} has no text console")


async def _from_here(ctx: Context, url: str) -> str:
    """The URL without its host if that is the coordinator, which the client is talking to already.

    It then takes the same way as the command itself: the local socket, or a port that only the user knows.
    """
    parts = urlsplit(url)
    pool = next(iter((await ctx.objects.all("pool")).values()), None)
    coordinator = None if pool is None else await ctx.objects.get("host", pool["master"])
    if coordinator is None or coordinator["address"] != parts.hostname:
        return url
    return urlunsplit(("", "", parts.path, parts.query, ""))


async def event_wait(ctx: Context) -> None:
    """Returns once an object of the class matches every ``field=value`` (``field=/=value``: differs).

    With ``--watch`` it goes on: each object that matches is shown, and again whenever what is shown of it has changed.
    """
    name = ctx.arguments.required("class").lower()
    if name not in EVENT_CLASSES:
        raise CommandFailure(f"Cannot wait for events of class '{name}'")
    cls = CLASSES[name]
    watching, format = ctx.arguments.flag(WATCH), formats.wanted(ctx.arguments)
    wanted = ctx.arguments.others(["class", *((WATCH, "params", *formats.SWITCHES) if watching else ())])
    if watching and ctx.arguments.minimal:
        raise CommandFailure("--minimal prints at the end, and --watch has none: use --json or --csv")
    for field, _ in wanted:
        if field not in cls.record.by_name:
            raise filters.unknown(cls.record, field)
    seen: dict[str, list[Cell]] = {}
    token = ""
    while True:
        batch = await ctx.api.call("event.from", [cls.record.cls], token, tasks.ROUND)
        token = batch["token"]
        found = await _matching(ctx, cls, wanted)
        if watching:
            seen = await _show_changes(ctx, cls, found, seen, format)
        elif found:
            return


async def _matching(ctx: Context, cls: Class, wanted: list[tuple[str, str]]) -> list[Subject]:
    objects = Objects(ctx.api)  # a fresh look: the records of the last round are out of date
    everything = (await objects.all(cls.record.cls)).items()
    subjects = [Subject(objects, cls.record.cls, ref, record) for ref, record in everything]
    return [subject for subject in subjects if all([await _matches(cls, subject, field, text) for field, text in wanted])]


async def _show_changes(
    ctx: Context, cls: Class, found: list[Subject], seen: dict[str, list[Cell]], format: Format | None
) -> dict[str, list[Cell]]:
    """Shows the objects that look otherwise than in `seen`; what is seen now."""
    fields = reading.shown(cls.record, chosen_fields(cls, ctx.arguments))
    now = {subject.ref: await reading.cells(fields, subject, brief=True) for subject in found}
    changed = [record for ref, record in now.items() if seen.get(ref) != record]
    for record in changed:
        if format is Format.JSON:
            ctx.printer.raw(formats.as_json_line(record))
        else:
            print_records(ctx, format, fields, [record])
    return now


async def _matches(cls: Class, subject: Subject, field: str, text: str) -> bool:
    shown = await reading.text_of(cls.record.by_name[field], subject)
    return shown != text[2:] if text.startswith("/=") else shown == text


async def network_create(ctx: Context) -> None:
    arguments = ctx.arguments
    record = {
        "name_label": arguments.required("name-label"),
        "name_description": arguments.text("name-description"),
        "MTU": values.integer("MTU", arguments.text("MTU", "1500")),
        "bridge": arguments.text("bridge"),
        "managed": arguments.flag("managed", default=True),
        "other_config": {},
        "tags": [],
    }
    ctx.printer.list([await ctx.api.call("network.get_uuid", await ctx.api.call("network.create", record))])


async def host_disable(ctx: Context) -> None:
    selection = Selection("host", not_filters=frozenset({"auto-enable"}))
    auto_enable = ctx.arguments.flag("auto-enable", default=True)
    await on_each(ctx, selection, lambda host: host.call("disable", auto_enable))


async def host_enable(ctx: Context) -> None:
    async def act(host: Subject) -> None:
        await host.call("remove_from_other_config", "MAINTENANCE_MODE")
        await host.call("enable")

    await on_each(ctx, Selection("host"), act)


async def message_destroy(ctx: Context) -> None:
    one, many = ctx.arguments.get("uuid"), ctx.arguments.get("uuids")
    if (one is None) == (many is None):
        raise CommandFailure("Give either uuid= or uuids=")
    uuids = [one] if one is not None else ctx.arguments.words("uuids")
    refs = [await ctx.api.call("message.get_by_uuid", uuid) for uuid in uuids]
    await ctx.api.call("message.destroy_many", refs)


_UUID: Final = ("uuid",)

COMMANDS: Final = (
    Command("console", console, selects="vm"),
    Command("event-wait", event_wait, ("class",)),
    Command("network-create", network_create, ("name-label",), ("name-description", "MTU", "bridge", "managed")),
    Command("network-destroy", on_uuid("network", "destroy"), _UUID),
    Command("host-disable", host_disable, (), ("auto-enable",), selects="host"),
    Command("host-enable", host_enable, selects="host"),
    Command("task-cancel", on_uuid("task", "cancel"), _UUID),
    Command("message-destroy", message_destroy, (), ("uuid", "uuids")),
)
