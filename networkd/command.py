"""The one way this daemon runs an external command: a list of words, a time limit, its output in the error."""

import subprocess
from collections.abc import Mapping, Sequence

from networkd.errors import CommandFailed

TIMEOUT_S = 60.0


def run(words: Sequence[str], timeout_s: float = TIMEOUT_S, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output.

    :raises CommandFailed: not installed, not zero, or not done within *timeout_s*.
    """
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False, env=environment)
    except FileNotFoundError as error:
        raise CommandFailed(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(words)}: not done after {timeout_s:.0f} s") from error
    if done.returncode:
        raise CommandFailed(f"{' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
