"""A host's network for tests of xapi: networkd over the kernel of a namespace, or over one in memory (every kind of device)."""

import os
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from idl.network import Networking
from idl.rpc import client
from networkd.backends.bridge import LinuxBridge
from networkd.config import Desired, Store
from networkd.host import Host, PlanFor
from networkd.records import Actual
from networkd.service import Service
from tests.networkd.lab import Lab
from tests.networkd.simulated_kernel import card, run, world


class HostNetwork(Protocol):
    """What tests look at: which device is part of which, and addresses."""

    networking: Networking

    def supports(self, kind: str) -> bool: ...

    def devices(self) -> set[str]: ...

    def masters(self) -> dict[str, str]: ...

    def addresses(self, device: str) -> list[str]: ...

    def bond(self, device: str) -> dict[str, Any]: ...

    def close(self) -> None: ...


class RealNetwork:
    def __init__(self, root: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("network namespaces need root")
        self._lab = Lab(root)
        self._lab.start()
        self.networking = client(Networking, root / "var/lib/xcp/networkd", patience=30)

    def supports(self, kind: str) -> bool:
        return kind == "ipv6" or self._lab.supports(kind)

    def devices(self) -> set[str]:
        return set(self._lab.links())

    def masters(self) -> dict[str, str]:
        return {name: str(link["master"]) for name, link in self._lab.links().items() if "master" in link}

    def addresses(self, device: str) -> list[str]:
        found = self._lab.links()[device]["addr_info"]
        return [f"{entry['local']}/{entry['prefixlen']}" for entry in found if not entry["local"].startswith("fe80")]

    def bond(self, device: str) -> dict[str, Any]:
        return dict(self._lab.links()[device]["linkinfo"]["info_data"])

    def close(self) -> None:
        self.networking.close()  # type: ignore[attr-defined]
        self._lab.close()


class SimulatedHost:
    """Stands in for `networkd.host.Host`."""

    def __init__(self) -> None:
        self.backend = LinuxBridge()
        self.actual = world(*(card(f"eth{n}", mac=f"02:00:00:00:00:0{n}", is_up=True, carrier=True) for n in range(2)))

    def observe(self, offload_of: object = ()) -> Actual:
        return self.actual

    def resolv_conf(self) -> str:
        return self.actual.resolv_conf

    def carry_out(self, plan_for: PlanFor, offload_of: object = ()) -> int:
        plan = plan_for(self.actual)
        self.actual = run(plan, self.actual)
        return len(plan)


class SimulatedNetwork:
    def __init__(self, root: Path) -> None:
        self.host = SimulatedHost()
        self.networking: Networking = Service(cast(Host, self.host), Store(root / "networkd.db", Desired()))

    def supports(self, kind: str) -> bool:
        return kind != "ipv6"

    def devices(self) -> set[str]:
        return set(self.host.actual.links)

    def masters(self) -> dict[str, str]:
        return {name: link.master for name, link in self.host.actual.links.items() if link.master}

    def addresses(self, device: str) -> list[str]:
        found = self.host.actual.addresses.get(device, frozenset())
        return sorted(f"{address.ip}/{address.prefix}" for address in found)

    def bond(self, device: str) -> dict[str, Any]:
        return dict(self.host.actual.links[device].bond)

    def close(self) -> None:
        cast(Service, self.networking).close()
