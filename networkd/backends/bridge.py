"""The Linux bridge: everything through netlink."""

from idl.network import BridgeConfig, Kind, PortConfig
from networkd import planner
from networkd.backends.base import Backend
from networkd.errors import CommandFailed
from networkd.kernel import Kernel
from networkd.planner import Stored
from networkd.records import Actual, BackendStep, BridgeView, Plan, Vsctl


class LinuxBridge(Backend):
    kind = Kind.BRIDGE

    def bridges(self, actual: Actual) -> dict[str, BridgeView]:
        return dict(actual.bridges)

    def plan_bridge(self, name: str, wanted: BridgeConfig, stored: Stored, actual: Actual) -> Plan:
        return planner.plan_bridge(name, wanted, stored, actual)

    def plan_port(self, bridge: str, name: str, port: PortConfig, actual: Actual) -> Plan:
        return planner.plan_port(bridge, name, port, actual)

    def plan_remove_port(self, bridge: str, name: str, interfaces: tuple[str, ...], actual: Actual) -> Plan:
        return planner.plan_remove_port(bridge, name, interfaces, actual)

    def plan_destroy(self, name: str, *, force: bool, actual: Actual) -> Plan:
        return planner.plan_destroy(name, force=force, actual=actual)

    def apply(self, step: BackendStep, kernel: Kernel) -> None:
        if isinstance(step, Vsctl):
            raise CommandFailed("a Linux bridge has no Open vSwitch database")
        kernel.apply(step)
