"""Who reads what a command prints: a script, or a person at a terminal.

The client says so in a header of the request, and only where it stands before a terminal, so that what scripts send
and get is the original's to the byte. People get hints, progress and colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idl import cli


@dataclass(frozen=True, slots=True)
class Audience:
    """Which of the client's streams a person reads. `colour`: standard output may be painted."""

    colour: bool = False
    hints: bool = False


NOBODY = Audience()


def of_request(headers: Mapping[str, str]) -> Audience:
    """From the request's headers (names in lower case)."""
    words = headers.get(cli.TERMINAL_HEADER, "").split()
    return Audience(colour=cli.Terminal.COLOUR in words, hints=cli.Terminal.HINTS in words)
