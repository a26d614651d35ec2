"""Archives on disk: whole or not at all, under names that cannot lead elsewhere."""

from pathlib import Path

import pytest

from idl.paths import Root
from rrdd.archive import Archive, shapes
from rrdd.store import Identity, IdentityFile, Store

UUID = "11111111-aaaa-bbbb-cccc-000000000001"


def test_a_saved_archive_replaces_a_plain_one_and_is_readable_by_all(tmp_path: Path) -> None:
    directory = tmp_path / "var/lib/xcp/blobs/rrds"
    directory.mkdir(parents=True)
    (directory / UUID).write_text("<rrd/>")
    store = Store(Root(tmp_path))
    store.save(UUID, Archive(shapes(min_max=False), 1000.0))
    assert [path.name for path in directory.iterdir()] == [f"{UUID}.gz"]
    assert (directory / f"{UUID}.gz").stat().st_mode & 0o777 == 0o644
    loaded = store.load(UUID)
    assert loaded is not None and loaded.clock == 1000.0
    store.remove(UUID)
    assert store.load(UUID) is None


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\x00cut"])
def test_a_damaged_archive_is_no_archive(tmp_path: Path, damage: bytes) -> None:
    store = Store(Root(tmp_path))
    store.save(UUID, Archive(shapes(min_max=False), 1000.0))
    (tmp_path / f"var/lib/xcp/blobs/rrds/{UUID}.gz").write_bytes(damage)
    assert store.load(UUID) is None


@pytest.mark.parametrize("uuid", ["", "../x", "a/b", ".", "x" * 65])
def test_only_uuids_are_file_names(tmp_path: Path, uuid: str) -> None:
    with pytest.raises(ValueError, match="no uuid"):
        Store(Root(tmp_path)).load(uuid)


def test_who_we_are_is_remembered_and_rubbish_forgotten(tmp_path: Path) -> None:
    file = IdentityFile(Root(tmp_path))
    assert file.load() == Identity()
    file.save(Identity(host_uuid=UUID))
    assert file.load() == Identity(host_uuid=UUID)
    (tmp_path / "var/lib/xcp/rrdd.json").write_bytes(b"{")
    assert file.load() == Identity()
