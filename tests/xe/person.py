"""Somebody at a terminal: runs a program on a pseudo-terminal of its own, reads what is shown and types."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.xe.fake_server import environment

PATIENCE = 60.0


@dataclass
class Person:
    """A started program. `shown` is everything that has come out of it."""

    pid: int
    terminal: int
    shown: str = ""
    _bytes: bytes = field(default=b"", repr=False)

    def sees(self, text: str) -> str:
        """Waits for a text; what stands before and with it, and has not been waited for yet."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert self._read(deadline - time.monotonic()), f"'{text}' did not come: {self.shown!r}"
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def ends(self) -> tuple[int, str]:
        """The exit code, and what was shown last."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status), self.shown

    def leaves(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.ends()

    def _read(self, seconds: float) -> bool:
        """One piece of output; false at its end."""
        if not select.select([self.terminal], [], [], max(seconds, 0))[0]:
            raise TimeoutError(f"nothing more came after {self.shown!r}")
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self._bytes += data
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def at_a_terminal(program: Sequence[str], home: Path, env: Mapping[str, str]) -> Person:
    """Starts a program with a terminal as its standard streams, in the folder `home`."""
    pid, terminal = pty.fork()
    if pid == 0:  # the child: nothing but the program may come after this
        os.chdir(home)
        os.execvpe(program[0], list(program), environment(home, {"TERM": "xterm", **env}))
    return Person(pid, terminal)


def xe_at_a_terminal(*arguments: str, home: Path, env: Mapping[str, str] | None = None) -> Person:
    return at_a_terminal([sys.executable, "-m", "xe", *arguments], home, env or {})
