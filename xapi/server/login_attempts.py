"""Who tried to log in and failed, for the hourly alert; and how many passwords are checked at a time."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

MOST_KNOWN = 3
"""How many of the busiest clients the alert names."""
MOST_REMEMBERED = 10_000


class Client(NamedTuple):
    """What is known of who failed; an empty word is not known. In the order in which the alert writes it."""

    username: str = ""
    useragent: str = ""
    originator: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed logins of one period."""

    counts: Counter[Client]
    last: dict[Client, str]
    """When each client failed last, as a wire date."""

    @property
    def total(self) -> int:
        return self.counts.total()

    def body(self) -> str:
        """Return the alert's body: the total, the busiest clients, and how many failures nothing is known about."""
        known = [(client, count) for client, count in self.counts.most_common() if any(client)][:MOST_KNOWN]
        rows = "".join(_row(client, count, self.last[client]) for client, count in known)
        unknown = self.counts.get(Client(), 0)
        return f"<body><total>{self.total}</total>{rows}{f'<unknown>{unknown}</unknown>' if unknown else ''}</body>"


def _row(client: Client, count: int, date: str) -> str:
    words = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in client._asdict().items() if value)
    return f"<known>{words}<number>{count}</number><date>{date}</date></known>"


class LoginAttempts:
    """The failed logins since they were last taken, and the turns of the password checks."""

    def __init__(self) -> None:
        self._counts: Counter[Client] = Counter()
        self._last: dict[Client, str] = {}
        self._turns: dict[str, tuple[int, asyncio.Semaphore]] = {}

    def failed(self, client: Client, date: str) -> None:
        # Guessers make names up: what is remembered of them has to have an end.
        if client not in self._counts and len(self._counts) >= MOST_REMEMBERED:
            client = Client()
        self._counts[client] += 1
        self._last[client] = date

    def take(self) -> Failures:
        """Return what was counted, and begin anew."""
        taken = Failures(self._counts, self._last)
        self._counts, self._last = Counter(), {}
        return taken

    def turn(self, kind: str, most: int) -> AbstractAsyncContextManager[None]:
        """Wait for one's turn: at most *most* checks of *kind* run at a time."""
        known = self._turns.get(kind)
        if known is None or known[0] != most:
            known = self._turns[kind] = (most, asyncio.Semaphore(max(1, most)))
        return known[1]
