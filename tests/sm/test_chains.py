"""Trees of images: after any prefix of any plan every disk reads what it read, and garbage is exactly what nobody needs."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm import chains
from sm.chains import Commit, MakeOverlay, Point, Publish, Rebase, Remove, Step, Tree, Unpublish

Content = dict[str, frozenset[str]]
"""Node -> the writes it holds itself; reading collects them along the chain."""


@dataclasses.dataclass
class Model:
    """An SR in memory: enough to carry plans out and to read disks."""

    parents: dict[str, str | None]
    disks: dict[str, str]
    held: Content
    read_only: set[str]
    counter: int = 0

    def fresh(self) -> str:
        self.counter += 1
        return f"n{self.counter}"

    def tree(self) -> Tree:
        return Tree(self.parents, self.disks)

    def read(self, disk: str) -> frozenset[str]:
        return frozenset().union(*(self.held[node] for node in self.tree().chain(self.disks[disk])))

    def apply(self, step: Step) -> None:
        match step:
            case MakeOverlay(node, parent):
                self.parents[node], self.held[node] = parent, frozenset()
            case Point(disk, node, _) | Publish(disk, node):
                self.disks[disk] = node
            case Unpublish(disk):
                del self.disks[disk]
            case Remove(node):
                assert node not in self.parents.values(), "a node others read through was removed"
                assert node not in self.disks.values(), "a disk's node was removed"
                del self.parents[node], self.held[node]
            case Commit(node, parent):
                self.held[parent] |= self.held[node]
            case Rebase(node, parent):
                self.parents[node] = parent


def collect(model: Model, attached: dict[str, bool] | None = None) -> None:
    """Collect until nothing is left, checking after each step that no disk reads differently."""
    while True:
        tree, owned = model.tree(), frozenset(model.parents)
        steps: list[Step] = list(chains.garbage(tree, owned))
        if not steps:
            candidate = next(chains.coalescable(tree, attached or {}, owned), None)
            if candidate is None:
                return
            steps = chains.coalesce(tree, candidate)
        for step in steps:
            before = {disk: model.read(disk) for disk in model.disks}
            model.apply(step)
            assert {disk: model.read(disk) for disk in model.disks} == before


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["write", "snapshot", "clone", "revert", "destroy", "collect"]), st.integers(0, 99)), max_size=25
)


@given(ACTIONS)
def test_no_sequence_of_operations_lets_one_disk_change_another(actions: list[tuple[str, int]]) -> None:
    model = Model({"n0": None}, {"d0": "n0"}, {"n0": frozenset()}, set())
    for number, (action, choice) in enumerate(actions):
        if not model.disks:
            break
        disk = sorted(model.disks)[choice % len(model.disks)]
        expected = {name: model.read(name) for name in model.disks}
        act(model, action, disk, f"d{number + 1}", expected)
        assert {name: model.read(name) for name in model.disks} == expected
    collect(model)
    needed = {node for disk in model.disks for node in model.tree().chain(model.disks[disk])}
    assert set(model.parents) == needed


def act(model: Model, action: str, disk: str, made: str, expected: Content) -> None:
    """Do one action and enter in *expected* what it is meant to change."""
    steps: list[Step] = []
    read_only = disk in model.read_only
    match action:
        case "write" if not read_only and model.tree().writable(disk):
            model.held[model.disks[disk]] |= {made}
            expected[disk] = expected[disk] | {made}
        case "snapshot":
            steps = chains.snapshot(model.tree(), disk, made, model.fresh(), read_only)
            expected[made] = expected[disk]
            model.read_only.add(made)
        case "clone":
            steps = chains.clone(model.tree(), disk, made, model.fresh(), model.fresh(), read_only)
            expected[made] = expected[disk]
        case "revert" if model.read_only & model.disks.keys():
            snapshot = min(model.read_only & model.disks.keys())
            if not read_only:
                steps = chains.revert(model.tree(), disk, snapshot, model.fresh())
                expected[disk] = expected[snapshot]
        case "destroy":
            steps = [Unpublish(disk)]
            del expected[disk]
            model.read_only.discard(disk)
        case "collect":
            collect(model)
    for step in steps:
        model.apply(step)


@given(ACTIONS, st.integers(0, 9))
def test_a_crash_after_any_step_changes_no_disk_that_existed(actions: list[tuple[str, int]], prefix: int) -> None:
    model = Model({"n0": None}, {"d0": "n0"}, {"n0": frozenset({"first"})}, set())
    for number, (action, choice) in enumerate(actions):
        if model.disks:
            disk = sorted(model.disks)[choice % len(model.disks)]
            act(model, action, disk, f"d{number + 1}", {name: frozenset() for name in model.disks})
    if not model.disks:
        return
    disk = min(model.disks)
    before = {name: model.read(name) for name in model.disks}
    for step in chains.clone(model.tree(), disk, "made", "x", "y", disk in model.read_only)[:prefix]:
        model.apply(step)
        assert {name: model.read(name) for name in before} == before
    collect(model)
    assert {name: model.read(name) for name in before} == before


def test_undoing_stops_at_a_live_switch_because_the_guest_has_written_on() -> None:
    tree = Tree({"a": None}, {"v": "a"})
    steps = chains.snapshot(tree, "v", "s", "o", read_only=False)
    assert chains.undo(steps) == [Unpublish("s")]
    assert chains.undo(steps[:2]) == [Point("v", "a", "o"), Remove("o")]


TALL = Tree({"a": None, "b": "a", "c": "b"}, {"v": "c"})


@pytest.mark.parametrize(
    ("attached", "expected"),
    [
        ({}, ["c", "b"]),
        ({"v": True}, ["b"]),
        ({"v": False}, []),
    ],
)
def test_the_image_a_guest_writes_to_is_left_alone_and_a_read_only_disk_wholly(
    attached: dict[str, bool], expected: list[str]
) -> None:
    found = chains.coalescable(TALL, attached, frozenset(TALL.parents))
    assert [candidate.node for candidate in found] == expected


def test_two_running_disks_below_one_node_make_it_wait() -> None:
    tree = Tree({"a": None, "b": "a", "c": "b", "d": "b"}, {"v": "c", "w": "d"})
    everything = frozenset(tree.parents)
    assert list(chains.coalescable(tree, {"v": True, "w": True}, everything)) == []
    assert [candidate.live for candidate in chains.coalescable(tree, {"v": True}, everything)] == ["v"]


def test_a_foreign_file_and_one_being_made_are_no_garbage() -> None:
    tree = Tree({"mine": None, "foreign": None, "new": None}, {}, making=frozenset({"new"}))
    assert chains.garbage(tree, frozenset({"mine", "new"})) == [Remove("mine")]


def test_a_chain_does_not_grow_for_ever() -> None:
    names = [f"n{number}" for number in range(chains.MAX_DEPTH)]
    tree = Tree(dict(zip(names, [None, *names[:-1]], strict=True)), {"v": names[-1]})
    with pytest.raises(chains.ChainTooLong):
        chains.snapshot(tree, "v", "s", "o", read_only=False)


def test_images_in_a_circle_are_an_error_not_a_hang() -> None:
    with pytest.raises(ValueError, match="ancestor"):
        Tree({"a": "b", "b": "a"}, {"v": "a"}).chain("a")
