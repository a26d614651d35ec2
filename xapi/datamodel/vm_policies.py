"""Sets of VMs that are started, placed, protected or recovered together."""

from xapi.datamodel.declare import HIDDEN, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH
from xapi.datamodel.model import BOOL, DATETIME, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, READ_ONLY, VM_ADMIN, VM_POWER_ADMIN

VMPP = define(
    "VMPP",
    since="cowley, deprecated clearwater, removed clearwater",
    doc="A protection policy of old: scheduled snapshots and archives. Removed; kept so that old clients parse.",
    constructed=True,
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        rw("is_policy_enabled", BOOL, True, doc="Removed with protection policies."),
        rw("backup_type", Enum("vmpp_backup_type"), "snapshot", doc="Removed: kind of the backups."),
        static("backup_retention_value", INT, 7, doc="Removed: how many backups were kept."),
        static("backup_frequency", Enum("vmpp_backup_frequency"), "daily", doc="Removed: how often backups were made."),
        static("backup_schedule", Map(STRING, STRING), {}, doc="Removed: when backups were made."),
        ro("is_backup_running", BOOL, doc="Removed: whether a backup ran."),
        ro("backup_last_run_time", DATETIME, EPOCH, doc="Removed: when the last backup was made."),
        static(
            "archive_target_type", Enum("vmpp_archive_target_type"), "none",
            doc="Removed: kind of the place that archives went to.",
        ),
        static("archive_target_config", Map(STRING, STRING), {}, doc="Removed: the place that archives went to."),
        static(
            "archive_frequency", Enum("vmpp_archive_frequency"), "never", doc="Removed: how often archives were made.",
        ),
        static("archive_schedule", Map(STRING, STRING), {}, doc="Removed: when archives were made."),
        ro("is_archive_running", BOOL, doc="Removed: whether archiving ran."),
        ro("archive_last_run_time", DATETIME, EPOCH, doc="Removed: when the last archive was made."),
        ro("VMs", Set(Ref("VM")), doc="Removed: the VMs that the policy protected."),
        static("is_alarm_enabled", BOOL, False, doc="Removed: whether failures were mailed."),
        static("alarm_config", Map(STRING, STRING), {}, doc="Removed: where failures were mailed."),
        ro("recent_alerts", Set(STRING), [], doc="Removed: the policy's last alerts."),
    ),
    messages=(
        call(
            "protect_now", p("vmpp", Ref("VMPP")), result=STRING, sync=True, removed=True,
            doc="Removed: made a backup at once.",
        ),
        call(
            "archive_now", p("snapshot", Ref("VM")), result=STRING, role=VM_POWER_ADMIN, sync=True, removed=True,
            doc="Removed: archived a snapshot at once.",
        ),
        call(
            "create_alert", p("vmpp", Ref("VMPP")), p("name", STRING), p("priority", INT), p("body", STRING),
            p("data", STRING), role=LOCAL_ROOT, sync=True, removed=True, flags=(HIDDEN,),
            doc="Removed: raised an alert of a policy.",
        ),
        call(
            "get_alerts", p("vmpp", Ref("VMPP")), p("hours_from_now", INT), result=Set(STRING), sync=True,
            removed=True, doc="Removed: returned a policy's alerts.",
        ),
        call(
            "set_backup_retention_value", p("self", Ref("VMPP")), p("value", INT), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "set_is_backup_running", p("self", Ref("VMPP")), p("value", BOOL), role=LOCAL_ROOT, sync=True,
            removed=True, flags=(HIDDEN,), doc="Removed with its field.",
        ),
        call(
            "set_is_archive_running", p("self", Ref("VMPP")), p("value", BOOL), role=LOCAL_ROOT, sync=True,
            removed=True, flags=(HIDDEN,), doc="Removed with its field.",
        ),
        call(
            "set_backup_frequency", p("self", Ref("VMPP")), p("value", Enum("vmpp_backup_frequency")), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "set_backup_schedule", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "set_archive_frequency", p("self", Ref("VMPP")), p("value", Enum("vmpp_archive_frequency")), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "set_archive_schedule", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "set_archive_target_type", p("self", Ref("VMPP")), p("value", Enum("vmpp_archive_target_type")), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "set_archive_target_config", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "set_is_alarm_enabled", p("self", Ref("VMPP")), p("value", BOOL), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "set_alarm_config", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "add_to_backup_schedule", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "add_to_archive_target_config", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "add_to_archive_schedule", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "add_to_alarm_config", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "remove_from_backup_schedule", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "remove_from_archive_target_config", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "remove_from_archive_schedule", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "remove_from_alarm_config", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True,
            doc="Removed with its field.",
        ),
        call(
            "set_backup_last_run_time", p("self", Ref("VMPP")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            removed=True, doc="Removed with its field.",
        ),
        call(
            "set_archive_last_run_time", p("self", Ref("VMPP")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            removed=True, doc="Removed with its field.",
        ),
    ),
)

VMSS = define(
    "VMSS",
    since="falcon",
    doc="A schedule by which snapshots of its VMs are taken and the oldest dropped.",
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        rw("name__label", STRING, "", since="rio"),
        rw("name__description", STRING, "", since="rio"),
        rw(
            "enabled", BOOL, True, since="rio",
            doc="Whether snapshots are made by the schedule; `snapshot_now` works in either case.",
        ),
        static("type", Enum("vmss_type"), since="rio", doc="Kind of snapshot that is made."),
        static(
            "retained_snapshots", INT, 7, since="rio",
            doc="How many of its snapshots of each VM are kept; older ones are deleted.",
        ),
        static("frequency", Enum("vmss_frequency"), since="rio", doc="How often snapshots are made."),
        static(
            "schedule", Map(STRING, STRING), {}, since="rio",
            doc="When: `min` (0, 15, 30, 45), `hour` (0-23) for daily and weekly, `days` (names, comma-separated) "
            "for weekly; the pool's local time.",
        ),
        ro("last_run_time", DATETIME, EPOCH, since="rio", doc="When snapshots were last made; the epoch if never."),
        ro("VMs", Set(Ref("VM")), since="rio", doc="VMs that are snapshotted."),
    ),
    messages=(
        call(
            "snapshot_now", p("vmss", Ref("VMSS")), result=STRING, sync=True,
            doc="Make the snapshots at once and return what happened.",
        ),
        call(
            "set_retained_snapshots", p("self", Ref("VMSS")), p("value", INT), sync=True,
            doc="Set how many snapshots of each VM are kept (1 to 10).",
        ),
        call(
            "set_frequency", p("self", Ref("VMSS")), p("value", Enum("vmss_frequency")), sync=True,
            doc="Set how often snapshots are made; the schedule is reset to fit.",
        ),
        call(
            "set_schedule", p("self", Ref("VMSS")), p("value", Map(STRING, STRING)), sync=True,
            doc="Set when snapshots are made; every key must fit the frequency.",
        ),
        call(
            "add_to_schedule", p("self", Ref("VMSS")), p("key", STRING), p("value", STRING), sync=True,
            doc="Set one key of the schedule.",
        ),
        call(
            "remove_from_schedule", p("self", Ref("VMSS")), p("key", STRING), sync=True,
            doc="Return one key of the schedule to its default.",
        ),
        call(
            "set_last_run_time", p("self", Ref("VMSS")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            doc="Note when snapshots were last made. For the pool's own use.",
        ),
        call(
            "set_type", p("self", Ref("VMSS")), p("value", Enum("vmss_type")), sync=True,
            doc="Set the kind of snapshot.",
        ),
    ),
)

VM_appliance = define(
    "VM_appliance",
    since="boston",
    doc="VMs that make up one service, started and shut down together in order.",
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        rw("name__label", STRING, "", since="rio"),
        rw("name__description", STRING, "", since="rio"),
        ro("allowed_operations", Set(Enum("vm_appliance_operation")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("vm_appliance_operation")), {}, persist=False, since="rio"),
        ro(
            "VMs", Set(Ref("VM")), since="rio",
            doc="VMs that belong to it; they start in ascending `order`, waiting `start_delay` seconds after each "
            "order, and stop in reverse.",
        ),
    ),
    messages=(
        call(
            "start", p("self", Ref("VM_appliance")), p("paused", BOOL), errors=("OPERATION_PARTIALLY_FAILED",),
            doc="Start all VMs in order. What is running already is left alone.",
        ),
        call(
            "clean_shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",),
            doc="Ask all VMs to shut down, in reverse order.",
        ),
        call(
            "hard_shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",),
            doc="Power all VMs off.",
        ),
        call(
            "shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",),
            doc="For each VM: ask it to shut down and, if that fails, power it off.",
        ),
        call(
            "assert_can_be_recovered", p("self", Ref("VM_appliance")), p("session_to", Ref("session")),
            errors=("VM_REQUIRES_SR",), role=READ_ONLY,
            doc="Fail with VM_REQUIRES_SR if the other session's pool lacks storage that the appliance's disks are on.",
        ),
        call(
            "get_SRs_required_for_recovery", p("self", Ref("VM_appliance")), p("session_to", Ref("session")),
            result=Set(Ref("SR")), role=READ_ONLY, since="creedence",
            doc="Return the SRs that the other session's pool needs to recover the appliance.",
        ),
        call(
            "recover", p("self", Ref("VM_appliance")), p("session_to", Ref("session")), p("force", BOOL),
            errors=("VM_REQUIRES_SR",), role=READ_ONLY,
            doc="Take over the appliance and its VMs into the other session's pool, from a database that was opened "
            "from its disk.",
        ),
    ),
)

VM_group = define(
    "VM_group",
    since="prototyped 24.19.1",
    doc="VMs whose placement follows a common rule.",
    role=VM_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        rw("name__label", STRING, "", since="rio"),
        rw("name__description", STRING, "", since="rio"),
        static("placement", Enum("placement_policy"), "normal", doc="How its VMs are spread over hosts."),
        ro("VMs", Set(Ref("VM")), doc="VMs in it."),
    ),
)

DR_task = define(
    "DR_task",
    since="boston",
    doc="A disaster recovery in progress: the repositories it brought in, to be taken out again afterwards.",
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("introduced_SRs", Set(Ref("SR")), since="rio", doc="SRs that the task made known."),
    ),
    messages=(
        call(
            "create", p("type", STRING), p("device_config", Map(STRING, STRING)), p("whitelist", Set(STRING)),
            result=Ref("DR_task"),
            doc="Look for storage that holds copies of pool databases, and make it known. Returns the task that "
            "keeps it so.",
        ),
        call(
            "destroy", p("self", Ref("DR_task")),
            doc="Forget the SRs that the task made known, unless something of them is in use.",
        ),
    ),
)
