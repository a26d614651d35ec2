"""What dangles is taken away, and nothing else is."""

from typing import Any

import pytest

from xapi import garbage
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import Store

GONE = "OpaqueRef:gone"


@pytest.fixture
def db() -> Store:
    return Store(from_model())


@pytest.mark.parametrize(("table", "field"), [(table, field) for table, fields in garbage.NEEDED for field in fields])
def test_a_row_without_its_partner_goes(db: Store, table: str, field: str) -> None:
    fields: dict[str, Any] = {field: GONE}
    db.create(table, **fields)
    fields = {field: NULL_REF}
    blank = db.create(table, **fields)
    assert garbage.collect(db) == 1
    assert db.refs(table) == [blank]
    assert garbage.collect(db) == 0


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"type": "CD", "VDI": GONE}, {"empty": True, "VDI": NULL_REF}),
        ({"type": "CD", "VDI": NULL_REF, "empty": True}, {"empty": True, "VDI": NULL_REF}),
        ({"type": "Disk", "VDI": GONE}, None),
    ],
)
def test_a_drive_stays_and_a_disk_goes(db: Store, fields: dict[str, Any], left: dict[str, Any] | None) -> None:
    vm = db.create("VM")
    vbd = db.create("VBD", VM=vm, **{"empty": False, **fields})
    garbage.collect(db)
    assert db.exists("VBD", vbd) is (left is not None)
    assert all(db.get("VBD", vbd, name) == value for name, value in (left or {}).items())
    assert db.exists("VM", vm)


def test_what_belonged_to_a_removed_host_goes_in_one_pass(db: Store) -> None:
    metrics = db.create("host_metrics")
    host = db.create("host", metrics=metrics)
    network = db.create("network")
    pif_metrics = db.create("PIF_metrics")
    pif = db.create("PIF", host=host, network=network, metrics=pif_metrics)
    vlan = db.create("VLAN", tagged_PIF=pif)
    db.create("host_cpu", host=host)
    db.destroy("host", host)
    assert garbage.collect(db) == 4
    assert not any(db.table_of(ref) for ref in (metrics, pif, pif_metrics, vlan))
    assert db.exists("network", network)


def test_secrets_of_lost_tpms_do_not_stay(db: Store) -> None:
    secret = db.create("secret")
    db.create("VTPM", VM=GONE, contents=secret)
    garbage.collect(db)
    assert not db.exists("secret", secret)
