"""Rows of what groups VMs: snapshot schedules, appliances, placement groups."""

from typing import Final

from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, mrw, ro, rw, sro

VMSS: Final = RecordType(
    "VMSS",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        rw("enabled"),
        rw("type"),
        rw("retained-snapshots"),
        rw("frequency"),
        mrw("schedule"),
        ro("last-run-time"),
        sro("VMs", computed.vmss_VMs, failed=""),
    ),
)

VM_APPLIANCE: Final = RecordType(
    "VM_appliance",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("VMs"),
        sro("allowed-operations"),
        sro("current-operations"),
    ),
)

VM_GROUP: Final = RecordType(
    "VM_group",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("placement"),
        sro("vm-uuids", "VMs"),
    ),
)
