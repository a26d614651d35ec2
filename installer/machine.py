"""What the machine must be before anything of it is changed: each refusal is a sentence. Standard library only."""

import os
from pathlib import Path

from embedded.progress import StepFailed

CAPABILITIES = Path("/proc/xen/capabilities")
XENFS_HELP = "Install Xen (apt-get install xen-system-amd64), reboot, choose the entry \"with Xen hypervisor\", and try again."
SUPPORTED = {"debian": "12"}


def require_installable() -> None:
    """:raises StepFailed: not root, not Debian 12, no systemd, or not the control domain of a Xen."""
    require_root()
    release = read_release(Path("/etc/os-release").read_text())
    if SUPPORTED.get(release.get("ID", "")) != release.get("VERSION_ID"):
        raise StepFailed(
            f"This is {release.get('PRETTY_NAME', 'an unknown system')}; the installer knows Debian 12.",
            "Use a Debian 12 (bookworm) as control domain.",
        )
    if not Path("/run/systemd/system").is_dir():
        raise StepFailed("systemd does not run here.", "Install on the machine itself, not in a container or chroot.")
    if not is_control_domain(CAPABILITIES):
        raise StepFailed("This machine does not run under Xen (or this is a guest of one), so it can run no guests.", XENFS_HELP)


def require_root() -> None:
    """:raises StepFailed: not root."""
    if os.geteuid() != 0:
        raise StepFailed("Only root can install or remove the toolstack.", "Run it as root.")


def is_control_domain(capabilities: Path) -> bool:
    """Say whether this system is dom0 of a running Xen."""
    try:
        return "control_d" in capabilities.read_text()
    except OSError:
        return False


def read_release(text: str) -> dict[str, str]:
    """Read ``/etc/os-release``."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}
