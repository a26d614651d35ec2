"""What each command does, in a sentence, for ``xe help``."""

from collections.abc import Mapping
from typing import Final

from xapi.cli.command import Command

DESCRIPTIONS: Final[Mapping[str, str]] = {}


def description(command: Command) -> str:
    return DESCRIPTIONS.get(command.name, "")
