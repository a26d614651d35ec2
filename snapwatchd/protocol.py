"""The words between a guest's VSS provider and this daemon, in ``/vss/<VM uuid>`` (pure).

The guest lists disks as ``snapshot/<VDI uuid>`` and writes what it wants into ``status``; the answer goes into the same node.
All answers begin with "snapshot", so that the daemon knows its own writing again.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

ROOT = "/vss"
STATUS = re.compile(rf"{ROOT}/([0-9a-fA-F-]{{36}})/status")


class Wish(StrEnum):
    CREATE_INFO = "create-snapshotinfo"
    CREATE = "create-snapshots"
    IMPORT = "import-snapshots"
    DEPORT = "deport-snapshots"
    DESTROY = "destroy-snapshots"


@dataclass(frozen=True, slots=True)
class Answers:
    done: str
    failed: str


ANSWERS: Mapping[Wish, Answers] = {
    Wish.CREATE_INFO: Answers("snapshotinfo-created", "snapshotinfo-failed"),
    Wish.CREATE: Answers("snapshots-created", "snapshots-failed"),
    Wish.IMPORT: Answers("snapshots-imported", "snapshot-import-failed"),
    # The provider knows no word for a deport that failed.
    Wish.DEPORT: Answers("snapshots-deported", "snapshots-deported"),
    Wish.DESTROY: Answers("snapshots-destroyed", "snapshot-destroy-failed"),
}


def vm_of(path: str) -> str | None:
    """Return the VM whose status node *path* is."""
    match = STATUS.fullmatch(path)
    return match[1] if match else None


def wish_of(status: str | None) -> Wish | None:
    """Return what the guest wants; None for our own answers and for anything unknown."""
    try:
        return Wish(status or "")
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Disk:
    """One of the VM's disks: VDI ref and uuid, and the SR's ref."""

    ref: str
    uuid: str
    sr: str


def takes_whole_vm(requested: Collection[str], disks: Collection[Disk], blocked_operations: Collection[str]) -> bool:
    """Is it one snapshot of the VM (all its disks are asked for, and nothing forbids it), or one of each VDI?"""
    return {disk.uuid for disk in disks} == set(requested) and "snapshot" not in blocked_operations


def by_sr(disks: Collection[Disk]) -> list[list[Disk]]:
    """Group disks: those of one SR are snapshotted one after another, SRs side by side."""
    groups: dict[str, list[Disk]] = {}
    for disk in disks:
        groups.setdefault(disk.sr, []).append(disk)
    return list(groups.values())


def snapshot_info(time: str, snapshot_uuid: str, parent_uuid: str) -> str:
    """Return the XML that describes a snapshot to the provider."""
    fields = {"time": time, "snapuuid": snapshot_uuid, "parent": parent_uuid}
    return "<VM.snapshot>" + "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items()) + "</VM.snapshot>"
