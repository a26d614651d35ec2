"""Rows whose partners have gone: what a removed host, guest or repository leaves behind is taken away.

A ref that is NULL is no garbage: it may be filled in later. The store keeps relations in order while it runs; dangling refs
come from rows that were destroyed on purpose, from restored databases and from crashes of old.
"""

import logging
from typing import Final

from xapi.database.schema import NULL_REF
from xapi.database.store import Store

log = logging.getLogger(__name__)

NEEDED: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("VDI", ("SR",)),
    ("PIF", ("host", "network")),
    ("VLAN", ("tagged_PIF",)),
    ("Bond", ("master",)),
    ("tunnel", ("access_PIF", "transport_PIF")),
    ("network_sriov", ("physical_PIF", "logical_PIF")),
    ("Cluster_host", ("cluster", "host")),
    ("VBD", ("VM",)),
    ("crashdump", ("VM", "VDI")),
    ("VIF", ("VM", "network")),
    ("PBD", ("host", "SR")),
    ("PUSB", ("host", "USB_group")),
    ("VUSB", ("VM", "USB_group")),
    ("VGPU", ("VM", "GPU_group")),
    ("PGPU", ("host", "GPU_group")),
    ("PCI", ("host",)),
    ("Feature", ("host",)),
    ("host_patch", ("host", "pool_patch")),
    ("host_crashdump", ("host",)),
    ("host_cpu", ("host",)),
    ("console", ("VM",)),
    ("PVS_proxy", ("site", "VIF")),
    ("PVS_server", ("site",)),
    ("PVS_cache_storage", ("site", "host", "SR")),
    ("Certificate", ("host",)),
    ("VTPM", ("VM",)),
    ("Host_driver", ("host",)),
    ("Driver_variant", ("driver",)),
)
"""Tables and the fields without whose objects their rows mean nothing; those that others hang from come first."""

OWNED: Final = {"PIF": "metrics", "VTPM": "contents"}
"""Fields whose objects go with the row."""

MEASURED: Final = (("host_metrics", "host"),)
"""Tables whose rows belong to the one row that names them in ``metrics``."""


def collect(db: Store) -> int:
    """Take away what dangles; return how many rows that were."""
    gone = 0
    for table, fields in NEEDED:
        for row in db.rows(table):
            if any(_dangles(db, str(row.values[field])) for field in fields):
                _remove(db, table, row.ref)
                gone += 1
    gone += _disks_of_drives(db)
    for table, owner in MEASURED:
        named = {row.values["metrics"] for row in db.rows(owner)}
        for ref in db.refs(table):
            if ref not in named:
                _remove(db, table, ref)
                gone += 1
    return gone


def _dangles(db: Store, ref: str) -> bool:
    return ref not in ("", NULL_REF) and db.table_of(ref) is None


def _disks_of_drives(db: Store) -> int:
    """A drive whose disc has gone is empty; a disk device without a disk is nothing."""
    gone = 0
    for row in db.rows("VBD"):
        if row.values["empty"] or not _dangles(db, row.values["VDI"]):
            continue
        if row.values["type"] == "CD":
            db.set("VBD", row.ref, empty=True, VDI=NULL_REF)
        else:
            _remove(db, "VBD", row.ref)
            gone += 1
    return gone


def _remove(db: Store, table: str, ref: str) -> None:
    log.warning("%s %s belongs to nothing that is there", table, ref)
    owned = str(db.get(table, ref, OWNED[table])) if table in OWNED else NULL_REF
    db.destroy(table, ref)
    home = db.table_of(owned)
    if home is not None:
        db.destroy(home, owned)
