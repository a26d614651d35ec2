"""A joining host's objects written into the pool's database: in one step, and again without harm.

References and uuids stay what they are. What a pool has once is not copied but meant: networks with the same bridge,
default templates with the same name, types of storage, the pool itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from xapi.database.rows import Row
from xapi.database.store import Store, UuidMissing

COPIED: Final = (
    "host_metrics", "host", "host_cpu", "PCI", "network", "PIF_metrics", "PIF", "VLAN", "secret", "SR", "PBD",
    "VM_appliance", "VMSS", "VM_group", "VM_metrics", "VM_guest_metrics", "VM", "VDI", "VBD", "VIF", "console", "VTPM",
    "Certificate",
)  # fmt: skip
"""Tables whose rows move, those that others point at first."""

IN_USE: Final = frozenset({"current_operations", "allowed_operations"})


def merge(local: Store, remote: Store) -> None:
    """Write all that *local* (a pool of one) has into *remote*. No await in it: *remote* sees it as one write."""
    meant = same_things(local, remote)
    rows = [(table, row) for table in COPIED for row in local.rows(table) if row.ref not in meant and _moves(table, row)]
    for table, row in rows:
        _known_by_uuid(meant, remote, table, row)
    for table, row in rows:
        ref = meant.get(row.ref, row.ref)
        if not remote.exists(table, ref):
            remote.create(table, ref, **_unrelated(local, table, _values(local, table, row, meant)))
    for table, row in rows:
        remote.set(table, meant.get(row.ref, row.ref), **_values(local, table, row, meant))
    _reach_shared_storage(local, remote)


def same_things(local: Store, remote: Store) -> dict[str, str]:
    """Return which local objects the pool has already: local ref -> the pool's."""
    meant: dict[str, str] = {}
    for table, key in (("network", _bridge), ("VM", _default_template), ("SM", _kind), ("pool", _only)):
        theirs = {key(row): row.ref for row in remote.rows(table) if key(row)}
        meant |= {row.ref: theirs[key(row)] for row in local.rows(table) if key(row) and key(row) in theirs}
    return meant


def _bridge(row: Row) -> str:
    return str(row.values["bridge"])


def _default_template(row: Row) -> str:
    return str(row.values["name_label"]) if row.values["is_default_template"] else ""


def _kind(row: Row) -> str:
    return str(row.values["type"])


def _only(row: Row) -> str:
    return "pool"


def _moves(table: str, row: Row) -> bool:
    # Authorities' certificates are exchanged as files.
    return table != "Certificate" or row.values["type"] in ("host", "host_internal")


def _known_by_uuid(meant: dict[str, str], remote: Store, table: str, row: Row) -> None:
    """An object of an earlier attempt may have another reference by now."""
    try:
        found = remote.by_uuid(table, row.values.get("uuid", ""))
    except UuidMissing:
        return
    if found != row.ref:
        meant[row.ref] = found


def _values(local: Store, table: str, row: Row, meant: Mapping[str, str]) -> dict[str, Any]:
    columns = local.schema[table].columns
    return {
        name: _translated(value, meant) for name, value in row.values.items() if not columns[name].computed and name not in IN_USE
    }


def _unrelated(local: Store, table: str, values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what ties a row to others: they may not be there yet."""
    columns = local.schema[table].columns
    return {name: value for name, value in values.items() if columns[name].partner is None}


def _translated(value: Any, meant: Mapping[str, str]) -> Any:
    match value:
        case str():
            return meant.get(value, value)
        case list():
            return [_translated(item, meant) for item in value]
        case dict():
            return {meant.get(key, key): _translated(item, meant) for key, item in value.items()}
        case _:
            return value


def _reach_shared_storage(local: Store, remote: Store) -> None:
    """Give the new hosts a connection to every shared repository, as the coordinator has."""
    for sr, config in shared_storage(remote):
        for host in local.refs("host"):
            if remote.exists("host", host) and not any(
                remote.get("PBD", pbd, "host") == host for pbd in remote.get("SR", sr, "PBDs")
            ):
                remote.create("PBD", host=host, SR=sr, device_config=dict(config), currently_attached=False)


def shared_storage(remote: Store) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each shared repository with the configuration that the coordinator reaches it by."""
    master = next(remote.rows("pool")).values["master"]
    for row in remote.rows("SR"):
        if not row.values["shared"]:
            continue
        pbds = [remote.row("PBD", ref).values for ref in row.values["PBDs"]]
        ordered = sorted(pbds, key=lambda pbd: pbd["host"] != master)
        if ordered:
            yield row.ref, ordered[0]["device_config"]
