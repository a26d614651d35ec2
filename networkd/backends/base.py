"""What a way of bridging must offer. Two exist: the Linux bridge and Open vSwitch.

All methods block and are called from worker threads; a backend keeps no state between calls.
"""

from abc import ABC, abstractmethod

from idl.network import BridgeConfig, Kind, PortConfig
from networkd.kernel import Kernel
from networkd.planner import Stored
from networkd.records import Actual, BackendStep, BridgeView, Plan


class Backend(ABC):
    kind: Kind

    @abstractmethod
    def bridges(self, actual: Actual) -> dict[str, BridgeView]:
        """Return the bridges there are, given the kernel's state."""

    @abstractmethod
    def plan_bridge(self, name: str, wanted: BridgeConfig, stored: Stored, actual: Actual) -> Plan:
        """Plan to make bridge *name* so, with its ports; empty when it is so."""

    @abstractmethod
    def plan_port(self, bridge: str, name: str, port: PortConfig, actual: Actual) -> Plan:
        """Plan to make *port* so on an existing bridge."""

    @abstractmethod
    def plan_remove_port(self, bridge: str, name: str, interfaces: tuple[str, ...], actual: Actual) -> Plan:
        """Plan to take a port off; empty when it is not there."""

    @abstractmethod
    def plan_destroy(self, name: str, *, force: bool, actual: Actual) -> Plan:
        """Plan to remove a bridge; empty when it is not there. Without *force* refuses while VLANs sit on it."""

    @abstractmethod
    def apply(self, step: BackendStep, kernel: Kernel) -> None:
        """Carry out one step.

        :raises CommandFailed: with the reason of the kernel or of Open vSwitch.
        """
