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
        rw("is_policy_enabled", BOOL, True),
        rw("backup_type", Enum("vmpp_backup_type"), "snapshot"),
        static("backup_retention_value", INT, 7),
        static("backup_frequency", Enum("vmpp_backup_frequency"), "daily"),
        static("backup_schedule", Map(STRING, STRING), {}),
        ro("is_backup_running", BOOL),
        ro("backup_last_run_time", DATETIME, EPOCH),
        static("archive_target_type", Enum("vmpp_archive_target_type"), "none"),
        static("archive_target_config", Map(STRING, STRING), {}),
        static("archive_frequency", Enum("vmpp_archive_frequency"), "never"),
        static("archive_schedule", Map(STRING, STRING), {}),
        ro("is_archive_running", BOOL),
        ro("archive_last_run_time", DATETIME, EPOCH),
        ro("VMs", Set(Ref("VM"))),
        static("is_alarm_enabled", BOOL, False),
        static("alarm_config", Map(STRING, STRING), {}),
        ro("recent_alerts", Set(STRING), []),
    ),
    messages=(
        call("protect_now", p("vmpp", Ref("VMPP")), result=STRING, sync=True, removed=True),
        call("archive_now", p("snapshot", Ref("VM")), result=STRING, role=VM_POWER_ADMIN, sync=True, removed=True),
        call(
            "create_alert", p("vmpp", Ref("VMPP")), p("name", STRING), p("priority", INT), p("body", STRING),
            p("data", STRING), role=LOCAL_ROOT, sync=True, removed=True, flags=(HIDDEN,),
        ),
        call(
            "get_alerts", p("vmpp", Ref("VMPP")), p("hours_from_now", INT), result=Set(STRING), sync=True, removed=True,
        ),
        call("set_backup_retention_value", p("self", Ref("VMPP")), p("value", INT), sync=True, removed=True),
        call(
            "set_is_backup_running", p("self", Ref("VMPP")), p("value", BOOL), role=LOCAL_ROOT, sync=True, removed=True,
            flags=(HIDDEN,),
        ),
        call(
            "set_is_archive_running", p("self", Ref("VMPP")), p("value", BOOL), role=LOCAL_ROOT, sync=True,
            removed=True, flags=(HIDDEN,),
        ),
        call(
            "set_backup_frequency", p("self", Ref("VMPP")), p("value", Enum("vmpp_backup_frequency")), sync=True,
            removed=True,
        ),
        call("set_backup_schedule", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True),
        call(
            "set_archive_frequency", p("self", Ref("VMPP")), p("value", Enum("vmpp_archive_frequency")), sync=True,
            removed=True,
        ),
        call("set_archive_schedule", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True),
        call(
            "set_archive_target_type", p("self", Ref("VMPP")), p("value", Enum("vmpp_archive_target_type")), sync=True,
            removed=True,
        ),
        call(
            "set_archive_target_config", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True,
            removed=True,
        ),
        call("set_is_alarm_enabled", p("self", Ref("VMPP")), p("value", BOOL), sync=True, removed=True),
        call("set_alarm_config", p("self", Ref("VMPP")), p("value", Map(STRING, STRING)), sync=True, removed=True),
        call(
            "add_to_backup_schedule", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True,
        ),
        call(
            "add_to_archive_target_config", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True,
        ),
        call(
            "add_to_archive_schedule", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True,
        ),
        call(
            "add_to_alarm_config", p("self", Ref("VMPP")), p("key", STRING), p("value", STRING), sync=True,
            removed=True,
        ),
        call("remove_from_backup_schedule", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True),
        call("remove_from_archive_target_config", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True),
        call("remove_from_archive_schedule", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True),
        call("remove_from_alarm_config", p("self", Ref("VMPP")), p("key", STRING), sync=True, removed=True),
        call(
            "set_backup_last_run_time", p("self", Ref("VMPP")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            removed=True,
        ),
        call(
            "set_archive_last_run_time", p("self", Ref("VMPP")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            removed=True,
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
        rw("enabled", BOOL, True, since="rio"),
        static("type", Enum("vmss_type"), since="rio"),
        static("retained_snapshots", INT, 7, since="rio"),
        static("frequency", Enum("vmss_frequency"), since="rio"),
        static("schedule", Map(STRING, STRING), {}, since="rio"),
        ro("last_run_time", DATETIME, EPOCH, since="rio"),
        ro("VMs", Set(Ref("VM")), since="rio"),
    ),
    messages=(
        call("snapshot_now", p("vmss", Ref("VMSS")), result=STRING, sync=True),
        call("set_retained_snapshots", p("self", Ref("VMSS")), p("value", INT), sync=True),
        call("set_frequency", p("self", Ref("VMSS")), p("value", Enum("vmss_frequency")), sync=True),
        call("set_schedule", p("self", Ref("VMSS")), p("value", Map(STRING, STRING)), sync=True),
        call("add_to_schedule", p("self", Ref("VMSS")), p("key", STRING), p("value", STRING), sync=True),
        call("remove_from_schedule", p("self", Ref("VMSS")), p("key", STRING), sync=True),
        call("set_last_run_time", p("self", Ref("VMSS")), p("value", DATETIME), role=LOCAL_ROOT, sync=True),
        call("set_type", p("self", Ref("VMSS")), p("value", Enum("vmss_type")), sync=True),
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
        ro("VMs", Set(Ref("VM")), since="rio"),
    ),
    messages=(
        call("start", p("self", Ref("VM_appliance")), p("paused", BOOL), errors=("OPERATION_PARTIALLY_FAILED",)),
        call("clean_shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",)),
        call("hard_shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",)),
        call("shutdown", p("self", Ref("VM_appliance")), errors=("OPERATION_PARTIALLY_FAILED",)),
        call(
            "assert_can_be_recovered", p("self", Ref("VM_appliance")), p("session_to", Ref("session")),
            errors=("VM_REQUIRES_SR",), role=READ_ONLY,
        ),
        call(
            "get_SRs_required_for_recovery", p("self", Ref("VM_appliance")), p("session_to", Ref("session")),
            result=Set(Ref("SR")), role=READ_ONLY, since="creedence",
        ),
        call(
            "recover", p("self", Ref("VM_appliance")), p("session_to", Ref("session")), p("force", BOOL),
            errors=("VM_REQUIRES_SR",), role=READ_ONLY,
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
        static("placement", Enum("placement_policy"), "normal"),
        ro("VMs", Set(Ref("VM"))),
    ),
)

DR_task = define(
    "DR_task",
    since="boston",
    doc="A disaster recovery in progress: the repositories it brought in, to be taken out again afterwards.",
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("introduced_SRs", Set(Ref("SR")), since="rio"),
    ),
    messages=(
        call(
            "create", p("type", STRING), p("device_config", Map(STRING, STRING)), p("whitelist", Set(STRING)),
            result=Ref("DR_task"),
        ),
        call("destroy", p("self", Ref("DR_task"))),
    ),
)
