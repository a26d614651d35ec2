"""Things that change at the next boot: whether dom0 uses a PCI device, whether a screen shows a console. Pure."""

import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"\(([0-9a-fA-F:.]+)\)")


def state(*, hidden_now: bool, hidden_next: bool) -> str:
    """Return the word of ``pci_dom0_access`` for what is and what will be."""
    if hidden_now:
        return "disabled" if hidden_next else "enable_on_reboot"
    return "disable_on_reboot" if hidden_next else "enabled"


def after_toggle(before: str, *, wanted: bool) -> str:
    """Return the word (of ``host_display``) after the wish for the next boot changed; what is now stays."""
    return state(hidden_now=before in ("disabled", "enable_on_reboot"), hidden_next=not wanted)


def hiding_option(addresses: Sequence[str]) -> str:
    """Return the file that has the pass-through driver take devices at boot; nothing for none."""
    return f"options xen-pciback hide={''.join(f'({address})' for address in addresses)}\n" if addresses else ""


def hidden_devices(text: str) -> list[str]:
    """Return the addresses that `hiding_option` wrote."""
    return _ADDRESS.findall(text)
