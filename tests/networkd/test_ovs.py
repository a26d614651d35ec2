"""Open vSwitch: the transactions, and reading its database's answer."""

import json
from collections.abc import Sequence

import pytest

from idl.network import BridgeConfig, PortConfig
from networkd.ovs import bond_settings, bridge_words, destroy_words, parse_listing, port_words


def text(words: list[str]) -> str:
    return " ".join(words)


def test_a_bridge_with_everything() -> None:
    wanted = BridgeConfig(
        bridge_mac="02:00:00:00:00:01",
        igmp_snooping=True,
        other_config={"vswitch-controller-fail-mode": "secure", "vswitch-disable-in-band": "true", "network-uuids": "u1;u2"},
    )
    assert text(bridge_words("xenbr0", wanted)) == (
        "-- --may-exist add-br xenbr0"
        " -- set bridge xenbr0 fail_mode=secure"
        " -- set bridge xenbr0 other-config:mac-table-size=10000"
        ' -- set bridge xenbr0 other-config:hwaddr="02:00:00:00:00:01"'
        " -- set bridge xenbr0 other-config:disable-in-band=true"
        " -- set bridge xenbr0 mcast_snooping_enable=true other-config:enable-ipv6-mcast-snooping=true"
        " other-config:mcast-snooping-disable-flood-unregistered=true"
        " -- br-set-external-id xenbr0 xs-network-uuids u1;u2"
    )


def test_a_vlan_is_a_fake_bridge() -> None:
    assert text(bridge_words("xapi5", BridgeConfig(vlan=("xenbr0", 5), bridge_mac="02:00:00:00:00:01"))) == (
        '-- --may-exist add-br xapi5 xenbr0 5 -- set interface xapi5 MAC="02:00:00:00:00:01"'
    )


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, "lacp=off bond_mode=balance-slb"),
        (
            {"mode": "active-backup", "updelay": "1", "downdelay": "2"},
            "lacp=off bond_mode=active-backup bond_downdelay=2 bond_updelay=1",
        ),
        ({"mode": "lacp"}, "lacp=active bond_mode=balance-tcp"),
        ({"mode": "lacp", "hashing-algorithm": "src_mac"}, "lacp=active bond_mode=balance-slb"),
        (
            {"mode": "lacp", "lacp-time": "fast", "lacp-fallback-ab": "true", "lacp-actor-key": "7"},
            'lacp=active bond_mode=balance-tcp other-config:lacp-fallback-ab="true" other-config:lacp-time="fast"',
        ),
        ({"mode": "active-backup", "lacp-time": "fast"}, "lacp=off bond_mode=active-backup"),
        ({"use_carrier": "1"}, "lacp=off bond_mode=balance-slb other-config:bond-detect-mode=carrier"),
        ({"use_carrier": "0"}, "lacp=off bond_mode=balance-slb other-config:bond-detect-mode=miimon"),
        ({"miimon": "100"}, 'lacp=off bond_mode=balance-slb other-config:bond-miimon-interval="100"'),
        ({"anything": "x"}, 'lacp=off bond_mode=balance-slb other-config:bond-anything="x"'),
    ],
)
def test_bond_properties(properties: dict[str, str], words: str) -> None:
    assert text(bond_settings(properties)) == words


def test_a_bond_replaces_what_had_its_name_and_one_that_is_there_is_only_set() -> None:
    port = PortConfig(
        interfaces=["eth0", "eth1"], bond_mac="02:00:00:00:00:01", bond_properties={"mode": "lacp", "lacp-actor-key": "7"}
    )
    assert text(port_words("xenbr0", "bond0", port)) == (
        "-- --if-exists del-port bond0 -- --fake-iface add-bond xenbr0 bond0 eth0 eth1 lacp=active bond_mode=balance-tcp"
        ' -- set port bond0 MAC="02:00:00:00:00:01"'
        " -- set interface eth0 other-config:lacp-actor-key=7 -- set interface eth1 other-config:lacp-actor-key=7"
    )
    assert text(port_words("xenbr0", "bond0", port, present=("eth1", "eth0"))).startswith("-- set port bond0 lacp=active")


def test_a_port_with_one_interface_is_plain() -> None:
    assert text(port_words("xenbr0", "bond0", PortConfig(interfaces=["eth0"]))) == "-- --may-exist add-port xenbr0 eth0"


def test_destroying_starts_with_what_sits_on_top() -> None:
    assert text(destroy_words(["xapi5", "xenbr0"])) == "-- --if-exists del-br xapi5 -- --if-exists del-br xenbr0"


def table(headings: list[str], *rows: Sequence[object]) -> str:
    return json.dumps({"headings": headings, "data": rows})


def test_reading_the_listing() -> None:
    nothing: list[object] = ["set", []]
    answer = "\n".join(
        [
            table(["name", "ports"], ["xenbr0", ["set", [["uuid", "p1"], ["uuid", "p2"], ["uuid", "p3"], ["uuid", "p4"]]]]),
            table(
                ["_uuid", "name", "interfaces", "tag", "fake_bridge"],
                [["uuid", "p1"], "xenbr0", ["uuid", "i1"], nothing, False],
                [["uuid", "p2"], "bond0", ["set", [["uuid", "i2"], ["uuid", "i3"]]], nothing, False],
                [["uuid", "p3"], "xapi5", ["uuid", "i4"], 5, True],
                [["uuid", "p4"], "vif1.0", ["uuid", "i5"], 5, False],
            ),
            table(
                ["_uuid", "name", "type"],
                *([["uuid", f"i{n}"], name, ""] for n, name in enumerate(["xenbr0", "eth1", "eth0", "xapi5", "vif1.0"], 1)),
            ),
        ]
    )
    views = parse_listing(answer, uplinks=["eth0", "eth1", "eth2"])
    assert dict(views["xenbr0"].ports) == {"bond0": ("eth0", "eth1")}
    assert views["xenbr0"].interfaces == ("eth0", "eth1")
    assert (views["xapi5"].vlan, views["xapi5"].interfaces) == (("xenbr0", 5), ("vif1.0",))
