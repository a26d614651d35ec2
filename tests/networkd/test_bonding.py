"""XenAPI's bond properties and the Linux bonding driver."""

import pytest

from networkd.bonding import bond_options

ALWAYS = {"miimon": 100}


@pytest.mark.parametrize(
    ("properties", "options"),
    [
        ({}, {"mode": 5}),
        ({"mode": "balance-slb"}, {"mode": 5}),
        ({"mode": "active-backup", "updelay": "31000", "downdelay": "200"}, {"mode": 1, "updelay": 31000, "downdelay": 200}),
        ({"mode": "active-backup", "miimon": "50", "use_carrier": "1"}, {"mode": 1, "miimon": 50, "use_carrier": 1}),
        ({"mode": "active-backup", "updelay": "soon"}, {"mode": 1}),
        ({"mode": "lacp"}, {"mode": 4, "xmit_hash_policy": 1, "ad_lacp_rate": 0}),
        (
            {"mode": "lacp", "hashing-algorithm": "src_mac", "lacp-time": "fast"},
            {"mode": 4, "xmit_hash_policy": 0, "ad_lacp_rate": 1},
        ),
        ({"mode": "active-backup", "lacp-time": "fast"}, {"mode": 1}),
    ],
)
def test_bond_options(properties: dict[str, str], options: dict[str, int]) -> None:
    assert bond_options(properties) == ALWAYS | options
