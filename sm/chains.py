"""Trees of images: which node is whose, and the steps of a snapshot, a clone, a revert, a collection. Pure.

A *node* is an image file and reads through to at most one parent (its backing file). A *disk* (VDI) points to one node.
A node that no disk points to is *hidden*: a base copy while it has children, garbage without.

Layout, and why it is safe: a node's file is never renamed. A snapshot of V makes a new empty overlay, V is pointed to it, and
the snapshot is pointed to the old node, which nobody writes from then on. Each step is one atomic file replacement or
the making of a file nobody points to yet; the order is such that after any prefix every disk reads what it read before.
(Renaming instead, as VHD snapshots do, would leave a running qemu-storage-daemon with names that mean other files.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_DEPTH = 30


class ChainTooLong(ValueError):
    """One more overlay would exceed :data:`MAX_DEPTH` images."""


class NotWritable(ValueError):
    """The disk's content is shared with another disk or node, so it must not change."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All nodes and disks of one SR at one moment."""

    parents: Mapping[str, str | None]
    """Node (file name) -> the node it reads through to."""
    disks: Mapping[str, str]
    """Disk -> the node it points to."""
    making: frozenset[str] = frozenset()
    """Nodes an operation is making now: nobody points to them yet, but somebody will."""
    pinned: frozenset[str] = frozenset()
    """Nodes to be kept as they are, though no disk points to them."""

    def children(self, node: str) -> list[str]:
        return sorted(child for child, parent in self.parents.items() if parent == node)

    def users(self, node: str) -> list[str]:
        """The disks that point to *node*."""
        return sorted(disk for disk, image in self.disks.items() if image == node)

    def hidden(self, node: str) -> bool:
        return node not in self.making and node not in self.pinned and not self.users(node)

    def chain(self, node: str) -> list[str]:
        """*node* and its ancestors, oldest first. A missing parent ends the walk with that name in front.

        :raises ValueError: the parents run in a circle.
        """
        walk: list[str] = []
        current: str | None = node
        while current is not None:
            if current in walk:
                raise ValueError(f"image {current} is its own ancestor")
            walk.append(current)
            current = self.parents.get(current)
        return walk[::-1]

    def below(self, node: str) -> list[str]:
        """The disks that read through or point to *node*."""
        return sorted(disk for disk, image in self.disks.items() if node in self.chain(image))

    def writable(self, disk: str) -> bool:
        """Whether writing to the disk's node changes no other disk."""
        node = self.disks[disk]
        return self.users(node) == [disk] and node not in self.pinned and not self.children(node)


@dataclass(frozen=True, slots=True)
class MakeOverlay:
    """Make an empty node over *parent*."""

    node: str
    parent: str


@dataclass(frozen=True, slots=True)
class Point:
    """Let a disk that exists read from *node*; *previous* is where it pointed before."""

    disk: str
    node: str
    previous: str


@dataclass(frozen=True, slots=True)
class SwitchLive:
    """Let the running datapath of *disk* write to *overlay* from now on (nothing to do if it is not running)."""

    disk: str
    overlay: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Make a new disk known that points to *node*."""

    disk: str
    node: str


@dataclass(frozen=True, slots=True)
class Unpublish:
    """Forget a disk; its node becomes hidden."""

    disk: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a node nobody needs."""

    node: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Write the data of *node* into its hidden *parent*; both read the same afterwards."""

    node: str
    parent: str


@dataclass(frozen=True, slots=True)
class Rebase:
    """Let *node* read through to *parent*, which holds the same content as its present one."""

    node: str
    parent: str


Step = MakeOverlay | Point | SwitchLive | Publish | Unpublish | Remove | Commit | Rebase


def _overlay(tree: Tree, node: str, parent: str) -> MakeOverlay:
    if len(tree.chain(parent)) >= MAX_DEPTH:
        raise ChainTooLong(f"{parent} already has {MAX_DEPTH} images in its chain")
    return MakeOverlay(node, parent)


def _freeze(tree: Tree, disk: str, overlay: str) -> list[Step]:
    """Let *disk* go on in a new overlay, so that its present node never changes again."""
    node = tree.disks[disk]
    # The record first: data a guest writes after the switch must never be in a node nobody points to.
    return [_overlay(tree, overlay, node), Point(disk, overlay, node), SwitchLive(disk, overlay)]


def snapshot(tree: Tree, disk: str, snapshot_disk: str, overlay: str, read_only: bool) -> list[Step]:
    """Steps that make *snapshot_disk* hold what *disk* holds now. A read-only disk needs no overlay.

    :raises ChainTooLong:
    """
    node = tree.disks[disk]
    freeze = [] if read_only or not tree.writable(disk) else _freeze(tree, disk, overlay)
    # Only now, with nobody writing to it any more, may a second disk point to the node.
    return [*freeze, Publish(snapshot_disk, node)]


def clone(tree: Tree, disk: str, clone_disk: str, clone_node: str, overlay: str, read_only: bool) -> list[Step]:
    """Steps that make the writable *clone_disk* (its data in *clone_node*) start with what *disk* holds now.

    :raises ChainTooLong:
    """
    node = tree.disks[disk]
    freeze = [] if read_only or not tree.writable(disk) else _freeze(tree, disk, overlay)
    return [*freeze, _overlay(tree, clone_node, node), Publish(clone_disk, clone_node)]


def revert(tree: Tree, disk: str, snapshot_disk: str, overlay: str) -> list[Step]:
    """Steps that give *disk* the content of *snapshot_disk*, which nobody may be writing to.

    :raises NotWritable: the snapshot is itself a disk that can be written.
    """
    node = tree.disks[snapshot_disk]
    return [_overlay(tree, overlay, node), Point(disk, overlay, tree.disks[disk])]


def undo(done: list[Step]) -> list[Step]:
    """What takes back the steps *done* when the next one failed.

    A live switch is not taken back, nor what came before it: the guest has begun to write to the overlay.
    The disk reads right with one image more, which the collector removes.
    """
    steps: list[Step] = []
    for step in reversed(done):
        if isinstance(step, SwitchLive):
            break
        steps += _inverse(step)
    return steps


def _inverse(step: Step) -> list[Step]:
    match step:
        case MakeOverlay(node, _):
            return [Remove(node)]
        case Point(disk, node, previous):
            return [Point(disk, previous, node)]
        case Publish(disk, _):
            return [Unpublish(disk)]
        case _:
            return []


def garbage(tree: Tree, owned: frozenset[str]) -> list[Remove]:
    """Nodes to delete, children before parents: hidden, with no children left, and *owned* by us."""
    left = dict(tree.parents)
    found: list[Remove] = []
    while True:
        dead = sorted(node for node in left if node in owned and tree.hidden(node) and node not in left.values())
        if not dead:
            return found
        for node in dead:
            del left[node]
            found.append(Remove(node))


@dataclass(frozen=True, slots=True)
class Coalesce:
    """*node* can be written into its parent, which is hidden and read by nobody else."""

    node: str
    parent: str
    live: str | None
    """The one attached disk that has both open, or None if nobody has."""


def coalescable(tree: Tree, attached: Mapping[str, bool], owned: frozenset[str]) -> Iterator[Coalesce]:
    """Yield what may be coalesced now, deepest chains first. *attached*: disk -> whether it is open for writing.

    A parent with several children, or one a disk points to, stays. With several attached disks below, no single
    process could make the change, so that waits until all but one are detached. The node a guest writes to is not
    coalesced either: no file replacement could be made one with the switch to its parent, so a crash between the two
    would lose writes. A running disk therefore keeps two images at least.
    """
    candidates = []
    for node, parent in tree.parents.items():
        if parent is None or parent not in tree.parents or node in tree.making or not tree.hidden(parent) or parent not in owned:
            continue
        if tree.children(parent) != [node]:
            continue
        open_by = [disk for disk in tree.below(node) if disk in attached]
        if not open_by or (len(open_by) == 1 and attached[open_by[0]] and tree.disks[open_by[0]] != node):
            candidates.append((-len(tree.chain(node)), node, Coalesce(node, parent, open_by[0] if open_by else None)))
    for _depth, _name, candidate in sorted(candidates, key=lambda entry: entry[:2]):
        yield candidate


def coalesce(tree: Tree, candidate: Coalesce) -> list[Step]:
    """Steps of one coalesce: after the commit both nodes read the same, so each later step alone is safe.

    A live commit also rebases the child that is open; that step then has nothing left to do.
    """
    return [
        Commit(candidate.node, candidate.parent),
        *(Rebase(child, candidate.parent) for child in tree.children(candidate.node)),
        *(Point(disk, candidate.parent, candidate.node) for disk in tree.users(candidate.node)),
        Remove(candidate.node),
    ]
