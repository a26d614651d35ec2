"""Who calls: the clients seen lately, how much each of the declared callers (class Caller) uses, and their limits kept.

Only calls that come over the network count, one token each; the host itself and the pool are never held back.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from xapi.database.store import Store
from xapi.errors import error
from xapi.planning.token_bucket import Bucket, take

MOST_CLIENTS = 256
LONGEST_WAIT = 60.0
WRITTEN_EVERY = 60.0
"""Seconds between two notes of a caller's last access."""
COST = 1.0
TABLES = frozenset({"Caller", "Rate_limit"})


@dataclass(slots=True)
class Usage:
    calls: int = 0
    tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class _Known:
    """A declared caller; what is empty fits everybody."""

    ref: str
    user_agent: str
    address: str
    limit: str

    def fits(self, user_agent: str, address: str) -> bool:
        return self.user_agent in ("", user_agent) and self.address in ("", address)


class Callers:
    """The callers of one xapi."""

    def __init__(self, db: Store) -> None:
        self._db = db
        self._clients: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._known: tuple[_Known, ...] | None = None
        self._usage: dict[str, Usage] = {}
        self._buckets: dict[str, Bucket] = {}
        self._written: dict[str, float] = {}
        db.listen(self._on_change)

    def _on_change(self, table: str, ref: str, *_: Any) -> None:
        if table in TABLES:
            self._known = None

    async def admit(self, user_agent: str, address: str) -> None:
        """Count a call and hold it back as long as its limits say.

        :raises XenAPIError: TOO_MANY_PENDING_TASKS if that were more than `LONGEST_WAIT`.
        """
        key = (user_agent, address)
        if key in self._clients:
            self._clients.move_to_end(key)
        elif len(self._clients) >= MOST_CLIENTS:
            self._clients.popitem(last=False)
        self._clients[key] = time.time()
        known = self._known if self._known is not None else self._read()
        if known:
            await self._charge([caller for caller in known if caller.fits(user_agent, address)])

    def _read(self) -> tuple[_Known, ...]:
        rows = ((row.ref, row.values) for row in self._db.rows("Caller"))
        self._known = tuple(_Known(ref, row["user_agent"], row["client_ip"], row["rate_limit"]) for ref, row in rows)
        return self._known

    async def _charge(self, callers: list[_Known]) -> None:
        now = time.monotonic()
        waits = [self._take(limit, now) for limit in {caller.limit for caller in callers}]
        for caller in callers:
            usage = self._usage.setdefault(caller.ref, Usage())
            usage.calls += 1
            usage.tokens += COST
            if now - self._written.get(caller.ref, -WRITTEN_EVERY) >= WRITTEN_EVERY:
                self._written[caller.ref] = now
                self._db.set("Caller", caller.ref, last_access=time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime()))
        if max(waits, default=0.0) > 0.0:
            await asyncio.sleep(max(waits))

    def _take(self, limit: str, now: float) -> float:
        if not self._db.exists("Rate_limit", limit):
            return 0.0
        row = self._db.row("Rate_limit", limit).values
        bucket = self._buckets.setdefault(limit, Bucket(row["burst_size"], now))
        wait = take(bucket, row["burst_size"], row["fill_rate"], COST, now, LONGEST_WAIT)
        if wait is None:
            raise error("TOO_MANY_PENDING_TASKS")
        return wait

    def usage(self, caller: str) -> Usage:
        """Return what a caller used since the toolstack started."""
        return self._usage.get(caller, Usage())

    def clients(self) -> dict[str, str]:
        """Return the programs seen lately, each with the addresses it called from, separated by commas."""
        found: dict[str, list[str]] = {}
        for user_agent, address in self._clients:
            found.setdefault(user_agent, []).append(address)
        return {user_agent: ",".join(addresses) for user_agent, addresses in found.items() if user_agent}
