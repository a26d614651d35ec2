"""The pool as a whole: its coordinator, high availability, shared settings and trust."""

from xapi.datamodel import pool_messages
from xapi.datamodel.declare import define, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import CLIENT_CERT, VM_OPERATOR

pool = define(
    "pool",
    since="rio",
    doc="The pool: there is exactly one, also where a host stands alone.",
    by_name=False,
    fields=(
        ro("uuid", STRING),
        rw("name_label", STRING),
        rw("name_description", STRING),
        ro("master", Ref("host"), doc="The coordinator."),
        rw("default_SR", Ref("SR"), doc="Where new disks go if nothing is said."),
        rw("suspend_image_SR", Ref("SR"), doc="Where suspended memory goes."),
        rw("crash_dump_SR", Ref("SR"), doc="Where crash dumps go."),
        rw(
            "other_config", Map(STRING, STRING),
            key_roles={"folder": VM_OPERATOR, "XenCenter.CustomFields.*": VM_OPERATOR, "EMPTY_FOLDERS": VM_OPERATOR},
        ),
        ro("ha_enabled", BOOL, False, since="orlando", doc="High availability watches over the pool."),
        ro("ha_configuration", Map(STRING, STRING), {}, since="orlando", doc="High availability's settings."),
        ro("ha_statefiles", Set(STRING), [], since="orlando", doc="Disk images through which hosts see each other."),
        ro(
            "ha_host_failures_to_tolerate", INT, 0, since="orlando",
            doc="Hosts that may fail with all protected VMs still restarted.",
        ),
        ro("ha_plan_exists_for", INT, 0, since="orlando", doc="Host failures there is a restart plan for now."),
        rw("ha_allow_overcommit", BOOL, False, since="orlando", doc="Allow changes that leave no plan."),
        ro("ha_overcommitted", BOOL, False, since="orlando", doc="There is no plan for as many failures as asked."),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando"),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        rw(
            "gui_config", Map(STRING, STRING), {}, role=VM_OPERATOR, since="orlando",
            doc="Settings that graphical clients keep in the pool.",
        ),
        rw(
            "health_check_config", Map(STRING, STRING), {}, since="dundee",
            doc="Settings of the health-check service that clients keep in the pool.",
        ),
        ro("wlb_url", STRING, "", since="george", doc="Address of the workload balancing service."),
        ro("wlb_username", STRING, "", since="george", doc="Account at the workload-balancing server."),
        ro(
            "wlb_password", Ref("secret"), internal_only=True, since="george",
            doc="Secret that holds the password for the workload-balancing server.",
        ),
        rw(
            "wlb_enabled", BOOL, False, role_extra=(CLIENT_CERT,), since="george",
            doc="Whether advice of the workload-balancing server is used.",
        ),
        rw(
            "wlb_verify_cert", BOOL, False, since="george, deprecated 1.290.0",
            doc="Whether the certificate of the workload-balancing server is checked.",
        ),
        ro(
            "redo_log_enabled", BOOL, False, since="midnight-ride",
            doc="Whether database changes are also written to a log on shared storage as they happen.",
        ),
        ro(
            "redo_log_vdi", Ref("VDI"), NULL_REF, since="midnight-ride",
            doc="The disk that holds the redo log; null if there is none.",
        ),
        ro(
            "vswitch_controller", STRING, "", since="midnight-ride, deprecated falcon",
            doc="Address of a controller for Open vSwitch. Replaced by class SDN_controller.",
        ),
        ro(
            "restrictions", Map(STRING, STRING), {}, since="midnight-ride",
            doc="Features that the licence or edition switches off, by feature flag; everything is permitted here.",
        ),
        ro(
            "metadata_VDIs", Set(Ref("VDI")), since="boston",
            doc="Disks on shared storage that hold copies of this pool's database, for disaster recovery.",
        ),
        ro(
            "ha_cluster_stack", STRING, "", since="dundee",
            doc="Name of the cluster software that high availability runs on; empty while it is off.",
        ),
        ro("allowed_operations", Set(Enum("pool_allowed_operations")), [], persist=False),
        ro("current_operations", Map(STRING, Enum("pool_allowed_operations")), {}, persist=False),
        ro(
            "guest_agent_config", Map(STRING, STRING), {}, since="dundee",
            doc="Settings that are passed to the agents inside guests through xenstore.",
        ),
        ro(
            "cpu_info", Map(STRING, STRING), {}, since="dundee",
            doc="The processors in summary: vendor, counts, and the features that all hosts share (the level guests "
            "are given).",
        ),
        rw(
            "policy_no_vendor_device", BOOL, False, since="dundee, deprecated 24.14.0",
            doc="Whether new VMs by default do without the PCI device that makes Windows Update offer drivers.",
        ),
        rw(
            "live_patching_disabled", BOOL, False, since="ely",
            doc="Whether updates are applied without patching the running hypervisor and kernel.",
        ),
        ro(
            "igmp_snooping_enabled", BOOL, False, since="inverness",
            doc="Whether bridges forward multicast only to the ports that asked for it.",
        ),
        static(
            "uefi_certificates", STRING, "", since="quebec, changed 22.16.0",
            doc="UEFI variables (tar, base64) that guests' firmware gets on first boot: the ones now in force.",
        ),
        static(
            "custom_uefi_certificates", STRING, "", since="prototyped 24.0.0",
            doc="UEFI variables (tar, base64) that the administrator put in place of the default ones; empty for "
            "the default.",
        ),
        rw(
            "is_psr_pending", BOOL, False, since="stockholm_psr",
            doc="Whether a rotation of the pool's secret was begun on some hosts and has not ended.",
        ),
        ro(
            "tls_verification_enabled", BOOL, False, since="1.290.0",
            doc="Whether hosts of the pool check each other's certificates.",
        ),
        ro(
            "repositories", Set(Ref("Repository")), [], ignore_foreign_key=True, since="1.301.0",
            doc="The repositories that updates come from.",
        ),
        ro(
            "client_certificate_auth_enabled", BOOL, False, since="1.318.0",
            doc="Whether a client may log in with a TLS certificate.",
        ),
        ro(
            "client_certificate_auth_name", STRING, "", since="1.318.0",
            doc="The name (common or alternative) that a client's certificate must carry.",
        ),
        ro(
            "repository_proxy_url", STRING, "", since="21.3.0",
            doc="HTTP proxy through which updates are downloaded; empty for none.",
        ),
        ro(
            "repository_proxy_username", STRING, "", since="21.3.0",
            doc="Account at the proxy; empty if it asks for none.",
        ),
        ro(
            "repository_proxy_password", Ref("secret"), NULL_REF, since="21.3.0, changed 23.9.0",
            doc="Secret that holds the proxy's password; null if it asks for none.",
        ),
        rw(
            "migration_compression", BOOL, False, since="prototyped 22.33.0",
            doc="Whether guests' memory is compressed on its way between hosts unless the call says otherwise.",
        ),
        rw(
            "coordinator_bias", BOOL, True, since="prototyped 22.37.0, rio",
            doc="Whether VMs are placed on the coordinator only when other hosts will not do.",
        ),
        static(
            "local_auth_max_threads", INT, 8, since="prototyped 23.27.0",
            doc="Most logins of local accounts that are checked at the same time.",
        ),
        static(
            "ext_auth_max_threads", INT, 1, since="prototyped 23.27.0",
            doc="Most logins that the external directory is asked about at the same time.",
        ),
        ro(
            "ext_auth_cache_enabled", BOOL, True, since="prototyped 24.31.0",
            doc="Whether successful external logins are remembered for a while.",
        ),
        ro("ext_auth_cache_size", INT, 50, since="prototyped 24.31.0", doc="Most external logins that are remembered."),
        ro(
            "ext_auth_cache_expiry", INT, 300, since="prototyped 24.31.0",
            doc="Seconds after which a remembered external login is checked again.",
        ),
        ro(
            "telemetry_uuid", Ref("secret"), NULL_REF, since="prototyped 23.9.0",
            doc="Secret that holds the identifier under which the pool would send telemetry.",
        ),
        ro(
            "telemetry_frequency", Enum("telemetry_frequency"), "weekly", since="prototyped 23.9.0",
            doc="How often telemetry would be collected.",
        ),
        ro(
            "telemetry_next_collection", DATETIME, EPOCH, since="prototyped 23.9.0",
            doc="When telemetry would be collected next.",
        ),
        ro(
            "last_update_sync", DATETIME, EPOCH, since="prototyped 23.18.0",
            doc="When the pool last fetched the metadata of its update repositories; the epoch if never.",
        ),
        ro(
            "update_sync_frequency", Enum("update_sync_frequency"), "weekly", since="prototyped 23.18.0",
            doc="How often the metadata of update repositories is fetched by itself.",
        ),
        ro(
            "update_sync_day", INT, 0, since="prototyped 23.18.0",
            doc="Day of the week (0 is Sunday) of a weekly fetch; 0 for a daily one.",
        ),
        ro(
            "update_sync_enabled", BOOL, False, since="prototyped 23.18.0",
            doc="Whether the metadata of update repositories is fetched by itself.",
        ),
        ro(
            "recommendations", Map(STRING, STRING), {}, since="prototyped 24.19.1",
            doc="Recommended settings of the pool, e.g. from its vendor.",
        ),
        rw(
            "license_server", Map(STRING, STRING), {}, since="prototyped 25.6.0",
            doc="Address and port of the licence server for hosts without their own; none is needed here.",
        ),
        rw(
            "ha_reboot_vm_on_internal_shutdown", BOOL, True, since="prototyped 25.16.0",
            doc="Whether a protected VM that shuts itself down is started again.",
        ),
        rw(
            "limit_console_sessions", BOOL, False, since="prototyped 26.1.0",
            doc="Whether a VM's console serves only one client at a time.",
        ),
        rw(
            "vm_console_idle_timeout", INT, 0, since="prototyped 26.1.0",
            doc="Seconds after which an unused connection to a VM's console is closed; 0 for never.",
        ),
        rw(
            "auto_update_vm_secureboot_certificates", BOOL, False, since="prototyped 26.16.1",
            doc="Whether VMs' Secure Boot certificates are brought up to date when they boot.",
        ),
    ),
    messages=pool_messages.MESSAGES,
)
