"""Rows of provisioning services."""

from typing import Final

from xapi.cli.records.model import RecordType, ro, rw, sro

PVS_SITE: Final = RecordType(
    "PVS_site",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        rw("pvs-uuid", "PVS_uuid"),
        sro("pvs-cache-storage-uuids", "cache_storage"),
        sro("pvs-server-uuids", "servers"),
        sro("pvs-proxy-uuids", "proxies"),
    ),
)

PVS_SERVER: Final = RecordType(
    "PVS_server",
    (
        ro("uuid"),
        sro("addresses"),
        ro("first-port"),
        ro("last-port"),
        ro("pvs-site-uuid", "site"),
    ),
)

PVS_PROXY: Final = RecordType(
    "PVS_proxy",
    (
        ro("uuid"),
        ro("pvs-site-uuid", "site"),
        ro("vif-uuid", "VIF"),
        ro("currently-attached"),
        ro("status"),
    ),
)

PVS_CACHE_STORAGE: Final = RecordType(
    "PVS_cache_storage",
    (
        ro("uuid"),
        ro("host-uuid", "host"),
        ro("sr-uuid", "SR"),
        ro("pvs-site-uuid", "site"),
        ro("size"),
        ro("vdi-uuid", "VDI"),
    ),
)
