"""A joining host's objects in the pool's database: once, whole, and again without harm."""

import pytest

from tests.xapi.pool.test_replication import contents
from xapi.database.schema import NULL_REF, from_model
from xapi.database.store import Store
from xapi.pool.merge import merge


def a_pool(name: str) -> Store:
    """A pool of one: a host with a card, local storage with a disk, a template that all pools have and a VM."""
    db = Store(from_model())
    metrics = db.create("host_metrics", live=True)
    host = db.create("host", name_label=name, metrics=metrics)
    db.create("pool", master=host)
    network = db.create("network", bridge="xenbr0", name_label="Pool-wide network associated with eth0")
    db.create("PIF", host=host, network=network, device="eth0")
    db.create("network", bridge=f"only-{name}")
    sr = db.create("SR", name_label="Local storage", type="file")
    db.create("PBD", host=host, SR=sr, device_config={"location": "/here"}, currently_attached=True)
    disk = db.create("VDI", SR=sr, name_label=f"disk of {name}")
    db.create("VM", name_label="Debian", is_a_template=True, is_default_template=True)
    vm = db.create("VM", name_label=f"guest of {name}", affinity=host)
    db.create("VBD", VM=vm, VDI=disk)
    db.create("VIF", VM=vm, network=network)
    domain = db.create("VM", name_label=f"dom0 of {name}", is_control_domain=True, resident_on=host)
    db.set("host", host, control_domain=domain)
    snapshot = db.create("VM", name_label="snapshot", is_a_snapshot=True, snapshot_of=vm)
    db.set("VM", vm, parent=snapshot)
    return db


@pytest.fixture
def local() -> Store:
    return a_pool("newcomer")


@pytest.fixture
def remote() -> Store:
    return a_pool("coordinator")


def only(db: Store, table: str, label: str) -> str:
    (found,) = db.by_name(table, label)
    return found


def test_the_newcomers_objects_keep_their_references(local: Store, remote: Store) -> None:
    merge(local, remote)
    host, vm = only(local, "host", "newcomer"), only(local, "VM", "guest of newcomer")
    assert only(remote, "host", "newcomer") == host
    assert remote.get("host", host, "uuid") == local.get("host", host, "uuid")
    assert remote.get("VM", vm, "VBDs") == local.get("VM", vm, "VBDs")
    assert remote.get("VM", vm, "snapshots") == local.get("VM", vm, "snapshots")
    assert remote.get("host", host, "resident_VMs") == [only(local, "VM", "dom0 of newcomer")]
    assert remote.count("host") == 2


def test_a_network_with_the_same_bridge_is_the_same_network(local: Store, remote: Store) -> None:
    merge(local, remote)
    (network,) = remote.where("network", bridge="xenbr0")
    hosts = {remote.get("PIF", pif, "host") for pif in remote.get("network", network, "PIFs")}
    assert hosts == set(remote.refs("host"))
    assert len(remote.get("network", network, "VIFs")) == 2
    assert len(remote.where("network", bridge="only-newcomer")) == 1


def test_default_templates_and_the_pool_are_there_once(local: Store, remote: Store) -> None:
    merge(local, remote)
    assert len(remote.by_name("VM", "Debian")) == 1
    (pool,) = remote.refs("pool")
    assert remote.get("pool", pool, "master") == only(remote, "host", "coordinator")


def test_merging_again_changes_nothing(local: Store, remote: Store) -> None:
    merge(local, remote)
    before = {ref: {**row, "modified": 0} for ref, row in contents(remote).items()}
    merge(local, remote)
    assert {ref: {**row, "modified": 0} for ref, row in contents(remote).items()} == before


def test_the_newcomer_gets_a_connection_to_shared_storage(local: Store, remote: Store) -> None:
    shared = remote.create("SR", name_label="Shared", shared=True, type="file")
    remote.create("PBD", host=only(remote, "host", "coordinator"), SR=shared, device_config={"location": "/shared"})
    merge(local, remote)
    host = only(remote, "host", "newcomer")
    (pbd,) = [pbd for pbd in remote.get("SR", shared, "PBDs") if remote.get("PBD", pbd, "host") == host]
    assert remote.get("PBD", pbd, "device_config") == {"location": "/shared"}
    assert remote.get("PBD", pbd, "currently_attached") is False


def test_nothing_is_left_pointing_at_what_was_not_copied(local: Store, remote: Store) -> None:
    merge(local, remote)
    for name, table in remote.tables.items():
        for row in table.rows.values():
            for column in table.schema.columns.values():
                if column.is_ref and column.partner is not None:
                    value = row.values[column.name]
                    assert value in ("", NULL_REF) or remote.table_of(value) is not None, f"{name}.{column.name}"
