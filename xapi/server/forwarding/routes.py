"""Where each message runs, as data.

Most follow from the class of the first object that a message is about: what concerns a VM runs where the VM does, what
concerns a disk where its storage can be reached. The exceptions are a table. Nothing here waits.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.datamodel.model import Message, MessageKind, Ref
from xapi.server import registry

Place: TypeAlias = Callable[[Store, Any], str | None]
"""From an object's ref to the host that works on it; None: the coordinator does."""


def coordinator(db: Store) -> str:
    return str(next(db.rows("pool")).values["master"])


def _exists(db: Store, table: str, ref: str) -> bool:
    return ref != NULL_REF and db.exists(table, ref)


def of_host(db: Store, host: str) -> str | None:
    return host if _exists(db, "host", host) else None


def is_live(db: Store, host: str) -> bool:
    """Whether calls can be sent to a host."""
    if host == coordinator(db):
        return True
    metrics = db.get("host", host, "metrics")
    return _exists(db, "host_metrics", metrics) and bool(db.get("host_metrics", metrics, "live"))


def reaching(db: Store, sr: str) -> list[str]:
    """Return the hosts that have a repository plugged, the coordinator first."""
    pbds = [db.row("PBD", pbd).values for pbd in db.get("SR", sr, "PBDs")]
    hosts = [pbd["host"] for pbd in pbds if pbd["currently_attached"] and _exists(db, "host", pbd["host"])]
    first = coordinator(db)
    return sorted((host for host in hosts if is_live(db, host)), key=lambda host: host != first)


def of_sr(db: Store, sr: str) -> str | None:
    """A host that has it plugged; the coordinator says what is wrong where none has."""
    if not _exists(db, "SR", sr):
        return None
    hosts = reaching(db, sr)
    return hosts[0] if hosts else None


def of_vm(db: Store, vm: str) -> str | None:
    """Where it runs; where all its disks can be reached if it does not run."""
    if not _exists(db, "VM", vm):
        return None
    resident = db.get("VM", vm, "resident_on")
    if _exists(db, "host", resident):
        return str(resident)
    disks = [db.get("VBD", vbd, "VDI") for vbd in db.get("VM", vm, "VBDs")] + [db.get("VM", vm, "suspend_VDI")]
    srs = {db.get("VDI", disk, "SR") for disk in disks if _exists(db, "VDI", disk)}
    choices = [reaching(db, sr) for sr in srs if _exists(db, "SR", sr)]
    if not choices:
        return None
    return next((host for host in choices[0] if all(host in others for others in choices)), None)


def of_vdi(db: Store, vdi: str) -> str | None:
    """The host whose guest uses it (its datapath must follow), else one that reaches its storage."""
    if not _exists(db, "VDI", vdi):
        return None
    for vbd in db.get("VDI", vdi, "VBDs"):
        row = db.row("VBD", vbd).values
        if row["currently_attached"] and _exists(db, "VM", row["VM"]):
            resident = db.get("VM", row["VM"], "resident_on")
            if _exists(db, "host", resident):
                return str(resident)
    return of_sr(db, db.get("VDI", vdi, "SR"))


def _through(table: str, field: str, place: Place) -> Place:
    return lambda db, ref: place(db, db.get(table, ref, field)) if _exists(db, table, ref) else None


def _of_bond(db: Store, bond: str) -> str | None:
    return of_pif(db, db.get("Bond", bond, "master")) if _exists(db, "Bond", bond) else None


of_pif: Final = _through("PIF", "host", of_host)

BY_CLASS: Final[Mapping[str, Place]] = {
    "host": of_host,
    "VM": of_vm,
    "VBD": _through("VBD", "VM", of_vm),
    "VIF": _through("VIF", "VM", of_vm),
    "VDI": of_vdi,
    "SR": of_sr,
    "PBD": _through("PBD", "host", of_host),
    "PIF": of_pif,
    "Bond": _of_bond,
    "VLAN": _through("VLAN", "tagged_PIF", of_pif),
    "tunnel": _through("tunnel", "access_PIF", of_pif),
    "crashdump": _through("crashdump", "VDI", of_vdi),
    "host_crashdump": _through("host_crashdump", "host", of_host),
    "VTPM": _through("VTPM", "VM", of_vm),
    "PCI": _through("PCI", "host", of_host),
    "PUSB": _through("PUSB", "host", of_host),
}
"""Where an object's class puts its messages; those of all other classes are the coordinator's."""


class Argument(NamedTuple):
    """The parameter that decides, and how."""

    at: int
    place: Place


def here(db: Store, value: Any) -> None:
    """The coordinator's own business."""


def _sr_of_record(db: Store, record: dict[str, Any]) -> str | None:
    return of_sr(db, record["SR"])


def _first_pif(db: Store, members: list[str]) -> str | None:
    return of_pif(db, members[0]) if members else None


CHOSEN: Final = Argument(0, here)
"""`xapi.classes.vm_placement` chooses the host."""

_HERE: Final = Argument(0, here)

EXCEPTIONS: Final[Mapping[str, Argument]] = {
    **dict.fromkeys(("VM.start", "VM.resume"), CHOSEN),
    "VM.start_on": Argument(1, of_host),
    "VM.resume_on": Argument(1, of_host),
    "VM.pool_migrate_complete": Argument(1, of_host),
    "VDI.create": Argument(0, _sr_of_record),
    "VDI.copy": Argument(0, of_vdi),
    "Bond.create": Argument(1, _first_pif),
    "network.attach": Argument(1, of_host),
    "network.attach_for_vm": Argument(0, of_host),
    "network.detach_for_vm": Argument(0, of_host),
    **dict.fromkeys(
        (
            # What only the database or the choice of a host is about.
            "VM.assert_can_boot_here", "VM.get_possible_hosts", "VM.assert_agile", "VM.power_state_reset",
            "VM.assert_can_migrate",
            "VM.atomic_set_resident_on", "VM.set_affinity",
            "host.destroy", "host.declare_dead", "host.disable", "host.enable", "host.power_on", "host.set_power_on_mode",
            "host.evacuate", "host.assert_can_evacuate", "host.get_vms_which_prevent_evacuation", "host.remove_from_other_config",
            "host.get_uncooperative_resident_VMs", "host.compute_memory_overhead", "host.list_methods", "host.create",
            "PBD.create", "PBD.destroy", "SR.introduce", "SR.forget", "PIF.db_introduce", "PIF.db_forget",
        ),
        _HERE,
    ),
}  # fmt: skip
"""Messages that do not run where the class of their first object says."""

SKIPPED_CLASSES: Final = frozenset({"session", "task", "event", "message", "pool", "user", "role", "subject", "auth"})


@functools.cache
def route(message: Message) -> Argument | None:
    """Return the parameter that decides where a message runs; None for the coordinator's own messages."""
    if message.wire_name in EXCEPTIONS:
        return EXCEPTIONS[message.wire_name]
    if registry.implementation(message.wire_name) is None or message.cls in SKIPPED_CLASSES:
        return None
    if message.kind is MessageKind.CREATE:
        return None
    for position, param in enumerate(message.params):
        if isinstance(param.type, Ref) and param.type.cls in BY_CLASS:
            return Argument(position, BY_CLASS[param.type.cls])
    return None


def destination(db: Store, message: Message, values: list[Any]) -> str | None:
    """Return the host that *message* runs on; None: on the coordinator.

    :raises XenAPIError: HOST_OFFLINE.
    """
    argument = route(message)
    if argument is None:
        return None
    host = argument.place(db, values[argument.at])
    if host is None or host == coordinator(db):
        return None
    if not is_live(db, host):
        raise errors.host_offline(host)
    return host
