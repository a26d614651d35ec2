"""Open vSwitch: bridges and ports through ``ovs-vsctl``, addresses and links through netlink as anywhere."""

from idl.network import BridgeConfig, Kind, PortConfig
from networkd import command, errors, ovs
from networkd.backends.base import Backend
from networkd.errors import CommandFailed
from networkd.kernel import Kernel
from networkd.planner import Stored, without_addresses
from networkd.records import Actual, BackendStep, BridgeView, Plan, SetMtu, SetUp, Vsctl


def vsctl(arguments: list[str]) -> str:
    """:raises CommandFailed: the database refused, or is not there."""
    return command.run(["ovs-vsctl", "--timeout=20", *arguments], timeout_s=30)


class OpenVSwitch(Backend):
    kind = Kind.OPENVSWITCH

    def bridges(self, actual: Actual) -> dict[str, BridgeView]:
        uplinks = [link.name for link in actual.links.values() if link.is_uplink]
        return ovs.parse_listing(vsctl(ovs.LISTING), uplinks)

    def plan_bridge(self, name: str, wanted: BridgeConfig, stored: Stored, actual: Actual) -> Plan:
        if wanted.vlan is not None and wanted.vlan[0] not in actual.bridges:
            raise errors.bridge_does_not_exist(wanted.vlan[0])
        view = actual.bridges.get(name)
        steps: Plan = []
        if wanted.vlan is not None:
            steps += self._replaced_vlan(name, wanted.vlan, stored, actual)
        if view is None or stored.get(name) != wanted or view.vlan != wanted.vlan:
            made = () if name in actual.bridges else tuple(ovs.destroy_words([name]))
            steps.append(Vsctl(tuple(ovs.bridge_words(name, wanted)), undo=made))
        for port_name, port in wanted.ports.items():
            steps += self.plan_port(name, port_name, port, actual, known=stored.get(name))
        link = actual.links.get(name)
        return steps if link is not None and link.is_up else [*steps, SetUp(name)]

    @staticmethod
    def _replaced_vlan(name: str, vlan: tuple[str, int], stored: Stored, actual: Actual) -> Plan:
        """Remove the bridge that has this VLAN under another name: only one of ours."""
        others = [other for other, view in actual.bridges.items() if view.vlan == vlan and other != name]
        if any(other not in stored for other in others):
            raise errors.vlan_in_use(*vlan)
        return [Vsctl(tuple(ovs.destroy_words(others)))] if others else []

    def plan_port(self, bridge: str, name: str, port: PortConfig, actual: Actual, known: BridgeConfig | None = None) -> Plan:
        wanted = [interface for interface in port.interfaces if interface in actual.links]
        view = actual.bridges.get(bridge)
        present = view.ports.get(name, ()) if view else ()
        up: Plan = [SetUp(interface) for interface in wanted if not actual.links[interface].is_up]
        up += [step for interface in wanted for step in without_addresses(interface, actual)]
        if sorted(present) == sorted(wanted) and known is not None and known.ports.get(name) == port:
            return up
        made = () if present else tuple(ovs.remove_port_words(bridge, name))
        return [Vsctl(tuple(ovs.port_words(bridge, name, port, present)), undo=made), *up]

    def plan_remove_port(self, bridge: str, name: str, interfaces: tuple[str, ...], actual: Actual) -> Plan:
        view = actual.bridges.get(bridge)
        if view is None:
            return []
        single = [port for port, names in view.ports.items() if names == interfaces]
        port = name if name in view.ports else next(iter(single), None)
        return [] if port is None else [Vsctl(tuple(ovs.remove_port_words(bridge, port)))]

    def plan_destroy(self, name: str, *, force: bool, actual: Actual) -> Plan:
        if name not in actual.bridges:
            return []
        on_top = sorted(child for child, view in actual.bridges.items() if view.vlan and view.vlan[0] == name)
        if on_top and not force:
            raise errors.internal_error(f"bridge {name} carries VLANs: {', '.join(on_top)}")
        return [Vsctl(tuple(ovs.destroy_words([*on_top, name])))]

    def apply(self, step: BackendStep, kernel: Kernel) -> None:
        match step:
            case Vsctl(arguments):
                vsctl(list(arguments))
            case SetMtu(name, mtu):
                self._set_mtu(name, mtu, kernel)
            case _:
                kernel.apply(step)

    @staticmethod
    def _set_mtu(name: str, mtu: int, kernel: Kernel) -> None:
        try:
            # What the kernel is told about an internal port, the switch overrides.
            vsctl(["--", "set", "interface", name, f"mtu_request={mtu}"])
        except CommandFailed:
            kernel.apply(SetMtu(name, mtu))
