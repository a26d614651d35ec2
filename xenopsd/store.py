"""The guests' xenstore trees: what is written for each domain, and a small interface with an implementation in memory.

In memory, for hosts without a xenstored, nothing outlives the daemon: what a domain's tree holds is written again from
the records when the daemon finds the domain at its start. ``xen_store.py`` is the real one.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from idl.xenops import Hvm, Pv, Pvh, PvInPvh, Vif, Vm

GUEST_PREFIXES: Final = ("vm-data", "FIST")
"""What clients may put into a guest's directory."""
GUEST_WRITABLE: Final = (
    "feature", "error", "drivers", "control", "attr", "xenserver/attr", "data", "messages", "vm-data", "rrd",
)  # fmt: skip
"""Directories of a domain that belong to the guest."""
DOMAIN_TYPES: Final = {Hvm: "hvm", Pv: "pv", PvInPvh: "pv-in-pvh", Pvh: "pvh"}

_GUEST_KEYS: Final = tuple(
    re.compile(rf"{top}(/[^/]+){{1,{depth}}}")
    for top, depth in (
        ("control", 1),
        ("feature/hotplug", 1),
        ("xenserver/attr", 4),
        ("attr", 4),
        ("drivers", 1),
        ("data", 1),
        ("data/service", 2),
        ("data/pvs_target", 1),
    )
)
_NOT_TOLD: Final = "attr/os/hotfixes"
_FRONTEND_STATE: Final = re.compile(r"device/[^/]+/[^/]+/state")
CONNECTED: Final = "4"


@dataclass(frozen=True, slots=True)
class Tree:
    """What a domain's directory is made from."""

    vm: Vm
    domid: int
    vifs: tuple[Vif, ...] = ()


class Store(Protocol):
    """What xenopsd needs from a xenstore: the trees of the domains that it runs."""

    async def open(self, changed: Callable[[int], None]) -> None:
        """Connect; from then on *changed* is called in the event loop with the domain whose guest wrote something."""
        ...

    async def close(self) -> None: ...

    async def create(self, tree: Tree) -> None:
        """Write a new domain's tree and watch what its guest writes."""
        ...

    async def adopt(self, tree: Tree) -> None:
        """Watch a domain that was there before us."""
        ...

    async def forget(self, vm: str, domid: int) -> None:
        """Remove what was written for a domain that is gone; nothing there is no error."""
        ...

    async def set_xsdata(self, domid: int, xsdata: Mapping[str, str]) -> None:
        """Replace what clients put into the guest's directory."""
        ...

    async def write(self, domid: int, values: Mapping[str, str]) -> None:
        """Write keys into a domain's directory."""
        ...

    def seen(self, domid: int) -> Mapping[str, str]:
        """Return what is known of a domain's directory, with names relative to it. Costs nothing."""
        ...


class MemoryStore:
    """A store that only this process sees."""

    def __init__(self) -> None:
        self._domains: dict[int, dict[str, str]] = {}

    async def open(self, changed: Callable[[int], None]) -> None:
        pass

    async def close(self) -> None:
        pass

    async def create(self, tree: Tree) -> None:
        self._domains[tree.domid] = domain_tree(tree)

    async def adopt(self, tree: Tree) -> None:
        await self.create(tree)

    async def forget(self, vm: str, domid: int) -> None:
        self._domains.pop(domid, None)

    async def set_xsdata(self, domid: int, xsdata: Mapping[str, str]) -> None:
        kept = {key: value for key, value in self.seen(domid).items() if key.split("/", 1)[0] not in GUEST_PREFIXES}
        self._domains[domid] = kept | guest_writable(xsdata)

    async def write(self, domid: int, values: Mapping[str, str]) -> None:
        self._domains.setdefault(domid, {}).update(values)

    def seen(self, domid: int) -> Mapping[str, str]:
        return self._domains.get(domid, {})


def directory(domid: int) -> str:
    return f"/local/domain/{domid}"


def guest_writable(xsdata: Mapping[str, str]) -> dict[str, str]:
    """Return the part of a VM's xenstore_data that goes into its tree."""
    return {key: value for key, value in xsdata.items() if key.split("/", 1)[0] in GUEST_PREFIXES}


def guest_keys(seen: Mapping[str, str]) -> dict[str, str]:
    """Return what the guest tells the toolstack (spec: guest -> toolstack keys), of what its directory holds."""
    return {key: value for key, value in seen.items() if _is_told(key)}


def _is_told(key: str) -> bool:
    return not key.startswith(_NOT_TOLD) and any(pattern.fullmatch(key) for pattern in _GUEST_KEYS)


def uses_pv_drivers(seen: Mapping[str, str]) -> bool:
    """Say whether the guest has connected any paravirtual device."""
    return any(value == CONNECTED and _FRONTEND_STATE.fullmatch(key) for key, value in seen.items())


def is_news(key: str) -> bool:
    """Say whether a key that changed can change what is told of a guest."""
    return not key.startswith("device/") or _FRONTEND_STATE.fullmatch(key) is not None


def domain_tree(tree: Tree) -> dict[str, str]:
    """Return the keys of a domain's directory at its start, relative to it (spec: xenstore layout per domain)."""
    vm = tree.vm
    keys = {
        "vm": f"/vm/{vm.id}",
        "name": vm.name,
        "domid": str(tree.domid),
        "domain-type": DOMAIN_TYPES[type(vm.ty)],
        "memory/static-max": str(vm.memory_static_max >> 10),
        "memory/target": str(vm.memory_dynamic_max >> 10),
        "memory/dynamic-min": str(vm.memory_dynamic_min >> 10),
        "memory/dynamic-max": str(vm.memory_dynamic_max >> 10),
        "control/platform-feature-multiprocessor-suspend": "1",
        "control/platform-feature-xs_reset_watches": "1",
    }
    if vm.has_vendor_device:
        keys["control/has-vendor-device"] = "1"
    keys |= {f"cpu/{n}/availability": "online" if n < vm.vcpus else "offline" for n in range(vm.vcpu_max)}
    keys |= {f"platform/{key}": value for key, value in _platform(vm).items()}
    keys |= {f"bios-strings/{key}": value for key, value in vm.bios_strings.items()}
    return keys | guest_writable(vm.xsdata)


def _platform(vm: Vm) -> dict[str, str]:
    keys = {"acpi_s3": "0", "acpi_s4": "0", "vcpu/number": str(vm.vcpu_max), "vcpu/current": str(vm.vcpus)}
    if vm.scheduler_params.priority is not None:
        weight, cap = vm.scheduler_params.priority
        keys |= {"vcpu/weight": str(weight), "vcpu/cap": str(cap)}
    if vm.generation_id is not None:
        keys["generation-id"] = vm.generation_id
    return keys | vm.platformdata


def outside_tree(tree: Tree, now: float | None = None) -> dict[str, str]:
    """Return the keys beside a domain's directory, absolute: ``/vm/<uuid>`` and the private tree of its devices."""
    vm, domid = tree.vm, tree.domid
    keys = {
        f"/vm/{vm.id}/uuid": vm.id,
        f"/vm/{vm.id}/name": vm.name,
        f"/vm/{vm.id}/domains/{domid}": directory(domid),
        f"/vm/{vm.id}/domains/{domid}/create-time": str(int((time.time() if now is None else now) * 1e6)),
    }
    for vif in tree.vifs:
        keys |= {f"/xapi/{vm.id}/private/vif/{vif.position}/{key}": value for key, value in _vif_keys(vif).items()}
    return keys


def _vif_keys(vif: Vif) -> dict[str, str]:
    locking = vif.locking_mode if isinstance(vif.locking_mode, str) else "Locked"
    return {
        "vif-id": vif.id[1],
        "mac": vif.mac,
        "MTU": str(vif.mtu),
        "bridge": vif.backend.bridge,
        "bridge-MAC": "fe:ff:ff:ff:ff:ff",
        "locking-mode": locking.lower(),
        **{f"other-config/{key}": value for key, value in vif.other_config.items() if key.startswith(("ethtool-", "promisc"))},
        **vif.extra_private_keys,
    }
