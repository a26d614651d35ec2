"""Commands that show figures: data sources, diagnostics, use of the API."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from xapi.cli import reading, values
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure
from xapi.cli.generated import find
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each

COLUMNS: Final = ("name_label", "name_description", "enabled", "standard", "min", "max", "units")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return values.show_boolean(value)
    return values.show_float(value) if isinstance(value, float) else str(value)


def _on_one(cls: str, act: Callable[[Context, Subject], Awaitable[None]], *own: str) -> Run:
    selection = Selection(cls, Several.NEVER, control_domains=True, not_filters=frozenset(own))

    async def run(ctx: Context) -> None:
        await on_each(ctx, selection, lambda subject: act(ctx, subject))

    return run


async def _sources(ctx: Context, subject: Subject) -> None:
    sources = await subject.call("get_data_sources")
    ctx.printer.table([[(column, _text(source[column])) for column in COLUMNS] for source in sources])


async def _query(ctx: Context, subject: Subject) -> None:
    value = await subject.call("query_data_source", ctx.arguments.required("data-source"))
    ctx.printer.list([f"{value:.6f}"])


async def timing_stats(ctx: Context) -> None:
    counts = ctx.arguments.flag("counts")
    rows = []
    for ref, host in (await ctx.objects.all("host")).items():
        figures = await ctx.api.call("host.get_diagnostic_timing_stats", ref, counts)
        rows.append(sorted({**figures, "host-uuid": host["uuid"], "host-name-label": host["name_label"]}.items()))
    ctx.printer.table(rows)


async def db_stats(ctx: Context) -> None:
    ctx.printer.message(" ".join(f"{key}={value}" for key, value in (await ctx.api.call("Diagnostics.db_stats")).items()))


async def _net_stats(ctx: Context, host: Subject) -> None:
    lines = await ctx.api.call("Diagnostics.network_stats", host.ref, {})
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    shown = (" | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    ctx.printer.message("\n".join(shown))


async def cpu_features(ctx: Context, host: str, wanted: tuple[str, ...]) -> None:
    """Those of the wanted CPU features that the host or pool says."""
    info = await ctx.api.call(f"{host}.get_cpu_info", await _this(ctx, host))
    ctx.printer.table([[(key, info[key]) for key in wanted if key in info]])


async def _this(ctx: Context, cls: str) -> str:
    uuid = ctx.arguments.get("uuid")
    if uuid is not None:
        given: str = await ctx.api.call(f"{cls}.get_by_uuid", uuid)
        return given
    if cls == "pool":
        return next(iter(await ctx.objects.all("pool")))
    host: str = await ctx.api.call("session.get_this_host", ctx.session)
    return host


async def host_cpu_features(ctx: Context) -> None:
    await cpu_features(ctx, "host", ("features_pv", "features_hvm", "features_pv_host", "features_hvm_host"))


async def pool_cpu_features(ctx: Context) -> None:
    await cpu_features(ctx, "pool", ("features_pv_host", "features_hvm_host"))


SHOWN_OF_VDI: Final = frozenset({"uuid", "name-label", "sr-uuid", "read-only", "sharable", "storage-lock"})
SHOWN_OF_VBD: Final = frozenset({"uuid", "userdevice", "device", "empty", "mode", "type", "storage-lock"})
SHOWN_OF_VM: Final = frozenset({"uuid", "name-label", "power-state", "possible-hosts"})


async def _vbds(ctx: Context, owner: Subject) -> None:
    ctx.printer.list(["Its VBDs:"])
    for ref in owner.record["VBDs"]:
        vbd = await ctx.objects.get("VBD", ref)
        if vbd is not None:
            subject = Subject(ctx.objects, "VBD", ref, vbd)
            ctx.printer.table([await reading.row(CLASSES["vbd"].record, subject, SHOWN_OF_VBD, brief=False)])


async def vdi_status(ctx: Context) -> None:
    vdi = await find(CLASSES["vdi"], ctx)
    ctx.printer.table([await reading.row(CLASSES["vdi"].record, vdi, SHOWN_OF_VDI, brief=False)])
    await _vbds(ctx, vdi)


async def usage(ctx: Context) -> None:
    """Of one caller or of a group."""
    uuid, group = ctx.arguments.get("uuid"), ctx.arguments.get("group")
    if (uuid is None) == (group is None):
        raise CommandFailure("Give either uuid= or group=")
    if uuid is not None:
        caller = await ctx.api.call("Caller.get_by_uuid", uuid)
        tokens = await ctx.api.call("Caller.query_token_usage", caller)
        calls = await ctx.api.call("Caller.query_call_count", caller)
    else:
        tokens = await ctx.api.call("Caller.query_group_token_usage", group)
        calls = await ctx.api.call("Caller.query_group_call_count", group)
    ctx.printer.table([[("tokens", _text(tokens)), ("call_count", str(calls))]])


async def all_usage(ctx: Context) -> None:
    columns = ("uuid", "name-label", "tokens", "calls")
    lines = await ctx.api.call("Caller.query_all_usage")
    ctx.printer.table([list(zip(columns, line, strict=False)) for line in lines])


_SOURCE: Final = ("data-source",)

COMMANDS: Final = (
    *(
        Command(f"{cls}-data-source-list", _on_one(cls, _sources), selects=cls)
        for cls in ("vm", "host", "sr")
    ),
    *(
        Command(f"{cls}-data-source-query", _on_one(cls, _query, *_SOURCE), _SOURCE, selects=cls)
        for cls in ("vm", "host", "sr")
    ),
    Command("diagnostic-timing-stats", timing_stats),
    Command("diagnostic-db-stats", db_stats),
    Command("diagnostic-net-stats", _on_one("host", _net_stats), (), ("uri", "method", "params"), selects="host"),
    Command("diagnostic-vdi-status", vdi_status, ("uuid",)),
    Command("host-get-cpu-features", host_cpu_features, (), ("uuid",)),
    Command("pool-get-cpu-features", pool_cpu_features),
    Command("caller-query-usage", usage, (), ("uuid", "group")),
    Command("caller-list-usage", all_usage),
)  # fmt: skip
