"""The values of host networking: what the kernel has (:class:`Actual`) and the steps that change it.

Pure data: planners make steps out of it, the edges (``kernel``, ``dhcp``, ``ethtool``, ``backends``) carry them out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Family(StrEnum):
    IPV4 = "4"
    IPV6 = "6"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    ip: str
    prefix: int

    @property
    def family(self) -> Family:
        return Family.IPV6 if ":" in self.ip else Family.IPV4

    @property
    def is_link_local(self) -> bool:
        return self.ip.lower().startswith("fe80:")


@dataclass(frozen=True, slots=True, order=True)
class Subnet:
    """A route through a gateway; the default route has prefix 0."""

    device: str
    ip: str
    prefix: int
    gateway: str


@dataclass(frozen=True, slots=True)
class Link:
    """One network device, as the kernel shows it. ``parent`` is what a VLAN device sits on."""

    name: str
    mac: str = ""
    mtu: int = 1500
    is_up: bool = False
    carrier: bool = False
    kind: str = ""
    master: str | None = None
    parent: str | None = None
    vlan_tag: int | None = None
    pci_bus_path: str = ""
    has_hardware: bool = False
    mcast_snooping: bool | None = None
    bond: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_physical(self) -> bool:
        """A card; in an embedded host, whose network namespace has no cards, a veth end named ``eth<N>`` plays one."""
        return self.has_hardware or (self.kind == "veth" and self.name.startswith("eth"))

    @property
    def is_uplink(self) -> bool:
        """Leads out of the host: never a guest's interface."""
        return self.is_physical or self.kind == "bond"


@dataclass(frozen=True, slots=True)
class BridgeView:
    """A bridge as its backend shows it; ``ports``: uplink port -> its cards (more than one: a bond)."""

    ports: Mapping[str, tuple[str, ...]]
    vlan: tuple[str, int] | None = None
    interfaces: tuple[str, ...] = ()
    """All that is attached to it, guests' interfaces too."""


@dataclass(frozen=True, slots=True)
class Actual:
    """The state of the host's network at one moment."""

    links: Mapping[str, Link]
    bridges: Mapping[str, BridgeView] = field(default_factory=dict)
    addresses: Mapping[str, frozenset[Address]] = field(default_factory=dict)
    routes: frozenset[Subnet] = frozenset()
    dhcp: "frozenset[StartDhcp]" = frozenset()
    """The running DHCP clients, as the steps that started them."""
    resolv_conf: str = ""
    ipv6: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Per device the kernel's ``accept_ra``, ``autoconf``, ``disable_ipv6``; empty where the kernel has no IPv6."""
    offload: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Per device the offload settings that can be changed, by ethtool's short names."""

    def members(self, master: str) -> list[Link]:
        """Return the devices enslaved to a bridge or bond."""
        return [link for link in self.links.values() if link.master == master]

    def dhcp_client(self, device: str, family: Family) -> "StartDhcp | None":
        return next((client for client in self.dhcp if (client.device, client.family) == (device, family)), None)

    def gateway(self, device: str, family: Family) -> str | None:
        """Return the default route's gateway through *device*."""
        mine = (route for route in sorted(self.routes) if route.device == device and route.prefix == 0)
        return next((route.gateway for route in mine if family_of(route.ip) is family), None)


def family_of(ip: str) -> Family:
    return Address(ip, 0).family


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """*mac* is given at birth: udev gives a bridge without one another address a moment later."""

    name: str
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class CreateVlan:
    name: str
    parent: str
    tag: int


@dataclass(frozen=True, slots=True)
class CreateBond:
    name: str
    options: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SetBondOptions:
    """Only legal while the bond is down and has no slaves."""

    name: str
    options: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeleteLink:
    name: str


@dataclass(frozen=True, slots=True)
class SetMaster:
    name: str
    master: str | None


@dataclass(frozen=True, slots=True)
class SetUp:
    name: str
    up: bool = True


@dataclass(frozen=True, slots=True)
class SetMac:
    name: str
    mac: str


@dataclass(frozen=True, slots=True)
class SetMtu:
    name: str
    mtu: int


@dataclass(frozen=True, slots=True)
class SetSnooping:
    name: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class AddAddress:
    device: str
    address: Address


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    device: str
    address: Address


@dataclass(frozen=True, slots=True)
class ReplaceRoute:
    route: Subnet


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    route: Subnet


@dataclass(frozen=True, slots=True)
class SetIpv6Mode:
    device: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StartDhcp:
    device: str
    family: Family
    default_route: bool
    dns: bool


@dataclass(frozen=True, slots=True)
class StopDhcp:
    device: str
    family: Family


@dataclass(frozen=True, slots=True)
class WriteResolvConf:
    text: str


@dataclass(frozen=True, slots=True)
class SetOffload:
    device: str
    values: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class SetEthtool:
    """``ethtool -s`` settings: speed, duplex, autoneg, advertise."""

    device: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Vsctl:
    """One ``ovs-vsctl`` transaction, and the one that takes it back (none: nothing to take back)."""

    arguments: tuple[str, ...]
    undo: tuple[str, ...] = ()


LinkStep = (
    CreateBridge | CreateVlan | CreateBond | SetBondOptions | DeleteLink | SetMaster | SetUp | SetMac | SetMtu | SetSnooping
)
AddressStep = AddAddress | RemoveAddress | ReplaceRoute | RemoveRoute | SetIpv6Mode
KernelStep = LinkStep | AddressStep
BackendStep = KernelStep | Vsctl
Step = BackendStep | StartDhcp | StopDhcp | WriteResolvConf | SetOffload | SetEthtool
Plan = list[Step]


def render_resolv_conf(nameservers: Iterable[str], domains: Iterable[str]) -> str:
    """Return the text of resolv.conf: a ``search`` line, then the servers."""
    search = " ".join(domains)
    lines = [f"search {search}"] if search else []
    return "".join(f"{line}\n" for line in lines + [f"nameserver {server}" for server in nameservers])


def parse_resolv_conf(text: str) -> tuple[list[str], list[str]]:
    """Return (nameservers, search domains)."""
    servers: list[str] = []
    domains: list[str] = []
    for line in text.splitlines():
        match line.split():
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search" | "domain", *names]:
                domains = names
    return servers, domains
