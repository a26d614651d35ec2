"""Commands that look what storage is there before it is used."""

from typing import Any, Final

from xapi.cli import values
from xapi.cli.command import Command, Context
from xapi.cli.printing import Row

_SR_FIELDS: Final = ("uuid", "name_label", "name_description", "total_space", "free_space", "clustered", "health")


async def _question(ctx: Context) -> tuple[str, dict[str, str], str, dict[str, str]]:
    """Host, device configuration, type and driver configuration."""
    arguments = ctx.arguments
    uuid = arguments.get("host-uuid")
    if uuid is not None:
        host = await ctx.api.call("host.get_by_uuid", uuid)
    else:
        host = next(iter((await ctx.objects.all("pool")).values()))["master"]
    return host, arguments.map("device-config"), arguments.required("type"), arguments.map("sm-config")


async def probe(ctx: Context) -> None:
    ctx.printer.list([await ctx.api.call("SR.probe", *await _question(ctx))])


async def probe_ext(ctx: Context) -> None:
    """What was found, complete or not, a block each."""
    found = await ctx.api.call("SR.probe_ext", *await _question(ctx))
    for heading, complete in (("SRs and configurations that can be used:", True), ("Configurations to be completed:", False)):
        chosen = [result for result in found if result["complete"] is complete]
        if chosen:
            ctx.printer.message(heading)
            for result in chosen:
                _show(ctx, result)


def _show(ctx: Context, result: dict[str, Any]) -> None:
    for heading, rows in (("configuration", result["configuration"]), ("extra information", result["extra_info"])):
        if rows:
            ctx.printer.message(f"{heading}:")
            ctx.printer.table([list(rows.items())])
    if result["sr"]:
        ctx.printer.message("SR:")
        ctx.printer.table([_sr(result["sr"])])


def _sr(sr: dict[str, Any]) -> Row:
    return [(name.replace("_", "-"), _text(sr[name])) for name in _SR_FIELDS]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return values.show_boolean(value) if isinstance(value, bool) else str(value)


_OPTIONAL: Final = ("host-uuid", "device-config:", "sm-config:")

COMMANDS: Final = (
    Command("sr-probe", probe, ("type",), _OPTIONAL),
    Command("sr-probe-ext", probe_ext, ("type",), _OPTIONAL),
)
