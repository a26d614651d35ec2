"""Which host failures a pool survives, and where guests would restart."""

import pytest

from xapi.planning.failover import Guest, Pool, most_failures, place, plan_for, survives


def pool(free: dict[str, int], *guests: tuple[str, int, str]) -> Pool:
    return Pool(free, [Guest(*guest) for guest in guests])


@pytest.mark.parametrize(
    ("made", "most"),
    [
        (pool({"a": 4}), 0),
        (pool({"a": 4, "b": 4}), 1),
        (pool({"a": 4, "b": 4, "c": 4}), 2),
        (pool({"a": 4, "b": 4}, ("x", 4, "a")), 1),
        (pool({"a": 4, "b": 4}, ("x", 5, "a")), 0),
        (pool({"a": 2, "b": 2, "c": 2}, ("x", 2, "a"), ("y", 2, "b")), 1),
        (pool({"a": 9, "b": 9, "c": 0}, ("x", 5, "c"), ("y", 5, "c")), 1),
        (pool({}, ("x", 1, "gone")), 0),
        (pool({"a": 3, "b": 1}, ("halted", 2, "")), 0),
        (pool({"a": 3, "b": 3}, ("halted", 2, "")), 1),
    ],
)
def test_as_many_hosts_may_fail_as_leave_room(made: Pool, most: int) -> None:
    assert most_failures(made) == most
    assert [survives(made, n) for n in range(most + 2)][1:] == [True] * most + [False]


def test_what_greed_cannot_place_is_found_by_search() -> None:
    # The tightest fit first would put 4 with 6 and leave no room for both 5s.
    guests = [Guest(name, size, "x") for name, size in (("p", 6), ("q", 5), ("r", 5), ("s", 4))]
    plan = place(guests, {"a": 10, "b": 10})
    assert plan is not None
    for host in "ab":
        assert sum(guest.size for guest in guests if plan[guest.ref] == host) <= 10


def test_a_search_that_is_too_long_says_no() -> None:
    guests = [Guest(str(n), 7, "x") for n in range(40)]
    assert place(guests, {str(n): 13 for n in range(39)} | {"small": 6}) is None


def test_only_the_homeless_are_placed() -> None:
    made = pool({"a": 4, "b": 4, "c": 4}, ("x", 2, "a"), ("y", 2, "b"))
    assert plan_for(made, frozenset("a")) in ({"x": "b"}, {"x": "c"})
    assert plan_for(made, frozenset()) == {}


def test_large_pools_are_answered_in_time() -> None:
    made = pool({f"h{n}": 8 for n in range(64)}, *((f"v{n}", 2, f"h{n % 64}") for n in range(256)))
    assert most_failures(made) >= 8
