"""Every command by name: those that all classes have, and those written for one purpose."""

from collections.abc import Mapping
from typing import Final

from xapi.cli import generated
from xapi.cli.command import Command
from xapi.cli.commands import devices, others, storage, vm

COMMANDS: Final[Mapping[str, Command]] = {
    **generated.commands(),
    **{command.name: command for module in (vm, devices, storage, others) for command in module.COMMANDS},
}
