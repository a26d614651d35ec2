"""Every command by name: those that all classes have, and those written for one purpose."""

from collections.abc import Mapping
from typing import Final

from xapi.cli import generated
from xapi.cli.command import Command
from xapi.cli.commands import (
    cds,
    devices,
    exports,
    one_call_hosts,
    one_call_machines,
    others,
    plugins,
    snapshots,
    storage,
    vm,
)

MODULES: Final = (vm, devices, cds, snapshots, exports, storage, others, plugins, one_call_hosts, one_call_machines)

COMMANDS: Final[Mapping[str, Command]] = {
    **generated.commands(),
    **{command.name: command for module in MODULES for command in module.COMMANDS},
}
