"""The words a guest's VSS provider and the daemon exchange, and the mark on the disk."""

from pathlib import Path

import pytest

from snapwatchd import header
from snapwatchd.protocol import ANSWERS, Disk, Wish, by_sr, snapshot_info, takes_whole_vm, vm_of, wish_of

VM = "01234567-89ab-cdef-0123-456789abcdef"
DISKS = [Disk("r1", "u1", "sr1"), Disk("r2", "u2", "sr2"), Disk("r3", "u3", "sr1")]


@pytest.mark.parametrize(
    ("path", "vm"), [(f"/vss/{VM}/status", VM), ("/vss", None), (f"/vss/{VM}", None), (f"/vss/{VM}/snapshot/x", None)]
)
def test_only_a_status_node_is_a_wish(path: str, vm: str | None) -> None:
    assert vm_of(path) == vm


def test_our_own_answers_are_no_wishes() -> None:
    for answers in ANSWERS.values():
        assert wish_of(answers.done) is None
        assert wish_of(answers.failed) is None
        assert answers.done.startswith("snapshot")
    assert wish_of(None) is None
    assert wish_of("create-snapshots") is Wish.CREATE


@pytest.mark.parametrize(
    ("requested", "blocked", "whole"),
    [({"u1", "u2", "u3"}, [], True), ({"u1", "u2"}, [], False), ({"u1", "u2", "u3"}, ["snapshot"], False)],
)
def test_all_disks_are_one_snapshot_of_the_vm(requested: set[str], blocked: list[str], whole: bool) -> None:
    assert takes_whole_vm(requested, DISKS, blocked) is whole


def test_disks_of_one_sr_go_one_after_another() -> None:
    assert by_sr(DISKS) == [[DISKS[0], DISKS[2]], [DISKS[1]]]


def test_the_description_is_xml() -> None:
    assert snapshot_info("<now>", "s", "p") == (
        "<VM.snapshot><time>&lt;now&gt;</time><snapuuid>s</snapuuid><parent>p</parent></VM.snapshot>"
    )


def test_the_mark_is_hidden_and_restored(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    before = b"x" * 0xE00 + b"SNAPPART" + b"y" * 100
    disk.write_bytes(before)
    assert header.hide(disk)
    assert disk.read_bytes() == before.replace(b"SNAPPART", b"XEN-SNAP")
    assert not header.hide(disk)
    assert header.restore(disk)
    assert disk.read_bytes() == before


def test_other_disks_are_left_alone(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"z" * 100)
    assert not header.hide(disk)
    assert disk.read_bytes() == b"z" * 100
