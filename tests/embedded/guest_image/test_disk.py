"""The first sector of the guest's disk."""

import struct

from embedded.guest_image.disk import BOOT, DATA, DISK_BYTES, SECTOR, master_boot_record


def test_the_boot_record_names_both_partitions() -> None:
    sector = master_boot_record(b"\xfa" * 440, (BOOT, DATA))
    assert len(sector) == SECTOR
    assert sector[510:] == b"\x55\xaa"
    active, kind, start, size = struct.unpack("<B3xB3xII", sector[446:462])
    assert (active, kind) == (0x80, 0x0E)
    assert (start * SECTOR, size * SECTOR) == (BOOT.start, BOOT.size)


def test_partitions_do_not_overlap_and_fit() -> None:
    assert BOOT.start + BOOT.size <= DATA.start
    assert DATA.start + DATA.size <= DISK_BYTES
