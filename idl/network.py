"""The networking daemon's interface (``networkd``, socket ``/var/lib/xcp/networkd``).

IP addresses are strings, prefixes integers. Errors: ``Interface_does_not_exist(name)``, ``Bridge_does_not_exist(name)``,
``Vlan_in_use(parent, tag)``, ``Script_error(…)``, ``Not_implemented``, ``Internal_error(text)``.
"""

from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from idl.rpc import wire


class Static4(msgspec.Struct, array_like=True, tag="Static4", frozen=True):
    addresses: list[tuple[str, int]]


class Static6(msgspec.Struct, array_like=True, tag="Static6", frozen=True):
    addresses: list[tuple[str, int]]


Ipv4 = Literal["None4", "DHCP4"] | Static4
Ipv6 = Literal["None6", "Linklocal6", "DHCP6", "Autoconf6"] | Static6


class PortKind(StrEnum):
    BASIC = "Basic_port"
    PVS_PROXY = "PVS_proxy"


class Kind(StrEnum):
    OPENVSWITCH = "Openvswitch"
    BRIDGE = "Bridge"


class Route(msgspec.Struct, frozen=True):
    subnet: str
    netmask: int
    gateway: str


class InterfaceConfig(msgspec.Struct, kw_only=True):
    ipv4_conf: Ipv4 = "None4"
    ipv4_gateway: str | None = None
    ipv6_conf: Ipv6 = "None6"
    ipv6_gateway: str | None = None
    ipv4_routes: list[Route] = []
    dns: tuple[list[str], list[str]] | None = None
    mtu: int = 1500
    ethtool_settings: dict[str, str] = {}
    ethtool_offload: dict[str, str] = msgspec.field(default_factory=lambda: {"lro": "off"})
    persistent_i: bool = False


class PortConfig(msgspec.Struct, kw_only=True):
    interfaces: list[str]
    bond_properties: dict[str, str] = {}
    bond_mac: str | None = None
    kind: PortKind = PortKind.BASIC


class BridgeConfig(msgspec.Struct, kw_only=True):
    ports: dict[str, PortConfig] = {}
    vlan: tuple[str, int] | None = None
    """Parent bridge and tag, for a VLAN bridge."""
    bridge_mac: str | None = None
    igmp_snooping: bool | None = None
    other_config: dict[str, str] = {}
    persistent_b: bool = False


class InterfaceStatus(msgspec.Struct, kw_only=True, frozen=True):
    """All there is to know about a network interface, read from the kernel at once."""

    name: str
    mac: str
    mtu: int
    is_up: bool
    carrier: bool
    speed: int
    """Mbit/s, 0 when unknown."""
    is_physical: bool
    pci_bus_path: str
    vendor_id: str = ""
    device_id: str = ""
    vendor_name: str = ""
    device_name: str = ""
    ipv4: list[tuple[str, int]] = []
    ipv6: list[tuple[str, int]] = []
    position: int = -1


class Networking(Protocol):
    @wire("Network.query")
    async def query(self, dbg: str) -> str:
        """Return the service's name and version; a cheap sign of life."""
        ...

    @wire("Network.clear_state")
    async def clear_state(self) -> None:
        """Forget the stored configuration (the kernel's stays) until :meth:`sync_state`."""
        ...

    @wire("Network.sync_state")
    async def sync_state(self) -> None:
        """Write the stored configuration to disk now."""
        ...

    @wire("Network.set_gateway_interface")
    async def set_gateway_interface(self, dbg: str, name: str) -> None: ...

    @wire("Network.set_dns_interface")
    async def set_dns_interface(self, dbg: str, name: str) -> None: ...

    @wire("Network.Interface.get_all")
    async def interface_get_all(self, dbg: str) -> list[str]: ...

    @wire("Network.Interface.get_status")
    async def interface_get_status(self, dbg: str, name: str) -> InterfaceStatus: ...

    @wire("Network.Interface.get_all_status")
    async def interface_get_all_status(self, dbg: str) -> list[InterfaceStatus]: ...

    @wire("Network.Interface.get_dns")
    async def interface_get_dns(self, dbg: str, name: str) -> tuple[list[str], list[str]]: ...

    @wire("Network.Interface.get_ipv4_gateway")
    async def interface_get_ipv4_gateway(self, dbg: str, name: str) -> str | None: ...

    @wire("Network.Interface.bring_down")
    async def interface_bring_down(self, dbg: str, name: str) -> None: ...

    @wire("Network.Interface.set_persistent")
    async def interface_set_persistent(self, dbg: str, name: str, value: bool) -> None:
        """Say whether an interface's configuration is applied again at start-up."""
        ...

    @wire("Network.Interface.make_config")
    async def interface_make_config(self, dbg: str, conservative: bool, config: dict[str, InterfaceConfig]) -> None:
        """Store and apply the given interfaces' configuration."""
        ...

    @wire("Network.Bridge.get_all")
    async def bridge_get_all(self, dbg: str) -> list[str]: ...

    @wire("Network.Bridge.get_kind")
    async def bridge_get_kind(self, dbg: str) -> Kind: ...

    @wire("Network.Bridge.create")
    async def bridge_create(
        self,
        dbg: str,
        name: str,
        vlan: tuple[str, int] | None = None,
        mac: str | None = None,
        igmp_snooping: bool | None = None,
        other_config: dict[str, str] = {},  # noqa: B006 (a wire default, never changed)
    ) -> None:
        """Make a bridge (or make an existing one so) and bring it up."""
        ...

    @wire("Network.Bridge.destroy")
    async def bridge_destroy(self, dbg: str, name: str, force: bool) -> None:
        """Remove a bridge; without *force* only when no VLAN bridge sits on it. Absent is no error."""
        ...

    @wire("Network.Bridge.set_persistent")
    async def bridge_set_persistent(self, dbg: str, name: str, value: bool) -> None:
        """Say whether a bridge is made again at start-up. :raises RpcError: Bridge_does_not_exist: it was not configured."""
        ...

    @wire("Network.Bridge.add_port")
    async def bridge_add_port(
        self,
        dbg: str,
        bridge: str,
        name: str,
        interfaces: list[str],
        bond_mac: str | None = None,
        bond_properties: dict[str, str] = {},  # noqa: B006 (a wire default, never changed)
        kind: PortKind = PortKind.BASIC,
    ) -> None: ...

    @wire("Network.Bridge.remove_port")
    async def bridge_remove_port(self, dbg: str, bridge: str, name: str) -> None: ...

    @wire("Network.Bridge.get_interfaces")
    async def bridge_get_interfaces(self, dbg: str, name: str) -> list[str]: ...

    @wire("Network.Bridge.get_physical_interfaces")
    async def bridge_get_physical_interfaces(self, dbg: str, name: str) -> list[str]: ...

    @wire("Network.Bridge.make_config")
    async def bridge_make_config(self, dbg: str, conservative: bool, config: dict[str, BridgeConfig]) -> None: ...
