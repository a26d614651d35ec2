"""The installer's answer to "how is this host managed?": ``management.conf`` as a desired state (pure).

Only used while there is no database: the management interface must be up before xapi can say anything.
"""

import ipaddress
from collections.abc import Iterable, Mapping

from idl.network import BridgeConfig, InterfaceConfig, Ipv4, Ipv6, PortConfig, Static4, Static6
from networkd.config import Desired
from networkd.order import Device

PATH = "/etc/firstboot.d/data/management.conf"
TEMPORARY_BRIDGE = "xentemp"
"""Of a VLAN, until xapi makes one with a network's name."""
BOND = "bond0"


def bridge_name(device: str, order: Iterable[Device]) -> str:
    """Return the bridge of a card: ``xenbr<N>`` by its position or its own number, else ``br<card>``."""
    for known in order:
        if known.name == device:
            return f"xenbr{known.position}"
    number = device.removeprefix("eth")
    return f"xenbr{number}" if number.isdigit() else f"br{device}"


def desired_state(values: Mapping[str, str], order: list[Device], macs: Mapping[str, str], bridge: str | None = None) -> Desired:
    """Return what ``management.conf``'s *values* ask for; nothing without a LABEL or bond members.

    *macs*: card -> MAC; *bridge*: the inventory's MANAGEMENT_INTERFACE.
    """
    members = [name for name in values.get("BOND_MEMBERS", "").split(",") if name]
    device = members[0] if members else values.get("LABEL", "")
    if not device:
        return Desired(interface_order=order)
    vlan = values.get("VLAN", "")
    parent = bridge_name(device, order) if vlan or not bridge else bridge
    managed = TEMPORARY_BRIDGE if vlan else parent
    properties = {"mode": values["BOND_MODE"]} if members and values.get("BOND_MODE") else {}
    ports = {BOND if len(members) > 1 else device: PortConfig(interfaces=members or [device], bond_properties=properties)}
    mac = macs.get(device)
    bridges = {parent: BridgeConfig(ports=ports, bridge_mac=mac, persistent_b=True)}
    if vlan:
        bridges[managed] = BridgeConfig(vlan=(parent, int(vlan)), bridge_mac=mac, persistent_b=True)
    interfaces = {name: InterfaceConfig(persistent_i=True) for name in bridges}
    interfaces[managed] = _interface(values)
    return Desired(
        interface_config=interfaces,
        bridge_config=bridges,
        gateway_interface=managed,
        dns_interface=managed,
        interface_order=order,
    )


def _interface(values: Mapping[str, str]) -> InterfaceConfig:
    servers = [server for server in values.get("DNS", "").split(",") if server]
    return InterfaceConfig(
        ipv4_conf=_ipv4(values),
        ipv4_gateway=values.get("GATEWAY") or None,
        ipv6_conf=_ipv6(values),
        ipv6_gateway=values.get("IPv6_GATEWAY") or None,
        dns=(servers, values.get("DOMAIN", "").split()) if servers else None,
        persistent_i=True,
    )


def _ipv4(values: Mapping[str, str]) -> Ipv4:
    match values.get("MODE", "none"):
        case "dhcp":
            return "DHCP4"
        case "static":
            return Static4([(values["IP"], ipaddress.ip_network(f"0.0.0.0/{values['NETMASK']}").prefixlen)])
        case _:
            return "None4"


def _ipv6(values: Mapping[str, str]) -> Ipv6:
    match values.get("MODEV6", "none"):
        case "dhcp":
            return "DHCP6"
        case "autoconf":
            return "Autoconf6"
        case "static":
            address = ipaddress.ip_interface(values["IPv6"])
            return Static6([(str(address.ip), address.network.prefixlen)])
        case _:
            return "None6"
