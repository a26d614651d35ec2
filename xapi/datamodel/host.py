"""Hosts and what is measured of them."""

from xapi.datamodel import host_messages
from xapi.datamodel.declare import call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import VM_OPERATOR

host = define(
    "host",
    since="rio",
    doc="A physical host of the pool.",
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        ro("memory__overhead", INT, 0, tag="memory", doc="Bytes the hypervisor itself takes."),
        ro("allowed_operations", Set(Enum("host_allowed_operations")), [], persist=False),
        ro("current_operations", Map(STRING, Enum("host_allowed_operations")), {}, persist=False),
        ro("API_version__major", INT, doc="Major part of the API version it speaks."),
        ro("API_version__minor", INT, doc="Minor part of the API version it speaks."),
        ro("API_version__vendor", STRING, doc="Who makes the implementation."),
        ro("API_version__vendor_implementation", Map(STRING, STRING), doc="Further facts about the implementation."),
        ro("enabled", BOOL, doc="New VMs may start on it."),
        static("software_version", Map(STRING, STRING), doc="Versions of what is installed."),
        rw(
            "other_config", Map(STRING, STRING),
            key_roles={"folder": VM_OPERATOR, "XenCenter.CustomFields.*": VM_OPERATOR},
        ),
        static("capabilities", Set(STRING), doc="Kinds of guests its hypervisor can run."),
        ro("cpu_configuration", Map(STRING, STRING), doc="Of the hypervisor's start."),
        ro("sched_policy", STRING, doc="The hypervisor's scheduler."),
        ro("supported_bootloaders", Set(STRING), doc="For PV guests."),
        ro("resident_VMs", Set(Ref("VM")), doc="VMs that run on it."),
        rw("logging", Map(STRING, STRING), doc="Where logs are sent."),
        ro("PIFs", Set(Ref("PIF")), tag="networking", doc="Its network interfaces."),
        rw("suspend_image_sr", Ref("SR"), doc="Where suspended memory goes if the VM names no place."),
        rw("crash_dump_sr", Ref("SR"), doc="Where crash dumps go."),
        ro("crashdumps", Set(Ref("host_crashdump")), doc="Dumps of the host's own crashes."),
        ro(
            "patches", Set(Ref("host_patch")), since="rio, deprecated ely",
            doc="Deprecated: patches it has; see `updates`.",
        ),
        ro("updates", Set(Ref("pool_update")), since="ely", doc="Updates it has."),
        ro("PBDs", Set(Ref("PBD")), doc="Its ways to repositories."),
        ro("host_CPUs", Set(Ref("host_cpu")), doc="Its processors."),
        ro("cpu_info", Map(STRING, STRING), {}, since="midnight-ride", doc="Its processors in summary."),
        rw("hostname", STRING, tag="networking", doc="Its own name."),
        rw("address", STRING, tag="networking", doc="Where the pool reaches it."),
        ro("metrics", Ref("host_metrics"), doc="What is measured of it."),
        ro("license_params", Map(STRING, STRING), doc="What its licence says: edition, expiry, restrictions."),
        ro("boot_free_mem", INT, internal_only=True, doc="Bytes that were free when the hypervisor had booted."),
        ro(
            "ha_statefiles", Set(STRING), [], since="orlando",
            doc="Disks that HA writes its state to on this host, by uuid.",
        ),
        ro(
            "ha_network_peers", Set(STRING), [], since="orlando",
            doc="Hosts that HA has seen over the network, by uuid.",
        ),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando"),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        ro(
            "external_auth_type", STRING, "", since="george",
            doc="Kind of external directory asked about logins, e.g. `AD`; empty for none.",
        ),
        ro(
            "external_auth_service_name", STRING, "", since="george",
            doc="Name of the external directory, e.g. the domain.",
        ),
        ro(
            "external_auth_configuration", Map(STRING, STRING), {}, since="george",
            doc="Settings of the external directory, without passwords.",
        ),
        ro("edition", STRING, "", since="midnight-ride", doc="Which edition it is licensed as."),
        rw(
            "license_server", Map(STRING, STRING), {"address": "localhost", "port": "27000"}, since="midnight-ride",
            doc="Address and port of its licence server; none is needed here.",
        ),
        ro("bios_strings", Map(STRING, STRING), {}, since="midnight-ride", doc="Vendor strings of its BIOS, by name."),
        ro(
            "power_on_mode", STRING, "", since="midnight-ride",
            doc="How it can be switched on from afar: empty (not at all), `wake-on-lan`, or a script's name.",
        ),
        ro(
            "power_on_config", Map(STRING, STRING), {}, since="midnight-ride",
            doc="What that way needs: address, user, and a secret's uuid for the password.",
        ),
        static("local_cache_sr", Ref("SR"), NULL_REF, since="cowley", doc="Repository used for caching."),
        ro("chipset_info", Map(STRING, STRING), {}, since="boston", doc="Facts about its chipset, e.g. `iommu`."),
        ro("PCIs", Set(Ref("PCI")), since="boston", doc="Its PCI devices."),
        ro("PGPUs", Set(Ref("PGPU")), since="boston", doc="Its graphics processors."),
        ro("PUSBs", Set(Ref("PUSB")), since="inverness", doc="USB devices plugged into it."),
        static(
            "ssl_legacy", BOOL, True, since="dundee, deprecated stockholm",
            doc="Deprecated: whether old ciphers are accepted; never.",
        ),
        rw(
            "guest_VCPUs_params", Map(STRING, STRING), {}, since="tampa",
            doc="Scheduler parameters for guests' vCPUs that the VM itself does not set.",
        ),
        rw("display", Enum("host_display"), "enabled", since="cream", doc="Whether its screen shows a console."),
        ro(
            "virtual_hardware_platform_versions", Set(INT), [0], since="cream",
            doc="Versions of virtual hardware that it can offer to VMs.",
        ),
        ro("control_domain", Ref("VM"), NULL_REF, since="ely", doc="The VM record of its own domain 0."),
        ro(
            "updates_requiring_reboot", Set(Ref("pool_update")), ignore_foreign_key=True, since="ely",
            doc="Updates that count only after it has rebooted.",
        ),
        ro("features", Set(Ref("Feature")), since="falcon", doc="Optional features it has."),
        static("iscsi_iqn", STRING, "", since="kolkata", doc="Its name towards iSCSI targets."),
        static(
            "multipathing", BOOL, False, since="kolkata",
            doc="Whether storage is reached over several paths where the driver can.",
        ),
        static(
            "uefi_certificates", STRING, "", since="quebec, deprecated 22.16.0",
            doc="Deprecated: UEFI variables for guests; see the pool's.",
        ),
        ro(
            "certificates", Set(Ref("Certificate")), since="stockholm",
            doc="Its server certificate and others that are its own.",
        ),
        ro("editions", Set(STRING), [], since="stockholm", doc="Editions it can be licensed for."),
        ro(
            "pending_guidances", Set(Enum("update_guidances")), [], since="1.303.0",
            doc="What must be restarted on it before updates count.",
        ),
        ro(
            "tls_verification_enabled", BOOL, False, since="1.313.0",
            doc="Whether it checks certificates of other hosts of the pool.",
        ),
        ro(
            "last_software_update", DATETIME, EPOCH, since="prototyped 22.20.0",
            doc="When software was last installed on it; the epoch if unknown.",
        ),
        ro("https_only", BOOL, False, since="prototyped 22.27.0", doc="Whether its port 80 is closed."),
        ro(
            "recommended_guidances", Set(Enum("update_guidances")), [], internal_only=True,
            since="prototyped 23.18.0, removed 23.24.0", doc="Removed: see `pending_guidances_recommended`.",
        ),
        ro(
            "latest_synced_updates_applied", Enum("latest_synced_updates_applied_state"), "unknown",
            since="prototyped 23.18.0", doc="Whether it has all updates of the last synchronisation.",
        ),
        ro(
            "numa_affinity_policy", Enum("host_numa_affinity_policy"), "default_policy", since="prototyped 24.0.0",
            doc="Whether guests' memory is kept on few NUMA nodes.",
        ),
        ro(
            "pending_guidances_recommended", Set(Enum("update_guidances")), [], since="prototyped 24.10.0",
            doc="What should be restarted for updates to count.",
        ),
        ro(
            "pending_guidances_full", Set(Enum("update_guidances")), [], since="prototyped 24.10.0",
            doc="What would have to be restarted for every update to count entirely.",
        ),
        ro(
            "last_update_hash", STRING, "", since="prototyped 24.10.0",
            doc="Checksum of the update metadata it was last updated to; empty if never.",
        ),
        ro("ssh_enabled", BOOL, True, since="prototyped 25.21.0", doc="Whether SSH is open."),
        ro(
            "ssh_enabled_timeout", INT, 0, since="prototyped 25.21.0",
            doc="Seconds for which SSH stays open once enabled; 0 for ever.",
        ),
        ro(
            "ssh_expiry", DATETIME, EPOCH, since="prototyped 25.21.0",
            doc="When SSH closes by itself; the epoch if it does not.",
        ),
        ro(
            "console_idle_timeout", INT, 0, since="prototyped 25.21.0",
            doc="Idle seconds after which its console logs out; 0 for never.",
        ),
        ro(
            "ssh_auto_mode", BOOL, False, since="prototyped 25.27.0",
            doc="Whether SSH opens by itself while the toolstack does not answer.",
        ),
        ro(
            "max_cstate", STRING, "", since="prototyped 26.0.0",
            doc="Deepest sleep state its processors may enter, `C` or `C,S` with sub-state; empty for no limit.",
        ),
        ro("secure_boot", BOOL, False, since="prototyped 25.31.0", doc="Whether it booted with Secure Boot."),
        ro("ntp_mode", Enum("host_ntp_mode"), "Factory", since="prototyped 26.0.0", doc="Where its clock is set from."),
        ro("ntp_custom_servers", Set(STRING), [], since="prototyped 26.0.0", doc="Time servers used in custom mode."),
        ro("timezone", STRING, "UTC", since="prototyped 26.0.0", doc="Its time zone, e.g. `Europe/Berlin`."),
    ),
    messages=host_messages.MESSAGES,
)

host_metrics = define(
    "host_metrics",
    since="rio",
    doc="What is measured of a host.",
    fields=(
        ro("uuid", STRING),
        ro("memory__total", INT, tag="memory", doc="Bytes of memory it has."),
        ro(
            "memory__free", INT, 0, tag="memory", since="rio, deprecated midnight-ride, removed tampa",
            doc="Deprecated: bytes free; read the archives (RRDs) or call `host.compute_free_memory`.",
        ),
        ro("live", BOOL, doc="Whether the pool believes that it is up. Set by heartbeats."),
        ro("last_updated", DATETIME, doc="When these values were last written."),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)

host_crashdump = define(
    "host_crashdump",
    since="rio",
    doc="A dump that a host's hypervisor or kernel left when it crashed.",
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), doc="Host that crashed."),
        ro("timestamp", DATETIME, doc="When it crashed."),
        ro("size", INT, doc="Size of the dump in bytes."),
        static("filename", STRING, internal_only=True, doc="Directory of the dump on the host."),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("destroy", p("self", Ref("host_crashdump")), doc="Delete the dump."),
        call(
            "upload", p("self", Ref("host_crashdump")), p("url", STRING), p("options", Map(STRING, STRING)),
            doc="Send the dump to a URL, as an archive.",
        ),
    ),
)
