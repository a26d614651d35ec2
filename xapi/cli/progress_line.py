"""How far a call is, on one line of a person's terminal: drawn over itself, and gone when the call is over.

Short calls draw nothing, so that a quick command leaves a quiet screen.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from idl import cli

T = TypeVar("T")

PATIENCE: Final = 1.0
"""Seconds before anything is drawn."""

PERIOD: Final = 0.5
"""Seconds between two drawings."""

BAR: Final = 40
ERASE: Final = "\r\033[K"


async def shown(work: Coroutine[Any, Any, T], progress: Callable[[], float], say: Callable[[cli.Command], None]) -> T:
    """The result of `work`; while it lasts, `progress` (0 to 1) is drawn on standard error."""
    working = asyncio.ensure_future(work)
    await asyncio.wait((working,), timeout=PATIENCE)
    drawn = ""
    try:
        while not working.done():
            line = text(progress())
            if line != drawn:
                say(cli.PrintStderr("\r" + line))
                drawn = line
            await asyncio.wait((working,), timeout=PERIOD)
    finally:
        if drawn:
            say(cli.PrintStderr(ERASE))
    return await working


def text(fraction: float) -> str:
    """The line, without what moves the cursor. Pure."""
    fraction = min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
    return f"{int(fraction * 100):3}% {'#' * int(fraction * BAR):<{BAR}}"
