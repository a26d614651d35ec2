"""How the installer reads the network it finds, and what it writes down of it."""

from typing import Any

import pytest

from embedded.progress import StepFailed
from idl.config import parse_pairs
from installer.management import Management, card_of, resolvers
from networkd.firstboot import bridge_name, desired_state
from networkd.order import Device
from xapi.classes.pif_rows import bridge_for
from xapi.planning.interface_config import installed_config

STATIC = Management("eth0", "eth0", "192.0.2.5", 24, False, "192.0.2.1", ("192.0.2.53", "192.0.2.54"), "example.org")
DHCP = Management("eth0", "eth0", "192.0.2.5", 24, True, "192.0.2.1")

CARD: dict[str, Any] = {"ifname": "eth0"}
LINKS: dict[str, dict[str, Any]] = {
    "eth0": CARD,
    "br0": {"linkinfo": {"info_kind": "bridge"}},
    "eth1": {"master": "br0"},
    "br1": {"linkinfo": {"info_kind": "bridge"}},
    "eth2": {"master": "br1"},
    "vif1.0": {"master": "br1", "linkinfo": {"info_kind": "vif"}},
    "bond0": {"linkinfo": {"info_kind": "bond"}},
}


def test_a_card_is_itself_and_a_bridge_is_its_only_port() -> None:
    assert card_of("eth0", LINKS) == "eth0"
    assert card_of("br0", LINKS) == "eth1"


@pytest.mark.parametrize(("device", "why"), [("br1", "bridge with the ports eth2, vif1.0"), ("bond0", "bond0 is a bond")])
def test_what_it_cannot_take_over_is_refused_with_a_sentence(device: str, why: str) -> None:
    with pytest.raises(StepFailed, match=why):
        card_of(device, LINKS)


def test_networkd_and_xapi_understand_what_is_written_down() -> None:
    values = dict(parse_pairs(STATIC.conf))
    desired = desired_state(values, [], {"eth0": "52:54:00:00:00:01"}, STATIC.bridge)
    config = desired.interface_config["xenbr0"]
    assert config.ipv4_conf.addresses == [("192.0.2.5", 24)]  # type: ignore[union-attr]
    assert (config.ipv4_gateway, config.dns) == ("192.0.2.1", (["192.0.2.53", "192.0.2.54"], ["example.org"]))
    pif = installed_config(values)
    assert (pif["ip_configuration_mode"], pif["IP"], pif["netmask"]) == ("Static", "192.0.2.5", "255.255.255.0")
    assert (pif["gateway"], pif["DNS"], pif["management"]) == ("192.0.2.1", "192.0.2.53,192.0.2.54", True)


def test_an_address_by_dhcp_stays_one() -> None:
    values = dict(parse_pairs(DHCP.conf))
    assert desired_state(values, [], {}, DHCP.bridge).interface_config["xenbr0"].ipv4_conf == "DHCP4"
    assert installed_config(values)["ip_configuration_mode"] == "DHCP"


@pytest.mark.parametrize("card", ["eth0", "eth11", "enp3s0", "enp0s31f6"])
def test_installer_and_xapi_call_a_cards_bridge_the_same(card: str) -> None:
    assert Management(card, card, "", 0, False).bridge == bridge_for(card)


def test_a_resolver_on_the_host_itself_is_not_worth_writing_down() -> None:
    assert resolvers("search example.org lan\nnameserver 127.0.0.53\nnameserver 192.0.2.53\n") == (("192.0.2.53",), "example.org")
    assert resolvers("") == ((), "")


def test_the_name_by_position_is_a_bridge_of_ours_too() -> None:
    assert bridge_name("eth0", [Device(name="eth0", mac="52:54:00:00:00:01", pci="0000:00:03.0", position=0)]) == "xenbr0"
