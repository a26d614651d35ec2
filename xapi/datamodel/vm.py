"""Virtual machines and what is measured of them."""

from xapi.datamodel.declare import HIDDEN, NO_CURRENT_OPERATIONS, POOL_INTERNAL, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Record, Ref, Set
from xapi.datamodel.roles import (
    CLIENT_CERT,
    LOCAL_ROOT,
    POOL_ADMIN,
    POOL_OPERATOR,
    READ_ONLY,
    VM_ADMIN,
    VM_OPERATOR,
    VM_POWER_ADMIN,
)

VM = define(
    "VM",
    since="rio, changed 1.257.0",
    members_since="rio",
    doc="A virtual machine, a template, a snapshot, or a host's control domain; flags tell which.",
    role=VM_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        ro(
            "allowed_operations", Set(Enum("vm_operations")), [], persist=False,
            doc="Operations that its state allows now.",
        ),
        ro(
            "current_operations", Map(STRING, Enum("vm_operations")), {}, persist=False,
            doc="Operations under way: task -> operation.",
        ),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        static(
            "power_state", Enum("vm_power_state"), "Halted", since="rio, changed 1.257.0",
            doc="Halted, Paused, Running or Suspended, as last seen.",
        ),
        rw("user_version", INT, doc="A version number for the owner's use."),
        rw("is_a_template", BOOL, has_effect=True, doc="Templates are not started but cloned."),
        ro("is_default_template", BOOL, False, since="falcon", doc="Came with the installation."),
        static(
            "suspend_VDI", Ref("VDI"), NULL_REF, since="rio, changed 1.257.0", doc="Holds the memory while suspended.",
        ),
        ro("resident_on", Ref("host"), doc="The host it runs on, if it runs."),
        ro(
            "scheduled_to_be_resident_on", Ref("host"), NULL_REF,
            doc="The host whose memory is reserved for it while it starts or arrives.",
        ),
        rw("affinity", Ref("host"), role=VM_POWER_ADMIN, doc="The host it would rather run on."),
        ro("memory__overhead", INT, 0, tag="memory", doc="Bytes the hypervisor needs on top of the guest's own."),
        static("memory__target", INT, 0, tag="memory", since="rio, deprecated midnight-ride"),
        static("memory__static_max", INT, tag="memory", doc="Bytes the guest sees at boot; fixed while it runs."),
        static("memory__dynamic_max", INT, tag="memory", doc="Upper end, in bytes, of the range it is ballooned in."),
        static("memory__dynamic_min", INT, tag="memory", doc="Lower end, in bytes, of the range it is ballooned in."),
        static("memory__static_min", INT, tag="memory", doc="Bytes below which its memory must never be set."),
        rw("VCPUs__params", Map(STRING, STRING), doc="Scheduling: weight, cap, mask."),
        static("VCPUs__max", INT, doc="Processors that can be plugged at most."),
        static("VCPUs__at_startup", INT, doc="Processors at boot."),
        rw("actions__after_softreboot", Enum("on_softreboot_behavior"), "soft_reboot", since="prototyped 23.1.0"),
        rw("actions__after_shutdown", Enum("on_normal_exit"), doc="What follows when the guest shuts itself down."),
        rw("actions__after_reboot", Enum("on_normal_exit"), doc="What follows when the guest reboots itself."),
        static("actions__after_crash", Enum("on_crash_behaviour"), doc="What follows when the guest crashes."),
        ro("consoles", Set(Ref("console"))),
        ro("VIFs", Set(Ref("VIF")), tag="networking"),
        ro("VBDs", Set(Ref("VBD"))),
        ro("VUSBs", Set(Ref("VUSB"))),
        ro("crash_dumps", Set(Ref("crashdump"))),
        ro("VTPMs", Set(Ref("VTPM"))),
        rw("PV__bootloader", STRING),
        rw("PV__kernel", STRING),
        rw("PV__ramdisk", STRING),
        rw("PV__args", STRING),
        rw("PV__bootloader_args", STRING),
        rw("PV__legacy_args", STRING),
        static(
            "HVM__boot_policy", STRING, since="rio, deprecated kolkata",
            doc="Empty for PV guests; \"BIOS order\" for HVM guests.",
        ),
        rw("HVM__boot_params", Map(STRING, STRING), doc="firmware, boot order and the like."),
        static("HVM__shadow_multiplier", FLOAT, 1.0, since="miami"),
        static(
            "platform", Map(STRING, STRING), key_roles={"hvm_serial": POOL_ADMIN},
            doc="Virtual hardware: switches that the domain is built by.",
        ),
        rw("PCI_bus", STRING, since="rio, deprecated boston", doc="PCI devices passed through, the old way."),
        static(
            "other_config", Map(STRING, STRING),
            key_roles={
                "pci": POOL_ADMIN, "hvm_serial": POOL_ADMIN, "folder": VM_OPERATOR,
                "XenCenter.CustomFields.*": VM_OPERATOR,
            },
            doc="Anything clients want to keep here.",
        ),
        ro("domid", INT, doc="The hypervisor's number of the running domain; -1 if none."),
        ro("domarch", STRING, doc="The kind of domain that runs."),
        static("last_boot_CPU_flags", Map(STRING, STRING), {}, doc="Processor features it was booted with."),
        ro("is_control_domain", BOOL, doc="This is a host's own domain."),
        ro("metrics", Ref("VM_metrics"), doc="What is measured from outside."),
        ro("guest_metrics", Ref("VM_guest_metrics"), doc="What its agent reports from inside."),
        static(
            "last_booted_record", STRING, "", since="miami, changed 1.257.0",
            doc="Its record when it last booted, to tell what needs a reboot.",
        ),
        rw("recommendations", STRING, doc="XML: limits for clients to suggest values by."),
        rw(
            "xenstore_data", Map(STRING, STRING), {}, has_effect=True, since="miami",
            doc="Keys put below vm-data in xenstore when it starts.",
        ),
        static("ha_always_run", BOOL, False, since="orlando, deprecated boston"),
        static(
            "ha_restart_priority", STRING, "", since="orlando", doc="restart, best-effort, or empty for unprotected.",
        ),
        ro("is_a_snapshot", BOOL, False, since="orlando", doc="Made by snapshot or checkpoint."),
        ro("snapshot_of", Ref("VM"), "", since="orlando", doc="The VM this is a snapshot of."),
        ro("snapshots", Set(Ref("VM")), since="orlando", doc="Snapshots of this VM."),
        ro("snapshot_time", DATETIME, EPOCH, since="orlando", doc="When the snapshot was made."),
        ro("transportable_snapshot_id", STRING, "", since="orlando", doc="For snapshots that can be moved as a whole."),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando", doc="Binary data kept with it, by name."),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando", doc="Words for finding it."),
        static(
            "blocked_operations", Map(Enum("vm_operations"), STRING), {}, since="orlando",
            doc="Operation -> error to answer with instead of doing it.",
        ),
        ro(
            "snapshot_info", Map(STRING, STRING), {}, since="midnight-ride",
            doc="What is known about the snapshot, such as whether it has memory.",
        ),
        ro("snapshot_metadata", STRING, "", since="midnight-ride"),
        ro(
            "parent", Ref("VM"), "", since="midnight-ride",
            doc="The snapshot this VM was last derived from or reverted to.",
        ),
        ro("children", Set(Ref("VM")), since="midnight-ride"),
        ro(
            "bios_strings", Map(STRING, STRING), {}, since="midnight-ride",
            doc="What the virtual BIOS says of its maker.",
        ),
        static("protection_policy", Ref("VMPP"), NULL_REF, since="cowley, deprecated clearwater"),
        static("is_snapshot_from_vmpp", BOOL, False, since="cowley, deprecated clearwater, removed clearwater"),
        static("snapshot_schedule", Ref("VMSS"), NULL_REF, since="falcon"),
        static("is_vmss_snapshot", BOOL, False, since="falcon"),
        static("appliance", Ref("VM_appliance"), NULL_REF, doc="The appliance it belongs to."),
        static("start_delay", INT, 0, since="boston", doc="Seconds to wait after it before the next order starts."),
        static(
            "shutdown_delay", INT, 0, since="boston", doc="Seconds to wait after it before the next order shuts down.",
        ),
        static("order", INT, 0, since="boston", doc="Place in starting and, reversed, shutting down."),
        ro("VGPUs", Set(Ref("VGPU")), since="boston"),
        ro("attached_PCIs", Set(Ref("PCI")), since="boston"),
        rw("suspend_SR", Ref("SR"), NULL_REF, since="boston", doc="Where its memory is kept while suspended."),
        static("version", INT, 0, since="boston", doc="How often it was recovered from backup."),
        static(
            "generation_id", STRING, "0:0", since="clearwater", doc="Tells a Windows guest that it was rolled back.",
        ),
        rw(
            "hardware_platform_version", INT, 0, since="cream",
            doc="The version of virtual hardware it needs from a host.",
        ),
        static(
            "has_vendor_device", BOOL, True, tag="windows-vm", since="dundee, changed 24.14.0",
            doc="Offers Windows Update drivers a device to match.",
        ),
        ro("requires_reboot", BOOL, False, since="ely", doc="Some change awaits a reboot."),
        static("reference_label", STRING, "", since="ely"),
        static("domain_type", Enum("domain_type"), "unspecified", since="prototyped jura, kolkata"),
        static("NVRAM", Map(STRING, STRING), {}, since="naples"),
        ro("pending_guidances", Set(Enum("update_guidances")), [], since="1.303.0"),
        ro(
            "recommended_guidances", Set(Enum("update_guidances")), [], internal_only=True,
            since="prototyped 23.18.0, removed 23.24.0",
        ),
        ro("pending_guidances_recommended", Set(Enum("update_guidances")), [], since="prototyped 24.10.0"),
        ro("pending_guidances_full", Set(Enum("update_guidances")), [], since="prototyped 24.10.0"),
        ro("groups", Set(Ref("VM_group")), since="prototyped 24.19.1"),
        ro("secureboot_certificates_state", Enum("vm_secureboot_certificates_state"), "ok", since="prototyped 26.14.0"),
    ),
    messages=(
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
            since="rio, deprecated miami",
        ),
        call(
            "resume", p("vm", Ref("VM")), p("start_paused", BOOL), p("force", BOOL),
            errors=("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED", "VM_IS_TEMPLATE"), role=VM_OPERATOR,
            doc="Go on from saved memory, on the best host.",
        ),
        call(
            "set_is_default_template", p("vm", Ref("VM")), p("value", BOOL), role=POOL_ADMIN, flags=(HIDDEN,),
            since="falcon",
        ),
        call(
            "hard_reboot_internal", p("vm", Ref("VM")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando, deprecated midnight-ride",
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
        ),
        call(
            "set_VCPUs_number_live", p("self", Ref("VM")), p("nvcpu", INT),
            errors=("OPERATION_NOT_ALLOWED", "LICENCE_RESTRICTION"), since="rio, changed ely",
            doc="Plug or unplug processors while it runs.",
        ),
        call("add_to_VCPUs_params_live", p("self", Ref("VM")), p("key", STRING), p("value", STRING)),
        call("set_NVRAM", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True, since="naples"),
        call("add_to_NVRAM", p("self", Ref("VM")), p("key", STRING), p("value", STRING), sync=True, since="naples"),
        call("remove_from_NVRAM", p("self", Ref("VM")), p("key", STRING), sync=True, since="naples"),
        call(
            "set_ha_restart_priority", p("self", Ref("VM")), p("value", STRING), role=POOL_OPERATOR, sync=True,
            since="orlando",
        ),
        call(
            "set_ha_always_run", p("self", Ref("VM")), p("value", BOOL), role=POOL_OPERATOR, sync=True,
            since="orlando, deprecated boston",
        ),
        call(
            "compute_memory_overhead", p("vm", Ref("VM")), result=INT, role=READ_ONLY, tag="memory",
            since="midnight-ride",
        ),
        call(
            "set_memory_dynamic_max", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
            tag="memory", since="midnight-ride",
        ),
        call(
            "set_memory_dynamic_min", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
            tag="memory", since="midnight-ride",
        ),
        call(
            "set_memory_dynamic_range", p("self", Ref("VM")), p("min", INT), p("max", INT), role=VM_POWER_ADMIN,
            tag="memory", since="midnight-ride", doc="Change the range it is ballooned in.",
        ),
        call(
            "set_memory_static_max", p("self", Ref("VM")), p("value", INT),
            errors=("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN",), role=VM_POWER_ADMIN, sync=True, tag="memory",
            since="orlando",
        ),
        call(
            "set_memory_static_min", p("self", Ref("VM")), p("value", INT), role=VM_POWER_ADMIN, sync=True,
            tag="memory", since="midnight-ride",
        ),
        call(
            "set_memory_static_range", p("self", Ref("VM")), p("min", INT), p("max", INT), role=VM_POWER_ADMIN,
            tag="memory", since="midnight-ride",
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
            since="rio, deprecated midnight-ride",
        ),
        call(
            "wait_memory_target_live", p("self", Ref("VM")), role=READ_ONLY, tag="memory",
            since="orlando, deprecated midnight-ride", doc="Return when its memory has come close to the target.",
        ),
        call(
            "get_cooperative", p("self", Ref("VM")), result=BOOL, role=READ_ONLY, tag="memory",
            since="midnight-ride, deprecated tampa",
        ),
        call(
            "set_HVM_shadow_multiplier", p("self", Ref("VM")), p("value", FLOAT), role=VM_POWER_ADMIN, sync=True,
            since="midnight-ride",
        ),
        call("set_shadow_multiplier_live", p("self", Ref("VM")), p("multiplier", FLOAT), role=VM_POWER_ADMIN),
        call("set_VCPUs_max", p("self", Ref("VM")), p("value", INT), sync=True, since="midnight-ride"),
        call("set_VCPUs_at_startup", p("self", Ref("VM")), p("value", INT), sync=True, since="midnight-ride"),
        call("send_sysrq", p("vm", Ref("VM")), p("key", STRING), errors=("VM_BAD_POWER_STATE",), role=POOL_ADMIN),
        call("send_trigger", p("vm", Ref("VM")), p("trigger", STRING), errors=("VM_BAD_POWER_STATE",), role=POOL_ADMIN),
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
            flags=(HIDDEN,), since="inverness",
        ),
        call(
            "get_boot_record", p("self", Ref("VM")), result=Record("VM"), role=READ_ONLY, sync=True,
            since="rio, deprecated inverness",
        ),
        call(
            "get_data_sources", p("self", Ref("VM")), result=Set(Record("data_source")), role=READ_ONLY, sync=True,
            since="orlando",
        ),
        call(
            "record_data_source", p("self", Ref("VM")), p("data_source", STRING), sync=True, since="orlando",
            doc="Begin to keep one of its counters.",
        ),
        call(
            "query_data_source", p("self", Ref("VM")), p("data_source", STRING), result=FLOAT, role=READ_ONLY,
            sync=True, since="orlando", doc="The latest value of one of its counters.",
        ),
        call("forget_data_source_archives", p("self", Ref("VM")), p("data_source", STRING), sync=True, since="orlando"),
        call("assert_operation_valid", p("self", Ref("VM")), p("op", Enum("vm_operations")), role=READ_ONLY),
        call("update_allowed_operations", p("self", Ref("VM")), role=POOL_ADMIN),
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
        call("s3_suspend", p("vm", Ref("VM")), role=VM_OPERATOR, flags=(HIDDEN,), since="midnight-ride"),
        call("s3_resume", p("vm", Ref("VM")), role=VM_OPERATOR, flags=(HIDDEN,), since="midnight-ride"),
        call("assert_agile", p("self", Ref("VM")), role=READ_ONLY, since="orlando"),
        call(
            "update_snapshot_metadata", p("vm", Ref("VM")), p("snapshot_of", Ref("VM")), p("snapshot_time", DATETIME),
            p("transportable_snapshot_id", STRING), role=POOL_OPERATOR, flags=(HIDDEN,),
            since="george, deprecated midnight-ride",
        ),
        call(
            "retrieve_wlb_recommendations", p("vm", Ref("VM")), result=Map(Ref("host"), Set(STRING)), role=READ_ONLY,
            since="george",
        ),
        call(
            "set_bios_strings", p("self", Ref("VM")), p("value", Map(STRING, STRING)),
            errors=("VM_BIOS_STRINGS_ALREADY_SET", "INVALID_VALUE"), since="inverness",
        ),
        call("copy_bios_strings", p("vm", Ref("VM")), p("host", Ref("host")), since="midnight-ride"),
        call(
            "set_protection_policy", p("self", Ref("VM")), p("value", Ref("VMPP")), role=POOL_OPERATOR, sync=True,
            removed=True, since="cowley, deprecated clearwater, removed clearwater",
        ),
        call(
            "set_snapshot_schedule", p("self", Ref("VM")), p("value", Ref("VMSS")), role=POOL_OPERATOR, sync=True,
            since="falcon",
        ),
        call("set_start_delay", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston"),
        call("set_shutdown_delay", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston"),
        call("set_order", p("self", Ref("VM")), p("value", INT), role=POOL_OPERATOR, since="boston"),
        call("set_suspend_VDI", p("self", Ref("VM")), p("value", Ref("VDI")), role=POOL_OPERATOR, since="boston"),
        call(
            "assert_can_be_recovered", p("self", Ref("VM")), p("session_to", Ref("session")),
            errors=("VM_IS_PART_OF_AN_APPLIANCE", "VM_REQUIRES_SR"), role=READ_ONLY, since="boston",
        ),
        call(
            "get_SRs_required_for_recovery", p("self", Ref("VM")), p("session_to", Ref("session")),
            result=Set(Ref("SR")), role=READ_ONLY, since="creedence",
        ),
        call(
            "recover", p("self", Ref("VM")), p("session_to", Ref("session")), p("force", BOOL), role=READ_ONLY,
            since="boston",
        ),
        call(
            "import_convert", p("type", STRING), p("username", STRING), p("password", STRING), p("sr", Ref("SR")),
            p("remote_config", Map(STRING, STRING)), since="tampa",
        ),
        call(
            "set_appliance", p("self", Ref("VM")), p("value", Ref("VM_appliance")), role=POOL_OPERATOR, since="boston",
        ),
        call(
            "set_groups", p("self", Ref("VM")), p("value", Set(Ref("VM_group"))), errors=("OPERATION_NOT_ALLOWED",),
            since="prototyped 24.19.1",
        ),
        call("query_services", p("self", Ref("VM")), result=Map(STRING, STRING), role=POOL_ADMIN, since="tampa"),
        call(
            "call_plugin", p("vm", Ref("VM")), p("plugin", STRING), p("fn", STRING), p("args", Map(STRING, STRING)),
            result=STRING, role=VM_OPERATOR, since="cream", doc="Run a plugin on its host about it.",
        ),
        call(
            "call_host_plugin", p("vm", Ref("VM")), p("plugin", STRING), p("fn", STRING),
            p("args", Map(STRING, STRING)), result=STRING, role=VM_OPERATOR, since="prototyped 25.22.0",
        ),
        call("set_has_vendor_device", p("self", Ref("VM")), p("value", BOOL), tag="windows-vm", since="dundee"),
        call(
            "import", p("url", STRING), p("sr", Ref("SR")), p("full_restore", BOOL), p("force", BOOL),
            result=Set(Ref("VM")), role=POOL_OPERATOR, since="dundee", doc="Import an exported VM from a URL.",
        ),
        call("set_actions_after_crash", p("self", Ref("VM")), p("value", Enum("on_crash_behaviour"))),
        call("set_domain_type", p("self", Ref("VM")), p("value", Enum("domain_type")), sync=True, since="kolkata"),
        call(
            "set_HVM_boot_policy", p("self", Ref("VM")), p("value", STRING), sync=True, since="rio, deprecated kolkata",
        ),
        call(
            "set_NVRAM_EFI_variables", p("self", Ref("VM")), p("value", STRING),
            p("update", Enum("update_status"), "unspecified", since="26.12.0"), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="naples",
        ),
        call(
            "restart_device_models", p("self", Ref("VM")),
            errors=(
                "VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "VM_IS_TEMPLATE", "OPERATION_NOT_ALLOWED",
                "VM_BAD_POWER_STATE",
            ),
            role=VM_POWER_ADMIN, role_extra=(CLIENT_CERT,), since="prototyped 23.30.0",
        ),
        call(
            "set_uefi_mode", p("self", Ref("VM")), p("mode", Enum("vm_uefi_mode")), result=STRING, role=POOL_ADMIN,
            since="prototyped 24.17.0",
        ),
        call(
            "get_secureboot_readiness", p("self", Ref("VM")), result=Enum("vm_secureboot_readiness"), role=POOL_ADMIN,
            since="prototyped 24.17.0",
        ),
        call(
            "update_secureboot_certificates_on_boot", p("self", Ref("VM")), p("mark", BOOL), since="prototyped 26.14.0",
        ),
        call(
            "set_blocked_operations", p("self", Ref("VM")), p("value", Map(Enum("vm_operations"), STRING)),
            since="orlando",
        ),
        call(
            "add_to_blocked_operations", p("self", Ref("VM")), p("key", Enum("vm_operations")), p("value", STRING),
            since="orlando",
        ),
        call("remove_from_blocked_operations", p("self", Ref("VM")), p("key", Enum("vm_operations")), since="orlando"),
        call(
            "sysprep", p("self", Ref("VM")), p("unattend", STRING, secret=True), p("timeout", FLOAT),
            since="prototyped 25.24.0",
        ),
        call(
            "add_to_other_config", p("self", Ref("VM")), p("key", STRING), p("value", STRING),
            key_roles={
                "hvm_serial": POOL_ADMIN, "pci": POOL_ADMIN, "folder": VM_OPERATOR,
                "XenCenter.CustomFields.*": VM_OPERATOR,
            },
            sync=True,
        ),
        call(
            "remove_from_other_config", p("self", Ref("VM")), p("key", STRING),
            key_roles={
                "hvm_serial": POOL_ADMIN, "pci": POOL_ADMIN, "folder": VM_OPERATOR,
                "XenCenter.CustomFields.*": VM_OPERATOR,
            },
            sync=True,
        ),
        call("set_other_config", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True),
        call(
            "add_to_platform", p("self", Ref("VM")), p("key", STRING), p("value", STRING),
            key_roles={"hvm_serial": POOL_ADMIN}, sync=True,
        ),
        call(
            "remove_from_platform", p("self", Ref("VM")), p("key", STRING), key_roles={"hvm_serial": POOL_ADMIN},
            sync=True,
        ),
        call("set_platform", p("self", Ref("VM")), p("value", Map(STRING, STRING)), sync=True),
    ),
)

VM_metrics = define(
    "VM_metrics",
    since="rio",
    doc="What the toolstack measures of a VM from outside.",
    role=VM_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("memory__actual", INT, persist=False),
        ro("VCPUs__number", INT),
        ro("VCPUs__utilisation", Map(INT, FLOAT), {}, persist=False, since="rio, deprecated tampa, removed tampa"),
        ro("VCPUs__CPU", Map(INT, INT), persist=False),
        ro("VCPUs__params", Map(STRING, STRING), persist=False),
        ro("VCPUs__flags", Map(INT, Set(STRING)), persist=False),
        ro("state", Set(STRING), persist=False),
        ro("start_time", DATETIME),
        ro("install_time", DATETIME),
        ro("last_updated", DATETIME, persist=False),
        rw("other_config", Map(STRING, STRING), {}, persist=False, since="orlando"),
        ro("hvm", BOOL, False, persist=False, since="ely"),
        ro("nested_virt", BOOL, False, persist=False, since="ely"),
        ro("nomigrate", BOOL, False, persist=False, since="ely"),
        ro("current_domain_type", Enum("domain_type"), "unspecified", since="prototyped jura, kolkata"),
        static("numa_optimised", BOOL, False, since="prototyped 26.2.0"),
        static("numa_nodes", INT, 0, since="prototyped 26.2.0"),
        ro("numa_node_memory", Map(INT, INT), {}, since="prototyped 26.2.0"),
    ),
)

VM_guest_metrics = define(
    "VM_guest_metrics",
    since="rio",
    doc="What a VM's guest agent says about the inside.",
    role=VM_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("os_version", Map(STRING, STRING)),
        ro("netbios_name", Map(STRING, STRING), {}, since="prototyped 24.28.0"),
        ro("PV_drivers_version", Map(STRING, STRING)),
        ro("PV_drivers_up_to_date", BOOL, since="rio, deprecated dundee"),
        ro("memory", Map(STRING, STRING), {}, since="rio, deprecated george, removed george"),
        ro("disks", Map(STRING, STRING), {}, since="rio, deprecated orlando, removed orlando"),
        ro("networks", Map(STRING, STRING)),
        ro("other", Map(STRING, STRING)),
        ro("last_updated", DATETIME),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
        ro("live", BOOL, False, since="orlando"),
        ro("can_use_hotplug_vbd", Enum("tristate_type"), "unspecified", since="dundee"),
        ro("can_use_hotplug_vif", Enum("tristate_type"), "unspecified", since="dundee"),
        ro("PV_drivers_detected", BOOL, False, since="dundee"),
        ro("services", Map(STRING, STRING), {}, since="prototyped 25.15.0"),
    ),
)
