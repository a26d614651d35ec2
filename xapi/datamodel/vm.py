"""Virtual machines and what is measured of them."""

from xapi.datamodel import vm_messages
from xapi.datamodel.declare import define, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import (
    POOL_ADMIN,
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
        static(
            "memory__target", INT, 0, tag="memory", since="rio, deprecated midnight-ride",
            doc="Deprecated: bytes that ballooning aims at.",
        ),
        static("memory__static_max", INT, tag="memory", doc="Bytes the guest sees at boot; fixed while it runs."),
        static("memory__dynamic_max", INT, tag="memory", doc="Upper end, in bytes, of the range it is ballooned in."),
        static("memory__dynamic_min", INT, tag="memory", doc="Lower end, in bytes, of the range it is ballooned in."),
        static("memory__static_min", INT, tag="memory", doc="Bytes below which its memory must never be set."),
        rw("VCPUs__params", Map(STRING, STRING), doc="Scheduling: weight, cap, mask."),
        static("VCPUs__max", INT, doc="Processors that can be plugged at most."),
        static("VCPUs__at_startup", INT, doc="Processors at boot."),
        rw(
            "actions__after_softreboot", Enum("on_softreboot_behavior"), "soft_reboot", since="prototyped 23.1.0",
            doc="What happens when the guest reboots itself without leaving its domain (kexec).",
        ),
        rw("actions__after_shutdown", Enum("on_normal_exit"), doc="What follows when the guest shuts itself down."),
        rw("actions__after_reboot", Enum("on_normal_exit"), doc="What follows when the guest reboots itself."),
        static("actions__after_crash", Enum("on_crash_behaviour"), doc="What follows when the guest crashes."),
        ro("consoles", Set(Ref("console")), doc="Ways to see and operate the VM while it runs."),
        ro("VIFs", Set(Ref("VIF")), tag="networking", doc="Its network interfaces."),
        ro("VBDs", Set(Ref("VBD")), doc="Its disks and drives."),
        ro("VUSBs", Set(Ref("VUSB")), doc="USB devices passed through to it."),
        ro("crash_dumps", Set(Ref("crashdump")), doc="Dumps of earlier crashes. No longer made."),
        ro("VTPMs", Set(Ref("VTPM")), doc="Its virtual trusted platform module, if any."),
        rw(
            "PV__bootloader", STRING,
            doc="Paravirtualised only: program in dom0 that finds the kernel, e.g. pygrub; empty if the kernel is "
            "named directly.",
        ),
        rw("PV__kernel", STRING, doc="Paravirtualised only: kernel image in dom0."),
        rw("PV__ramdisk", STRING, doc="Paravirtualised only: initial ramdisk in dom0."),
        rw("PV__args", STRING, doc="Paravirtualised only: the kernel's command line."),
        rw("PV__bootloader_args", STRING, doc="Paravirtualised only: arguments for the bootloader."),
        rw("PV__legacy_args", STRING, doc="Paravirtualised only: arguments of very old kernels."),
        static(
            "HVM__boot_policy", STRING, since="rio, deprecated kolkata",
            doc="Empty for PV guests; \"BIOS order\" for HVM guests.",
        ),
        rw("HVM__boot_params", Map(STRING, STRING), doc="firmware, boot order and the like."),
        static(
            "HVM__shadow_multiplier", FLOAT, 1.0, since="miami",
            doc="By how much more memory than usual is set aside for shadow page tables; at least 1.0.",
        ),
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
        static(
            "ha_always_run", BOOL, False, since="orlando, deprecated boston",
            doc="Deprecated: whether HA is to keep it running; follows `ha_restart_priority`.",
        ),
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
        ro(
            "snapshot_metadata", STRING, "", since="midnight-ride",
            doc="Of a snapshot or suspended VM: its record as it was, encoded, for reverting.",
        ),
        ro(
            "parent", Ref("VM"), "", since="midnight-ride",
            doc="The snapshot this VM was last derived from or reverted to.",
        ),
        ro(
            "children", Set(Ref("VM")), since="midnight-ride",
            doc="VMs and snapshots that were made from this one or reverted to it.",
        ),
        ro(
            "bios_strings", Map(STRING, STRING), {}, since="midnight-ride",
            doc="What the virtual BIOS says of its maker.",
        ),
        static(
            "protection_policy", Ref("VMPP"), NULL_REF, since="cowley, deprecated clearwater",
            doc="Left from protection policies; always null.",
        ),
        static(
            "is_snapshot_from_vmpp", BOOL, False, since="cowley, deprecated clearwater, removed clearwater",
            doc="Removed: whether a protection policy made it.",
        ),
        static(
            "snapshot_schedule", Ref("VMSS"), NULL_REF, since="falcon",
            doc="Schedule that snapshots it; null for none.",
        ),
        static("is_vmss_snapshot", BOOL, False, since="falcon", doc="Whether a schedule made this snapshot."),
        static("appliance", Ref("VM_appliance"), NULL_REF, doc="The appliance it belongs to."),
        static("start_delay", INT, 0, since="boston", doc="Seconds to wait after it before the next order starts."),
        static(
            "shutdown_delay", INT, 0, since="boston", doc="Seconds to wait after it before the next order shuts down.",
        ),
        static("order", INT, 0, since="boston", doc="Place in starting and, reversed, shutting down."),
        ro("VGPUs", Set(Ref("VGPU")), since="boston", doc="Its graphics processors."),
        ro("attached_PCIs", Set(Ref("PCI")), since="boston", doc="PCI devices that are passed through to it now."),
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
        static(
            "reference_label", STRING, "", since="ely",
            doc="Name of the template it was made from, the same in every language.",
        ),
        static(
            "domain_type", Enum("domain_type"), "unspecified", since="prototyped jura, kolkata",
            doc="Kind of domain it runs as; decides about firmware, devices and how it boots.",
        ),
        static(
            "NVRAM", Map(STRING, STRING), {}, since="naples",
            doc="Non-volatile memory: UEFI variables under `EFI-variables` (base64).",
        ),
        ro(
            "pending_guidances", Set(Enum("update_guidances")), [], since="1.303.0",
            doc="What must be restarted before updates count for this VM.",
        ),
        ro(
            "recommended_guidances", Set(Enum("update_guidances")), [], internal_only=True,
            since="prototyped 23.18.0, removed 23.24.0", doc="Removed: see `pending_guidances_recommended`.",
        ),
        ro(
            "pending_guidances_recommended", Set(Enum("update_guidances")), [], since="prototyped 24.10.0",
            doc="What should be restarted for updates to count.",
        ),
        ro(
            "pending_guidances_full", Set(Enum("update_guidances")), [], since="prototyped 24.10.0",
            doc="What would have to be restarted for every update to count entirely.",
        ),
        ro("groups", Set(Ref("VM_group")), since="prototyped 24.19.1", doc="Groups it belongs to, at most one."),
        ro(
            "secureboot_certificates_state", Enum("vm_secureboot_certificates_state"), "ok",
            since="prototyped 26.14.0", doc="Whether its Secure Boot certificates are those of the pool.",
        ),
    ),
    messages=vm_messages.MESSAGES,
)

VM_metrics = define(
    "VM_metrics",
    since="rio",
    doc="What the toolstack measures of a VM from outside.",
    role=VM_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("memory__actual", INT, persist=False, doc="Bytes of memory the guest has now."),
        ro("VCPUs__number", INT, doc="Number of virtual processors it has now."),
        ro(
            "VCPUs__utilisation", Map(INT, FLOAT), {}, persist=False, since="rio, deprecated tampa, removed tampa",
            doc="Was the load of each vCPU; read the archives (RRDs) instead.",
        ),
        ro("VCPUs__CPU", Map(INT, INT), persist=False, doc="Physical processor that each vCPU last ran on."),
        ro(
            "VCPUs__params", Map(STRING, STRING), persist=False,
            doc="The scheduler's parameters in force: weight, cap, mask.",
        ),
        ro(
            "VCPUs__flags", Map(INT, Set(STRING)), persist=False,
            doc="Scheduler's flags of each vCPU (online, blocked, running).",
        ),
        ro(
            "state", Set(STRING), persist=False,
            doc="The hypervisor's flags of the domain (running, blocked, paused …).",
        ),
        ro("start_time", DATETIME, doc="When the guest last booted; the epoch if never."),
        ro("install_time", DATETIME, doc="When the VM was installed; the epoch if unknown."),
        ro("last_updated", DATETIME, persist=False, doc="When these values were last written."),
        rw("other_config", Map(STRING, STRING), {}, persist=False, since="orlando"),
        ro("hvm", BOOL, False, persist=False, since="ely", doc="Whether the running domain is hardware-virtualised."),
        ro(
            "nested_virt", BOOL, False, persist=False, since="ely",
            doc="Whether the running guest may run a hypervisor itself.",
        ),
        ro(
            "nomigrate", BOOL, False, persist=False, since="ely",
            doc="Whether the running guest uses something that cannot move to another host.",
        ),
        ro(
            "current_domain_type", Enum("domain_type"), "unspecified", since="prototyped jura, kolkata",
            doc="Kind of the running domain; unspecified while halted.",
        ),
        static(
            "numa_optimised", BOOL, False, since="prototyped 26.2.0",
            doc="Whether memory was placed on as few NUMA nodes as possible at boot.",
        ),
        static(
            "numa_nodes", INT, 0, since="prototyped 26.2.0", doc="Number of NUMA nodes that hold the guest's memory.",
        ),
        ro(
            "numa_node_memory", Map(INT, INT), {}, since="prototyped 26.2.0",
            doc="Bytes of the guest's memory on each NUMA node, by node number.",
        ),
    ),
)

VM_guest_metrics = define(
    "VM_guest_metrics",
    since="rio",
    doc="What a VM's guest agent says about the inside.",
    role=VM_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro(
            "os_version", Map(STRING, STRING),
            doc="What the guest says of its system: name, uname, distro, major, minor …",
        ),
        ro(
            "netbios_name", Map(STRING, STRING), {}, since="prototyped 24.28.0",
            doc="What the guest says of its Windows name.",
        ),
        ro(
            "PV_drivers_version", Map(STRING, STRING),
            doc="Version of the guest's Xen drivers: major, minor, micro, build; empty if unknown.",
        ),
        ro(
            "PV_drivers_up_to_date", BOOL, since="rio, deprecated dundee",
            doc="Deprecated: true as soon as drivers are seen.",
        ),
        ro(
            "memory", Map(STRING, STRING), {}, since="rio, deprecated george, removed george",
            doc="Was memory use seen from inside; read the archives (RRDs) instead.",
        ),
        ro(
            "disks", Map(STRING, STRING), {}, since="rio, deprecated orlando, removed orlando",
            doc="Was disk use seen from inside; read the archives (RRDs) instead.",
        ),
        ro("networks", Map(STRING, STRING), doc="Addresses by interface and kind: `0/ip`, `0/ipv4/0`, `0/ipv6/0`."),
        ro("other", Map(STRING, STRING), doc="Whatever else the agent reports, features included."),
        ro("last_updated", DATETIME, doc="When the guest last reported something. Changes often: do not wait on it."),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
        ro(
            "live", BOOL, False, since="orlando",
            doc="Whether the agent has reported since the guest booted or resumed.",
        ),
        ro(
            "can_use_hotplug_vbd", Enum("tristate_type"), "unspecified", since="dundee",
            doc="Whether the running guest copes with disks plugged in; unspecified if it has not said.",
        ),
        ro(
            "can_use_hotplug_vif", Enum("tristate_type"), "unspecified", since="dundee",
            doc="Whether the running guest copes with interfaces plugged in; unspecified if it has not said.",
        ),
        ro(
            "PV_drivers_detected", BOOL, False, since="dundee",
            doc="Whether a Xen driver has connected to a device at least once.",
        ),
        ro(
            "services", Map(STRING, STRING), {}, since="prototyped 25.15.0",
            doc="Versions and states that services in the guest report, by service.",
        ),
    ),
)
