"""The parts of the kernel's NBD client that need no kernel module: the handshake with a real server, and the messages."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sm.kernel_nbd import CTRL_ATTR_FAMILY_ID, KernelNbd, attribute, family_id, message, negotiate

SIZE = 5 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """A storage daemon that exports a disk of SIZE as "disk"."""
    image, socket, pid = tmp_path / "disk.raw", tmp_path / "nbd", tmp_path / "pid"
    image.touch()
    with image.open("r+b") as file:
        file.truncate(SIZE)
    subprocess.run(
        [
            "qemu-storage-daemon", "--daemonize", "--pidfile", str(pid),
            "--blockdev", f"file,node-name=disk,filename={image}",
            "--nbd-server", f"addr.type=unix,addr.path={socket}",
            "--export", "nbd,id=disk,node-name=disk,name=disk,writable=on",
        ],
        check=True, timeout=30,
    )  # fmt: skip
    try:
        yield socket
    finally:
        subprocess.run(["kill", pid.read_text().strip()], check=True)


def test_the_handshake_tells_size_and_flags(server: Path) -> None:
    connection, export = negotiate(server, "disk")
    with connection:
        has_flags, read_only, can_flush = 1, 2, 4
        assert export.size == SIZE
        assert export.flags & (has_flags | read_only | can_flush) == has_flags | can_flush
        # From here on the server takes requests: read 8 bytes at 0.
        connection.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 7, 0, 8))
        magic, error, handle = struct.unpack(">IIQ", connection.recv(16, 0x100))
        assert (magic, error, handle) == (0x67446698, 0, 7)


def test_an_unknown_export_is_refused(server: Path) -> None:
    with pytest.raises(OSError, match="refuses"):
        negotiate(server, "other")


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        negotiate(tmp_path / "nothing", "disk")


def test_attributes_are_padded_to_four_bytes() -> None:
    assert attribute(2, b"nbd\0") == struct.pack("=HH4s", 8, 2, b"nbd\0")
    assert attribute(2, b"nbd") == struct.pack("=HH3sx", 7, 2, b"nbd")


def test_a_message_carries_its_length() -> None:
    whole = message(25, 1, attribute(1, struct.pack("=I", 3)), 5)
    assert struct.unpack_from("=IHH", whole) == (len(whole), 25, 5)
    assert len(whole) == 16 + 4 + 8


def test_the_family_is_found_among_other_attributes() -> None:
    assert family_id(attribute(2, b"nbd\0\0") + attribute(CTRL_ATTR_FAMILY_ID, struct.pack("=H", 27))) == 27
    with pytest.raises(OSError, match="no NBD client"):
        family_id(attribute(2, b"nbd\0"))


def test_a_device_is_free_that_nobody_holds() -> None:
    assert KernelNbd().free([0, 1, 3]) == 2
