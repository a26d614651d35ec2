"""The systemd side: our units, what of other packages' services they change, and starting and stopping it all.

Standard library only.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from embedded.progress import Step, StepFailed, run, tail

UNITS = Path("/etc/systemd/system")
STUNNEL = Path("/etc/stunnel/xapi.conf")
TARGET = "toolstack.target"
RIVALS = ("libvirt-guests.service", "xendomains.service")
"""Debian's ways of saving or shutting down guests when the host goes down: here guests are the toolstack's."""
NEEDED = ("xen.service", "libvirtd.service")
OPENVSWITCH_DROP_IN = "xcp-networkd.service.d/openvswitch.conf"
OPENVSWITCH = "[Unit]\nWants=openvswitch-switch.service\nAfter=openvswitch-switch.service\n"
START_TIMEOUT = 900.0


def ours(checkout: Path) -> list[Path]:
    """Return our units and drop-ins, relative to ``systemd/`` of the checkout and to systemd's folder alike."""
    room = checkout / "systemd"
    files = [*room.glob("*.service"), *room.glob("*.target"), *room.glob("*.d/*.conf")]
    return sorted(path.relative_to(room) for path in files)


def install(checkout: Path, *, openvswitch: bool) -> None:
    """Put units and drop-ins in place; say which bridges need which services."""
    with Step("Units") as step:
        for path in ours(checkout):
            (UNITS / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / "systemd" / path, UNITS / path)
        STUNNEL.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / "systemd/stunnel/xapi.conf", STUNNEL)
        drop_in = UNITS / OPENVSWITCH_DROP_IN
        drop_in.unlink(missing_ok=True)
        if openvswitch:
            drop_in.parent.mkdir(exist_ok=True)
            drop_in.write_text(OPENVSWITCH)
        systemctl("daemon-reload")
        present = [name for name in RIVALS if known(name)]
        if present:
            systemctl("disable", "--now", *present)
        step.done(f"{len(ours(checkout))} in {UNITS}")


def start() -> None:
    """Start everything, now and at every boot; return when XenAPI answers.

    :raises StepFailed: a unit failed; the text has the end of its journal.
    """
    with Step("Xen and libvirt"):
        # Restarted, not only started: a libvirtd that came up before Xen never sees it.
        systemctl("restart", "libvirtd.service")
        for name in NEEDED:
            require_active([name])
    with Step("Toolstack") as step:
        names = services()
        systemctl("enable", "--quiet", TARGET, *names)
        systemctl("reset-failed", *names, check=False)
        systemctl("restart", TARGET, check=False)
        systemctl("start", TARGET, *names, check=False)
        require_active(names)
        step.done(f"{len(names)} services run")


def start_one(name: str) -> None:
    """Start one of our units, whatever it failed with before. :raises StepFailed: it fails again."""
    systemctl("reset-failed", name, check=False)
    systemctl("start", name, check=False)
    require_active([name])


def services() -> list[str]:
    """Return the services that the installed target wants."""
    for line in (UNITS / TARGET).read_text().splitlines():
        if line.startswith("Wants="):
            return line.removeprefix("Wants=").split()
    return []


def require_active(names: Sequence[str]) -> None:
    """:raises StepFailed: one of the units is not active."""
    for name in names:
        state = systemctl("is-active", name, check=False).strip()
        if state != "active":
            journal = run(["journalctl", "--no-pager", "--boot", "--lines=25", "--unit", name], timeout=120)
            why = f"{name} is {state}. The end of its journal:\n{tail(journal, 25)}"
            raise StepFailed(why, f"journalctl -b -u {name} has it all.")


def stop() -> None:
    """Stop everything and keep it from coming back; guests that run are left running."""
    with Step("Toolstack"):
        if (UNITS / TARGET).exists():
            names = services()
            systemctl("disable", "--quiet", TARGET, *names, check=False)
            systemctl("stop", TARGET, *names)


def remove(checkout: Path) -> None:
    """Take the units away and give other packages' services back their part."""
    with Step("Units"):
        for path in [*ours(checkout), Path(OPENVSWITCH_DROP_IN)]:
            (UNITS / path).unlink(missing_ok=True)
            if (folder := (UNITS / path).parent) != UNITS and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        STUNNEL.unlink(missing_ok=True)
        systemctl("daemon-reload")
        present = [name for name in RIVALS if known(name)]
        if present:
            systemctl("enable", "--quiet", *present, check=False)


def known(name: str) -> bool:
    """Say whether some package brought this unit."""
    return any((Path(folder) / name).exists() for folder in ("/lib/systemd/system", "/etc/systemd/system"))


def systemctl(*words: str, check: bool = True) -> str:
    """Run systemctl; *check*: its failure is a :class:`StepFailed`, else its output is all that is wanted."""
    command = ["systemctl", *words]
    if check:
        return run(command, timeout=START_TIMEOUT, do="`systemctl status` and `journalctl -b` say more.")
    return run(["sh", "-c", '"$@" || true', "sh", *command], timeout=START_TIMEOUT)
