"""``xe help``: which commands there are and what they take. Answered without a login."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

from xapi.cli.arguments import STANDARD, Arguments
from xapi.cli.command import Command
from xapi.cli.descriptions import description
from xapi.cli.printing import Printer

NAME: Final = "help"

USAGE: Final = """\
Usage: xe <command> [--switch ...] [name=value ...] [-s server] [-u user -pw password | -pwf file]

  xe help               the commands used most
  xe help --all         every command
  xe help <command>     what a command takes and does

A map's entry is written name:key=value. Lists take filters as name=value, and params=<fields> (or all).
--minimal prints values only, for scripts; --multiple lets a command act on several VMs, hosts or SRs at once."""

_LINE: Final = 74
_INDENT: Final = "    "
_FAMILIES: Final = ("host-", "vm-")


def show(arguments: Arguments, printer: Printer, commands: Mapping[str, Command]) -> None:
    names = [name for name, _ in arguments.params if name not in STANDARD]
    if names:
        for name in names:
            _show_one(name, printer, commands)
        return
    everything = arguments.flag("all")
    listed = sorted(name for name, command in commands.items() if not command.hidden and (everything or command.standard))
    if printer.is_minimal:
        printer.list(listed)
        return
    printer.message(USAGE)
    if everything:
        printer.message(f"\nAll commands:\n{_in_families(listed)}")
    else:
        printer.message(f"\nCommands used most:\n{filled(listed)}")


def _in_families(names: list[str]) -> str:
    blocks = [[name for name in names if name.startswith(family)] for family in _FAMILIES]
    blocks.append([name for name in names if not name.startswith(_FAMILIES)])
    return f"\n{_INDENT}\n".join(filled(block) for block in blocks)


def filled(words: Iterable[str]) -> str:
    """Words joined by commas, in indented lines that end before the 75th column."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += f"{word}, "
    return textwrap.indent("\n".join([*lines, line]).removesuffix(", "), _INDENT)


def _show_one(name: str, printer: Printer, commands: Mapping[str, Command]) -> None:
    command = commands.get(name)
    if command is None:
        printer.list([f"Unknown command '{name}'"])
        return
    selectors = [f"<{command.selects}-selectors>"] if command.selects else []
    # Completion cuts these lines at their labels, trailing blanks included.
    printer.table(
        [
            [
                ("command name        ", name),
                ("reqd params     ", ", ".join(command.required)),
                ("optional params ", ", ".join([*command.optional, *selectors])),
                ("description     ", description(command.name)),
            ]
        ]
    )
