"""Which hosts to try for a VM, in which order. Pure: randomness is handed in.

Hosts with room for every guest at its largest come first, then those with room for the guests at their present setting, then
those where guests must be squeezed, then the rest: each is validated by the caller until one takes the VM.
"""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Sampler = Callable[[], float]
"""Returns a number in [0, 1)."""

COORDINATOR_MALUS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Guest:
    """Memory claims of one guest, overhead included, in bytes."""

    minimum: int
    maximum: int
    static_max: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host as the planner sees it: memory for guests, and the guests that are (or soon will be) on it."""

    host: str
    memory: int
    guests: tuple[Guest, ...] = ()
    is_coordinator: bool = False

    def left(self, guest: Guest) -> tuple[int, int, int]:
        """Return what is left with *guest* added: every guest at its static, dynamic and least size."""
        all_guests = (*self.guests, guest)
        return (
            self.memory - sum(g.static_max for g in all_guests),
            self.memory - sum(g.maximum for g in all_guests),
            self.memory - sum(g.minimum for g in all_guests),
        )


def order(
    guest: Guest,
    candidates: Sequence[Candidate],
    affinity: str | None = None,
    coordinator_bias: bool = True,
    sample: Sampler = random.random,
) -> list[str]:
    """Return the hosts to try, best first."""
    left = {candidate.host: candidate.left(guest) for candidate in candidates}
    preferred = [host for host in left if host == affinity and left[host][2] >= 0]
    chosen = list(preferred)
    for level, biased in ((0, True), (1, True), (2, False)):
        values = {
            candidate.host: _weight(left[candidate.host][level], candidate.is_coordinator and biased and coordinator_bias)
            for candidate in candidates
            if candidate.host not in chosen and left[candidate.host][level] >= 0
        }
        chosen += _sampled(values, sample)
    return chosen + [host for host in left if host not in chosen]


def _weight(value: int, is_coordinator: bool) -> float:
    return (value - 1) / COORDINATOR_MALUS if is_coordinator else float(value)


def _sampled(values: Mapping[str, float], sample: Sampler) -> list[str]:
    """Draw all hosts one by one, the likelier the higher their value."""
    remaining = {host: max(value, 0.0) + 1.0 for host, value in values.items()}
    drawn = []
    while remaining:
        mark = sample() * sum(remaining.values())
        reached = itertools.accumulate(remaining.values())
        host = next(host for host, sum_so_far in zip(remaining, reached, strict=True) if mark < sum_so_far)
        drawn.append(host)
        del remaining[host]
    return drawn
