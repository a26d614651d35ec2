"""Commands about licences and editions."""

from typing import Any, Final

from xapi.cli import values
from xapi.cli.command import Command, CommandExit, Context
from xapi.cli.failures import CommandFailure
from xapi.cli.one_call import read_word, value_of
from xapi.datamodel.model import Ref
from xapi.errors import XenAPIError

_SERVER: Final = ("license-server-address", "license-server-port")


async def view(ctx: Context) -> None:
    host = await value_of(ctx, read_word("@host-uuid"), Ref("host"))
    params = await ctx.api.call("host.get_license_params", host)
    ctx.printer.table([[(key, value) for key, value in params.items() if key != "sku_type"]])


async def host_edition(ctx: Context) -> None:
    host = await value_of(ctx, read_word("@host-uuid"), Ref("host"))
    await _apply(ctx, [host], "host.apply_edition", host)


async def pool_edition(ctx: Context) -> None:
    pool = await value_of(ctx, read_word("@uuid"), Ref("pool"))
    await _apply(ctx, list(await ctx.objects.all("host")), "pool.apply_edition", pool)


async def _apply(ctx: Context, hosts: list[str], message: str, ref: str) -> None:
    """Points the hosts at the licence server given, and back if it does not hand out a licence."""
    before = {host: dict(await ctx.api.call("host.get_license_server", host)) for host in hosts}
    server = _server(ctx)
    for host in hosts:
        await _set_server(ctx, host, before[host] | server)
    try:
        await ctx.api.call(message, ref, ctx.arguments.required("edition"))
    except XenAPIError as error:
        if error.code == "LICENSE_CHECKOUT_ERROR":
            for host in hosts:
                await _set_server(ctx, host, before[host])
            ctx.printer.note(": ".join(error.params))
            raise CommandExit(1) from error
        if error.code == "INVALID_EDITION":
            editions = await ctx.api.call("host.get_editions", hosts[0])
            raise CommandFailure(f"There is no such edition: one of {', '.join(editions)}") from error
        raise


def _server(ctx: Context) -> dict[str, str]:
    given: dict[str, Any] = {name: ctx.arguments.get(name) for name in _SERVER}
    if given["license-server-port"] is not None:
        values.integer("license-server-port", given["license-server-port"])
    return {name.removeprefix("license-server-"): text for name, text in given.items() if text is not None}


async def _set_server(ctx: Context, host: str, server: dict[str, str]) -> None:
    if server != await ctx.api.call("host.get_license_server", host):
        await ctx.api.call("host.set_license_server", host, server)


async def status(ctx: Context) -> None:
    """A line for each host, and one for the pool."""
    lines = [("Host", "uuid", "edition", "expiry")]
    for ref, host in (await ctx.objects.all("host")).items():
        params = await ctx.api.call("host.get_license_params", ref)
        lines.append((host["hostname"], host["uuid"], host["edition"], params.get("expiry", "")))
    for pool in (await ctx.objects.all("pool")).values():
        edition = pool["restrictions"].get("edition", "")
        lines.append(("(pool)", pool["uuid"], edition, pool["restrictions"].get("expiry", "")))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    ctx.printer.message("\n".join(shown))


COMMANDS: Final = (
    Command("diagnostic-license-status", status),
    Command("host-license-view", view, (), ("host-uuid",)),
    Command("host-apply-edition", host_edition, ("edition",), ("host-uuid", *_SERVER)),
    Command("pool-apply-edition", pool_edition, ("edition",), ("uuid", *_SERVER)),
)
