"""The guest's root file system: a cpio archive made in memory (busybox, a few scripts, kernel modules).

Written by hand because the archive holds device nodes and root-owned files, which no tool writes without
being root; the format ("newc") is the kernel's documented one.
"""

import gzip
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive: *mode* carries the type; *data* is the content or a link's target."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    return Entry(name, stat.S_IFDIR | 0o755)


def file(name: str, data: bytes, *, executable: bool = False) -> Entry:
    return Entry(name, stat.S_IFREG | (0o755 if executable else 0o644), data)


def link(name: str, target: str) -> Entry:
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def character_device(name: str, major: int, minor: int) -> Entry:
    return Entry(name, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """Return *entries* as one cpio archive in the kernel's "newc" format."""
    out = bytearray()
    for number, entry in enumerate(entries, start=1):
        _append(out, number, entry)
    _append(out, 0, Entry("TRAILER!!!", 0))
    out.extend(b"\0" * (-len(out) % 512))
    return bytes(out)


def _append(out: bytearray, inode: int, entry: Entry) -> None:
    name = entry.name.encode() + b"\0"
    owner, links, mtime, checksum = 0, 1, 0, 0
    fields = (
        inode, entry.mode, owner, owner, links, mtime, len(entry.data),
        0, 0, *entry.device, len(name), checksum,
    )  # fmt: skip
    out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
    out.extend(b"\0" * (-len(out) % 4))
    out += entry.data
    out.extend(b"\0" * (-len(out) % 4))


def module_order(tree: Path, wanted: Sequence[str]) -> list[Path]:
    """Return the files of the modules *wanted* and of all they depend on, in an order insmod accepts.

    Modules that are not in *tree* are built into the kernel (or not made for it) and are left out. The
    dependencies are read from the modules themselves: an unpacked package has no modules.dep.
    """
    found = {path.stem.replace("-", "_"): path for path in tree.rglob("*.ko")}
    order: list[Path] = []

    def visit(name: str) -> None:
        path = found.get(name.replace("-", "_"))
        if path is None or path in order:
            return
        for needed in dependencies(path.read_bytes()):
            visit(needed)
        order.append(path)

    for name in wanted:
        visit(name)
    return order


def dependencies(module: bytes) -> list[str]:
    """Return the names after ``depends=`` in a module's information section."""
    match = DEPENDS.search(module)
    return [name for name in match[1].decode().split(",") if name] if match else []


def compressed(data: bytes) -> bytes:
    """Return *data* as gzip, the same bytes every time."""
    return gzip.compress(data, mtime=0)
