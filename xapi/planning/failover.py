"""Whether, and where, protected VMs could restart if hosts failed. Pure.

A host has so much memory for guests, a protected VM needs so much. Placing guests is bin packing: small pools are tried
exhaustively, larger ones by placing the largest guest first on the host with the least room that suffices, which may call
possible things impossible but never the reverse.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_COMBINATIONS: Final = 2000
MOST_STEPS: Final = 20000
"""Of a search; beyond it an answer is "no"."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A protected VM: the bytes it needs, and the host it is on (or would be)."""

    ref: str
    size: int
    host: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Hosts that are up with the bytes that are free on each, and the protected VMs."""

    free: Mapping[str, int]
    guests: Sequence[Guest]


def place(guests: Sequence[Guest], free: Mapping[str, int]) -> dict[str, str] | None:
    """Return a host for each guest, or None if they do not fit (or no way was found in time)."""
    ordered = sorted(guests, key=lambda guest: (-guest.size, guest.ref))
    return _greedy(ordered, dict(free)) or _search(ordered, dict(free))


def _greedy(guests: Sequence[Guest], free: dict[str, int]) -> dict[str, str] | None:
    plan = {}
    for guest in guests:
        room = [host for host, left in free.items() if left >= guest.size]
        if not room:
            return None
        host = min(room, key=lambda name: (free[name], name))
        free[host] -= guest.size
        plan[guest.ref] = host
    return plan


def _search(guests: Sequence[Guest], free: dict[str, int]) -> dict[str, str] | None:
    if not guests:
        return {}
    if sum(guest.size for guest in guests) > sum(max(0, left) for left in free.values()):
        return None
    plan: dict[str, str] = {}
    steps = itertools.count()

    def fill(at: int) -> bool:
        if at == len(guests):
            return True
        tried = set()
        for host in list(free):
            # Hosts with equal room are equal.
            if free[host] < guests[at].size or free[host] in tried or next(steps) > MOST_STEPS:
                continue
            tried.add(free[host])
            free[host] -= guests[at].size
            plan[guests[at].ref] = host
            if fill(at + 1):
                return True
            free[host] += guests[at].size
        return False

    return plan if fill(0) else None


def plan_for(pool: Pool, failed: frozenset[str]) -> dict[str, str] | None:
    """Return where the guests of the failed hosts would restart; None if some could not."""
    homeless = [guest for guest in pool.guests if guest.host in failed or guest.host not in pool.free]
    return place(homeless, {host: left for host, left in pool.free.items() if host not in failed})


def survives(pool: Pool, failures: int) -> bool:
    """Whether every protected VM could restart, whichever so many hosts failed."""
    if failures > max(0, len(pool.free) - 1):
        return False
    return all(plan_for(pool, failed) is not None for failed in _cases(pool, failures))


def _cases(pool: Pool, failures: int) -> Iterator[frozenset[str]]:
    """The sets of hosts to try: all of them, or in large pools the one that must be worse than any."""
    if math.comb(len(pool.free), failures) <= MOST_COMBINATIONS:
        yield from map(frozenset, itertools.combinations(pool.free, failures))
        return
    need = {host: sum(guest.size for guest in pool.guests if guest.host == host) for host in pool.free}
    yield frozenset(sorted(need, key=lambda host: -need[host])[:failures])
    yield frozenset(sorted(need, key=lambda host: -pool.free[host])[:failures])
    yield frozenset(sorted(need, key=lambda host: -(need[host] + pool.free[host]))[:failures])


def most_failures(pool: Pool) -> int:
    """Return how many hosts may fail before a protected VM could not restart."""
    reached = 0
    while survives(pool, reached + 1):
        reached += 1
    return reached
