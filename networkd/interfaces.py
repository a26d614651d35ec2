"""Interfaces: wanted addresses, routes, DNS, MTU and offload + the present state -> steps. Pure.

The order is the one clients rely on: addresses before gateways, gateways before DNS and routes, the link up at the end.
"""

from dataclasses import dataclass

from idl.network import InterfaceConfig, Static4, Static6
from networkd.offload import wanted_offload
from networkd.records import (
    Actual,
    AddAddress,
    Address,
    Family,
    Plan,
    RemoveAddress,
    RemoveRoute,
    ReplaceRoute,
    SetEthtool,
    SetIpv6Mode,
    SetMtu,
    SetOffload,
    SetUp,
    StartDhcp,
    StopDhcp,
    Subnet,
    WriteResolvConf,
    render_resolv_conf,
)

ANYWHERE = {Family.IPV4: "0.0.0.0", Family.IPV6: "::"}


@dataclass(frozen=True, slots=True)
class Roles:
    """Which interface gives the host its default route and its DNS; None: any may."""

    gateway: str | None = None
    dns: str | None = None

    def routes(self, name: str) -> bool:
        return self.gateway is None or self.gateway == name

    def resolves(self, name: str) -> bool:
        return self.dns is None or self.dns == name


def plan_interface(name: str, wanted: InterfaceConfig, previous: InterfaceConfig | None, roles: Roles, actual: Actual) -> Plan:
    """Plan one interface; an absent one needs nothing. *previous*: what was applied before (its routes are removed)."""
    link = actual.links.get(name)
    if link is None:
        return []
    steps = _plan_ipv4(name, wanted, previous, roles, actual)
    if actual.ipv6.get(name):
        steps += _plan_ipv6(name, wanted, roles, actual)
    steps += _plan_dns(name, wanted, roles, actual)
    steps += _plan_routes(name, wanted, previous, actual)
    if link.mtu != wanted.mtu:
        steps.append(SetMtu(name, wanted.mtu))
    if not link.is_up:
        steps.append(SetUp(name))
        # The kernel refuses routes through a device that is down.
        steps = _up_before_routes(steps)
    if wanted.ethtool_settings and (previous is None or previous.ethtool_settings != wanted.ethtool_settings):
        steps.append(SetEthtool(name, dict(wanted.ethtool_settings)))
    present = actual.offload.get(name, {})
    changes = {key: value for key, value in wanted_offload(wanted.ethtool_offload).items() if present.get(key, value) != value}
    if changes:
        steps.append(SetOffload(name, changes))
    return steps


def _up_before_routes(steps: Plan) -> Plan:
    up = [step for step in steps if isinstance(step, SetUp)]
    rest = [step for step in steps if not isinstance(step, SetUp)]
    late = [i for i, step in enumerate(rest) if isinstance(step, ReplaceRoute | StartDhcp)]
    at = late[0] if late else len(rest)
    return rest[:at] + up + rest[at:]


def _static(name: str, wanted: set[Address], family: Family, actual: Actual, keep_link_local: bool = False) -> Plan:
    present = {a for a in actual.addresses.get(name, frozenset()) if a.family is family}
    if keep_link_local:
        present = {a for a in present if not a.is_link_local}
    stale: Plan = [RemoveAddress(name, address) for address in sorted(present - wanted)]
    return stale + [AddAddress(name, address) for address in sorted(wanted - present)]


def _stop_dhcp(name: str, family: Family, actual: Actual) -> Plan:
    return [StopDhcp(name, family)] if actual.dhcp_client(name, family) else []


def _gateway(name: str, gateway: str | None, family: Family, roles: Roles, actual: Actual) -> Plan:
    if gateway is None or not roles.routes(name) or actual.gateway(name, family) == gateway:
        return []
    return [ReplaceRoute(Subnet(name, ANYWHERE[family], 0, gateway))]


def _dhcp(name: str, family: Family, roles: Roles, actual: Actual) -> Plan:
    client = StartDhcp(name, family, default_route=roles.routes(name), dns=roles.resolves(name))
    return [] if client in actual.dhcp else [client]


def _plan_ipv4(name: str, wanted: InterfaceConfig, previous: InterfaceConfig | None, roles: Roles, actual: Actual) -> Plan:
    match wanted.ipv4_conf:
        case "DHCP4":
            flush = [] if actual.dhcp_client(name, Family.IPV4) else _static(name, set(), Family.IPV4, actual)
            return flush + _dhcp(name, Family.IPV4, roles, actual)
        case Static4(addresses):
            steps = _stop_dhcp(name, Family.IPV4, actual)
            steps += _static(name, {Address(ip, prefix) for ip, prefix in addresses}, Family.IPV4, actual)
            return steps + _gateway(name, wanted.ipv4_gateway, Family.IPV4, roles, actual)
        case _:
            return _stop_dhcp(name, Family.IPV4, actual) + _static(name, set(), Family.IPV4, actual)


def _plan_ipv6(name: str, wanted: InterfaceConfig, roles: Roles, actual: Actual) -> Plan:
    autoconf = wanted.ipv6_conf == "Autoconf6"
    mode = {"accept_ra": int(autoconf), "autoconf": int(autoconf), "disable_ipv6": int(wanted.ipv6_conf == "None6")}
    present = actual.ipv6[name]
    steps: Plan = []
    changes = {key: value for key, value in mode.items() if present.get(key) != value}
    if changes:
        steps.append(SetIpv6Mode(name, changes))
    if wanted.ipv6_conf != "DHCP6":
        steps += _stop_dhcp(name, Family.IPV6, actual)
    match wanted.ipv6_conf:
        case "DHCP6":
            return steps + _dhcp(name, Family.IPV6, roles, actual)
        case Static6(addresses):
            static = {Address(ip, prefix) for ip, prefix in addresses}
            steps += _static(name, static, Family.IPV6, actual, keep_link_local=True)
            return steps + _gateway(name, wanted.ipv6_gateway, Family.IPV6, roles, actual)
        case "Linklocal6":
            return steps + _static(name, set(), Family.IPV6, actual, keep_link_local=True)
        case _:
            # Autoconf6: the kernel owns the addresses. None6: it drops them itself with the protocol.
            return steps


def _plan_dns(name: str, wanted: InterfaceConfig, roles: Roles, actual: Actual) -> Plan:
    is_static = isinstance(wanted.ipv4_conf, Static4) or isinstance(wanted.ipv6_conf, Static6)
    if wanted.dns is None or not is_static or not roles.resolves(name):
        return []
    text = render_resolv_conf(*wanted.dns)
    return [] if text == actual.resolv_conf else [WriteResolvConf(text)]


def _plan_routes(name: str, wanted: InterfaceConfig, previous: InterfaceConfig | None, actual: Actual) -> Plan:
    routes = {Subnet(name, route.subnet, route.netmask, route.gateway) for route in wanted.ipv4_routes}
    before = {Subnet(name, r.subnet, r.netmask, r.gateway) for r in previous.ipv4_routes} if previous else set()
    steps: Plan = [RemoveRoute(route) for route in sorted((before - routes) & actual.routes)]
    return steps + [ReplaceRoute(route) for route in sorted(routes - actual.routes)]


def plan_down(name: str, actual: Actual) -> Plan:
    """Plan to take an interface out of use: no DHCP client, no IPv4 address, link down."""
    link = actual.links.get(name)
    if link is None:
        return []
    steps = _stop_dhcp(name, Family.IPV4, actual) + _stop_dhcp(name, Family.IPV6, actual)
    steps += _static(name, set(), Family.IPV4, actual)
    return [*steps, SetUp(name, False)] if link.is_up else steps
