"""What the clock's daemon (chrony) is told. Pure."""

import re
from collections.abc import Sequence

from xapi.errors import error

FACTORY = ("pool 2.debian.pool.ntp.org iburst",)
FROM_DHCP = "sourcedir /run/chrony-dhcp"
_ALWAYS = ("driftfile /var/lib/chrony/chrony.drift", "makestep 1 3", "rtcsync", "leapsectz right/UTC")
_SERVER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?")
MOST_SERVERS = 16


def check_servers(servers: Sequence[str]) -> None:
    """:raises XenAPIError: INVALID_NTP_CONFIG [reason]."""
    if len(servers) > MOST_SERVERS:
        raise error("INVALID_NTP_CONFIG", f"more than {MOST_SERVERS} servers")
    for server in servers:
        if not _SERVER.fullmatch(server):
            raise error("INVALID_NTP_CONFIG", f"not a server's name or address: {server[:100]}")


def check(mode: str, servers: Sequence[str]) -> None:
    """:raises XenAPIError: INVALID_NTP_CONFIG [reason] where the mode has nothing to work with."""
    check_servers(servers)
    if mode == "Custom" and not servers:
        raise error("INVALID_NTP_CONFIG", "custom servers are to be used, but there are none")


def chrony_config(mode: str, servers: Sequence[str]) -> str:
    """Return ``chrony.conf`` for a mode other than Disabled."""
    sources = {
        "Factory": FACTORY,
        "DHCP": (FROM_DHCP,),
        "Custom": tuple(f"server {server} iburst" for server in servers),
    }[mode]
    return "".join(f"{line}\n" for line in ("# Written by xapi: see host.set_ntp_mode.", *sources, *_ALWAYS))
