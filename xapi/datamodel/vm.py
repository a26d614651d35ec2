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
            doc="Whether it runs, as last seen. Changes by itself when the guest stops or crashes.",
        ),
        rw("user_version", INT, doc="A number for the owner's use."),
        rw(
            "is_a_template", BOOL, has_effect=True,
            doc="Whether it is a template: not to be started but to be cloned. Snapshots are templates too.",
        ),
        ro(
            "is_default_template", BOOL, False, since="falcon",
            doc="Whether it came with the installation; such cannot be deleted.",
        ),
        static(
            "suspend_VDI", Ref("VDI"), NULL_REF, since="rio, changed 1.257.0",
            doc="Disk that holds its memory while suspended; null otherwise.",
        ),
        ro("resident_on", Ref("host"), doc="Host that it runs on; null unless it runs or is paused."),
        ro(
            "scheduled_to_be_resident_on", Ref("host"), NULL_REF,
            doc="Host that it is about to be on, while it starts or comes; null otherwise.",
        ),
        rw(
            "affinity", Ref("host"), role=VM_POWER_ADMIN,
            doc="Host that it is started on if there is room; null for any.",
        ),
        ro("memory__overhead", INT, 0, tag="memory", doc="Bytes that it costs its host beside its own memory."),
        static(
            "memory__target", INT, 0, tag="memory", since="rio, deprecated midnight-ride",
            doc="Deprecated: bytes that ballooning aims at.",
        ),
        static(
            "memory__static_max", INT, tag="memory",
            doc="Bytes that the guest is told at boot it can ever have. Changed only while halted.",
        ),
        static("memory__dynamic_max", INT, tag="memory", doc="Bytes that it has when memory is plentiful."),
        static("memory__dynamic_min", INT, tag="memory", doc="Bytes that it is squeezed to when memory is short."),
        static(
            "memory__static_min", INT, tag="memory",
            doc="Bytes below which its memory must never be set. static_min <= dynamic_min <= dynamic_max <= "
            "static_max.",
        ),
        rw(
            "VCPUs__params", Map(STRING, STRING),
            doc="The scheduler's parameters: `weight`, `cap` (percent of one processor, 0 for none), `mask` "
            "(processors it may use).",
        ),
        static("VCPUs__max", INT, doc="Most vCPUs it can have while it runs."),
        static("VCPUs__at_startup", INT, doc="vCPUs it boots with."),
        rw(
            "actions__after_softreboot", Enum("on_softreboot_behavior"), "soft_reboot", since="prototyped 23.1.0",
            doc="What happens when the guest reboots itself without leaving its domain (kexec).",
        ),
        rw("actions__after_shutdown", Enum("on_normal_exit"), doc="What happens when the guest shuts itself down."),
        rw("actions__after_reboot", Enum("on_normal_exit"), doc="What happens when the guest reboots itself."),
        static("actions__after_crash", Enum("on_crash_behaviour"), doc="What happens when the guest crashes."),
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
            doc="Deprecated by `domain_type`: empty for paravirtualised guests, `BIOS order` for others.",
        ),
        rw(
            "HVM__boot_params", Map(STRING, STRING),
            doc="`order` of boot devices (c disk, d CD, n network) and `firmware` (bios or uefi).",
        ),
        static(
            "HVM__shadow_multiplier", FLOAT, 1.0, since="miami",
            doc="By how much more memory than usual is set aside for shadow page tables; at least 1.0.",
        ),
        static(
            "platform", Map(STRING, STRING), key_roles={"hvm_serial": POOL_ADMIN},
            doc="Virtual hardware: `vga`, `videoram`, `nx`, `viridian`, `cores-per-socket`, `secureboot`, `device- "
            "model` and the like.",
        ),
        rw(
            "PCI_bus", STRING, since="rio, deprecated boston",
            doc="PCI devices passed through, in the old way; use `other_config:pci` or VGPUs.",
        ),
        static(
            "other_config", Map(STRING, STRING),
            key_roles={
                "pci": POOL_ADMIN, "hvm_serial": POOL_ADMIN, "folder": VM_OPERATOR,
                "XenCenter.CustomFields.*": VM_OPERATOR,
            },
            doc="Anything clients want to keep here.",
        ),
        ro("domid", INT, doc="The hypervisor's number of its domain; -1 if there is none. Differs after every boot."),
        ro("domarch", STRING, doc="Kind of domain that runs, e.g. `hvm`; empty if none does."),
        static(
            "last_boot_CPU_flags", Map(STRING, STRING), {},
            doc="Processor features it booted with; where it can move depends on them.",
        ),
        ro("is_control_domain", BOOL, doc="Whether it is a host's own domain 0."),
        ro("metrics", Ref("VM_metrics"), doc="What is measured of it from outside; null if nothing was yet."),
        ro(
            "guest_metrics", Ref("VM_guest_metrics"),
            doc="What its agent reports from inside; null if nothing was yet.",
        ),
        static(
            "last_booted_record", STRING, "", since="miami, changed 1.257.0",
            doc="Its record as it was at the last boot.",
        ),
        rw("recommendations", STRING, doc="XML with limits within which clients suggest values."),
        rw(
            "xenstore_data", Map(STRING, STRING), {}, has_effect=True, since="miami",
            doc="Keys and values written below `vm-data` in xenstore when it starts.",
        ),
        static(
            "ha_always_run", BOOL, False, since="orlando, deprecated boston",
            doc="Deprecated: whether HA is to keep it running; follows `ha_restart_priority`.",
        ),
        static(
            "ha_restart_priority", STRING, "", since="orlando",
            doc="Whether HA restarts it: `restart`, `best-effort`, or empty for no.",
        ),
        ro("is_a_snapshot", BOOL, False, since="orlando", doc="Whether it is a snapshot."),
        ro(
            "snapshot_of", Ref("VM"), "", since="orlando",
            doc="VM that it is a snapshot of; null if none, or if that is gone.",
        ),
        ro("snapshots", Set(Ref("VM")), since="orlando", doc="Its snapshots."),
        ro(
            "snapshot_time", DATETIME, EPOCH, since="orlando",
            doc="When the snapshot was made; the epoch for other VMs.",
        ),
        ro("transportable_snapshot_id", STRING, "", since="orlando", doc="Left from snapshots made by storage arrays."),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando", doc="Binary data kept with it, by name."),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando", doc="Words for finding it."),
        static(
            "blocked_operations", Map(Enum("vm_operations"), STRING), {}, since="orlando",
            doc="Operations that are refused, each with the error code it is refused with.",
        ),
        ro(
            "snapshot_info", Map(STRING, STRING), {}, since="midnight-ride",
            doc="Of a snapshot: `power-state-at-snapshot`, `disk-snapshot-type`.",
        ),
        ro(
            "snapshot_metadata", STRING, "", since="midnight-ride",
            doc="Of a snapshot or suspended VM: its record as it was, encoded, for reverting.",
        ),
        ro(
            "parent", Ref("VM"), "", since="midnight-ride",
            doc="Snapshot that it was last reverted to, or the last one made of it; null if none.",
        ),
        ro(
            "children", Set(Ref("VM")), since="midnight-ride",
            doc="VMs and snapshots that were made from this one or reverted to it.",
        ),
        ro(
            "bios_strings", Map(STRING, STRING), {}, since="midnight-ride",
            doc="Vendor strings that its BIOS shows; empty until set, the host's generic ones then.",
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
        static("appliance", Ref("VM_appliance"), NULL_REF, doc="Appliance it belongs to; null for none."),
        static("start_delay", INT, 0, since="boston", doc="Seconds that an appliance or HA waits after starting it."),
        static("shutdown_delay", INT, 0, since="boston", doc="Seconds that an appliance waits after shutting it down."),
        static(
            "order", INT, 0, since="boston",
            doc="Place in starting, lowest first, and in shutting down, highest first.",
        ),
        ro("VGPUs", Set(Ref("VGPU")), since="boston", doc="Its graphics processors."),
        ro("attached_PCIs", Set(Ref("PCI")), since="boston", doc="PCI devices that are passed through to it now."),
        rw(
            "suspend_SR", Ref("SR"), NULL_REF, since="boston",
            doc="SR for its memory while suspended; null for the pool's or host's choice.",
        ),
        static("version", INT, 0, since="boston", doc="How often it was recovered from a disaster."),
        static(
            "generation_id", STRING, "0:0", since="clearwater",
            doc="Identifier that tells a Windows guest when it was rolled back or copied.",
        ),
        rw(
            "hardware_platform_version", INT, 0, since="cream",
            doc="Version of virtual hardware that its host must offer.",
        ),
        static(
            "has_vendor_device", BOOL, True, tag="windows-vm", since="dundee, changed 24.14.0",
            doc="Whether it shows a PCI device by which Windows Update offers drivers.",
        ),
        ro("requires_reboot", BOOL, False, since="ely", doc="Whether a change waits for the guest's next boot."),
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
