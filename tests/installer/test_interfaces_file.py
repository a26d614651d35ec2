"""What the installer does to ``/etc/network/interfaces``, and that it can take it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.interfaces_file import MARK, with_marked, without

DEBIAN = """source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug eth0
iface eth0 inet static
    address 192.0.2.5/24
    # of the building
    gateway 192.0.2.1

iface eth0 inet6 auto
auto eth1
iface eth1 inet dhcp
"""


def active(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_a_cards_stanzas_are_taken_out_and_nothing_else() -> None:
    assert active(without("eth0", DEBIAN)) == [
        "source /etc/network/interfaces.d/*", "auto lo", "iface lo inet loopback", "auto eth1", "iface eth1 inet dhcp",
    ]  # fmt: skip


def test_one_line_for_several_cards_keeps_the_others() -> None:
    assert active(without("eth0", "auto lo eth0 eth1\n")) == ["auto lo eth1"]


@pytest.mark.parametrize("device", ["eth0", "eth1", "lo", "eth7"])
def test_taking_back_gives_the_same_file(device: str) -> None:
    assert with_marked(without(device, DEBIAN)) == DEBIAN


def test_doing_it_twice_is_doing_it_once() -> None:
    once = without("eth0", DEBIAN)
    assert without("eth0", once) == once


@given(st.text(alphabet="abc# \n", max_size=80))
def test_a_file_that_says_nothing_of_the_card_stays_as_it_is(text: str) -> None:
    assert without("eth0", text) == text or MARK in without("eth0", text)
