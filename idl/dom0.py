"""Whether this machine runs under Xen, as its control domain."""

from pathlib import Path

CAPABILITIES = Path("/proc/xen/capabilities")


def is_control_domain(capabilities: Path = CAPABILITIES) -> bool:
    """Say whether this is a control domain (dom0)."""
    try:
        return "control_d" in capabilities.read_text()
    except FileNotFoundError:
        return False
