"""The guest's root file system archive is what cpio reads, and modules come after what they need."""

from pathlib import Path

from embedded.guest_image.initramfs import Entry, archive, character_device, dependencies, directory, file, link, module_order


def test_entries_are_laid_out_as_newc_with_four_byte_alignment() -> None:
    made = archive([file("a", b"12345"), link("l", "a")])
    assert made[:6] == b"070701"
    assert made[6 + 8 : 6 + 16] == b"000081A4"  # mode: regular file, 0644
    assert made[6 + 48 : 6 + 56] == b"00000005"  # size
    assert made[110:112] == b"a\0"
    assert made[112:117] == b"12345"
    assert made[120:126] == b"070701"
    assert len(made) % 512 == 0
    assert b"TRAILER!!!" in made


def test_a_device_node_carries_its_numbers() -> None:
    made = archive([character_device("dev/console", 5, 1)])
    assert made[6 + 72 : 6 + 88] == b"0000000500000001"


def test_modules_are_ordered_after_their_dependencies(tmp_path: Path) -> None:
    def module(name: str, depends: bytes) -> None:
        (tmp_path / f"{name}.ko").write_bytes(b"ELF\0license=GPL\0depends=" + depends + b"\0name=x\0")

    module("net-failover", b"failover")
    module("failover", b"")
    module("virtio_net", b"net_failover")
    names = [path.stem for path in module_order(tmp_path, ["virtio_net", "failover", "built_in"])]
    assert names == ["failover", "net-failover", "virtio_net"]


def test_a_module_without_dependencies_has_none() -> None:
    assert dependencies(b"x\0depends=\0") == []
    assert dependencies(b"no information section") == []


def test_directories_are_entries_too() -> None:
    assert directory("etc") == Entry("etc", 0o040755)
