"""All there is to know about an interface, for one call: the kernel's view, the card's speed and PCI identity."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from idl.network import InterfaceStatus
from networkd import ethtool
from networkd.order import Card, Device
from networkd.records import Actual, Family

PCI_DEVICES = Path("/sys/bus/pci/devices")


def cards(actual: Actual) -> list[Card]:
    """Return the host's network cards."""
    return [Card(name=link.name, mac=link.mac, pci=link.pci_bus_path) for link in actual.links.values() if link.is_physical]


def _pci_id(path: str, what: str) -> str:
    if not path:
        return ""
    with contextlib.suppress(OSError):
        return (PCI_DEVICES / path / what).read_text().strip().removeprefix("0x")
    return ""


def interface_status(name: str, actual: Actual, order: Iterable[Device]) -> InterfaceStatus:
    """Return an existing interface's status; reads the card's speed and ids."""
    link = actual.links[name]
    addresses = sorted(actual.addresses.get(name, frozenset()))
    return InterfaceStatus(
        name=name,
        mac=link.mac,
        mtu=link.mtu,
        is_up=link.is_up,
        carrier=link.carrier,
        speed=ethtool.read_speed(name) if link.is_uplink else 0,
        is_physical=link.is_physical,
        pci_bus_path=link.pci_bus_path,
        vendor_id=_pci_id(link.pci_bus_path, "vendor"),
        device_id=_pci_id(link.pci_bus_path, "device"),
        ipv4=[(address.ip, address.prefix) for address in addresses if address.family is Family.IPV4],
        ipv6=[(address.ip, address.prefix) for address in addresses if address.family is Family.IPV6],
        position=next((device.position for device in order if device.name == name and device.present), -1),
    )
