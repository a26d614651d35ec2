"""Rows of storage repositories, their drivers and connections, disks, blobs and recovery tasks."""

from typing import Final

from xapi.cli import values
from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, Writes, mro, mrw, ro, rw, sro, srw

VDI: Final = RecordType(
    "VDI",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("is-a-snapshot"),
        ro("snapshot-of"),
        ro("snapshots"),
        ro("snapshot-time"),
        sro("allowed-operations"),
        sro("current-operations"),
        ro("sr-uuid", "SR"),
        ro("sr-name-label", "SR.name_label"),
        sro("vbd-uuids", "VBDs"),
        sro("crashdump-uuids", "crash_dumps"),
        ro("virtual-size"),
        ro("physical-utilisation"),
        ro("location"),
        ro("type"),
        ro("sharable"),
        ro("read-only"),
        ro("storage-lock"),
        ro("managed"),
        ro("parent", deprecated=True),
        ro("missing"),
        ro("is-tools-iso"),
        mrw("other-config"),
        mro("xenstore-data", writes=Writes(clear_map="set_xenstore_data")),
        mro("sm-config"),
        rw("on-boot"),
        rw("allow-caching", parse=values.exact_boolean),
        ro("metadata-latest"),
        ro("metadata-of-pool", computed.vdi_metadata_of_pool),
        srw("tags", comma=True),
        ro("cbt-enabled"),
    ),
)

SM: Final = RecordType(
    "SM",
    (
        ro("uuid"),
        ro("name-label"),
        ro("name-description"),
        ro("type"),
        ro("vendor"),
        ro("copyright"),
        ro("required-api-version"),
        ro("capabilities", deprecated=True),
        mro("features"),
        ro("configuration"),
        ro("driver-filename"),
        ro("required-cluster-stack", comma=True),
        ro("supported-image-formats"),
    ),
)

SR: Final = RecordType(
    "SR",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("host", computed.sr_host),
        sro("allowed-operations"),
        sro("current-operations"),
        sro("VDIs"),
        sro("PBDs"),
        ro("virtual-allocation"),
        ro("physical-utilisation"),
        ro("physical-size"),
        ro("type"),
        ro("content-type"),
        rw("shared"),
        ro("introduced-by"),
        ro("is-tools-sr"),
        mrw("other-config"),
        mro("sm-config"),
        ro("blobs"),
        ro("local-cache-enabled"),
        srw("tags", comma=True),
        ro("clustered"),
    ),
)

PBD: Final = RecordType(
    "PBD",
    (
        ro("uuid"),
        ro("host", deprecated=True),
        ro("host-uuid", "host"),
        ro("host-name-label", "host.name_label"),
        ro("sr-uuid", "SR"),
        ro("sr-name-label", "SR.name_label"),
        mro("device-config"),
        ro("currently-attached"),
        mrw("other-config"),
    ),
)

DR_TASK: Final = RecordType(
    "DR_task",
    (
        ro("uuid"),
        ro("introduced-SRs"),
    ),
)
