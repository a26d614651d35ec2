"""Reads a directory of images and records into values: the disks, the nodes, the tree they form."""

import logging
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from idl.storage import VdiInfo
from sm import records
from sm.chains import Tree
from sm.drivers.base import Format
from sm.images.qcow2 import BadImage, read_header
from sm.records import MARK, DiskRecord

log = logging.getLogger(__name__)

IMAGE = re.compile(r"([0-9A-Za-z][0-9A-Za-z_-]*)\.(qcow2|raw)")
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Node:
    """One image file as found."""

    name: str
    virtual_size: int
    utilisation: int
    parent: str | None
    problem: str = ""
    """Why the image must not be opened, or empty."""

    @property
    def stem(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Contents:
    nodes: Mapping[str, Node]
    disks: Mapping[str, DiskRecord]
    owned: frozenset[str]
    """Nodes we made: they have a record or a mark. Others are never deleted."""

    def tree(self, making: frozenset[str]) -> Tree:
        return Tree(
            {node.name: node.parent for node in self.nodes.values()},
            {disk: record.image for disk, record in self.disks.items()},
            making,
            frozenset(record.epoch_base for record in self.disks.values() if record.epoch_base),
        )

    def describe(self, disk: str) -> VdiInfo:
        """The disk as the interface shows it, sizes and parent as found now."""
        record = self.disks[disk]
        node = self.nodes.get(record.image)
        info = msgspec.structs.replace(record.info, vdi=disk)
        if node is not None:
            info.virtual_size = node.virtual_size
            info.physical_utilisation = node.utilisation
            info.parent = node.parent or ""
        return info

    def describe_hidden(self, name: str) -> VdiInfo:
        node = self.nodes[name]
        return VdiInfo(
            vdi=name,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            name_label="base copy",
            read_only=True,
            managed=False,
            virtual_size=node.virtual_size,
            physical_utilisation=node.utilisation,
            parent=node.parent or "",
        )


class Reader:
    """Reads a directory again and again; headers of files that have not changed are remembered."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[tuple[int, int, int], Node]] = {}

    def read(self) -> Contents:
        """:raises OSError: the directory cannot be read."""
        nodes: dict[str, Node] = {}
        disks: dict[str, DiskRecord] = {}
        recorded: set[str] = set()
        with os.scandir(self._directory) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
        for name in names:
            if IMAGE.fullmatch(name):
                node = self._node(name)
                if node is not None:
                    nodes[name] = node
            elif name.endswith(MARK):
                recorded.add(name.removesuffix(MARK))
            elif name.endswith(".json"):
                self._record(name, disks, recorded)
        self._known = {name: known for name, known in self._known.items() if name in nodes}
        owned = frozenset(name for name, node in nodes.items() if node.stem in recorded)
        used = {node.parent for node in nodes.values()}
        for name, node in nodes.items():
            if name not in owned and name not in used:
                disks.setdefault(node.stem, DiskRecord(image=name, info=_foreign(node)))
        return Contents(nodes, disks, owned)

    def _record(self, name: str, disks: dict[str, DiskRecord], recorded: set[str]) -> None:
        try:
            record = records.read(self._directory / name)
        except msgspec.DecodeError as error:
            log.warning("%s/%s is not a record of ours: %s", self._directory, name, error)
            return
        stem = name.removesuffix(".json")
        if isinstance(record, DiskRecord):
            disks[stem] = record
            recorded.add(stem)

    def _node(self, name: str) -> Node | None:
        path = self._directory / name
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        key = (status.st_ino, status.st_mtime_ns, status.st_size)
        known = self._known.get(name)
        used = status.st_blocks * _SECTOR
        if known is not None and known[0] == key and known[1].utilisation == used:
            return known[1]
        node = _read_node(path, status.st_size, used)
        self._known[name] = (key, node)
        return node


def _read_node(path: Path, size: int, utilisation: int) -> Node:
    if Format.of(path.name) is Format.RAW:
        return Node(path.name, size, utilisation, None)
    try:
        header = read_header(path)
    except (BadImage, OSError) as error:
        return Node(path.name, 0, utilisation, None, str(error))
    problem = ""
    if header.external_data:
        problem = "the image keeps its data in another file"
    elif header.backing and not IMAGE.fullmatch(header.backing):
        # A name that leads out of the SR would give a guest any file of the host.
        problem = f"the image refers to {header.backing!r}, which is no image of this SR"
    return Node(path.name, header.virtual_size, utilisation, None if problem else header.backing or None, problem)


def _foreign(node: Node) -> VdiInfo:
    try:
        identity = str(uuid.UUID(node.stem))
    except ValueError:
        identity = str(uuid.uuid5(uuid.NAMESPACE_OID, node.stem))
    return VdiInfo(vdi=node.stem, uuid=identity, name_label=node.stem)
