"""A guest's console on this terminal: raw mode, bytes both ways, Ctrl-] ends.

A connection that breaks (the guest migrates, xapi restarts) is made again, with what was typed meanwhile. When
standard input is not a terminal and ends, output goes on until the console closes.
"""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from xe.connection import BLOCK, Target
from xe.errors import ConnectFailed
from xe.transfer import Broken, Heartbeat, Remote, opened

ESCAPE: Final = b"\x1d"
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
CONNECT_HEADERS: Final = ("content-length: 0",)
FAREWELL: Final = 1.0
"""Seconds that the last keys before Ctrl-] get to leave."""


class Console:
    """One terminal session: survives its connections."""

    def __init__(self, keyboard: int, screen: int, heartbeat: Heartbeat) -> None:
        self._keyboard = keyboard
        self._screen = screen
        self._heartbeat = heartbeat
        self._unsent = b""
        self._typing = True
        self._ended = False

    def run(self, where: Target, url: str) -> None:
        """Relays until the user ends it. Raises transfer.Refused if the server has no such console (any more)."""
        pause = FIRST_PAUSE
        with raw_terminal(self._keyboard):
            while True:
                try:
                    with opened(where, "CONNECT", url, CONNECT_HEADERS) as remote:
                        pause = FIRST_PAUSE
                        self._relay(remote)
                except (Broken, ConnectFailed) as error:
                    reason = str(error)
                else:
                    reason = "closed by the server"
                if not self._ended and self._typing:
                    self._wait(pause, reason)
                if self._ended or not self._typing:
                    return
                pause = min(2 * pause, LONGEST_PAUSE)

    def _relay(self, remote: Remote) -> None:
        while not self._ended:
            sources: list[Remote | int] = [remote, self._keyboard] if self._typing else [remote]
            patience = 0.0 if remote.pending else 60.0
            readable, writable, _ = select.select(sources, [remote] if self._unsent else [], [], patience)
            if self._keyboard in readable:
                self._type()
            if writable:
                self._unsent = remote.send_some(self._unsent)
            if (remote in readable or remote.pending) and not self._show(remote.receive()):
                return
            self._heartbeat.tick()
        if self._unsent and select.select([], [remote], [], FAREWELL)[1]:
            remote.send_some(self._unsent)

    def _wait(self, seconds: float, reason: str) -> None:
        """Pauses before the next attempt; the keyboard stays alive, as Ctrl-] is the only way out of raw mode."""
        sys.stderr.write(f"\r\nThe console is away ({reason}); trying again. Ctrl-] ends.\r\n")
        sys.stderr.flush()
        deadline = time.monotonic() + seconds
        while self._typing and not self._ended and (left := deadline - time.monotonic()) > 0:
            if select.select([self._keyboard], [], [], left)[0]:
                self._type()

    def _type(self) -> None:
        data = os.read(self._keyboard, BLOCK)
        if not data:
            self._typing = False
        before, escape, _ = data.partition(ESCAPE)
        self._unsent += before
        self._ended = bool(escape)

    def _show(self, data: bytes) -> bool:
        """Writes to the screen; false at the end of the stream."""
        left = data
        while left:
            left = left[os.write(self._screen, left) :]
        return bool(data)


@contextmanager
def raw_terminal(keyboard: int) -> Iterator[None]:
    """Every key goes to the guest, Ctrl-C included; put back as it was whatever happens."""
    if not os.isatty(keyboard):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(keyboard)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
