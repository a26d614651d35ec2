"""Ways of bridging, and which one this host uses: ``/etc/xensource/network.conf`` says ``openvswitch`` or ``bridge``."""

import contextlib

from idl.paths import Root
from networkd.backends.base import Backend
from networkd.backends.bridge import LinuxBridge
from networkd.backends.openvswitch import OpenVSwitch

NETWORK_CONF = "/etc/xensource/network.conf"


def choose(root: Root) -> Backend:
    """Return the backend the host's network.conf names; the Linux bridge when it is absent."""
    word = ""
    with contextlib.suppress(FileNotFoundError):
        word = root.under(NETWORK_CONF).read_text().strip()
    return OpenVSwitch() if word in ("openvswitch", "vswitch") else LinuxBridge()
