"""Keeping every ``allowed_operations`` right: whatever the rules look at, when it changes, what depends on it is worked out
anew.

No code that writes a row has to remember this. The rules are in `xapi.planning`; `RULES` says which one answers for a class,
`CONCERNS` which fields of which class they look at and whom that concerns. What changed is worked out once per turn of the
event loop, before any answer that tells of the change reaches a client.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xapi.classes import device_operations, storage_state, vm_lifecycle
from xapi.database.store import Row, Store
from xapi.planning import (
    host_operations,
    simple_operations,
    sr_operations,
    vbd_operations,
    vdi_operations,
    vif_operations,
    vm_operations,
)
from xapi.planning.host_operations import HostFacts, PoolFacts

Object = tuple[str, str]
"""A table and a ref."""


def _values(db: Store, table: str, ref: str) -> dict[str, Any]:
    return db.row(table, ref).values


def _host(db: Store, ref: str) -> list[str]:
    row = _values(db, "host", ref)
    return host_operations.host_allowed(
        HostFacts(ref, row["enabled"], row["current_operations"], can_be_powered_on=bool(row["power_on_mode"]))
    )


def _pool(db: Store, ref: str) -> list[str]:
    row = _values(db, "pool", ref)
    return host_operations.pool_allowed(PoolFacts(ref, row["ha_enabled"], row["current_operations"]))


def _appliance(db: Store, ref: str) -> list[str]:
    row = _values(db, "VM_appliance", ref)
    return simple_operations.appliance_allowed([_state(db, vm) for vm in row["VMs"]], row["current_operations"])


def _state(db: Store, vm: str) -> str:
    return str(_values(db, "VM", vm)["power_state"]) if db.exists("VM", vm) else vm_operations.HALTED


def _vusb(db: Store, ref: str) -> list[str]:
    row = _values(db, "VUSB", ref)
    return simple_operations.vusb_allowed(_state(db, row["VM"]), row["currently_attached"], row["current_operations"])


def _vtpm(db: Store, ref: str) -> list[str]:
    row = _values(db, "VTPM", ref)
    return simple_operations.vtpm_allowed(_state(db, row["VM"]), row["current_operations"])


def _cluster_host(db: Store, ref: str) -> list[str]:
    row = _values(db, "Cluster_host", ref)
    return simple_operations.cluster_host_allowed(row["enabled"], row["current_operations"])


def _vbd(db: Store, ref: str) -> list[str]:
    return vbd_operations.allowed(device_operations.vbd_facts(db, ref)) if db.exists("VM", _values(db, "VBD", ref)["VM"]) else []


def _vif(db: Store, ref: str) -> list[str]:
    return vif_operations.allowed(device_operations.vif_facts(db, ref)) if db.exists("VM", _values(db, "VIF", ref)["VM"]) else []


RULES: Final[Mapping[str, Callable[[Store, str], list[str]]]] = {
    "VM": lambda db, ref: vm_operations.allowed(vm_lifecycle.facts(db, ref)),
    "VBD": _vbd,
    "VIF": _vif,
    "VDI": lambda db, ref: vdi_operations.allowed(storage_state.vdi_situation(db, ref)),
    "SR": lambda db, ref: sr_operations.allowed(storage_state.sr_situation(db, ref)),
    "host": _host,
    "pool": _pool,
    "network": lambda db, ref: simple_operations.network_allowed(_values(db, "network", ref)["current_operations"]),
    "VM_appliance": _appliance,
    "VUSB": _vusb,
    "VTPM": _vtpm,
    "Cluster": lambda db, ref: simple_operations.cluster_allowed(_values(db, "Cluster", ref)["current_operations"]),
    "Cluster_host": _cluster_host,
}
"""What the rows of a class allow. Tasks are not here: they follow what runs under them (`xapi.server.tasks`)."""


# Whom a change concerns


def _itself(table: str) -> Callable[["Keeper", Row], Iterator[Object]]:
    def find(keeper: "Keeper", row: Row) -> Iterator[Object]:
        yield table, row.ref

    return find


def _devices(keeper: "Keeper", row: Row) -> Iterator[Object]:
    for table, field in (("VBD", "VBDs"), ("VIF", "VIFs"), ("VUSB", "VUSBs"), ("VTPM", "VTPMs")):
        for ref in row.values[field]:
            yield table, ref
    yield "VM_appliance", row.values["appliance"]


def _owner(keeper: "Keeper", row: Row) -> Iterator[Object]:
    vm = keeper.owner_of(row.ref)
    if vm is not None:
        yield "VM", vm
        yield from _devices(keeper, keeper.db.row("VM", vm))


def _around_vbd(keeper: "Keeper", row: Row) -> Iterator[Object]:
    yield "VBD", row.ref
    yield "VM", row.values["VM"]
    yield from _around_disk(keeper, row.values["VDI"])


def _around_disk(keeper: "Keeper", vdi: str) -> Iterator[Object]:
    if not keeper.db.exists("VDI", vdi):
        return
    yield "VDI", vdi
    for vbd in keeper.db.row("VDI", vdi).values["VBDs"]:
        yield "VBD", vbd
        yield "VM", keeper.db.row("VBD", vbd).values["VM"]


def _around_vdi(keeper: "Keeper", row: Row) -> Iterator[Object]:
    yield from _around_disk(keeper, row.ref)


def _contents(keeper: "Keeper", row: Row) -> Iterator[Object]:
    yield "SR", row.ref
    for vdi in row.values["VDIs"]:
        yield "VDI", vdi


def _plugged(keeper: "Keeper", row: Row) -> Iterator[Object]:
    if keeper.db.exists("SR", row.values["SR"]):
        yield from _contents(keeper, keeper.db.row("SR", row.values["SR"]))


def _driven(keeper: "Keeper", row: Row) -> Iterator[Object]:
    for sr in keeper.db.rows("SR"):
        if sr.values["type"] == row.values["type"]:
            yield from _contents(keeper, sr)


def _all(table: str) -> Callable[["Keeper", Row], Iterator[Object]]:
    def find(keeper: "Keeper", row: Row) -> Iterator[Object]:
        for ref in keeper.db.refs(table):
            yield table, ref

    return find


@dataclass(frozen=True, slots=True)
class Concern:
    """Fields of a class that rules look at, and whose."""

    fields: tuple[str, ...]
    whom: Callable[["Keeper", Row], Iterable[Object]]
    pick: Callable[[dict[str, Any]], Any] | None = None
    """Where only a part of a field matters: that part."""

    def seen(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Return what the rules see, to be compared with what they saw before."""
        if self.pick is not None:
            return (self.pick(values),)
        # Reverse sets are dicts that the store changes in place; all else is replaced when it changes.
        return tuple([tuple(values[name]) if name in _REVERSE else values[name] for name in self.fields])


_REVERSE: Final = {"VBDs": "VBD", "VIFs": "VIF", "VUSBs": "VUSB", "VTPMs": "VTPM", "VGPUs": "VGPU", "VMs": "VM", "PBDs": "PBD"}
"""The reverse sets among the fields, and whose rows are in them."""


def _fields(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CONCERNS: Final[Mapping[str, tuple[Concern, ...]]] = {
    "VM": (
        Concern(
            _fields(
                "power_state current_operations blocked_operations is_a_template is_default_template is_a_snapshot"
                " is_control_domain domid platform metrics guest_metrics VBDs attached_PCIs VGPUs VUSBs VTPMs appliance"
                " protection_policy snapshot_schedule other_config"
            ),
            _itself("VM"),
        ),
        Concern(_fields("power_state guest_metrics domain_type HVM_boot_policy appliance"), _devices),
    ),
    "VM_metrics": (Concern(_fields("nomigrate nested_virt"), _owner),),
    "VM_guest_metrics": (Concern(_fields("other can_use_hotplug_vbd can_use_hotplug_vif"), _owner),),
    "VBD": (
        Concern(
            _fields("VM VDI current_operations currently_attached reserved type empty unpluggable mode"),
            _around_vbd,
        ),
    ),
    "VIF": (Concern(_fields("VM current_operations currently_attached"), _itself("VIF")),),
    "VUSB": (Concern(_fields("VM current_operations currently_attached"), _itself("VUSB")),),
    "VTPM": (Concern(_fields("VM current_operations"), _itself("VTPM")),),
    "VDI": (
        Concern(
            _fields("current_operations type SR managed missing sharable is_a_snapshot on_boot allow_caching cbt_enabled VBDs"),
            _around_vdi,
        ),
    ),
    "SR": (
        Concern(_fields("type PBDs is_tools_sr"), _contents),
        Concern(_fields("current_operations"), _itself("SR")),
    ),
    "PBD": (Concern(_fields("SR currently_attached"), _plugged),),
    "SM": (Concern(_fields("type features"), _driven),),
    "host": (Concern(_fields("enabled current_operations power_on_mode"), _itself("host")),),
    "network": (Concern(_fields("current_operations"), _itself("network")),),
    "VM_appliance": (Concern(_fields("VMs current_operations"), _itself("VM_appliance")),),
    "Cluster": (Concern(_fields("current_operations"), _itself("Cluster")),),
    "Cluster_host": (Concern(_fields("enabled current_operations"), _itself("Cluster_host")),),
    "pool": (
        Concern(_fields("ha_enabled current_operations"), _itself("pool")),
        Concern(_fields("ha_enabled ha_statefiles redo_log_enabled redo_log_vdi"), _all("VDI")),
        Concern(
            (),
            _all("VM"),
            lambda values: (
                values["other_config"].get("allow_clone_suspended_vm"),
                "rolling_upgrade_in_progress" in values["other_config"],
            ),
        ),
    ),
}


class Keeper:
    """Follows a store. One per store; nobody else needs to know it."""

    def __init__(self, db: Store) -> None:
        self.db = db
        self._seen: dict[str, list[tuple[Any, ...]]] = {}
        self._owners: dict[str, str] = {}
        self._dirty: dict[Object, None] = {}
        self._scheduled = False
        for table in CONCERNS:
            for row in db.rows(table):
                self._look(table, row)
        db.listen(self._changed)
        self.settle()

    def owner_of(self, metrics: str) -> str | None:
        """Return the VM that has these (guest) metrics."""
        vm = self._owners.get(metrics)
        return vm if vm is not None and self.db.exists("VM", vm) else None

    def settle(self) -> None:
        """Work out what is to be worked out now."""
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for table, ref in dirty:
                if self.db.exists(table, ref):
                    self.db.set(table, ref, allowed_operations=RULES[table](self.db, ref))

    def _changed(self, table: str, ref: str) -> None:
        if table not in CONCERNS:
            return
        row = self.db.tables[table].rows.get(ref)
        if row is None:
            self._gone(table, ref)
        else:
            self._look(table, row)
        if self._dirty and not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Nobody can be waiting for an answer where no loop runs.
            return self.settle()
        self._scheduled = True
        loop.call_soon(self._on_turn)

    def _on_turn(self) -> None:
        self._scheduled = False
        self.settle()

    def _gone(self, table: str, ref: str) -> None:
        """Mark whom the end of a row concerns. Whoever had it in a reverse set has changed by that, and is looked at anyway."""
        for concern, seen in zip(CONCERNS[table], self._seen.pop(ref, ()), strict=False):
            for name, value in zip(concern.fields, seen, strict=False):
                if name in _REVERSE:
                    self._mark((_REVERSE[name], other) for other in value)
        match table:
            case "VM_metrics" | "VM_guest_metrics":
                vm = self.owner_of(ref)
                if vm is not None:
                    self._mark([("VM", vm), *_devices(self, self.db.row("VM", vm))])
                self._owners.pop(ref, None)
            case "SR":
                self._mark(("VDI", vdi) for vdi in self.db.where("VDI", SR=ref))
            case "SM":
                self._mark((kind, other) for kind in ("SR", "VDI") for other in self.db.refs(kind))

    def _look(self, table: str, row: Row) -> None:
        """Mark whom the change of a row concerns, if it is one that the rules see."""
        concerns = CONCERNS[table]
        before = self._seen.get(row.ref)
        now = [concern.seen(row.values) for concern in concerns]
        if before == now:
            return
        self._seen[row.ref] = now
        if table == "VM":
            self._owners[row.values["metrics"]] = self._owners[row.values["guest_metrics"]] = row.ref
        for at, concern in enumerate(concerns):
            if before is None or before[at] != now[at]:
                self._mark(concern.whom(self, row))

    def _mark(self, objects: Iterable[Object]) -> None:
        for found in objects:
            if found[0] in RULES:
                self._dirty[found] = None
