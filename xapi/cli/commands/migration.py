"""``vm-migrate``: to another host of the pool, or with storage to anywhere."""

from typing import Final

from xapi.cli import values
from xapi.cli.command import Command, Context
from xapi.cli.commands.vm import find_host
from xapi.cli.failures import MissingParameter
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, on_each
from xapi.errors import not_implemented

HOST_NAMES: Final = ("host", "host-uuid", "host-name")
WITH_STORAGE: Final = (
    "remote-master", "remote-username", "vif", "remote-password", "remote-network", "vdi", "vgpu", "image-format",
)  # fmt: skip
"""One parameter whose name starts with one of these, and the migration takes disks along."""


def takes_storage(names: list[str]) -> bool:
    return any(name.startswith(WITH_STORAGE) for name in names)


async def migrate(ctx: Context) -> None:
    """XenAPI: VM.pool_migrate."""
    arguments = ctx.arguments
    if takes_storage([name for name, _ in arguments.params]):
        raise not_implemented("VM.migrate_send")
    name = next((text for parameter in HOST_NAMES if (text := arguments.get(parameter)) is not None), None)
    if name is None:
        raise MissingParameter("host")
    host = await find_host(ctx, name)
    options = {option: values.show_boolean(arguments.flag(option)) for option in ("force", "live", "copy")}
    compress = arguments.get("compress")
    if compress is not None:
        options["compress"] = values.show_boolean(values.boolean("compress", compress))

    async def act(vm: Subject) -> None:
        await vm.call("pool_migrate", host, options)

    own = frozenset({*HOST_NAMES, "live", "compress"})
    await on_each(ctx, Selection("vm", control_domains=True, not_filters=own), act)


COMMANDS: Final = (
    Command("vm-migrate", migrate, (),
            ("live", "host", "host-uuid", "remote-master", "remote-username", "remote-password", "remote-network", "force",
             "copy", "compress", "vif:", "vdi:", "image-format:"), standard=True, selects="vm"),
)  # fmt: skip
