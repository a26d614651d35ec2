"""Sharing memory: the rules on values, and whole scenarios on simulated guests that follow their targets, or do not."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idl.rpc import RpcError
from idl.xenops import Direct, DirectBoot, Hvm, HvmInfo, Pv, Pvh, PvInfo, Vm
from xenopsd.memory import (
    EMERGENCY_KIB,
    INACCURACY_KIB,
    Adjust,
    Done,
    Failed,
    Guest,
    History,
    Memory,
    overhead_mib,
    share_for_newcomer,
    step,
    targets,
)

MIB = 1 << 10
NOBODY: frozenset[str] = frozenset()


def test_the_worked_example_of_two_guests_and_a_newcomer() -> None:
    guests = [Guest(name, 1024 * MIB, 1024 * MIB, 512 * MIB, 1024 * MIB) for name in "ab"]
    found = targets(guests, 100 * MIB, 672 * MIB)
    assert found["a"] == found["b"]
    assert 736 * MIB <= found["a"] <= 739 * MIB
    assert share_for_newcomer(guests, 100 * MIB, 600 * MIB, 600 * MIB) == 600 * MIB


def test_guests_give_before_others_take() -> None:
    big = Guest("big", 1000 * MIB, 1000 * MIB, 100 * MIB, 1000 * MIB)
    small = Guest("small", 100 * MIB, 100 * MIB, 100 * MIB, 1000 * MIB)
    decided = step([big, small], EMERGENCY_KIB, EMERGENCY_KIB, EMERGENCY_KIB, NOBODY)
    assert isinstance(decided, Adjust)
    assert list(decided.targets) == ["big"]


def test_enough_free_memory_and_nobody_moving_is_done() -> None:
    guest = Guest("a", 100, 100, 100, 100)
    assert step([guest], 5000, 4000, 4000, NOBODY) == Done()


def test_who_does_not_give_is_named() -> None:
    guest = Guest("a", 1000 * MIB, 100 * MIB, 100 * MIB, 1000 * MIB)
    assert step([guest], 0, 500 * MIB, 500 * MIB, frozenset("a")) == Failed(("a",))
    assert step([replace(guest, can_balloon=False)], 0, 500 * MIB, 500 * MIB, NOBODY) == Failed(())


def test_a_guest_that_does_not_move_is_stuck_after_a_while_and_free_again_when_it_does() -> None:
    history, guest = History(), Guest("a", 1000 * MIB, 500 * MIB, 100 * MIB, 1000 * MIB)
    assert history.look([guest], 0.0) == NOBODY
    assert history.look([guest], 4.0) == NOBODY
    assert history.look([guest], 6.0) == frozenset("a")
    assert history.look([replace(guest, actual=900 * MIB)], 7.0) == NOBODY


@pytest.mark.parametrize(("kind", "vcpus", "mib", "expected"), [("pv", 1, 256, 2), ("pvh", 1, 256, 6), ("hvm", 4, 4096, 39)])
def test_xens_own_part(kind: str, vcpus: int, mib: int, expected: int) -> None:
    boot = PvInfo(boot=Direct(DirectBoot(kernel="k")))
    kinds = {"pv": Pv(boot), "pvh": Pvh(boot), "hvm": Hvm(HvmInfo())}
    assert overhead_mib(kinds[kind], vcpus, mib) == expected  # type: ignore[arg-type]


ranges = st.tuples(st.integers(0, 4 << 20), st.integers(0, 4 << 20)).map(sorted)


@st.composite
def some_guests(draw: st.DrawFn) -> list[Guest]:
    made = []
    for number, (low, high) in enumerate(draw(st.lists(ranges, max_size=6))):
        actual = draw(st.integers(low, high))
        made.append(Guest(str(number), actual, actual, low, high))
    return made


@given(some_guests(), st.integers(0, 8 << 20), st.integers(0, 8 << 20))
def test_targets_are_in_range_at_one_fraction_and_never_promise_more_than_there_is(
    guests: list[Guest], free: int, wanted: int
) -> None:
    found = targets(guests, free, wanted)
    assert all(guest.minimum <= found[guest.id] <= guest.maximum for guest in guests)
    growth = sum(found[guest.id] - guest.actual for guest in guests)
    if any(found[guest.id] > guest.minimum for guest in guests):
        assert free - growth >= wanted


class Simulated:
    """A host whose guests move *speed* KiB per look towards their targets."""

    def __init__(self, free: int, guests: list[Guest], speed: int = 1 << 30) -> None:
        self.free = free
        self.guests = {guest.id: guest for guest in guests}
        self.speed = speed
        self.lowest = free

    async def look(self) -> tuple[int, list[Guest]]:
        for guest in list(self.guests.values()):
            if guest.can_balloon:
                move = max(-self.speed, min(self.speed, guest.target - guest.actual, self.free))
                self.guests[guest.id] = replace(guest, actual=guest.actual + move)
                self.free -= move
        self.lowest = min(self.lowest, self.free)
        return self.free, list(self.guests.values())

    async def ask(self, guest: str, target: int) -> None:
        self.guests[guest] = replace(self.guests[guest], target=target)


def new_vm(least: int, most: int) -> Vm:
    return Vm(
        id="new",
        ty=Pv(PvInfo(boot=Direct(DirectBoot(kernel="k")))),
        memory_static_max=most << 10,
        memory_dynamic_max=most << 10,
        memory_dynamic_min=least << 10,
        vcpu_max=1,
        vcpus=1,
    )


async def test_several_guests_are_squeezed_to_start_one_more() -> None:
    guests = [Guest(name, 512 * MIB, 512 * MIB, 256 * MIB, 512 * MIB) for name in "abc"]
    host = Simulated(100 * MIB, guests, speed=50 * MIB)
    start = await Memory(host, pause=0).reserve(new_vm(256 * MIB, 512 * MIB))
    assert 256 * MIB <= start >> 10 <= 512 * MIB
    assert host.free >= (start >> 10) + EMERGENCY_KIB
    actual = [guest.actual for guest in host.guests.values()]
    assert max(actual) - min(actual) <= INACCURACY_KIB
    assert host.lowest >= 0


async def test_what_is_reserved_is_not_given_twice() -> None:
    host = Simulated(500 * MIB, [])
    memory = Memory(host, pause=0)
    await memory.reserve(new_vm(300 * MIB, 300 * MIB))
    with pytest.raises(RpcError, match="Cannot_free_this_much_memory"):
        await memory.reserve(replace_id(new_vm(300 * MIB, 300 * MIB)))
    memory.release("new")
    await memory.reserve(replace_id(new_vm(300 * MIB, 300 * MIB)))


def replace_id(vm: Vm) -> Vm:
    return msgspec.structs.replace(vm, id="other")


async def test_guests_get_their_memory_back() -> None:
    guests = [Guest(name, 256 * MIB, 256 * MIB, 256 * MIB, 512 * MIB) for name in "ab"]
    host = Simulated(1000 * MIB, guests)
    await Memory(host, pause=0).balance()
    assert [guest.actual for guest in host.guests.values()] == [512 * MIB, 512 * MIB]


@settings(max_examples=50)
@given(some_guests(), st.integers(EMERGENCY_KIB, 8 << 20), ranges)
def test_a_success_leaves_what_was_asked_for(guests: list[Guest], free: int, wish: list[int]) -> None:
    host = Simulated(free, guests)
    least, most = wish

    async def scenario() -> None:
        try:
            start = await Memory(host, pause=0).reserve(new_vm(least, most))
        except RpcError as error:
            assert error.name == "Cannot_free_this_much_memory"
            return
        assert least <= start >> 10 <= most
        assert host.free >= (start >> 10) + EMERGENCY_KIB
        assert host.lowest >= 0

    asyncio.run(scenario())
