"""A kernel in memory that carries out link steps, strict as the real one where plans could go wrong."""

from dataclasses import replace

from networkd.kernel import bridge_views
from networkd.records import (
    Actual,
    AddAddress,
    CreateBond,
    CreateBridge,
    CreateVlan,
    DeleteLink,
    Link,
    Plan,
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
    StartDhcp,
    Step,
    StopDhcp,
    WriteResolvConf,
)


class Refused(Exception):
    pass


def card(name: str, **values: object) -> Link:
    return replace(Link(name, mac=f"02:00:00:00:00:{len(name):02x}", has_hardware=True), **values)  # type: ignore[arg-type]


def world(*links: Link) -> Actual:
    found = {link.name: link for link in links}
    return Actual(found, bridges=bridge_views(found))


def apply(step: Step, actual: Actual) -> Actual:
    links = dict(actual.links)
    addresses = {name: set(found) for name, found in actual.addresses.items()}
    routes, dhcp, ipv6, resolv = set(actual.routes), set(actual.dhcp), dict(actual.ipv6), actual.resolv_conf

    def change(name: str, **values: object) -> None:
        if name not in links:
            raise Refused(f"{step}: no such device")
        links[name] = replace(links[name], **values)  # type: ignore[arg-type]

    match step:
        case CreateBridge(name) | CreateBond(name) | CreateVlan(name) if name in links:
            raise Refused(f"{step}: exists")
        case CreateBridge(name, mac):
            links[name] = Link(name, kind="bridge", mcast_snooping=False)
            if mac:
                change(name, mac=mac)
        case CreateBond(name, options):
            links[name] = Link(name, kind="bond", bond=options)
        case SetBondOptions(name, options):
            if actual.members(name) or links[name].is_up:
                raise Refused(f"{step}: has slaves or is up")
            change(name, bond=options)
        case CreateVlan(name, parent, tag):
            if any((link.parent, link.vlan_tag) == (parent, tag) for link in links.values()):
                raise Refused(f"{step}: VLAN exists")
            links[name] = Link(name, kind="vlan", parent=parent, vlan_tag=tag)
        case DeleteLink(name):
            if name not in links:
                raise Refused(f"{step}: no such device")
            del links[name]
            links = {n: replace(link, master=None) if link.master == name else link for n, link in links.items()}
            links = {n: link for n, link in links.items() if link.parent != name}
        case SetMaster(name, master):
            if master is not None and master not in links:
                raise Refused(f"{step}: no such master")
            if master is not None and links[master].kind == "bond" and links[name].is_up:
                raise Refused(f"{step}: slave is up")
            change(name, master=master, is_up=True if master and links[master].kind == "bond" else links[name].is_up)
        case SetUp(name, up):
            change(name, is_up=up)
        case SetMac(name, mac):
            change(name, mac=mac)
        case SetMtu(name, mtu):
            change(name, mtu=mtu)
        case SetSnooping(name, enabled):
            change(name, mcast_snooping=enabled)
        case AddAddress(device, address):
            addresses.setdefault(device, set()).add(address)
        case RemoveAddress(device, address):
            addresses[device].remove(address)
        case ReplaceRoute(route):
            if not links[route.device].is_up:
                raise Refused(f"{step}: device is down")
            routes = {r for r in routes if (r.ip, r.prefix) != (route.ip, route.prefix)} | {route}
        case RemoveRoute(route):
            routes.remove(route)
        case SetIpv6Mode(device, values):
            ipv6[device] = {**ipv6[device], **values}
        case StartDhcp():
            dhcp = {client for client in dhcp if (client.device, client.family) != (step.device, step.family)} | {step}
        case StopDhcp(device, family):
            dhcp = {client for client in dhcp if (client.device, client.family) != (device, family)}
        case WriteResolvConf(text):
            resolv = text
    return replace(
        actual,
        links=links,
        bridges=bridge_views(links),
        addresses={name: frozenset(found) for name, found in addresses.items()},
        routes=frozenset(routes),
        dhcp=frozenset(dhcp),
        ipv6=ipv6,
        resolv_conf=resolv,
    )


def run(plan: Plan, actual: Actual) -> Actual:
    for step in plan:
        actual = apply(step, actual)
    return actual
