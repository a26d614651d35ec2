"""A pool's database as the value that pre-join checks look at."""

from typing import Any, Final

from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.planning.pool_join import Certificate, Side

LIVE: Final = frozenset({"Running", "Paused"})
VERSION_KEYS: Final = ("product_version", "platform_version", "xapi", "build_number")
SCHEMA: Final = "5.909"


def side(db: Store) -> Side:
    """Return what counts of a pool whose coordinator's database is *db*."""
    pool = next(db.rows("pool")).values
    host = pool["master"]
    row = db.row("host", host).values
    guests = [vm.values for vm in db.rows("VM") if not vm.values["is_control_domain"]]
    pifs = [db.row("PIF", ref).values for ref in row["PIFs"]]
    management = next((pif for pif in pifs if pif["management"]), None)
    software = row["software_version"]
    return Side(
        host=host,
        uuid=row["uuid"],
        hosts=db.count("host"),
        address_type=management["primary_address_type"] if management else "IPv4",
        ha_enabled=pool["ha_enabled"],
        clusters=tuple(db.refs("Cluster")),
        has_management=bool(row["address"]),
        running_vms=sum(vm["power_state"] in LIVE for vm in guests),
        busy_vms=sum(bool(vm["current_operations"]) for vm in guests),
        mandatory_guidance=tuple(known.ref for known in db.rows("host") if known.values["pending_guidances"]),
        brand=software.get("product_brand", ""),
        platform=software.get("platform_name", ""),
        versions={key: software.get(key, "") for key in VERSION_KEYS},
        cpu_vendor=row["cpu_info"].get("vendor", ""),
        # The tools' disc is a repository of every host.
        shared_srs=sum(sr.values["shared"] and not sr.values["is_tools_sr"] for sr in db.rows("SR")),
        bonds=db.count("Bond"),
        tunnels=db.count("tunnel"),
        sriovs=db.count("network_sriov"),
        other_vlans=sum(pif["VLAN"] >= 0 and not pif["management"] for pif in pifs),
        management_vlan=management["VLAN"] if management else -1,
        auth=(row["external_auth_type"], row["external_auth_service_name"]),
        edition=row["edition"],
        backend=software.get("network_backend", "bridge"),
        sdn_controllers=frozenset(known.values["address"] for known in db.rows("SDN_controller")),
        api_version=f"{row['API_version_major']}.{row['API_version_minor']}",
        schema=SCHEMA,
        updates=frozenset(_uuids(db, "pool_update", row["updates"])),
        purposes=frozenset(word for known in db.rows("network") for word in known.values["purpose"]),
        tls_verification=row["tls_verification_enabled"],
        ca_certificates=tuple(
            Certificate(known.ref, known.values["name"], known.values["fingerprint_sha256"])
            for known in db.rows("Certificate")
            if known.values["type"] == "ca"
        ),
        upgrading=pool["other_config"].get("rolling_upgrade_in_progress") == "true",
        sm_features={known.values["type"]: _features(known.values) for known in db.rows("SM")},
        sm_refs={known.values["type"]: known.ref for known in db.rows("SM")},
    )


def _features(values: dict[str, Any]) -> frozenset[str]:
    return frozenset(values["features"])


def _uuids(db: Store, table: str, refs: list[str] | dict[str, None]) -> list[str]:
    return [db.get(table, ref, "uuid") for ref in refs if ref != NULL_REF and db.exists(table, ref)]
