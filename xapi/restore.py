"""A dumped database becomes this host's own: an older schema is brought up, and what was another machine's is replaced.

The same for a restored backup and for any document that another xapi wrote.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import NotUnique, Store
from xapi.database.xml_form import BadDump, Manifest, Picture, read
from xapi.datamodel import MODEL
from xapi.errors import error

log = logging.getLogger(__name__)

RESTORE = "/var/lib/xcp/restore_db.db"
"""Under the root: the database that the next start takes in place of its own."""

Version = tuple[int, int]


def schema_version() -> Version:
    major, minor = MODEL.schema_version.split(".")
    return int(major), int(minor)


def picture(db: Store) -> Picture:
    """Return the database as it is now, to be written as XML."""
    return Picture(db.schema, db.tables, Manifest(*schema_version(), db.generation))


def load(path: Path) -> Store:
    """Return what a dump holds, as a store in memory with today's schema.

    :raises XenAPIError: RESTORE_INCOMPATIBLE_VERSION, it is younger than we are. :raises BadDump: it is no database.
    """
    schema = from_model()
    with path.open("rb") as file:
        manifest, rows = read(file, schema)
    version = (manifest.major, manifest.minor)
    if version > schema_version():
        raise error("RESTORE_INCOMPATIBLE_VERSION")
    store = Store(schema)
    try:
        store.replace(rows)
    except NotUnique as reason:
        raise BadDump(f"{reason} is there twice") from reason
    upgrade(store, version)
    return store


# -- an older schema --


def _domain_types(db: Store) -> None:
    for row in db.rows("VM"):
        if row.values["domain_type"] == "unspecified":
            db.set("VM", row.ref, domain_type="hvm" if row.values["HVM_boot_policy"] else "pv")


def _redo_log_disks(db: Store) -> None:
    for vdi in db.where("VDI", type="metadata"):
        db.set("VDI", vdi, type="redo_log")


def _restart_priorities(db: Store) -> None:
    """Numbers said in what order protected VMs start; now that is a field of its own."""
    for row in db.rows("VM"):
        old = row.values["ha_restart_priority"]
        if old.isdecimal():
            db.set("VM", row.ref, ha_restart_priority="restart", order=int(old))


def _no_vendor_devices(db: Store) -> None:
    for vm in db.refs("VM"):
        db.set("VM", vm, has_vendor_device=False)


UPGRADES: Final[tuple[tuple[Version, Callable[[Store], None]], ...]] = (
    ((5, 134), _domain_types),
    ((5, 61), _redo_log_disks),
    ((5, 61), _restart_priorities),
    ((5, 90), _no_vendor_devices),
)
"""What to do with a database, and the last version that needs it."""


def upgrade(db: Store, version: Version) -> None:
    """Bring rows of an older schema up to the meanings of today's."""
    for last, rule in UPGRADES:
        if version <= last:
            rule(db)


# -- another machine --


@dataclass(frozen=True, slots=True)
class Machine:
    """What stays as it is, whatever the dump says: identity and network devices."""

    host_uuid: str
    control_domain_uuid: str
    devices: Mapping[str, str]
    """Name -> MAC of every physical interface."""
    management: tuple[str, int] | None
    """Device and VLAN of the management interface."""


def this_machine(db: Store, host: str, inventory: Mapping[str, str]) -> Machine:
    pifs = [db.row("PIF", pif).values for pif in db.get("host", host, "PIFs")]
    return Machine(
        inventory["INSTALLATION_UUID"],
        inventory["CONTROL_DOMAIN_UUID"],
        {pif["device"]: pif["MAC"] for pif in pifs if pif["physical"]},
        next(((pif["device"], pif["VLAN"]) for pif in pifs if pif["management"]), None),
    )


def adopt(db: Store, machine: Machine) -> None:
    """Make a loaded dump that of a pool of this one machine, its coordinator.

    :raises XenAPIError: RESTORE_TARGET_MISSING_DEVICE [device], RESTORE_TARGET_MGMT_IF_NOT_IN_BACKUP.
    :raises BadDump: there is no pool or coordinator in it.
    """
    master = next((str(db.get("pool", pool, "master")) for pool in db.refs("pool")), NULL_REF)
    if not db.exists("host", master):
        raise BadDump("the database has no pool with a coordinator")
    for host in db.refs("host"):
        if host != master:
            _forget(db, host)
    for vm in db.refs("VM"):
        if db.get("VM", vm, "resident_on") not in (NULL_REF, master):
            db.set("VM", vm, resident_on=NULL_REF, domid=-1, **_halted(str(db.get("VM", vm, "power_state"))))
    _rename(db, "host", master, machine.host_uuid)
    domain = str(db.get("host", master, "control_domain"))
    if db.exists("VM", domain):
        _rename(db, "VM", domain, machine.control_domain_uuid)
    _network(db, master, machine)


def _halted(power_state: str) -> dict[str, str]:
    return {"power_state": "Halted"} if power_state in ("Running", "Paused") else {}


def _rename(db: Store, table: str, ref: str, uuid: str) -> None:
    if db.get(table, ref, "uuid") != uuid:
        db.set(table, ref, uuid=uuid)


def _forget(db: Store, host: str) -> None:
    """Drop a host and its interfaces; what else belonged to it is found by the collector of dangling rows."""
    for pif in db.get("host", host, "PIFs"):
        db.destroy("PIF", pif)
    for vm in db.get("host", host, "resident_VMs"):
        if db.get("VM", vm, "is_control_domain"):
            db.destroy("VM", vm)
    db.destroy("host", host)


def _network(db: Store, host: str, machine: Machine) -> None:
    pifs = db.get("host", host, "PIFs")
    for pif in pifs:
        device = db.get("PIF", pif, "device")
        if not db.get("PIF", pif, "physical"):
            continue
        if device not in machine.devices:
            raise error("RESTORE_TARGET_MISSING_DEVICE", device)
        db.set("PIF", pif, MAC=machine.devices[device])
    if machine.management is None:
        return
    chosen = [pif for pif in pifs if (db.get("PIF", pif, "device"), db.get("PIF", pif, "VLAN")) == machine.management]
    if not chosen:
        raise error("RESTORE_TARGET_MGMT_IF_NOT_IN_BACKUP")
    for pif in pifs:
        db.set("PIF", pif, management=pif in chosen)


# -- at the next start --


def write(db: Store, path: Path) -> None:
    """Write a database so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coming = path.with_name(path.name + ".new")
    with coming.open("w", encoding="utf-8") as file:
        coming.chmod(0o600)
        file.writelines(picture(db).text())
    coming.replace(path)


async def take_over(db: Store, path: Path) -> None:
    """Put the database that waits at *path* in the place of ours, if there is one; one that cannot be read is put aside."""
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            rows = read(file, db.schema)[1]
    except BadDump as reason:
        log.error("%s is not restored: %s", path, reason)
        path.replace(path.with_name(path.name + ".bad"))
        return
    log.warning("the database is replaced by %s", path)
    db.replace(rows)
    await db.durable()
    path.unlink()
