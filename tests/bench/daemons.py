"""What the daemons of a host cost while nothing is asked of them: CPU and memory, from ``/proc``."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure

ROOMS = ("xapi", "xenopsd", "networkd", "sm", "rrdd", "perfmon", "mpathalert", "snapwatchd")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    cpu_seconds: float
    rss_bytes: int


def find(root: Path) -> dict[str, int]:
    """Return the process id of each daemon that serves *root*."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            folder = (entry / "cwd").readlink()
        except OSError:
            continue
        if "-m" in words and "--root" in words[:-1]:
            room = words[words.index("-m") + 1]
            if room in ROOMS and (folder / words[words.index("--root") + 1]).resolve() == root.resolve():
                found[room] = int(entry.name)
    return found


def usage(pid: int) -> Usage:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE)


def idle(root: Path, seconds: float) -> list[Figure]:
    """Watch the daemons of *root* for *seconds* in which nobody asks them anything."""
    processes = find(root)
    before = {room: usage(pid) for room, pid in processes.items()}
    time.sleep(seconds)
    after = {room: usage(pid) for room, pid in processes.items()}
    cpu = {room: (after[room].cpu_seconds - before[room].cpu_seconds) / seconds * 100 for room in processes}
    rss = {room: after[room].rss_bytes / 1e6 for room in processes}
    figures = [Figure(name=f"idle CPU of {room}", value=cpu[room], unit="% of a core") for room in sorted(processes)]
    figures += [Figure(name=f"memory of {room}", value=rss[room], unit="MB") for room in sorted(processes)]
    note = f"{len(processes)} of {len(ROOMS)} daemons"
    figures.append(Figure(name="idle CPU of all", value=sum(cpu.values()), unit="% of a core", limit=2.0, note=note))
    figures.append(Figure(name="memory of all", value=sum(rss.values()), unit="MB", limit=400.0, note=note))
    return figures
