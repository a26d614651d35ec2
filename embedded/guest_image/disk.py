"""The guest's disk: boot code and partition table, a FAT partition to boot from, an ext4 one for data.

Everything is written into a plain file at offsets; no loop device, no mount, no root needed.
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.progress import run

SECTOR = 512
MIB = 1024 * 1024
FAT16_LBA = 0x0E
LINUX = 0x83
BOOT_CODE_BYTES = 440
TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Partition:
    """A primary partition; *start* and *size* in bytes, whole sectors."""

    kind: int
    start: int
    size: int
    active: bool = False


BOOT = Partition(FAT16_LBA, start=1 * MIB, size=20 * MIB, active=True)
DATA = Partition(LINUX, start=21 * MIB, size=8 * MIB)
DISK_BYTES = 30 * MIB


@dataclass(frozen=True, slots=True)
class Loader:
    """Where the unpacked boot loader is: *programs* holds syslinux and mtools, *mbr* the boot code."""

    programs: Path
    mbr: Path

    def environment(self) -> Mapping[str, str]:
        """syslinux calls mtools by name; mtools must not judge a partition's geometry."""
        return {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", "MTOOLS_SKIP_CHECK": "1"}


def master_boot_record(boot_code: bytes, partitions: tuple[Partition, ...]) -> bytes:
    """Return the first sector: boot code, up to four partitions, signature."""
    table = b"".join(_table_entry(partition) for partition in partitions)
    return boot_code[:BOOT_CODE_BYTES].ljust(446, b"\0") + table.ljust(64, b"\0") + b"\x55\xaa"


def _table_entry(partition: Partition) -> bytes:
    beyond_chs = b"\xfe\xff\xff"  # "use the LBA fields"
    flag = b"\x80" if partition.active else b"\0"
    lba = struct.pack("<II", partition.start // SECTOR, partition.size // SECTOR)
    return flag + beyond_chs + bytes([partition.kind]) + beyond_chs + lba


def write(disk: Path, loader: Loader, boot_files: Mapping[str, Path]) -> None:
    """Make the raw image *disk* that boots *boot_files* (names on the FAT partition -> files to copy)."""
    with disk.open("wb") as image:
        image.write(master_boot_record(loader.mbr.read_bytes(), (BOOT, DATA)))
        image.truncate(DISK_BYTES)
    env = loader.environment()
    fat = f"{disk}@@{BOOT.start}"
    sectors = str(BOOT.size // SECTOR)
    hidden = str(BOOT.start // SECTOR)
    run(["mformat", "-i", fat, "-T", sectors, "-h", "64", "-s", "32", "-H", hidden, "::"], timeout=TIMEOUT, env=env)
    for name, source in boot_files.items():
        run(["mcopy", "-i", fat, source, f"::{name}"], timeout=TIMEOUT, env=env)
    run(["syslinux", "--install", "--offset", str(BOOT.start), disk], timeout=TIMEOUT, env=env)
    # fmt: off
    run(
        [
            "mke2fs", "-q", "-F", "-t", "ext4", "-L", "demo-data", "-m", "0",
            "-E", f"offset={DATA.start}", disk, f"{DATA.size // 1024}k",
        ],
        timeout=TIMEOUT, env={**env, "PATH": f"{env['PATH']}:/usr/sbin:/sbin"},
    )
    # fmt: on
