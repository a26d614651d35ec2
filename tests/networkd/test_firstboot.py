"""management.conf: the installer's answers as a desired state."""

import pytest

from idl.network import InterfaceConfig, PortConfig, Static4, Static6
from networkd.config import Desired
from networkd.firstboot import desired_state
from networkd.order import Device

ORDER = [Device(name="ens3", position=0, mac="m0", pci=""), Device(name="ens4", position=1, mac="m1", pci="")]
MACS = {"ens3": "m0", "ens4": "m1"}


def state(bridge: str | None = None, **values: str) -> Desired:
    return desired_state(values, ORDER, MACS, bridge)


def test_dhcp_on_a_card() -> None:
    found = state(LABEL="ens4", MODE="dhcp")
    assert list(found.bridge_config) == ["xenbr1"]
    bridge = found.bridge_config["xenbr1"]
    assert (bridge.ports, bridge.bridge_mac, bridge.persistent_b) == ({"ens4": PortConfig(interfaces=["ens4"])}, "m1", True)
    assert found.interface_config == {"xenbr1": InterfaceConfig(ipv4_conf="DHCP4", persistent_i=True)}
    assert (found.gateway_interface, found.dns_interface) == ("xenbr1", "xenbr1")


def test_static_addresses() -> None:
    found = state(
        LABEL="ens3", MODE="static", IP="10.0.0.1", NETMASK="255.255.0.0", GATEWAY="10.0.0.254",
        DNS="1.1.1.1,2.2.2.2", DOMAIN="a b",
        MODEV6="static", IPv6="fd00::1/64", IPv6_GATEWAY="fd00::2",
    )  # fmt: skip
    assert found.interface_config["xenbr0"] == InterfaceConfig(
        ipv4_conf=Static4([("10.0.0.1", 16)]),
        ipv4_gateway="10.0.0.254",
        ipv6_conf=Static6([("fd00::1", 64)]),
        ipv6_gateway="fd00::2",
        dns=(["1.1.1.1", "2.2.2.2"], ["a", "b"]),
        persistent_i=True,
    )


def test_a_vlan_waits_on_a_temporary_bridge() -> None:
    found = state(LABEL="ens3", MODE="dhcp", VLAN="7")
    assert found.bridge_config["xentemp"].vlan == ("xenbr0", 7)
    assert (found.gateway_interface, found.interface_config["xenbr0"].ipv4_conf) == ("xentemp", "None4")


def test_a_bond_takes_its_first_member_for_the_name() -> None:
    found = state(BOND_MODE="lacp", BOND_MEMBERS="ens4,ens3", MODE="dhcp")
    port = PortConfig(interfaces=["ens4", "ens3"], bond_properties={"mode": "lacp"})
    assert found.bridge_config["xenbr1"].ports == {"bond0": port}


@pytest.mark.parametrize(
    ("device", "bridge", "name"), [("ens3", "mine", "mine"), ("eth7", None, "xenbr7"), ("wan", None, "brwan")]
)
def test_the_bridges_name(device: str, bridge: str | None, name: str) -> None:
    assert list(state(bridge, LABEL=device, MODE="none").bridge_config) == [name]


def test_nothing_named_is_nothing_configured() -> None:
    assert state(MODE="dhcp") == Desired(interface_order=ORDER)
