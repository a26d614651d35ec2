"""How full the control domain's file systems and memory are."""

import os
from pathlib import Path

from perfmon.alarms import LocalUsage

NOT_A_NUMBER = float("nan")


def measure(root: Path) -> LocalUsage:
    """Measure now; *root* is the host's root directory."""
    etc, logs = root / "etc/passwd", root / "var/log"
    etc = etc if etc.exists() else root
    return LocalUsage(_used(etc), _used_elsewhere(logs, etc), memory_used(Path("/proc/meminfo").read_text()))


def _used(path: Path) -> float:
    """As df counts: of what ordinary users may use."""
    found = os.statvfs(path)
    used = found.f_blocks - found.f_bfree
    return used / (used + found.f_bavail) if used + found.f_bavail else 0.0


def _used_elsewhere(path: Path, other: Path) -> float:
    """Of a file system of its own; not a number where it shares *other*'s."""
    if not path.exists() or path.stat().st_dev == other.stat().st_dev:
        return NOT_A_NUMBER
    return _used(path)


def memory_used(meminfo: str) -> float:
    """Return used memory with swap, without caches, as a fraction of the memory."""
    kib = {line.split(":")[0]: int(line.split()[1]) for line in meminfo.splitlines() if ":" in line}
    caches = kib["Buffers"] + kib["Cached"]
    return (kib["MemTotal"] - kib["MemFree"] - caches + kib["SwapTotal"] - kib["SwapFree"]) / kib["MemTotal"]
