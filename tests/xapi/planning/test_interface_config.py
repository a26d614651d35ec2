"""What networkd is told of a PIF."""

from typing import Any

import pytest

from idl.network import Route, Static4, Static6
from xapi.errors import XenAPIError
from xapi.planning import interface_config as config

PIF: dict[str, Any] = {
    "ip_configuration_mode": "None", "IP": "", "netmask": "", "gateway": "", "DNS": "", "ipv6_configuration_mode": "None",
    "IPv6": [], "ipv6_gateway": "", "management": False, "other_config": {}, "properties": {},
}  # fmt: skip
STATIC: dict[str, Any] = {"ip_configuration_mode": "Static", "IP": "10.0.0.1", "netmask": "255.255.0.0", "gateway": "10.0.0.254"}


def made(network_other: dict[str, str] | None = None, **pif: Any) -> Any:
    return config.interface_config({**PIF, **pif}, {"other_config": network_other or {}, "MTU": 1500})


def test_an_unconfigured_interface_has_no_address() -> None:
    assert (made().ipv4_conf, made().ipv6_conf, made().dns, made().persistent_i) == ("None4", "None6", None, False)


def test_static_addresses_and_name_servers() -> None:
    found = made(**STATIC, DNS="10.0.0.9, 10.0.0.8", other_config={"domain": "lab.example,example"}, management=True)
    assert found.ipv4_conf == Static4([("10.0.0.1", 16)]) and found.ipv4_gateway == "10.0.0.254"
    assert found.dns == (["10.0.0.9", "10.0.0.8"], ["lab.example", "example"]) and found.persistent_i


def test_ipv6() -> None:
    assert made(ipv6_configuration_mode="Autoconf").ipv6_conf == "Autoconf6"
    found = made(ipv6_configuration_mode="Static", IPv6=["fd00::1/64"], ipv6_gateway="fd00::fe")
    assert found.ipv6_conf == Static6([("fd00::1", 64)]) and found.ipv6_gateway == "fd00::fe"


def test_a_gateway_left_over_from_a_static_address_does_not_count() -> None:
    assert made(ip_configuration_mode="DHCP", gateway="10.0.0.254").ipv4_gateway is None


def test_the_interfaces_own_settings_go_before_the_networks() -> None:
    found = made({"mtu": "9000", "ethtool-gro": "off"}, other_config={"mtu": "1400"}, properties={"gro": "on"})
    assert found.mtu == 1400 and found.ethtool_offload == {"lro": "off", "gro": "on"}
    assert made(other_config={"ethtool-speed": "100", "ethtool-autoneg": "false"}).ethtool_settings == {
        "speed": "100", "autoneg": "off",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "mtu"), [("", 1500), ("x", 1500), ("9000", 9000), ("1", 1500), ("70000", 1500), ("-5", 1500)]
)
def test_an_unusable_mtu_is_not_used(wanted: str, mtu: int) -> None:
    assert config.mtu_of(wanted, 1500) == mtu


def test_static_routes() -> None:
    assert config.static_routes("10.1.0.0/16/10.0.0.1, 10.2.0.0/x/10.0.0.1,nonsense") == [Route("10.1.0.0", 16, "10.0.0.1")]


@pytest.mark.parametrize(
    ("mode", "given", "key", "value"),
    [
        ("balance-slb", {}, "miimon", "100"),
        ("lacp", {}, "hashing_algorithm", "tcpudp_ports"),
        ("lacp", {"lacp-time": "fast"}, "lacp-time", "fast"),
        ("active-backup", {"updelay": "5"}, "updelay", "5"),
    ],
)
def test_bond_properties_over_defaults(mode: str, given: dict[str, str], key: str, value: str) -> None:
    assert config.bond_properties(mode, given)[key] == value


def test_properties_of_another_mode_go() -> None:
    assert "lacp-time" not in config.bond_properties("balance-slb", {"lacp-time": "fast"})


@pytest.mark.parametrize(
    "given", [{"lacp-time": "later"}, {"miimon": "-1"}, {"lacp-aggregation-key": "x"}, {"lacp-fallback-ab": "maybe"}, {"a": "b"}]
)
def test_bad_bond_properties(given: dict[str, str]) -> None:
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        config.bond_properties("lacp", given)


def test_what_networkd_hears_of_a_bond() -> None:
    told = config.port_properties("lacp", {"hashing_algorithm": "src_mac", "miimon": "100"}, {"bond-miimon": "50", "x": "y"})
    assert told == {"hashing-algorithm": "src_mac", "miimon": "50", "mode": "lacp"}


def test_device_names_fill_gaps() -> None:
    assert config.bond_device(["eth0", "bond0", "bond2"]) == "bond1"
    assert config.tunnel_device([]) == "tunnel0"
