"""What the person at the terminal sees: numbered steps, what each found, and why one failed.

A step prints its title at once and its result on the same line, so that a long step shows what is going
on. Output of the commands behind it stays in memory and is shown only when the command fails.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 15


class StepFailed(Exception):
    """A step could not be done: *why* (with the tail of the output) and what to *do* about it."""

    def __init__(self, why: str, do: str) -> None:
        super().__init__(why)
        self.why = why
        self.do = do


class Step:
    """One line of progress: ``with Step("Debian packages") as step: ... step.done("12 present")``."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._result = "done"
        self._started = 0.0

    def __enter__(self) -> "Step":
        self._started = time.monotonic()
        say(f"  {self._title} ... ", end="")
        return self

    def done(self, result: str) -> None:
        """Set what is printed when the step ends well."""
        self._result = result

    def doing(self, what: str) -> None:
        """Say what takes long, at once."""
        say(f"{what} ... ", end="")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            seconds = time.monotonic() - self._started
            say(f"{self._result} ({seconds:.1f} s)" if seconds >= 1 else self._result)
        else:
            say("FAILED")


def say(text: str, *, end: str = "\n") -> None:
    """Write *text* for the person at the terminal, at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last *lines* lines of *text*, indented for a message."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    do: str = "Read the output above; running the same command by hand may show more.",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run *command*, return what it printed; raise :class:`StepFailed` with its output when it fails."""
    text = [str(part) for part in command]
    try:
        result = subprocess.run(
            text,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, env=env, cwd=cwd, text=True, errors="replace", check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise StepFailed(f"{text[0]} is not there: {error}", do) from error
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else str(error.stdout or "")
        raise StepFailed(f"`{' '.join(text)}` did not end within {timeout:.0f} s\n{tail(output)}", do) from error
    if result.returncode != 0:
        raise StepFailed(f"`{' '.join(text)}` ended with status {result.returncode}\n{tail(result.stdout)}", do)
    return result.stdout
