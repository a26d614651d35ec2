"""Which host is tried first."""

from xapi.planning.placement import Candidate, Guest, order

SMALL = Guest(minimum=1, maximum=2, static_max=3)


def test_a_host_with_room_for_all_comes_before_one_where_guests_are_squeezed() -> None:
    tight, roomy = Candidate("tight", 2), Candidate("roomy", 100)
    assert order(SMALL, [tight, roomy], sample=lambda: 0.0) == ["roomy", "tight"]


def test_the_preferred_host_is_first_while_the_vm_fits() -> None:
    hosts = [Candidate("a", 100), Candidate("b", 2)]
    assert order(SMALL, hosts, affinity="b", sample=lambda: 0.0) == ["b", "a"]
    assert order(SMALL, [Candidate("a", 100), Candidate("b", 0)], affinity="b", sample=lambda: 0.0) == ["a", "b"]


def test_a_full_host_is_tried_last() -> None:
    full = Candidate("full", 10, guests=(Guest(10, 10, 10),))
    assert order(SMALL, [full, Candidate("free", 10)], sample=lambda: 0.0) == ["free", "full"]


def test_the_coordinator_is_less_likely() -> None:
    hosts = [Candidate("coordinator", 1000, is_coordinator=True), Candidate("other", 1000)]
    # Of equal weights the draw at 0.45 takes the first; with half its weight the coordinator ends at a third.
    assert order(SMALL, hosts, coordinator_bias=False, sample=lambda: 0.45)[0] == "coordinator"
    assert order(SMALL, hosts, sample=lambda: 0.45)[0] == "other"
