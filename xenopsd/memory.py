"""Sharing the host's memory among its guests: who is asked to give or take how much (pure), and the loop that asks.

Every guest that can sits at the same fraction of its dynamic range. Sizes are KiB inside; the edge speaks bytes.
The policy is that of the original's squeezed; domain 0 takes no part.
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from idl.rpc import RpcError
from idl.xenops import BuildType, Hvm, Problem, Pv, PvInPvh, Vm

log = logging.getLogger(__name__)

EMERGENCY_KIB: Final = 72 << 10
"""Always left free: Xen's own emergency pool and a bit."""
TOLERANCE_KIB: Final = 512
INACCURACY_KIB: Final = 4
STUCK_AFTER: Final = 5.0
"""Seconds without progress after which a guest is taken to ignore its target."""
NEWCOMER: Final = ""
"""The name of a domain that is not there yet, among guests' ids."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A domain: what it has, what it was asked to have, what it may be asked to have."""

    id: str
    actual: int
    target: int
    minimum: int
    maximum: int
    can_balloon: bool = True

    @property
    def on_target(self) -> bool:
        return _near(self.actual, self.target)


@dataclass(frozen=True, slots=True)
class Adjust:
    """Ask guests to have this much, then look again."""

    targets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Done:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    """Not enough can be had; *refused*: guests that could have given some but did not."""

    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a guest had when it last moved towards its target, and when that was."""

    actual: int
    since: float


@dataclass(slots=True)
class History:
    """Who moves: fed by every look at the host."""

    seen: dict[str, Progress] = field(default_factory=dict)

    def look(self, guests: Iterable[Guest], now: float) -> frozenset[str]:
        """Note where guests are now; return those that are stuck."""
        stuck = set()
        for guest in guests:
            before = self.seen.get(guest.id)
            if before is None or guest.on_target or _moved(before.actual, guest):
                self.seen[guest.id] = Progress(guest.actual, now)
            elif now - before.since > STUCK_AFTER:
                stuck.add(guest.id)
        return frozenset(stuck)


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= INACCURACY_KIB


def _moved(before: int, guest: Guest) -> bool:
    return guest.actual < before if guest.target < guest.actual else guest.actual > before


def targets(guests: Iterable[Guest], free: int, wanted: int) -> dict[str, int]:
    """Return what each guest should have so that *wanted* is free: the same fraction of every dynamic range."""
    active = list(guests)
    freeable = sum(max(0, guest.actual - guest.minimum - 2 * INACCURACY_KIB) for guest in active)
    surplus = max(0, free + freeable - wanted)
    ranges = sum(max(0, guest.maximum - guest.minimum) for guest in active)
    fraction = min(1.0, surplus / ranges) if ranges else 0.0
    return {guest.id: guest.minimum + math.floor(fraction * max(0, guest.maximum - guest.minimum)) for guest in active}


def step(guests: Iterable[Guest], free: int, wanted: int, enough: int, stuck: frozenset[str]) -> Adjust | Done | Failed:
    """Decide what to do next, to have *wanted* free; *enough* of it is a success.

    Guests give first and take afterwards, so that free memory never dips.
    """
    everybody = list(guests)
    active = [guest for guest in everybody if guest.can_balloon and guest.id not in stuck]
    fresh = targets(active, free, wanted)
    giving = {
        guest.id: fresh[guest.id]
        for guest in active
        if fresh[guest.id] < guest.actual and not _near(fresh[guest.id], guest.actual)
    }
    chosen = giving or {guest.id: fresh[guest.id] for guest in active}
    asked = {guest.id: guest.target for guest in active}
    if any(not guest.on_target for guest in active) or any(asked[guest] != target for guest, target in chosen.items()):
        return Adjust({guest: target for guest, target in chosen.items() if asked[guest] != target})
    if free >= enough:
        return Done()
    return Failed(tuple(sorted(guest.id for guest in everybody if guest.can_balloon and guest.id in stuck)))


def share_for_newcomer(guests: Iterable[Guest], free: int, minimum: int, maximum: int) -> int:
    """Return what a new domain should have: its part, as if it were a guest among the others."""
    active = [guest for guest in guests if guest.can_balloon]
    newcomer = Guest(NEWCOMER, 0, 0, minimum, maximum)
    return targets([*active, newcomer], free, EMERGENCY_KIB)[NEWCOMER]


def overhead_mib(kind: BuildType, vcpus: int, static_max_mib: int) -> int:
    """Return what Xen needs for a domain beside its memory (spec: creating and building a domain)."""
    multiplier = kind.info.shadow_multiplier if isinstance(kind, Hvm) else 1.0
    shadow = 0 if isinstance(kind, Pv) else max(1, math.ceil(math.ceil((256 * vcpus + 2 * static_max_mib) / 256) * multiplier))
    inside = 0 if isinstance(kind, Pv) else 1
    shim = 23 + static_max_mib // 90 if isinstance(kind, PvInPvh) else 0
    return inside + 1 + shadow + math.ceil(38 * vcpus / 256) + shim


# --- the edge


class Host(Protocol):
    """What the loop needs of the world; all KiB."""

    async def look(self) -> tuple[int, list[Guest]]:
        """Return the free memory and the guests."""
        ...

    async def ask(self, guest: str, target: int) -> None: ...


class Memory:
    """Makes room for domains, one at a time."""

    def __init__(self, host: Host, *, pause: float = 1.0) -> None:
        self._host = host
        self._pause = pause
        self._lock = asyncio.Lock()
        self._reserved: dict[str, int] = {}
        self._history = History()

    async def reserve(self, vm: Vm) -> int:
        """Make room for a domain, squeezing others if need be; return the bytes it may start with.

        The room is kept for it until :meth:`release`.

        :raises RpcError: ``Cannot_free_this_much_memory(needed, free)``, ``Vms_failed_to_cooperate(ids)``.
        """
        overhead = overhead_mib(vm.ty, vm.vcpu_max, vm.memory_static_max >> 20) << 10
        most = min(vm.memory_dynamic_max, vm.memory_static_max) >> 10
        least = min(vm.memory_dynamic_min >> 10, most)
        async with self._lock:
            free, guests = await self._look()
            share = share_for_newcomer(guests, free - overhead, least, most)
            free = await self._change(wanted=share + overhead + EMERGENCY_KIB, enough=least + overhead + EMERGENCY_KIB)
            given = min(most, max(least, free - EMERGENCY_KIB - overhead, 0), max(share, least))
            self._reserved[vm.id] = given + overhead
        return given << 10

    def release(self, vm: str) -> None:
        """The domain has its memory, or will never need it."""
        self._reserved.pop(vm, None)

    async def balance(self) -> None:
        """Give free memory back to the guests; what they do not take stays free."""
        async with self._lock:
            try:
                await self._change(wanted=EMERGENCY_KIB, enough=0)
            except RpcError as error:
                log.info("memory is not balanced: %s", error)

    async def _look(self) -> tuple[int, list[Guest]]:
        free, guests = await self._host.look()
        return free - sum(self._reserved.values()), guests

    async def _change(self, *, wanted: int, enough: int) -> int:
        loop = asyncio.get_running_loop()
        while True:
            free, guests = await self._look()
            if free >= wanted != EMERGENCY_KIB and all(guest.on_target for guest in guests if guest.can_balloon):
                return free
            stuck = self._history.look(guests, loop.time())
            match step(guests, free, wanted, enough, stuck):
                case Done():
                    return free
                case Failed(refused) if refused:
                    raise RpcError(Problem.VMS_FAILED_TO_COOPERATE, list(refused))
                case Failed():
                    needed, left = (enough - EMERGENCY_KIB) << 10, max(0, free - EMERGENCY_KIB) << 10
                    raise RpcError(Problem.CANNOT_FREE_THIS_MUCH_MEMORY, needed, left)
                case Adjust(wishes):
                    for guest, target in wishes.items():
                        await self._host.ask(guest, target)
            # Guests do not tell when they have moved.
            await asyncio.sleep(self._pause)
