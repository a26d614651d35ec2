"""What networkd is to make of a PIF: addresses, bridges and bonds from the values of its record. Pure."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from idl.network import InterfaceConfig, Ipv4, Ipv6, Route, Static4, Static6
from xapi import errors

TAGS: Final = range(4095)
SMALLEST_MTU, LARGEST_MTU = 68, 65535

BOND_DEFAULTS: Final[Mapping[str, str]] = {
    "miimon": "100",
    "downdelay": "200",
    "updelay": "31000",
    "use_carrier": "1",
}
LACP_DEFAULTS: Final[Mapping[str, str]] = {
    "hashing_algorithm": "tcpudp_ports",
    "lacp-time": "slow",
    "lacp-aggregation-key": "",
    "lacp-fallback-ab": "true",
}
_LACP_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "hashing_algorithm": ("src_mac", "tcpudp_ports"),
    "lacp-time": ("slow", "fast"),
    "lacp-fallback-ab": ("true", "false"),
}


def assert_address(text: str, parameter: str, family: int = 4) -> None:
    """:raises XenAPIError: INVALID_IP_ADDRESS_SPECIFIED [parameter] for what is no address of that family."""
    try:
        if ipaddress.ip_address(text).version == family:
            return
    except ValueError:
        pass
    raise errors.error("INVALID_IP_ADDRESS_SPECIFIED", parameter)


def assert_cidr6(text: str, parameter: str) -> None:
    """:raises XenAPIError: INVALID_CIDR_ADDRESS_SPECIFIED [parameter] for what is not ``<IPv6 address>/<prefix length>``."""
    try:
        if "/" in text and ipaddress.IPv6Interface(text):
            return
    except ValueError:
        pass
    raise errors.error("INVALID_CIDR_ADDRESS_SPECIFIED", parameter)


def prefix_length(netmask: str) -> int:
    """Return a netmask's length. :raises XenAPIError: INVALID_IP_ADDRESS_SPECIFIED ["netmask"]."""
    assert_address(netmask, "netmask")
    try:
        return ipaddress.IPv4Network(f"0.0.0.0/{netmask}").prefixlen
    except ValueError:
        raise errors.error("INVALID_IP_ADDRESS_SPECIFIED", "netmask") from None


def netmask_of(prefix: int) -> str:
    return str(ipaddress.IPv4Network((0, prefix)).netmask)


def name_servers(text: str) -> list[str]:
    """Return the addresses of a comma-separated list."""
    return [server.strip() for server in text.split(",") if server.strip()]


def _ipv4(pif: Mapping[str, Any]) -> Ipv4:
    match pif["ip_configuration_mode"]:
        case "DHCP":
            return "DHCP4"
        case "Static":
            return Static4([(pif["IP"], prefix_length(pif["netmask"]))])
    return "None4"


def _ipv6(pif: Mapping[str, Any]) -> Ipv6:
    match pif["ipv6_configuration_mode"]:
        case "DHCP":
            return "DHCP6"
        case "Autoconf":
            return "Autoconf6"
        case "Static":
            interfaces = [ipaddress.IPv6Interface(address) for address in pif["IPv6"]]
            return Static6([(str(found.ip), found.network.prefixlen) for found in interfaces])
    return "None6"


def interface_config(pif: Mapping[str, Any], network: Mapping[str, Any]) -> InterfaceConfig:
    """Return how the bridge interface of a PIF on a network is to be configured."""
    other = {**network["other_config"], **pif["other_config"]}
    static4, static6 = pif["ip_configuration_mode"] == "Static", pif["ipv6_configuration_mode"] == "Static"
    servers = name_servers(pif["DNS"])
    dns = (servers, other.get("domain", "").replace(",", " ").split()) if (static4 or static6) and servers else None
    return InterfaceConfig(
        ipv4_conf=_ipv4(pif),
        ipv4_gateway=(pif["gateway"] or None) if static4 else None,
        ipv6_conf=_ipv6(pif),
        ipv6_gateway=(pif["ipv6_gateway"] or None) if static6 else None,
        ipv4_routes=static_routes(other.get("static-routes", "")),
        dns=dns,
        mtu=mtu_of(other.get("mtu", ""), network["MTU"]),
        ethtool_settings=ethtool_settings(other),
        ethtool_offload=ethtool_offload({**other, **_gro(pif["properties"])}),
        persistent_i=bool(pif["management"]),
    )


def mtu_of(wanted: str, network: int) -> int:
    """Return the MTU: the PIF's own wish where it is usable, else its network's."""
    number = int(wanted) if wanted.isdecimal() else network
    return number if SMALLEST_MTU <= number <= LARGEST_MTU else 1500


def static_routes(text: str) -> list[Route]:
    """Return the routes of ``subnet/prefix/gateway,…``; what cannot be read is left out."""
    routes = []
    for entry in text.split(","):
        match entry.strip().split("/"):
            case [subnet, prefix, gateway] if prefix.isdecimal():
                routes.append(Route(subnet, int(prefix), gateway))
    return routes


def _gro(properties: Mapping[str, str]) -> dict[str, str]:
    return {"ethtool-gro": properties["gro"]} if "gro" in properties else {}


_SETTINGS: Final = ("speed", "duplex", "autoneg", "advertise")
_OFFLOADS: Final = ("rx", "tx", "sg", "tso", "ufo", "gso", "gro", "lro")
_SWITCH: Final[Mapping[str, str]] = {"on": "on", "true": "on", "off": "off", "false": "off"}


def ethtool_settings(other: Mapping[str, str]) -> dict[str, str]:
    """Return ``ethtool -s`` settings out of ``ethtool-speed`` and the like."""
    found = {key: other[f"ethtool-{key}"] for key in _SETTINGS if other.get(f"ethtool-{key}")}
    if "autoneg" in found:
        found["autoneg"] = _SWITCH.get(found["autoneg"], "on")
    return found


def ethtool_offload(other: Mapping[str, str]) -> dict[str, str]:
    """Return ``ethtool -K`` settings; large receive offload is off unless asked for, since it breaks bridging."""
    asked = {key: _SWITCH.get(other.get(f"ethtool-{key}", ""), "") for key in _OFFLOADS}
    return {"lro": "off", **{key: value for key, value in asked.items() if value}}


# Bonds


def bond_properties(mode: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return a bond's properties: those given, checked, over the mode's defaults.

    :raises XenAPIError: INVALID_VALUE ["properties", "<key> = <value>"].
    """
    known = {**BOND_DEFAULTS, **(LACP_DEFAULTS if mode == "lacp" else {})}
    # A property of another mode is kept out rather than refused: set_mode passes the old ones.
    properties = known | {key: value for key, value in given.items() if key in known}
    for key, value in given.items():
        if key not in BOND_DEFAULTS and key not in LACP_DEFAULTS:
            raise errors.invalid_value("properties", f"{key} = {value}")
    for key, value in properties.items():
        choices = _LACP_CHOICES.get(key)
        is_number = key in BOND_DEFAULTS or (key == "lacp-aggregation-key" and value)
        if (choices and value not in choices) or (is_number and not value.isdecimal()):
            raise errors.invalid_value("properties", f"{key} = {value}")
    return properties


def port_properties(mode: str, properties: Mapping[str, str], other_config: Mapping[str, str]) -> dict[str, str]:
    """Return what networkd is told of a bond: its properties, which ``bond-<key>`` of the PIF's other_config override."""
    told = {key.replace("_", "-") if key == "hashing_algorithm" else key: value for key, value in properties.items()}
    overrides = {key.removeprefix("bond-"): value for key, value in other_config.items() if key.startswith("bond-")}
    return {**told, **overrides, "mode": mode}


def bond_device(taken: Sequence[str]) -> str:
    """Return the first unused name of the ``bond<N>`` series."""
    return _first_free("bond", taken)


def tunnel_device(taken: Sequence[str]) -> str:
    """Return the first unused name of the ``tunnel<N>`` series."""
    return _first_free("tunnel", taken)


def _first_free(stem: str, taken: Sequence[str]) -> str:
    return next(name for number in range(len(taken) + 1) if (name := f"{stem}{number}") not in taken)


def installed_config(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of the PIF that ``management.conf``'s *values* describe, as networkd brings it up."""
    modes = {"dhcp": "DHCP", "static": "Static", "autoconf": "Autoconf"}
    fields: dict[str, Any] = {
        "management": True,
        "disallow_unplug": True,
        "ip_configuration_mode": modes.get(values.get("MODE", ""), "None"),
        "ipv6_configuration_mode": modes.get(values.get("MODEV6", ""), "None"),
    }
    if fields["ip_configuration_mode"] == "Static":
        fields |= {"IP": values.get("IP", ""), "netmask": values.get("NETMASK", "")}
        fields |= {"gateway": values.get("GATEWAY", ""), "DNS": values.get("DNS", "")}
    if fields["ipv6_configuration_mode"] == "Static":
        fields |= {"IPv6": [values.get("IPv6", "")], "ipv6_gateway": values.get("IPv6_GATEWAY", "")}
    return fields
