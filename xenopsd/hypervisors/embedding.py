"""Where an embedded libvirt lives, and its configuration.

Everything is under the host's root. A Unix socket's path has at most 107 bytes and QEMU opens some by path, so a root
that is too deep gets a short alias in /run (a symbolic link), the only thing ever made outside the root.
"""

import asyncio
import contextlib
import ctypes
import hashlib
import os
import signal
from pathlib import Path

from idl.paths import Root

QEMU_CONF = """\
# Written by xenopsd at every start.
stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
cgroup_controllers = []
namespaces = []
"""
"""No mount namespace per guest: it needs a root that is a mount point, which a chroot or a container may not have."""

LONGEST_SOCKET = 107
LONGEST_INSIDE = len("/lib/qemu/domain-99999-00000000-0000-0000-0/monitor.sock")

EMULATOR_NAME = "qemu-system"
"""How the emulators' processes are called, as much of it as the kernel keeps."""

PR_SET_CHILD_SUBREAPER = 36


def prepare(root: Root) -> Path:
    """Make the embedded driver's directory with its configuration; return the name to use for it."""
    directory = root.under("/var/lib/xenopsd/embed")
    (directory / "etc").mkdir(parents=True, exist_ok=True)
    (directory / "etc" / "qemu.conf").write_text(QEMU_CONF)
    return _short_name(directory)


def _short_name(directory: Path) -> Path:
    if len(os.fsencode(directory)) + LONGEST_INSIDE <= LONGEST_SOCKET:
        return directory
    # The same name after every restart: libvirt wrote it into the state of running domains.
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    alias = Path("/run") / f"xenopsd-{digest}"
    if not alias.is_symlink() or alias.readlink() != directory:
        alias.unlink(missing_ok=True)
        alias.symlink_to(directory)
    return alias


def drop_alias(directory: Path) -> None:
    """Remove the alias again, when no domain is left that knows it."""
    if directory.is_symlink():
        directory.unlink(missing_ok=True)


def adopt_orphans(loop: asyncio.AbstractEventLoop) -> None:
    """Inherit the emulators (they detach from their parents) and reap them the moment they end.

    libvirt waits for a dead emulator to vanish from the process table, and not every init is quick about that.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    loop.add_signal_handler(signal.SIGCHLD, reap_emulators)


def reap_emulators() -> None:
    """Reap our dead emulators; other children have somebody who waits for them."""
    # Not every kernel lists a process's children, so they are looked for among all; dead ones are rare.
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            status = (directory / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_dead_emulator(status, os.getpid()):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(directory.name), os.WNOHANG)


def is_dead_emulator(status: str, parent: int) -> bool:
    """Read the text of /proc/<pid>/stat: pid (name) state parent ..."""
    name, _, rest = status.partition(" (")[2].rpartition(") ")
    return name.startswith(EMULATOR_NAME) and rest.startswith(f"Z {parent} ")
