"""How results look: lists, tables and messages, in full or, with ``--minimal``, as one line for scripts.

`Printer` decides the texts and hands frames to `emit`; nothing is written here. With ``--minimal`` pieces are collected
and printed once at the end, the latest first, and that line appears even when there is nothing in it: scripts rely
on both.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from idl import cli

Row = Sequence[tuple[str, str]]
"""One record: labels and texts, in order."""

MARGIN: Final = 4

Emit = Callable[[cli.Command], None]


def layout(row: Row) -> str:
    """A record as lines: the first label pushed left, the others right, values in one column, a blank line after."""
    width = MARGIN + max((len(label) for label, _ in row), default=0)
    lines = [
        f"{label:<{width}}: {value}" if first else f"{label:>{width}}: {value}"
        for first, (label, value) in zip([True] + [False] * len(row), row, strict=False)
    ]
    return "\n".join(lines) + "\n\n"


STATE: Final = "power-state"
COLOURS: Final = {"running": 32, "paused": 33, "suspended": 36, "halted": 31}
"""Power state -> number of a terminal's colour (ECMA-48)."""


def painted(row: Row) -> Row:
    """The same with its power state in colour."""
    return [
        (label, f"\033[{COLOURS[value]}m{value}\033[0m" if label.startswith(STATE) and value in COLOURS else value)
        for label, value in row
    ]


def escape(text: str) -> str:
    """A piece of a ``--minimal`` line."""
    return text.replace("\\", "\\\\").replace(",", "\\,")


def minimal_list(items: Iterable[str]) -> str:
    return ",".join(map(escape, items))


class Printer:
    """What a command says. Every command gets one; `finish` is called when it has succeeded."""

    def __init__(self, emit: Emit, *, minimal: bool, colour: bool = False) -> None:
        """`colour`: a person reads this on a terminal that knows colours."""
        self._emit = emit
        self._minimal = minimal
        self._colour = colour
        self._collected: list[str] = []

    @property
    def is_minimal(self) -> bool:
        return self._minimal

    def list(self, items: Iterable[str]) -> None:
        """One line each."""
        if self._minimal:
            self._collected.append(minimal_list(items))
            return
        for item in items:
            self._emit(cli.Print(item))

    def table(self, rows: Sequence[Row]) -> None:
        """Records. ``--minimal`` keeps the first value of each, and nothing at all if one of them is empty."""
        if not self._minimal:
            for row in rows:
                self._emit(cli.Print(layout(painted(row) if self._colour else row)))
        elif rows and all(rows):
            self._collected.append(minimal_list(row[0][1] for row in rows))

    def message(self, text: str) -> None:
        """A line for people: ``--minimal`` drops it."""
        if not self._minimal:
            self._emit(cli.Print(text))

    def note(self, text: str) -> None:
        """A line on standard error for people: ``--minimal`` drops it."""
        if not self._minimal:
            self._emit(cli.PrintStderr(text + "\n"))

    def raw(self, text: str) -> None:
        """A line on standard output whatever the mode."""
        self._emit(cli.Print(text))

    def raw_error(self, text: str) -> None:
        """Text on standard error whatever the mode, newline not added."""
        self._emit(cli.PrintStderr(text))

    def finish(self) -> None:
        if self._minimal:
            self._emit(cli.Print(",".join(reversed(self._collected))))
