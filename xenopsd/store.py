"""The guests' xenstore trees: a small interface, and the implementation for hosts without a xenstored.

Paths are absolute, values text. In memory nothing outlives the daemon: what a domain's tree holds is written again
from the records when the daemon finds the domain at its start.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from idl.xenops import Vm

GUEST_PREFIXES = ("vm-data", "FIST")
"""What clients may put into a guest's directory."""


class Store(Protocol):
    """What xenopsd needs from a xenstore."""

    def write(self, values: Mapping[str, str]) -> None:
        """Write all values at once; directories come by themselves."""
        ...

    def read(self, path: str) -> str | None: ...

    def tree(self, path: str) -> dict[str, str]:
        """Return everything below *path*, with names relative to it."""
        ...

    def remove(self, path: str) -> None:
        """Remove *path* and what is below; absent is no error."""
        ...


class MemoryStore:
    """A store that only this process sees."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def write(self, values: Mapping[str, str]) -> None:
        self._values.update(values)

    def read(self, path: str) -> str | None:
        return self._values.get(path)

    def tree(self, path: str) -> dict[str, str]:
        return {name[len(path) + 1 :]: self._values[name] for name in self._below(path) if name != path}

    def remove(self, path: str) -> None:
        for name in list(self._below(path)):
            del self._values[name]

    def _below(self, path: str) -> Iterator[str]:
        return (name for name in self._values if name == path or name.startswith(f"{path}/"))


def directory(domid: int) -> str:
    return f"/local/domain/{domid}"


def guest_writable(xsdata: Mapping[str, str]) -> dict[str, str]:
    """Return the part of a VM's xenstore_data that goes into its tree."""
    return {key: value for key, value in xsdata.items() if key.split("/", 1)[0] in GUEST_PREFIXES}


def domain_tree(vm: Vm, domid: int) -> dict[str, str]:
    """Return the keys a domain starts with (spec: xenstore layout written per domain)."""
    home = directory(domid)
    keys = {
        "vm": f"/vm/{vm.id}",
        "name": vm.name,
        "domid": str(domid),
        "memory/static-max": str(vm.memory_static_max >> 10),
        "memory/target": str(vm.memory_dynamic_max >> 10),
        "memory/dynamic-min": str(vm.memory_dynamic_min >> 10),
        "memory/dynamic-max": str(vm.memory_dynamic_max >> 10),
    }
    keys |= {f"cpu/{n}/availability": "online" if n < vm.vcpus else "offline" for n in range(vm.vcpu_max)}
    keys |= {f"platform/{key}": value for key, value in vm.platformdata.items()}
    keys |= {f"bios-strings/{key}": value for key, value in vm.bios_strings.items()}
    keys |= guest_writable(vm.xsdata)
    return {f"{home}/{key}": value for key, value in keys.items()} | {f"/vm/{vm.id}/uuid": vm.id, f"/vm/{vm.id}/name": vm.name}
