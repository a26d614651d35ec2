"""``python -m networkd.networkd_db -bridge B | -iface I``: what the database says, as KEY=value lines.

For boot scripts and the installer, which test for empty output: the exit status is 0 even for what is unknown.
"""

import argparse
import ipaddress
import sys
from pathlib import Path

from idl.network import InterfaceConfig, Static4, Static6
from idl.paths import Root
from networkd.config import DATABASE, Desired, load


def bridge_lines(name: str, desired: Desired) -> list[str]:
    """Return a bridge's cards and their MACs, and for a VLAN its tag and parent; nothing when it is unknown."""
    config = desired.bridge_config.get(name)
    if config is None:
        return []
    cards = [interface for port in config.ports.values() for interface in port.interfaces]
    macs = {device.name: device.mac for device in desired.interface_order or []}
    known = [macs[card] for card in cards if card in macs] or ([config.bridge_mac] if config.bridge_mac else [])
    lines = [f"interfaces={','.join(cards)}", f"hwaddrs={','.join(known)}"]
    return lines + ([f"vlan={config.vlan[1]}", f"parent={config.vlan[0]}"] if config.vlan else [])


def interface_lines(config: InterfaceConfig) -> list[str]:
    """Return an interface's addresses as the scripts want them."""
    return _ipv4_lines(config) + _ipv6_lines(config)


def _ipv4_lines(config: InterfaceConfig) -> list[str]:
    match config.ipv4_conf:
        case "DHCP4":
            return ["mode=dhcp"]
        case Static4([(ip, prefix), *_]):
            lines = ["mode=static", f"ipaddr={ip}", f"netmask={ipaddress.ip_network(f'0.0.0.0/{prefix}').netmask}"]
            lines += [f"gateway={config.ipv4_gateway}"] if config.ipv4_gateway else []
            servers, domains = config.dns or ([], [])
            lines += [f"dns={','.join(servers)}"] if servers else []
            return lines + ([f"domain={','.join(domains)}"] if domains else [])
        case _:
            return []


def _ipv6_lines(config: InterfaceConfig) -> list[str]:
    match config.ipv6_conf:
        case "DHCP6":
            lines = ["modev6=dhcp"]
        case "Autoconf6":
            lines = ["modev6=autoconf"]
        case Static6([(ip, prefix), *_]):
            lines = ["modev6=static", f"ipv6addr={ip}/{prefix}"]
        case _:
            return []
    return lines + ([f"gatewayv6={config.ipv6_gateway}"] if config.ipv6_gateway else [])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="networkd_db")
    parser.add_argument("--root", type=Path, default=Path("/"), help="directory that holds the host (default: /)")
    parser.add_argument("-bridge", help="a bridge's name")
    parser.add_argument("-iface", help="an interface's name")
    args = parser.parse_args(argv)
    desired = load(Root(args.root.resolve()).under(DATABASE)) or Desired()
    lines: list[str] = []
    if args.bridge is not None:
        lines += bridge_lines(args.bridge, desired)
    if args.iface is not None and args.iface in desired.interface_config:
        lines += interface_lines(desired.interface_config[args.iface])
    if not lines:
        sys.stderr.write(f"nothing is known of {args.bridge or args.iface or 'what was not named'}\n")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
