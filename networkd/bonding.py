"""What a bond's properties mean to the Linux bonding driver (pure).

The driver has no ``balance-slb``: the nearest that needs nothing of the switch is ``balance-alb``'s transmit half with
one receiving card, ``balance-tlb``.
"""

from collections.abc import Mapping

MODES: Mapping[str, int] = {
    "balance-rr": 0,
    "active-backup": 1,
    "balance-xor": 2,
    "broadcast": 3,
    "802.3ad": 4,
    "lacp": 4,
    "balance-tlb": 5,
    "balance-slb": 5,
    "balance-alb": 6,
}
HASHING: Mapping[str, int] = {"src_mac": 0, "tcpudp_ports": 1}
NUMBERS = ("miimon", "updelay", "downdelay", "use_carrier")


def bond_options(properties: Mapping[str, str]) -> dict[str, int]:
    """Return netlink's bond options (``mode``, ``miimon``, …) for XenAPI's bond properties; unusable values are left out."""
    mode = MODES.get(properties.get("mode", "balance-slb"), MODES["balance-slb"])
    # Link monitoring is not optional: without it a bond never fails over.
    options = {"mode": mode, "miimon": 100}
    options |= {key: int(properties[key]) for key in NUMBERS if properties.get(key, "").isdigit()}
    if mode == MODES["lacp"]:
        options["xmit_hash_policy"] = HASHING.get(properties.get("hashing-algorithm", ""), HASHING["tcpudp_ports"])
        options["ad_lacp_rate"] = 1 if properties.get("lacp-time") == "fast" else 0
    return options
