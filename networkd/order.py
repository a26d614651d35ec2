"""Positions of network cards: stable across boots by MAC, then by PCI slot (pure).

A card replaced in the same slot takes over the position, a new one gets the next free, a removed one stays listed.
"""

from collections.abc import Iterable

import msgspec


class Device(msgspec.Struct, kw_only=True, frozen=True):
    """A card and its position; the file's record (``mac`` as colon text)."""

    name: str
    position: int
    mac: str
    pci: str
    present: bool = True


class Card(msgspec.Struct, kw_only=True, frozen=True):
    """A card as the kernel shows it now."""

    name: str
    mac: str
    pci: str


def sort_cards(last: Iterable[Device], cards: Iterable[Card]) -> list[Device]:
    """Return the new order, by position. Cards that were never seen are numbered in PCI order, then by name."""
    known = sorted(last, key=lambda device: device.position)
    left = sorted(cards, key=lambda card: (card.pci == "", card.pci, _natural(card.name)))
    placed: dict[int, Device] = {}
    for matches in (_identical, _same_mac, _same_slot):
        for device in known:
            card = next((card for card in left if matches(device, card)), None)
            if device.position not in placed and card is not None:
                placed[device.position] = Device(name=card.name, position=device.position, mac=card.mac, pci=card.pci)
                left.remove(card)
    for device in known:
        placed.setdefault(device.position, msgspec.structs.replace(device, present=False))
    position = 0
    for card in left:
        while position in placed:
            position += 1
        placed[position] = Device(name=card.name, position=position, mac=card.mac, pci=card.pci)
    return [placed[position] for position in sorted(placed)]


def _identical(device: Device, card: Card) -> bool:
    # Functions of one card may share a MAC: who also sits in the old slot comes first.
    return _same_mac(device, card) and _same_slot(device, card)


def _same_mac(device: Device, card: Card) -> bool:
    return device.mac == card.mac


def _same_slot(device: Device, card: Card) -> bool:
    return device.pci == card.pci != ""


def _natural(name: str) -> tuple[str, int]:
    digits = name[len(name.rstrip("0123456789")) :]
    return name[: len(name) - len(digits)], int(digits or "0")
