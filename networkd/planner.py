"""Linux bridges: wanted configuration + the kernel's state -> the steps that lead from one to the other.

Pure. A plan is empty when nothing has to change. Guests' interfaces on a bridge are left alone; only uplinks (cards
and bonds) that do not belong there are taken off.
"""

from collections.abc import Mapping

from idl.network import BridgeConfig, PortConfig, PortKind
from networkd import errors
from networkd.bonding import bond_options
from networkd.records import (
    Actual,
    AddAddress,
    Address,
    BackendStep,
    CreateBond,
    CreateBridge,
    CreateVlan,
    DeleteLink,
    Link,
    Plan,
    RemoveAddress,
    SetBondOptions,
    SetMac,
    SetMaster,
    SetMtu,
    SetSnooping,
    SetUp,
    Step,
    Vsctl,
)

Stored = Mapping[str, BridgeConfig]


def plan_bridge(name: str, wanted: BridgeConfig, stored: Stored, actual: Actual) -> Plan:
    """Plan a bridge with its ports, or a VLAN bridge.

    :raises RpcError: ``Vlan_in_use``; ``Bridge_does_not_exist`` when a VLAN's parent is absent; ``Not_implemented``.
    """
    existing = actual.links.get(name)
    steps: Plan = []
    if existing is None:
        steps.append(CreateBridge(name))
    elif existing.kind != "bridge":
        raise errors.internal_error(f"{name} exists and is no bridge (it is a {existing.kind or 'network card'})")
    if wanted.bridge_mac and (existing is None or existing.mac.lower() != wanted.bridge_mac.lower()):
        steps.append(SetMac(name, wanted.bridge_mac.lower()))
    if wanted.igmp_snooping is not None and (existing is None or existing.mcast_snooping is not wanted.igmp_snooping):
        steps.append(SetSnooping(name, wanted.igmp_snooping))
    members = set(_uplinks_of(wanted))
    if wanted.vlan is not None:
        device, vlan_steps = _plan_vlan(name, *wanted.vlan, stored=stored, actual=actual)
        members.add(device)
        steps += vlan_steps
    steps += [
        SetMaster(link.name, None)
        for link in actual.members(name)
        if link.name not in members and (link.is_uplink or link.kind == "vlan")
    ]
    if existing is None or not existing.is_up:
        steps.append(SetUp(name))
    for port_name, port in wanted.ports.items():
        steps += plan_port(name, port_name, port, actual)
    return steps


def _uplinks_of(config: BridgeConfig) -> list[str]:
    return [port.interfaces[0] if len(port.interfaces) == 1 else name for name, port in config.ports.items()]


def _plan_vlan(name: str, parent: str, tag: int, *, stored: Stored, actual: Actual) -> tuple[str, Plan]:
    if parent not in actual.links:
        raise errors.bridge_does_not_exist(parent)
    below = vlan_parent_device(parent, actual)
    found = next((link for link in actual.links.values() if link.parent == below and link.vlan_tag == tag), None)
    if found is None:
        device = f"{below}.{tag}"
        if device in actual.links:
            raise errors.vlan_in_use(parent, tag)
        return device, [CreateVlan(device, below, tag), SetMaster(device, name), SetUp(device)]
    steps: Plan = []
    if found.master != name:
        steps += _claim_vlan(found, parent, tag, stored=stored, actual=actual)
        steps.append(SetMaster(found.name, name))
    if not found.is_up:
        steps.append(SetUp(found.name))
    return found.name, steps


def _claim_vlan(found: Link, parent: str, tag: int, *, stored: Stored, actual: Actual) -> Plan:
    """Take an existing VLAN device over: only one that was ours, or that nobody uses."""
    if found.master is None:
        if actual.addresses.get(found.name):
            raise errors.vlan_in_use(parent, tag)
        return []
    other = stored.get(found.master)
    if other is None or other.vlan != (parent, tag):
        raise errors.vlan_in_use(parent, tag)
    return [SetMaster(found.name, None), DeleteLink(found.master)]


def vlan_parent_device(bridge: str, actual: Actual) -> str:
    """Return what a VLAN of *bridge* is made on: its uplink, or the bridge itself when it has none (internal)."""
    uplinks = sorted(link.name for link in actual.members(bridge) if link.is_uplink)
    return uplinks[0] if uplinks else bridge


def plan_port(bridge: str, name: str, port: PortConfig, actual: Actual) -> Plan:
    """Plan a card, or several bonded, as a port of *bridge*. Absent cards are left out.

    :raises RpcError: ``Not_implemented`` for the kinds a Linux bridge has no equivalent of.
    """
    if port.kind is not PortKind.BASIC:
        raise errors.not_implemented(f"port of kind {port.kind} on a Linux bridge")
    present = [interface for interface in port.interfaces if interface in actual.links]
    if len(port.interfaces) > 1:
        return _plan_bond(bridge, name, port, present, actual)
    return [step for interface in present for step in _enslave(actual.links[interface], bridge, actual)]


def _enslave(link: Link, bridge: str, actual: Actual) -> Plan:
    steps: Plan = []
    if link.master != bridge:
        steps.append(SetMaster(link.name, bridge))
    if not link.is_up:
        steps.append(SetUp(link.name))
    return steps + without_addresses(link.name, actual)


def without_addresses(card: str, actual: Actual) -> Plan:
    """Plan to take a port's own addresses away: nothing arrives there any more, but routes would still lead out of it."""
    return [
        RemoveAddress(card, address)
        for address in sorted(actual.addresses.get(card, frozenset()))
        if not address.is_link_local
    ]


def _plan_bond(bridge: str, name: str, port: PortConfig, slaves: list[str], actual: Actual) -> Plan:
    options = bond_options(port.bond_properties)
    bond = actual.links.get(name)
    steps: Plan = []
    if bond is None:
        steps.append(CreateBond(name, options))
    elif bond.kind != "bond":
        raise errors.internal_error(f"{name} exists and is no bond")
    steps += [SetMaster(link.name, None) for link in actual.members(name) if link.name not in slaves]
    changed = bond is not None and any(bond.bond.get(key) != value for key, value in options.items())
    joined = {link.name for link in actual.members(name) if link.name in slaves}
    if changed:
        steps += [SetMaster(slave, None) for slave in sorted(joined)] + [SetUp(name, False), SetBondOptions(name, options)]
        joined = set()
    for slave in slaves:
        if slave not in joined:
            # The kernel only accepts a slave that is down; it brings it up itself.
            steps += [SetUp(slave, False), SetMaster(slave, name)]
    if port.bond_mac and (bond is None or bond.mac.lower() != port.bond_mac.lower()):
        steps.append(SetMac(name, port.bond_mac.lower()))
    if bond is None or bond.master != bridge:
        steps.append(SetMaster(name, bridge))
    if bond is None or changed or not bond.is_up:
        steps.append(SetUp(name))
    return steps


def plan_remove_port(bridge: str, name: str, interfaces: tuple[str, ...], actual: Actual) -> Plan:
    """Plan to take a port off a bridge; a bond is dissolved. Absent is nothing to do."""
    link = actual.links.get(name) or (actual.links.get(interfaces[0]) if len(interfaces) == 1 else None)
    if link is None or link.master != bridge:
        return []
    if link.kind == "bond":
        return _dissolve(link.name, actual)
    return [SetMaster(link.name, None)]


def _dissolve(bond: str, actual: Actual) -> Plan:
    released: Plan = [SetMaster(slave.name, None) for slave in actual.members(bond)]
    return [*released, DeleteLink(bond)]


def plan_destroy(name: str, *, force: bool, actual: Actual) -> Plan:
    """Plan to remove a bridge, its bonds and its VLAN device; with *force* the VLAN bridges on it too.

    :raises RpcError: ``Internal_error`` when VLAN bridges sit on it and *force* is not given.
    """
    if name not in actual.links:
        return []
    on_top = vlan_bridges_on(name, actual)
    if on_top and not force:
        raise errors.internal_error(f"bridge {name} carries VLANs: {', '.join(on_top)}")
    steps = [step for child in on_top for step in plan_destroy(child, force=True, actual=actual)]
    for link in actual.members(name):
        if link.kind == "bond":
            steps += _dissolve(link.name, actual)
        elif link.kind == "vlan":
            steps.append(DeleteLink(link.name))
        else:
            steps.append(SetMaster(link.name, None))
    return [*steps, SetUp(name, False), DeleteLink(name)]


def vlan_bridges_on(name: str, actual: Actual) -> list[str]:
    """Return the bridges whose VLAN device is made on *name* or on one of its uplinks."""
    below = {name} | {link.name for link in actual.members(name) if link.is_uplink}
    return sorted({link.master for link in actual.links.values() if link.kind == "vlan" and link.parent in below and link.master})


def undo(step: Step, before: Actual) -> list[BackendStep]:
    """Return what takes *step* back, given the state before the plan; empty for steps that leave nothing to undo."""
    match step:
        case CreateBridge(name) | CreateVlan(name) | CreateBond(name):
            return [DeleteLink(name)]
        case SetMaster(name) if name in before.links:
            return [SetMaster(name, before.links[name].master)]
        case SetMtu(name) if name in before.links:
            return [SetMtu(name, before.links[name].mtu)]
        case SetMac(name) if name in before.links:
            return [SetMac(name, before.links[name].mac)]
        case SetUp(name) if name in before.links:
            return [SetUp(name, before.links[name].is_up)]
        case Vsctl(undo=words) if words:
            return [Vsctl(words)]
        case AddAddress(device, address):
            return [RemoveAddress(device, address)]
        case RemoveAddress(device, Address() as address):
            return [AddAddress(device, address)]
        case _:
            return []
