"""The kernel's network state, read and changed through netlink. The only module that speaks it.

A :class:`Kernel` is a short-lived connection used by one thread. It brings its own event loop, since pyroute2 would
otherwise take uvloop's, which cannot open netlink sockets.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyroute2.iproute.linux import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from networkd.errors import CommandFailed
from networkd.records import (
    Actual,
    AddAddress,
    Address,
    BridgeView,
    CreateBond,
    CreateBridge,
    CreateVlan,
    DeleteLink,
    KernelStep,
    Link,
    RemoveAddress,
    RemoveRoute,
    ReplaceRoute,
    SetBondOptions,
    SetIpv6Mode,
    SetMac,
    SetMaster,
    SetMtu,
    SetSnooping,
    SetUp,
    Subnet,
)

MAIN_TABLE = 254
UNICAST = 1
IPV6_SYSCTLS = Path("/proc/sys/net/ipv6/conf")
BOND_OPTIONS = ("mode", "miimon", "updelay", "downdelay", "use_carrier", "xmit_hash_policy", "ad_lacp_rate")
IFF_UP = 1


@contextlib.contextmanager
def connect() -> Iterator["Kernel"]:
    """Open a netlink connection in this thread's network namespace."""
    loop = asyncio.SelectorEventLoop()
    try:
        with IPRoute(use_event_loop=loop) as netlink:
            yield Kernel(netlink)
    finally:
        loop.close()


def _attributes(message: Any) -> dict[str, Any]:
    return dict(message["attrs"]) if message else {}


def _link(message: Any, names: Mapping[int, str]) -> Link:
    found = _attributes(message)
    info = _attributes(found.get("IFLA_LINKINFO"))
    kind = info.get("IFLA_INFO_KIND", "")
    data = _attributes(info.get("IFLA_INFO_DATA"))
    snooping = data.get("IFLA_BR_MCAST_SNOOPING")
    return Link(
        name=found["IFLA_IFNAME"],
        mac=found.get("IFLA_ADDRESS", ""),
        mtu=found.get("IFLA_MTU", 0),
        is_up=bool(message["flags"] & IFF_UP),
        carrier=bool(found.get("IFLA_CARRIER", 0)),
        kind=kind,
        master=names.get(found.get("IFLA_MASTER", 0)),
        parent=names.get(found.get("IFLA_LINK", 0)) if kind == "vlan" else None,
        vlan_tag=data.get("IFLA_VLAN_ID") if kind == "vlan" else None,
        pci_bus_path=found.get("IFLA_PARENT_DEV_NAME", "") if found.get("IFLA_PARENT_DEV_BUS_NAME") == "pci" else "",
        has_hardware="IFLA_PARENT_DEV_NAME" in found,
        mcast_snooping=None if snooping is None else bool(snooping),
        bond={key: data[f"IFLA_BOND_{key.upper()}"] for key in BOND_OPTIONS if f"IFLA_BOND_{key.upper()}" in data},
    )


def bridge_views(links: Mapping[str, Link]) -> dict[str, BridgeView]:
    """Tell Linux bridges from the links: ports are their uplinks, a VLAN's parent is the bridge its device's port is on."""
    views = {}
    for bridge in (link for link in links.values() if link.kind == "bridge"):
        ports: dict[str, tuple[str, ...]] = {}
        vlan = None
        for member in (link for link in links.values() if link.master == bridge.name):
            if member.kind == "bond":
                ports[member.name] = tuple(sorted(link.name for link in links.values() if link.master == member.name))
            elif member.is_physical:
                ports[member.name] = (member.name,)
            elif member.kind == "vlan" and member.parent and member.vlan_tag is not None:
                below = links[member.parent]
                vlan = (below.master or below.name, member.vlan_tag)
        views[bridge.name] = BridgeView(
            ports, vlan, tuple(sorted(link.name for link in links.values() if link.master == bridge.name))
        )
    return views


def _route(message: Any, names: Mapping[int, str]) -> Subnet | None:
    found = _attributes(message)
    device, gateway = names.get(found.get("RTA_OIF", 0)), found.get("RTA_GATEWAY")
    if message["type"] != UNICAST or found.get("RTA_TABLE") != MAIN_TABLE or device is None or gateway is None:
        return None
    anywhere = "::" if ":" in gateway else "0.0.0.0"
    return Subnet(device, found.get("RTA_DST", anywhere), message["dst_len"], gateway)


def _read_ipv6(name: str) -> dict[str, int]:
    directory = IPV6_SYSCTLS / name
    with contextlib.suppress(FileNotFoundError):
        return {key: int((directory / key).read_text()) for key in ("accept_ra", "autoconf", "disable_ipv6")}
    return {}


class Kernel:
    """Reads the state at once, and carries out one step at a time."""

    def __init__(self, netlink: Any) -> None:
        self._netlink = netlink

    def observe(self) -> Actual:
        """Return links, bridges, addresses, gateway routes and IPv6 modes."""
        messages = list(self._netlink.get_links())
        names = {message["index"]: message.get_attr("IFLA_IFNAME") for message in messages}
        links = {link.name: link for link in (_link(message, names) for message in messages)}
        addresses: dict[str, set[Address]] = {}
        for message in self._netlink.get_addr():
            ip = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            addresses.setdefault(names[message["index"]], set()).add(Address(ip, message["prefixlen"]))
        routes = [_route(message, names) for message in self._netlink.get_routes()]
        return Actual(
            links=links,
            bridges=bridge_views(links),
            addresses={name: frozenset(found) for name, found in addresses.items()},
            routes=frozenset(route for route in routes if route is not None),
            ipv6={name: values for name in links if (values := _read_ipv6(name))},
        )

    def apply(self, step: KernelStep) -> None:
        """Carry out one step.

        :raises CommandFailed: with the kernel's reason.
        """
        try:
            self._apply(step)
        except (NetlinkError, OSError) as error:
            raise CommandFailed(f"{step}: {error}") from error

    def _index(self, name: str) -> int:
        found = self._netlink.link_lookup(ifname=name)
        if not found:
            raise CommandFailed(f"there is no network device {name}")
        return int(found[0])

    def _set(self, name: str, **values: Any) -> None:
        self._netlink.link("set", index=self._index(name), **values)

    def _apply(self, step: KernelStep) -> None:
        match step:
            case CreateBridge(name, mac):
                own = {"address": mac} if mac else {}
                options = {"br_stp_state": 0, "br_forward_delay": 0, "br_mcast_snooping": 0}
                self._netlink.link("add", ifname=name, kind="bridge", **own, **options)
            case CreateVlan(name, parent, tag):
                self._netlink.link("add", ifname=name, kind="vlan", link=self._index(parent), vlan_id=tag)
            case CreateBond(name, options):
                self._netlink.link("add", ifname=name, kind="bond", **_prefixed("bond_", options))
            case SetBondOptions(name, options):
                self._set(name, kind="bond", **_prefixed("bond_", options))
            case DeleteLink(name):
                self._netlink.link("del", index=self._index(name))
            case SetMaster(name, master):
                self._set(name, master=self._index(master) if master else 0)
            case SetUp(name, up):
                self._set(name, state="up" if up else "down")
            case SetMac(name, mac):
                self._set(name, address=mac)
            case SetMtu(name, mtu):
                self._set(name, mtu=mtu)
            case SetSnooping(name, enabled):
                self._set(name, kind="bridge", br_mcast_snooping=int(enabled))
            case AddAddress(device, address):
                self._netlink.addr("replace", index=self._index(device), address=address.ip, prefixlen=address.prefix)
            case RemoveAddress(device, address):
                self._netlink.addr("del", index=self._index(device), address=address.ip, prefixlen=address.prefix)
            case ReplaceRoute(route):
                self._netlink.route("replace", **self._route_spec(route))
            case RemoveRoute(route):
                self._netlink.route("del", **self._route_spec(route))
            case SetIpv6Mode(device, values):
                for key, value in values.items():
                    (IPV6_SYSCTLS / device / key).write_text(str(value))

    def _route_spec(self, route: Subnet) -> dict[str, Any]:
        return {"dst": f"{route.ip}/{route.prefix}", "gateway": route.gateway, "oif": self._index(route.device)}


def _prefixed(prefix: str, options: Mapping[str, int]) -> dict[str, int]:
    return {prefix + key: value for key, value in options.items()}
