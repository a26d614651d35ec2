"""What the log keeps of a command line: everything but secrets."""

import logging
import shlex
from typing import Final

from xapi.cli.arguments import Arguments

log = logging.getLogger(__name__)

OMITTED: Final = "(omitted)"
_QUIET: Final = ("help", "-get", "-list")
"""Ends of the names of commands that scripts run all day: they are noted for debugging only."""


def note(arguments: Arguments) -> None:
    level = logging.DEBUG if arguments.command.endswith(_QUIET) else logging.INFO
    log.log(level, "xe %s", shlex.join(loggable(arguments)))


def loggable(arguments: Arguments) -> list[str]:
    """The command line with values left out that are secret by their name. Pure."""
    shown = (f"{name}={OMITTED if _is_secret(arguments.command, name) else value}" for name, value in arguments.params)
    return [arguments.command, *shown]


def _is_secret(command: str, name: str) -> bool:
    if "password" in name.lower() or name == "url":
        return True
    return (
        (command == "user-password-change" and name in ("old", "new"))
        or ("secret" in command and (name == "value" or "secret" in name))
        or (command.endswith("auth") and name == "config:pass")
        or (command == "host-call-plugin" and name.startswith("args"))
        or (command == "pool-sync-updates" and name == "token")
    )
