"""What can be asked of a VM: the messages of its class."""

from xapi.datamodel.declare import HIDDEN, NO_CURRENT_OPERATIONS, POOL_INTERNAL, CallDraft, call, p
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Record, Ref, Set
from xapi.datamodel.roles import (
    CLIENT_CERT,
    LOCAL_ROOT,
    POOL_ADMIN,
    POOL_OPERATOR,
    READ_ONLY,
    VM_OPERATOR,
    VM_POWER_ADMIN,
)

MESSAGES: tuple[CallDraft, ...] = (
    call(
        "snapshot", p("vm", Ref("VM")), p("new_name", STRING),
        p("ignore_vdis", Set(Ref("VDI")), [], since="21.4.0"), result=Ref("VM"),
        errors=("VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED"), role=VM_POWER_ADMIN, tag="snapshots",
        since="orlando", doc="A copy of the disks and settings as they are now.",
    ),
    call(
        "snapshot_with_quiesce", p("vm", Ref("VM")), p("new_name", STRING), result=Ref("VM"),
        errors=(
            "VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "VM_SNAPSHOT_WITH_QUIESCE_FAILED",
            "VM_SNAPSHOT_WITH_QUIESCE_TIMEOUT", "VM_SNAPSHOT_WITH_QUIESCE_PLUGIN_DEOS_NOT_RESPOND",
            "VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED",
        ),
        role=VM_POWER_ADMIN, removed=True, since="orlando, deprecated quebec, removed quebec",
        doc="Removed: made a snapshot after asking the guest to flush its files.",
    ),
    call(
        "clone", p("vm", Ref("VM")), p("new_name", STRING), result=Ref("VM"),
        errors=("VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"),
        doc="A new VM on fast copies of the disks.",
    ),
    call(
        "copy", p("vm", Ref("VM")), p("new_name", STRING), p("sr", Ref("SR")), result=Ref("VM"),
        errors=("VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"),
        since="rio, extended cowley", doc="A new VM on full copies of the disks, maybe in another repository.",
    ),
    call(
        "revert", p("snapshot", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED", "SR_FULL", "VM_REVERT_FAILED"), role=VM_POWER_ADMIN,
        tag="snapshots", since="midnight-ride",
        doc="Put the disks and settings of a VM back to those of its snapshot.",
    ),
    call(
        "checkpoint", p("vm", Ref("VM")), p("new_name", STRING), result=Ref("VM"),
        errors=(
            "VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "VM_CHECKPOINT_SUSPEND_FAILED",
            "VM_CHECKPOINT_RESUME_FAILED",
        ),
        role=VM_POWER_ADMIN, since="midnight-ride", doc="A snapshot with memory.",
    ),
    call(
        "provision", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"),
        doc="Make the disks that a template describes.",
    ),
    call(
        "start", p("vm", Ref("VM")), p("start_paused", BOOL), p("force", BOOL),
        errors=(
            "VM_BAD_POWER_STATE", "VM_HVM_REQUIRED", "VM_IS_TEMPLATE", "OTHER_OPERATION_IN_PROGRESS",
            "OPERATION_NOT_ALLOWED", "BOOTLOADER_FAILED", "UNKNOWN_BOOTLOADER", "NO_HOSTS_AVAILABLE",
            "LICENCE_RESTRICTION",
        ),
        role=VM_OPERATOR, doc="Start on the best host.",
    ),
    call(
        "start_on", p("vm", Ref("VM")), p("host", Ref("host")), p("start_paused", BOOL), p("force", BOOL),
        errors=(
            "VM_BAD_POWER_STATE", "VM_IS_TEMPLATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED",
            "BOOTLOADER_FAILED", "UNKNOWN_BOOTLOADER",
        ),
        role=VM_POWER_ADMIN, role_extra=(CLIENT_CERT,), doc="Start on a given host.",
    ),
    call(
        "pause", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Stop its processors; memory stays.",
    ),
    call(
        "unpause", p("vm", Ref("VM")), errors=("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Let its processors go on.",
    ),
    call(
        "clean_shutdown", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Ask the guest to shut down.",
    ),
    call(
        "shutdown", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, role_extra=(CLIENT_CERT,), since="clearwater",
        doc="Ask the guest to shut down; force it if it does not.",
    ),
    call(
        "clean_reboot", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Ask the guest to reboot.",
    ),
    call(
        "hard_shutdown", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Take its power away.",
    ),
    call(
        "power_state_reset", p("vm", Ref("VM")), role=POOL_OPERATOR,
        doc="Declare it halted without looking: only for when its host is known to be dead.",
    ),
    call(
        "hard_reboot", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, doc="Take its power away and start it again.",
    ),
    call(
        "suspend", p("vm", Ref("VM")),
        errors=("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"),
        role=VM_OPERATOR, role_extra=(CLIENT_CERT,), doc="Save its memory to disk and stop.",
    ),
    call(
        "csvm", p("vm", Ref("VM")), result=Ref("VM"),
        errors=("VM_BAD_POWER_STATE", "SR_FULL", "OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"), flags=(HIDDEN,),
        since="rio, deprecated miami", doc="Left from an experiment; answers that it is not there.",
    ),
    call(
        "resume", p("vm", Ref("VM")), p("start_paused", BOOL), p("force", BOOL),
        errors=("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"), role=VM_OPERATOR,
        doc="Go on from saved memory, on the best host.",
    ),
    call(
        "set_is_default_template", p("vm", Ref("VM")), p("value", BOOL), role=POOL_ADMIN, flags=(HIDDEN,),
        since="falcon", doc="Mark a template as one that comes with the product.",
    ),
    call(
        "hard_reboot_internal", p("vm", Ref("VM")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando, deprecated midnight-ride",
        doc="Deprecated: as `hard_reboot`, called by the domain manager's old interface.",
    ),
    call(
        "resume_on", p("vm", Ref("VM")), p("host", Ref("host")), p("start_paused", BOOL), p("force", BOOL),
        errors=("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"), role=VM_POWER_ADMIN,
        role_extra=(CLIENT_CERT,), doc="Go on from saved memory, on a given host.",
    ),
    call(
        "pool_migrate", p("vm", Ref("VM")), p("host", Ref("host")), p("options", Map(STRING, STRING)),
        errors=(
            "VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "VM_IS_TEMPLATE", "OPERATION_NOT_ALLOWED",
            "VM_BAD_POWER_STATE",
        ),
        role=VM_POWER_ADMIN, role_extra=(CLIENT_CERT,), doc="Move it, running, to another host of the pool.",
    ),
    call(
        "pool_migrate_complete", p("vm", Ref("VM")), p("host", Ref("host")), role=VM_POWER_ADMIN,
        role_extra=(CLIENT_CERT,), flags=(HIDDEN,), since="tampa",
        doc="Used between hosts at the end of a migration: the VM lives here now.",
    ),
    call(
        "set_VCPUs_number_live", p("self", Ref("VM")), p("nvcpu", INT),
        errors=("OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"), since="rio, changed ely",
        doc="Plug or unplug processors while it runs.",
    ),
    call(
        "add_to_VCPUs_params_live", p("self", Ref("VM")), p("key", STRING), p("value", STRING),
        doc="Set a scheduler parameter (weight, cap, mask) of a running guest; kept for later boots too.",
    ),
    call(
        "set_NVRAM", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True, since="naples",
        doc="Replace the non-volatile memory of a halted VM.",
    ),
    call(
        "add_to_NVRAM", p("self", Ref("VM")), p("key", STRING), p("value", STRING), sync=True, since="naples",
        doc="Add a key to the non-volatile memory of a halted VM.",
    ),
    call(
        "remove_from_NVRAM", p("self", Ref("VM")), p("key", STRING), sync=True, since="naples",
        doc="Remove a key from the non-volatile memory of a halted VM.",
    ),
    call(
        "set_ha_restart_priority", p("self", Ref("VM")), p("value", STRING), role=POOL_OPERATOR, sync=True,
        since="orlando",
        doc="Say what HA does if its host fails: `restart`, `best-effort` or nothing. Refused if the failover "
        "plan would break.",
    ),
    call(
        "set_ha_always_run", p("self", Ref("VM")), p("value", BOOL), role=POOL_OPERATOR, sync=True,
        since="orlando, deprecated boston", doc="Deprecated: use `set_ha_restart_priority`.",
    ),
    call(
        "compute_memory_overhead", p("vm", Ref("VM")), result=INT, role=READ_ONLY, tag="memory",
        since="midnight-ride", doc="Return the bytes a VM costs its host beyond its own memory.",
    ),
    call(
        "set_memory_dynamic_max", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
        tag="memory", since="midnight-ride",
        doc="Set the upper bound of ballooning, in bytes; at most the static maximum.",
    ),
    call(
        "set_memory_dynamic_min", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
        tag="memory", since="midnight-ride",
        doc="Set the lower bound of ballooning, in bytes; at least the static minimum.",
    ),
    call(
        "set_memory_dynamic_range", p("self", Ref("VM")), p("min", INT), p("max", INT), role=VM_POWER_ADMIN,
        tag="memory", since="midnight-ride", doc="Change the range it is ballooned in.",
    ),
    call(
        "set_memory_static_max", p("self", Ref("VM")), p("value", INT),
        errors=("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN",), role=VM_POWER_ADMIN, sync=True, tag="memory",
        since="orlando", doc="Set the most memory the guest can ever have, in bytes. Only while halted.",
    ),
    call(
        "set_memory_static_min", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
        tag="memory", since="midnight-ride",
        doc="Set the least memory the guest can ever have, in bytes. Only while halted.",
    ),
    call(
        "set_memory_static_range", p("self", Ref("VM")), p("min", INT), p("max", INT), role=VM_POWER_ADMIN,
        tag="memory", since="midnight-ride", doc="Set both static bounds together, in bytes. Only while halted.",
    ),
    call(
        "set_memory_limits", p("self", Ref("VM")), p("static_min", INT), p("static_max", INT),
        p("dynamic_min", INT), p("dynamic_max", INT), role=VM_POWER_ADMIN, tag="memory", since="midnight-ride",
        doc="Change all four memory limits at once.",
    ),
    call(
        "set_memory", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, tag="memory", since="ely",
        doc="Set all limits but static_min to one value.",
    ),
    call(
        "set_memory_target_live", p("self", Ref("VM")), p("target", INT), role=VM_POWER_ADMIN, tag="memory",
        since="rio, deprecated midnight-ride", doc="Deprecated: set what ballooning aims at, in bytes.",
    ),
    call(
        "wait_memory_target_live", p("self", Ref("VM")), role=READ_ONLY, tag="memory",
        since="orlando, deprecated midnight-ride", doc="Return when its memory has come close to the target.",
    ),
    call(
        "get_cooperative", p("self", Ref("VM")), result=BOOL, role=READ_ONLY, tag="memory",
        since="midnight-ride, deprecated tampa", doc="Deprecated: whether the guest follows its memory target.",
    ),
    call(
        "set_HVM_shadow_multiplier", p("self", Ref("VM")), p("value", FLOAT), role=VM_POWER_ADMIN, sync=True,
        since="midnight-ride", doc="Set how much shadow memory a halted VM will get.",
    ),
    call(
        "set_shadow_multiplier_live", p("self", Ref("VM")), p("multiplier", FLOAT), role=VM_POWER_ADMIN,
        doc="Set how much shadow memory a running guest has.",
    ),
    call(
        "set_VCPUs_max", p("self", Ref("VM")), p("value", INT), sync=True, since="midnight-ride",
        doc="Set the most vCPUs the guest can have. Only while halted.",
    ),
    call(
        "set_VCPUs_at_startup", p("self", Ref("VM")), p("value", INT), sync=True, since="midnight-ride",
        doc="Set the vCPUs the guest boots with; at most `VCPUs_max`. Only while halted.",
    ),
    call(
        "send_sysrq", p("vm", Ref("VM")), p("key", STRING), errors=("VM_BAD_POWER_STATE",), role=POOL_ADMIN,
        doc="Send a SysRq key to the guest. Not offered by present hypervisors.",
    ),
    call(
        "send_trigger", p("vm", Ref("VM")), p("trigger", STRING), errors=("VM_BAD_POWER_STATE",), role=POOL_ADMIN,
        doc="Send a trigger (nmi, init, power, sleep …) to the guest.",
    ),
    call(
        "maximise_memory", p("self", Ref("VM")), p("total", INT), p("approximate", BOOL), result=INT,
        role=READ_ONLY, tag="memory", since="miami", doc="The largest static_max that fits a total of bytes.",
    ),
    call(
        "migrate_send", p("vm", Ref("VM")), p("dest", Map(STRING, STRING)), p("live", BOOL),
        p("vdi_map", Map(Ref("VDI"), Ref("SR"))), p("vif_map", Map(Ref("VIF"), Ref("network"))),
        p("options", Map(STRING, STRING)), p("vgpu_map", Map(Ref("VGPU"), Ref("GPU_group")), {}, since="inverness"),
        p("vdi_format_map", Map(Ref("VDI"), STRING), {}, since="26.14.0-next"), result=Ref("VM"),
        errors=("VM_BAD_POWER_STATE", "LICENCE_RESTRICTION"), role=VM_POWER_ADMIN, since="tampa",
        doc="Move it, with disks, to another repository, host or pool.",
    ),
    call(
        "assert_can_migrate", p("vm", Ref("VM")), p("dest", Map(STRING, STRING)), p("live", BOOL),
        p("vdi_map", Map(Ref("VDI"), Ref("SR"))), p("vif_map", Map(Ref("VIF"), Ref("network"))),
        p("options", Map(STRING, STRING)), p("vgpu_map", Map(Ref("VGPU"), Ref("GPU_group")), {}, since="inverness"),
        errors=("LICENCE_RESTRICTION",), role=VM_POWER_ADMIN, since="tampa", doc="Fail as migrate_send would.",
    ),
    call(
        "assert_can_migrate_sender", p("vm", Ref("VM")), p("dest", Map(STRING, STRING)), p("live", BOOL),
        p("vdi_map", Map(Ref("VDI"), Ref("SR"))), p("vif_map", Map(Ref("VIF"), Ref("network"))),
        p("vgpu_map", Map(Ref("VGPU"), Ref("GPU_group"))), p("options", Map(STRING, STRING)), role=VM_POWER_ADMIN,
        flags=(HIDDEN,), since="inverness", doc="The part of `assert_can_migrate` that runs on the VM's own host.",
    ),
    call(
        "get_boot_record", p("self", Ref("VM")), result=Record("VM"), role=READ_ONLY, sync=True,
        since="rio, deprecated inverness", doc="Deprecated: return the record that describes the running guest.",
    ),
    call(
        "get_data_sources", p("self", Ref("VM")), result=Set(Record("data_source")), role=READ_ONLY, sync=True,
        since="orlando", doc="Return the metrics that are or could be recorded of the VM.",
    ),
    call(
        "record_data_source", p("self", Ref("VM")), p("data_source", STRING), sync=True, since="orlando",
        doc="Begin to keep one of its counters.",
    ),
    call(
        "query_data_source", p("self", Ref("VM")), p("data_source", STRING), result=FLOAT, role=READ_ONLY,
        sync=True, since="orlando", doc="The latest value of one of its counters.",
    ),
    call(
        "forget_data_source_archives", p("self", Ref("VM")), p("data_source", STRING), sync=True, since="orlando",
        doc="Delete what was recorded of a metric.",
    ),
    call(
        "assert_operation_valid", p("self", Ref("VM")), p("op", Enum("vm_operations")), role=READ_ONLY,
        doc="Fail as the operation would if it were started now.",
    ),
    call(
        "update_allowed_operations", p("self", Ref("VM")), role=POOL_ADMIN,
        doc="Have `allowed_operations` computed again; it is kept right without that.",
    ),
    call(
        "get_allowed_VBD_devices", p("vm", Ref("VM")), result=Set(STRING), role=READ_ONLY, sync=True,
        flags=(NO_CURRENT_OPERATIONS,), doc="Free disk positions.",
    ),
    call(
        "get_allowed_VIF_devices", p("vm", Ref("VM")), result=Set(STRING), role=READ_ONLY, sync=True,
        flags=(NO_CURRENT_OPERATIONS,), doc="Free network positions.",
    ),
    call(
        "get_possible_hosts", p("vm", Ref("VM")), result=Set(Ref("host")), role=READ_ONLY,
        doc="Hosts that could run it now.",
    ),
    call(
        "assert_can_boot_here", p("self", Ref("VM")), p("host", Ref("host")),
        errors=(
            "HOST_NOT_ENOUGH_FREE_MEMORY", "HOST_NOT_ENOUGH_PCPUS", "NETWORK_SRIOV_INSUFFICIENT_CAPACITY",
            "HOST_NOT_LIVE", "HOST_DISABLED", "HOST_CANNOT_ATTACH_NETWORK", "VM_HVM_REQUIRED", "VM_REQUIRES_GPU",
            "VM_REQUIRES_IOMMU", "VM_REQUIRES_NETWORK", "VM_REQUIRES_SR", "VM_REQUIRES_VGPU",
            "VM_HOST_INCOMPATIBLE_VERSION", "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION",
            "INVALID_VALUE", "MEMORY_CONSTRAINT_VIOLATION", "OPERATION_NOT_ALLOWED", "VALUE_NOT_SUPPORTED",
            "VM_INCOMPATIBLE_WITH_THIS_HOST",
        ),
        role=READ_ONLY, tag="memory", since="rio, changed quebec", doc="Fail if that host could not run it.",
    ),
    call(
        "atomic_set_resident_on", p("vm", Ref("VM")), p("host", Ref("host")), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), doc="Write resident_on and clear the reservation at once.",
    ),
    call(
        "create_new_blob", p("vm", Ref("VM")), p("name", STRING), p("mime_type", STRING),
        p("public", BOOL, False, since="tampa"), result=Ref("blob"), role=VM_POWER_ADMIN, since="orlando",
        doc="Make room for binary data kept with it.",
    ),
    call(
        "s3_suspend", p("vm", Ref("VM")), role=VM_OPERATOR, flags=(HIDDEN,), since="midnight-ride",
        doc="Have the guest put itself to sleep (ACPI S3).",
    ),
    call(
        "s3_resume", p("vm", Ref("VM")), role=VM_OPERATOR, flags=(HIDDEN,), since="midnight-ride",
        doc="Wake a guest that `s3_suspend` put to sleep.",
    ),
    call(
        "assert_agile", p("self", Ref("VM")), role=READ_ONLY, since="orlando",
        doc="Fail with what ties the VM to a host: local disks or networks, passed-through hardware.",
    ),
    call(
        "update_snapshot_metadata", p("vm", Ref("VM")), p("snapshot_of", Ref("VM")), p("snapshot_time", DATETIME),
        p("transportable_snapshot_id", STRING), role=POOL_OPERATOR, flags=(HIDDEN,),
        since="george, deprecated midnight-ride",
        doc="Left from snapshots made by storage arrays: note what a snapshot belongs to.",
    ),
    call(
        "retrieve_wlb_recommendations", p("vm", Ref("VM")), result=Map(Ref("host"), Set(STRING)), role=READ_ONLY,
        since="george", doc="Return how the workload-balancing server rates each host for this VM.",
    ),
    call(
        "set_bios_strings", p("self", Ref("VM")), p("value", Map(STRING, STRING)),
        errors=("VM_BIOS_STRINGS_ALREADY_SET", "INVALID_VALUE"), since="inverness",
        doc="Set the vendor strings that the guest's BIOS shows. Only while halted and before they were set.",
    ),
    call(
        "copy_bios_strings", p("vm", Ref("VM")), p("host", Ref("host")), since="midnight-ride",
        doc="Copy the vendor strings of a host's BIOS to the VM.",
    ),
    call(
        "set_protection_policy", p("self", Ref("VM")), p("value", Ref("VMPP")), role=POOL_OPERATOR, sync=True,
        removed=True, since="cowley, deprecated clearwater, removed clearwater",
        doc="Removed with protection policies.",
    ),
    call(
        "set_snapshot_schedule", p("self", Ref("VM")), p("value", Ref("VMSS")), role=POOL_OPERATOR, sync=True,
        since="falcon", doc="Have a schedule snapshot the VM; null for none.",
    ),
    call(
        "set_start_delay", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston",
        doc="Set how many seconds an appliance waits after starting this VM.",
    ),
    call(
        "set_shutdown_delay", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston",
        doc="Set how many seconds an appliance waits after shutting this VM down.",
    ),
    call(
        "set_order", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston",
        doc="Set the VM's place in its appliance's start order, from 0.",
    ),
    call(
        "set_suspend_VDI", p("self", Ref("VM")), p("value", Ref("VDI")), role=POOL_OPERATOR, since="boston",
        doc="Set the disk that holds a suspended VM's memory. For disaster recovery.",
    ),
    call(
        "assert_can_be_recovered", p("self", Ref("VM")), p("session_to", Ref("session")),
        errors=("VM_IS_PART_OF_AN_APPLIANCE", "VM_REQUIRES_SR"), role=READ_ONLY, since="boston",
        doc="Fail with VM_REQUIRES_SR if the other session's pool lacks storage that its disks are on.",
    ),
    call(
        "get_SRs_required_for_recovery", p("self", Ref("VM")), p("session_to", Ref("session")),
        result=Set(Ref("SR")), role=READ_ONLY, since="creedence",
        doc="Return the SRs that the other session's pool needs to recover the VM.",
    ),
    call(
        "recover", p("self", Ref("VM")), p("session_to", Ref("session")), p("force", BOOL), role=READ_ONLY,
        since="boston",
        doc="Take over the VM into the other session's pool, from a database that was opened from its disk.",
    ),
    call(
        "import_convert", p("type", STRING), p("username", STRING), p("password", STRING), p("sr", Ref("SR")),
        p("remote_config", Map(STRING, STRING)), since="tampa",
        doc="Bring in a VM from another virtualisation product through the conversion appliance.",
    ),
    call(
        "set_appliance", p("self", Ref("VM")), p("value", Ref("VM_appliance")), role=POOL_OPERATOR, since="boston",
        doc="Put the VM into an appliance; null takes it out.",
    ),
    call(
        "set_groups", p("self", Ref("VM")), p("value", Set(Ref("VM_group"))), errors=("OPERATION_NOT_ALLOWED",),
        since="prototyped 24.19.1", doc="Put the VM into a group (at most one); an empty set takes it out.",
    ),
    call(
        "query_services", p("self", Ref("VM")), result=Map(STRING, STRING), role=POOL_ADMIN, since="tampa",
        doc="Return the services that a driver domain offers.",
    ),
    call(
        "call_plugin", p("vm", Ref("VM")), p("plugin", STRING), p("fn", STRING), p("args", Map(STRING, STRING)),
        result=STRING, role=VM_OPERATOR, since="cream", doc="Run a plugin on its host about it.",
    ),
    call(
        "call_host_plugin", p("vm", Ref("VM")), p("plugin", STRING), p("fn", STRING),
        p("args", Map(STRING, STRING)), result=STRING, role=VM_OPERATOR, since="prototyped 25.22.0",
        doc="Call a plugin on the host that the VM runs on.",
    ),
    call(
        "set_has_vendor_device", p("self", Ref("VM")), p("value", BOOL), tag="windows-vm", since="dundee",
        doc="Say whether the VM shows the PCI device by which Windows Update offers drivers. Only while halted.",
    ),
    call(
        "import", p("url", STRING), p("sr", Ref("SR")), p("full_restore", BOOL), p("force", BOOL),
        result=Set(Ref("VM")), role=POOL_OPERATOR, since="dundee", doc="Import an exported VM from a URL.",
    ),
    call(
        "set_actions_after_crash", p("self", Ref("VM")), p("value", Enum("on_crash_behaviour")),
        doc="Set what happens when the guest crashes.",
    ),
    call(
        "set_domain_type", p("self", Ref("VM")), p("value", Enum("domain_type")), sync=True, since="kolkata",
        doc="Set the kind of domain. Only while halted.",
    ),
    call(
        "set_HVM_boot_policy", p("self", Ref("VM")), p("value", STRING), sync=True,
        since="rio, deprecated kolkata",
        doc="Deprecated by `set_domain_type`: `BIOS order` makes it HVM, nothing paravirtualised.",
    ),
    call(
        "set_NVRAM_EFI_variables", p("self", Ref("VM")), p("value", STRING),
        p("update", Enum("update_status"), "unspecified", since="26.12.0"), role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN,), since="naples", doc="Store the guest's UEFI variables. For the firmware's own use.",
    ),
    call(
        "restart_device_models", p("self", Ref("VM")),
        errors=(
            "VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "VM_IS_TEMPLATE", "OPERATION_NOT_ALLOWED",
            "VM_BAD_POWER_STATE",
        ),
        role=VM_POWER_ADMIN, role_extra=(CLIENT_CERT,), since="prototyped 23.30.0",
        doc="Replace the running guest's device emulator by a new one, by suspending and resuming in place.",
    ),
    call(
        "set_uefi_mode", p("self", Ref("VM")), p("mode", Enum("vm_uefi_mode")), result=STRING, role=POOL_ADMIN,
        since="prototyped 24.17.0",
        doc="Put UEFI into setup mode (no platform key) or user mode (keys of the pool). Only while halted.",
    ),
    call(
        "get_secureboot_readiness", p("self", Ref("VM")), result=Enum("vm_secureboot_readiness"), role=POOL_ADMIN,
        since="prototyped 24.17.0", doc="Say whether the VM is ready for Secure Boot, and if not, what it lacks.",
    ),
    call(
        "update_secureboot_certificates_on_boot", p("self", Ref("VM")), p("mark", BOOL),
        since="prototyped 26.14.0",
        doc="Mark, or unmark, the VM to get the pool's Secure Boot certificates at its next boot.",
    ),
    call(
        "set_blocked_operations", p("self", Ref("VM")), p("value", Map(Enum("vm_operations"), STRING)),
        since="orlando",
        doc="Replace the operations that are refused, each with the error code it is refused with.",
    ),
    call(
        "add_to_blocked_operations", p("self", Ref("VM")), p("key", Enum("vm_operations")), p("value", STRING),
        since="orlando", doc="Refuse an operation from now on.",
    ),
    call(
        "remove_from_blocked_operations", p("self", Ref("VM")), p("key", Enum("vm_operations")), since="orlando",
        doc="Refuse an operation no longer.",
    ),
    call(
        "sysprep", p("self", Ref("VM")), p("unattend", STRING, secret=True), p("timeout", FLOAT),
        since="prototyped 25.24.0",
        doc="Make a running Windows guest generalise itself with this answer file and wait until it has shut down.",
    ),
    call(
        "add_to_other_config", p("self", Ref("VM")), p("key", STRING), p("value", STRING),
        key_roles={
            "hvm_serial": POOL_ADMIN, "pci": POOL_ADMIN, "folder": VM_OPERATOR, "XenCenter.CustomFields.*":
            VM_OPERATOR,
        },
        sync=True, doc="Add a key to the VM's further settings; MAP_DUPLICATE_KEY if it is there already.",
    ),
    call(
        "remove_from_other_config", p("self", Ref("VM")), p("key", STRING),
        key_roles={
            "hvm_serial": POOL_ADMIN, "pci": POOL_ADMIN, "folder": VM_OPERATOR, "XenCenter.CustomFields.*":
            VM_OPERATOR,
        },
        sync=True, doc="Remove a key from the VM's further settings; no error if it is not there.",
    ),
    call(
        "set_other_config", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True,
        doc="Replace the VM's further settings.",
    ),
    call(
        "add_to_platform", p("self", Ref("VM")), p("key", STRING), p("value", STRING),
        key_roles={"hvm_serial": POOL_ADMIN}, sync=True,
        doc="Add a platform setting; MAP_DUPLICATE_KEY if it is there already.",
    ),
    call(
        "remove_from_platform", p("self", Ref("VM")), p("key", STRING), key_roles={"hvm_serial": POOL_ADMIN},
        sync=True, doc="Remove a platform setting; no error if it is not there.",
    ),
    call(
        "set_platform", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True,
        doc="Replace the VM's platform settings; those that no VM could boot with are refused.",
    ),
)
