"""Positions of network cards across boots."""

from networkd.order import Card, Device, sort_cards


def card(name: str, mac: int, slot: int) -> Card:
    return Card(name=name, mac=f"02:00:00:00:00:{mac:02x}", pci=f"0000:00:{slot:02x}.0")


def positions(devices: list[Device]) -> dict[str, int]:
    return {device.name: device.position for device in devices if device.present}


FIRST = sort_cards([], [card("ethB", 2, 5), card("ethA", 1, 4)])


def test_new_cards_are_numbered_in_slot_order() -> None:
    assert positions(FIRST) == {"ethA": 0, "ethB": 1}


def test_cards_without_a_slot_are_numbered_by_name() -> None:
    cards = [Card(name=name, mac=name, pci="") for name in ("eth10", "eth2", "eth0")]
    assert positions(sort_cards([], cards)) == {"eth0": 0, "eth2": 1, "eth10": 2}


def test_a_card_moved_to_another_slot_keeps_its_position() -> None:
    assert positions(sort_cards(FIRST, [card("ethB", 2, 3), card("ethA", 1, 9)])) == {"ethA": 0, "ethB": 1}


def test_a_replacement_in_the_same_slot_takes_over_the_position() -> None:
    assert positions(sort_cards(FIRST, [card("new", 7, 4), card("ethB", 2, 5)])) == {"new": 0, "ethB": 1}


def test_a_removed_card_keeps_its_place_and_a_new_one_gets_the_next() -> None:
    order = sort_cards(FIRST, [card("ethB", 2, 5), card("ethC", 3, 6)])
    assert positions(order) == {"ethB": 1, "ethC": 2}
    assert [(device.name, device.position) for device in order if not device.present] == [("ethA", 0)]
    assert positions(sort_cards(order, [card("ethA", 1, 4), card("ethB", 2, 5), card("ethC", 3, 6)])) == {
        "ethA": 0,
        "ethB": 1,
        "ethC": 2,
    }


def test_functions_that_share_a_mac_stay_in_their_slots() -> None:
    twins = [card("eth0", 1, 4), card("eth1", 1, 5)]
    order = sort_cards([], twins)
    assert positions(sort_cards(order, list(reversed(twins)))) == {"eth0": 0, "eth1": 1}
