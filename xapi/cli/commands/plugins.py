"""Commands that call plug-ins of a host or of a guest."""

from typing import Final

from xapi.cli.command import Command, Context, Run, file_content

_FILE: Final = ":file"


async def _arguments(ctx: Context) -> dict[str, str]:
    """``args:K=V``; ``args:K:file=PATH`` is the content of the client's file under the key K."""
    given = ctx.arguments.map("args")
    return {
        key.removesuffix(_FILE): await file_content(ctx, value) if key.endswith(_FILE) else value for key, value in given.items()
    }


def _caller(cls: str, message: str) -> Run:
    async def run(ctx: Context) -> None:
        ref = await ctx.api.call(f"{cls}.get_by_uuid", ctx.arguments.required(f"{cls.lower()}-uuid"))
        plugin, function = ctx.arguments.required("plugin"), ctx.arguments.required("fn")
        ctx.printer.list([await ctx.api.call(message, ref, plugin, function, await _arguments(ctx))])

    return run


COMMANDS: Final = tuple(
    Command(name, _caller(cls, message), (f"{cls.lower()}-uuid", "plugin", "fn"), ("args:",))
    for name, cls, message in (
        ("host-call-plugin", "host", "host.call_plugin"),
        ("vm-call-plugin", "VM", "VM.call_plugin"),
        ("vm-call-host-plugin", "VM", "VM.call_host_plugin"),
    )
)
