"""How far a file's transfer is: one line on standard error, for people at a terminal only.

Short transfers show nothing, and the line is gone at the end: what a command leaves on the screen is its output.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 1.0
"""Seconds before the first line."""

PERIOD: Final = 0.25
"""Seconds between two lines."""

ERASE: Final = "\r\033[K"
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


class Meter:
    """Counts bytes. `write` shows a text (None: nobody is there to see it)."""

    def __init__(self, write: Callable[[str], None] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._begun = clock()
        self._next = self._begun + PATIENCE
        self._moved = 0
        self._shown = False
        self.total: int | None = None
        """Bytes in all, once that is known."""

    def moved(self, size: int) -> None:
        self._moved += size
        if self._write is None:
            return
        now = self._clock()
        if now >= self._next:
            self._next = now + PERIOD
            self._shown = True
            self._write(ERASE + line(self._moved, self.total, now - self._begun))

    def finish(self) -> None:
        if self._write is not None and self._shown:
            self._write(ERASE)


def on_terminal() -> Callable[[str], None] | None:
    """Where a meter writes: standard error if it is a terminal."""
    if not sys.stderr.isatty():
        return None

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    return write


def line(moved: int, total: int | None, seconds: float) -> str:
    """Bytes, rate, and where the end is known percentage and time left. Pure."""
    rate = moved / seconds if seconds > 0 else 0.0
    if total is None:
        return f"{size(moved)}  {size(rate)}/s"
    percent = 100 if moved >= total else 100 * moved // total
    left = clock((total - moved) / rate) if rate > 0 and moved <= total else "-:--"
    return f"{percent:3}%  {size(moved)} of {size(total)}  {size(rate)}/s  {left} left"


def size(count: float) -> str:
    """A number of bytes in the unit that suits it."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
