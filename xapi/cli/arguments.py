"""The lines of a request, as a command name and an ordered list of parameters.

Order and repetition matter: look-ups take the first of a name, filters and map parameters take all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xapi.cli import values
from xapi.cli.failures import MissingParameter, SyntaxFailure

STANDARD: Final = frozenset(
    {
        "server",
        "password",
        "port",
        "username",
        "minimal",
        "force",
        "multiple",
        "all",
        "message-priority",
        "trace",
    }
)
"""Parameters of every command: never filters, never fields."""

_SWITCHES: Final = {"-u": "username", "-pw": "password", "-s": "server", "-h": "server", "-p": "port"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """One command line."""

    command: str
    params: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, *, any_case: bool = False) -> str | None:
        """The first value of that name."""
        if any_case:
            return next((value for key, value in self.params if key.lower() == name.lower()), None)
        return next((value for key, value in self.params if key == name), None)

    def text(self, name: str, default: str = "") -> str:
        value = self.get(name)
        return default if value is None else value

    def required(self, name: str) -> str:
        """Raises MissingParameter. An empty value counts as present."""
        value = self.get(name)
        if value is None:
            raise MissingParameter(name, [key for key, _ in self.params if key not in STANDARD])
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean in any of its spellings. Raises CommandFailure."""
        value = self.get(name)
        return default if value is None else values.boolean(name, value)

    def map(self, name: str) -> dict[str, str]:
        """All ``name:key=value``, also in the old spelling with any one character in place of the colon."""
        found: dict[str, str] = {}
        for key, value in self.params:
            if key.startswith(name) and len(key) > len(name) + 1:
                found.setdefault(key[len(name) + 1 :], value)
        return found

    def words(self, name: str) -> list[str]:
        """A list separated by commas; empty if absent or empty."""
        return values.words(self.text(name))

    @property
    def minimal(self) -> bool:
        """Raises XenAPIError: only the exact words are accepted here."""
        value = self.get("minimal")
        return value is not None and values.exact_boolean("minimal", value)

    def others(self, excluded: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Everything that is neither a standard parameter nor in `excluded`, in order."""
        return [(key, value) for key, value in self.params if key not in STANDARD and key not in excluded]


def parse(lines: Sequence[str]) -> Arguments:
    """Raises SyntaxFailure."""
    if not lines or not lines[0] or "=" in lines[0]:
        raise SyntaxFailure
    params = []
    rest = iter(lines[1:])
    for line in rest:
        if line.startswith("--"):
            params.append((line[2:], "true"))
        elif line.startswith("-"):
            value = next(rest, None)
            if line not in _SWITCHES or value is None:
                raise SyntaxFailure
            params.append((_SWITCHES[line], value))
        else:
            name, _, value = line.partition("=")
            params.append((name, value))
    return Arguments(lines[0], tuple(params))
