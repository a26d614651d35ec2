"""The embedded host's own network namespace, held by a bind mount on a file under the host's folder.

Bridges, VLANs and taps made by networkd and the hypervisor live in it, so no interface of the machine is
changed; daemons outside reach those inside over Unix sockets, which do not belong to a namespace.
"""

from pathlib import Path

from embedded.progress import run

TIMEOUT = 20.0
CARD = "eth0"
CABLE_END = "tap-eth0"


def exists(file: Path) -> bool:
    """Say whether *file* holds a network namespace (an ordinary file is what a reboot leaves)."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4] == str(file) for line in mounts)


def ensure(file: Path) -> bool:
    """Make a namespace on *file* with its loopback up; return False when it was there."""
    if exists(file):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    run(["unshare", f"--net={file}", "ip", "link", "set", "lo", "up"], timeout=TIMEOUT)
    enter = entered(file)
    # The host's network card, which the toolstack takes for a real one, and the other end of its cable.
    run([*enter, "ip", "link", "add", CARD, "type", "veth", "peer", "name", CABLE_END], timeout=TIMEOUT)
    for name in (CARD, CABLE_END):
        run([*enter, "ip", "link", "set", name, "up"], timeout=TIMEOUT)
    return True


def remove(file: Path) -> None:
    """Let the namespace go; the kernel ends it when no process is left in it."""
    if exists(file):
        run(["umount", file], timeout=TIMEOUT)
    file.unlink(missing_ok=True)


def entered(file: Path) -> tuple[str, ...]:
    """Return the words that start a command inside the namespace."""
    return ("nsenter", f"--net={file}", "--")


def identity(file: Path) -> tuple[int, int] | None:
    """Return what tells this namespace from others (device, inode); None when there is none."""
    if not exists(file):
        return None
    found = file.stat()
    return (found.st_dev, found.st_ino)


def of_process(pid: int) -> tuple[int, int] | None:
    """Return the identity of a process' network namespace; None when the process is gone."""
    try:
        found = Path(f"/proc/{pid}/ns/net").stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
