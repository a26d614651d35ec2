"""Hosts and what is measured of them."""

from xapi.datamodel.declare import (
    CUSTOM_MARSHALLER,
    EMERGENCY,
    HIDDEN,
    POOL_INTERNAL,
    SLAVE_LOCAL,
    call,
    define,
    p,
    ro,
    rw,
    static,
)
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Record, Ref, Set
from xapi.datamodel.roles import CLIENT_CERT, LOCAL_ROOT, POOL_ADMIN, READ_ONLY, VM_OPERATOR, VM_POWER_ADMIN

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
        ro("API_version__vendor", STRING),
        ro("API_version__vendor_implementation", Map(STRING, STRING)),
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
        ro("crashdumps", Set(Ref("host_crashdump"))),
        ro("patches", Set(Ref("host_patch")), since="rio, deprecated ely"),
        ro("updates", Set(Ref("pool_update")), since="ely"),
        ro("PBDs", Set(Ref("PBD")), doc="Its ways to repositories."),
        ro("host_CPUs", Set(Ref("host_cpu"))),
        ro("cpu_info", Map(STRING, STRING), {}, since="midnight-ride", doc="Its processors in summary."),
        rw("hostname", STRING, tag="networking", doc="Its own name."),
        rw("address", STRING, tag="networking", doc="Where the pool reaches it."),
        ro("metrics", Ref("host_metrics"), doc="What is measured of it."),
        ro("license_params", Map(STRING, STRING)),
        ro("boot_free_mem", INT, internal_only=True),
        ro("ha_statefiles", Set(STRING), [], since="orlando"),
        ro("ha_network_peers", Set(STRING), [], since="orlando"),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando"),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        ro("external_auth_type", STRING, "", since="george"),
        ro("external_auth_service_name", STRING, "", since="george"),
        ro("external_auth_configuration", Map(STRING, STRING), {}, since="george"),
        ro("edition", STRING, "", since="midnight-ride", doc="Which edition it is licensed as."),
        rw("license_server", Map(STRING, STRING), {"address": "localhost", "port": "27000"}, since="midnight-ride"),
        ro("bios_strings", Map(STRING, STRING), {}, since="midnight-ride"),
        ro("power_on_mode", STRING, "", since="midnight-ride"),
        ro("power_on_config", Map(STRING, STRING), {}, since="midnight-ride"),
        static("local_cache_sr", Ref("SR"), NULL_REF, since="cowley", doc="Repository used for caching."),
        ro("chipset_info", Map(STRING, STRING), {}, since="boston"),
        ro("PCIs", Set(Ref("PCI")), since="boston"),
        ro("PGPUs", Set(Ref("PGPU")), since="boston"),
        ro("PUSBs", Set(Ref("PUSB")), since="inverness"),
        static("ssl_legacy", BOOL, True, since="dundee, deprecated stockholm"),
        rw("guest_VCPUs_params", Map(STRING, STRING), {}, since="tampa"),
        rw("display", Enum("host_display"), "enabled", since="cream", doc="Whether its screen shows a console."),
        ro("virtual_hardware_platform_versions", Set(INT), [0], since="cream"),
        ro("control_domain", Ref("VM"), NULL_REF, since="ely"),
        ro("updates_requiring_reboot", Set(Ref("pool_update")), ignore_foreign_key=True, since="ely"),
        ro("features", Set(Ref("Feature")), since="falcon"),
        static("iscsi_iqn", STRING, "", since="kolkata"),
        static("multipathing", BOOL, False, since="kolkata"),
        static("uefi_certificates", STRING, "", since="quebec, deprecated 22.16.0"),
        ro("certificates", Set(Ref("Certificate")), since="stockholm"),
        ro("editions", Set(STRING), [], since="stockholm"),
        ro("pending_guidances", Set(Enum("update_guidances")), [], since="1.303.0"),
        ro("tls_verification_enabled", BOOL, False, since="1.313.0"),
        ro("last_software_update", DATETIME, EPOCH, since="prototyped 22.20.0"),
        ro("https_only", BOOL, False, since="prototyped 22.27.0"),
        ro(
            "recommended_guidances", Set(Enum("update_guidances")), [], internal_only=True,
            since="prototyped 23.18.0, removed 23.24.0",
        ),
        ro(
            "latest_synced_updates_applied", Enum("latest_synced_updates_applied_state"), "unknown",
            since="prototyped 23.18.0",
        ),
        ro("numa_affinity_policy", Enum("host_numa_affinity_policy"), "default_policy", since="prototyped 24.0.0"),
        ro("pending_guidances_recommended", Set(Enum("update_guidances")), [], since="prototyped 24.10.0"),
        ro("pending_guidances_full", Set(Enum("update_guidances")), [], since="prototyped 24.10.0"),
        ro("last_update_hash", STRING, "", since="prototyped 24.10.0"),
        ro("ssh_enabled", BOOL, True, since="prototyped 25.21.0"),
        ro("ssh_enabled_timeout", INT, 0, since="prototyped 25.21.0"),
        ro("ssh_expiry", DATETIME, EPOCH, since="prototyped 25.21.0"),
        ro("console_idle_timeout", INT, 0, since="prototyped 25.21.0"),
        ro("ssh_auto_mode", BOOL, False, since="prototyped 25.27.0"),
        ro("max_cstate", STRING, "", since="prototyped 26.0.0"),
        ro("secure_boot", BOOL, False, since="prototyped 25.31.0"),
        ro("ntp_mode", Enum("host_ntp_mode"), "Factory", since="prototyped 26.0.0"),
        ro("ntp_custom_servers", Set(STRING), [], since="prototyped 26.0.0"),
        ro("timezone", STRING, "UTC", since="prototyped 26.0.0"),
    ),
    messages=(
        call(
            "disable", p("host", Ref("host")), p("auto_enable", BOOL, True, since="25.31.0"), role_extra=(CLIENT_CERT,),
            since="rio, changed 25.31.0", doc="Start no more VMs on it.",
        ),
        call("enable", p("host", Ref("host")), role_extra=(CLIENT_CERT,), doc="Let VMs start on it again."),
        call("shutdown", p("host", Ref("host")), doc="Power off. It must be disabled and empty."),
        call("reboot", p("host", Ref("host")), doc="Reboot. It must be disabled and empty."),
        call("prepare_for_poweroff", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN,), since="kolkata"),
        call("dmesg", p("host", Ref("host")), result=STRING, doc="The hypervisor's messages."),
        call("dmesg_clear", p("host", Ref("host")), result=STRING),
        call("get_log", p("host", Ref("host")), result=STRING, role=READ_ONLY),
        call("send_debug_keys", p("host", Ref("host")), p("keys", STRING), role=POOL_ADMIN),
        call("bugreport_upload", p("host", Ref("host")), p("url", STRING), p("options", Map(STRING, STRING))),
        call("list_methods", result=Set(STRING), role=READ_ONLY, sync=True, doc="Names of all messages."),
        call(
            "license_apply", p("host", Ref("host")), p("contents", STRING), errors=("LICENSE_PROCESSING_ERROR",),
            removed=True, since="rio, deprecated clearwater, removed clearwater",
        ),
        call(
            "license_add", p("host", Ref("host")), p("contents", STRING), errors=("LICENSE_PROCESSING_ERROR",),
            since="indigo",
        ),
        call("license_remove", p("host", Ref("host")), since="indigo"),
        call(
            "create", p("uuid", STRING), p("name_label", STRING), p("name_description", STRING), p("hostname", STRING),
            p("address", STRING), p("external_auth_type", STRING, "", since="george"),
            p("external_auth_service_name", STRING, "", since="george"),
            p("external_auth_configuration", Map(STRING, STRING), {}, since="george"),
            p("license_params", Map(STRING, STRING), {}, since="midnight-ride"),
            p("edition", STRING, "", since="midnight-ride"),
            p("license_server", Map(STRING, STRING), {"address": "localhost", "port": "27000"}, since="midnight-ride"),
            p("local_cache_sr", Ref("SR"), NULL_REF, since="cowley"),
            p("chipset_info", Map(STRING, STRING), {}, since="boston"), p("ssl_legacy", BOOL, True, since="dundee"),
            p("last_software_update", DATETIME, EPOCH, since="dundee"),
            p("last_update_hash", STRING, "", since="24.40.0"), p("ssh_enabled", BOOL, True, since="25.21.0"),
            p("ssh_enabled_timeout", INT, 0, since="25.21.0"), p("ssh_expiry", DATETIME, EPOCH, since="25.21.0"),
            p("console_idle_timeout", INT, 0, since="25.21.0"), p("ssh_auto_mode", BOOL, False, since="25.27.0"),
            p("secure_boot", BOOL, False, since="25.32.0"),
            p("software_version", Map(STRING, STRING), {}, since="25.33.0"),
            p("https_only", BOOL, False, since="25.39.0"), p("max_cstate", STRING, "", since="26.0.0"),
            p("ntp_mode", Enum("host_ntp_mode"), "Factory", since="26.0.0"),
            p("ntp_custom_servers", Set(STRING), [], since="26.0.0"), p("timezone", STRING, "UTC", since="26.0.0"),
            p("numa_affinity_policy", Enum("host_numa_affinity_policy"), "default_policy", since="26.0.0"),
            p("latest_synced_updates_applied", Enum("latest_synced_updates_applied_state"), "unknown", since="26.0.0"),
            p("pending_guidances_full", Set(Enum("update_guidances")), [], since="26.0.0"),
            p("pending_guidances_recommended", Set(Enum("update_guidances")), [], since="26.0.0"), result=Ref("host"),
            flags=(HIDDEN,), since="rio, changed 24.40.0, changed 25.21.0, changed 25.38.0-next",
        ),
        call("destroy", p("self", Ref("host")), doc="Forget a host that is dead for good."),
        call("power_on", p("host", Ref("host")), since="orlando", doc="Switch it on from afar."),
        call(
            "set_license_params", p("self", Ref("host")), p("value", Map(STRING, STRING)), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        ),
        call(
            "emergency_ha_disable", p("soft", BOOL, False, since="ely"), sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="orlando",
        ),
        call(
            "ha_disarm_fencing", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando",
        ),
        call(
            "preconfigure_ha", p("host", Ref("host")), p("statefiles", Set(Ref("VDI"))), p("metadata_vdi", Ref("VDI")),
            p("generation", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="miami",
        ),
        call(
            "ha_join_liveset", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        ),
        call(
            "ha_disable_failover_decisions", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando",
        ),
        call(
            "ha_wait_for_shutdown_via_statefile", p("host", Ref("host")), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        ),
        call("ha_stop_daemon", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="orlando"),
        call(
            "ha_release_resources", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando",
        ),
        call(
            "ha_xapi_healthcheck", result=BOOL, role=POOL_ADMIN, sync=True, flags=(HIDDEN, EMERGENCY, SLAVE_LOCAL),
            since="orlando",
        ),
        call(
            "local_assert_healthy",
            errors=(
                "HOST_STILL_BOOTING", "HOST_HAS_NO_MANAGEMENT_IP", "HOST_MASTER_CANNOT_TALK_BACK",
                "HOST_UNKNOWN_TO_MASTER", "HOST_BROKEN", "LICENCE_RESTRICTION", "LICENSE_DOES_NOT_SUPPORT_POOLING",
                "HA_SHOULD_BE_FENCED", "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR",
            ),
            role=LOCAL_ROOT, sync=True, flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        ),
        call(
            "request_backup", p("host", Ref("host")), p("generation", INT), p("force", BOOL), role=LOCAL_ROOT,
            sync=True, flags=(HIDDEN, POOL_INTERNAL),
        ),
        call(
            "request_config_file_sync", p("host", Ref("host")), p("hash", STRING), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN, POOL_INTERNAL),
        ),
        call(
            "propose_new_master", p("address", STRING), p("manual", BOOL), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        ),
        call(
            "commit_new_master", p("address", STRING), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        ),
        call(
            "abort_new_master", p("address", STRING), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        ),
        call(
            "get_data_sources", p("host", Ref("host")), result=Set(Record("data_source")), role=READ_ONLY, sync=True,
            since="orlando",
        ),
        call("record_data_source", p("host", Ref("host")), p("data_source", STRING), sync=True, since="orlando"),
        call(
            "query_data_source", p("host", Ref("host")), p("data_source", STRING), result=FLOAT, role=READ_ONLY,
            sync=True, since="orlando",
        ),
        call(
            "forget_data_source_archives", p("host", Ref("host")), p("data_source", STRING), sync=True, since="orlando",
        ),
        call("assert_can_evacuate", p("host", Ref("host")), since="miami", doc="Fail as evacuate would."),
        call(
            "get_vms_which_prevent_evacuation", p("self", Ref("host")), result=Map(Ref("VM"), Set(STRING)),
            role=READ_ONLY, since="orlando",
        ),
        call(
            "get_uncooperative_resident_VMs", p("self", Ref("host")), result=Set(Ref("VM")), role=READ_ONLY,
            since="midnight-ride, deprecated tampa",
        ),
        call(
            "get_uncooperative_domains", p("self", Ref("host")), result=Set(STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride, deprecated tampa",
        ),
        call(
            "evacuate", p("host", Ref("host")), p("network", Ref("network"), NULL_REF, since="1.297.0"),
            p("evacuate_batch_size", INT, 0, since="23.27.0"), role_extra=(CLIENT_CERT,),
            since="miami, extended 1.297.0, extended 23.27.0", doc="Move all its VMs elsewhere.",
        ),
        call(
            "signal_networking_change", role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), tag="networking", since="miami",
        ),
        call(
            "notify", p("ty", STRING), p("params", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="miami",
        ),
        call("syslog_reconfigure", p("host", Ref("host")), since="miami", doc="Read the logging settings again."),
        call(
            "management_reconfigure", p("pif", Ref("PIF")), tag="networking", since="miami",
            doc="Use another interface for management.",
        ),
        call(
            "local_management_reconfigure", p("interface", STRING), sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="miami",
        ),
        call("management_disable", sync=True, flags=(EMERGENCY, SLAVE_LOCAL), tag="networking", since="miami"),
        call("get_management_interface", p("host", Ref("host")), result=Ref("PIF"), tag="networking", since="tampa"),
        call(
            "get_system_status_capabilities", p("host", Ref("host")), result=STRING, role=READ_ONLY, sync=True,
            flags=(EMERGENCY, SLAVE_LOCAL), since="miami",
        ),
        call(
            "get_diagnostic_timing_stats", p("host", Ref("host")), p("counts", BOOL, False, since="25.33.0"),
            result=Map(STRING, STRING), role=READ_ONLY, sync=True, flags=(HIDDEN,), since="miami",
        ),
        call("restart_agent", p("host", Ref("host")), doc="Restart the toolstack, not the VMs."),
        call("shutdown_agent", sync=True, flags=(EMERGENCY, SLAVE_LOCAL), since="orlando"),
        call(
            "set_hostname_live", p("host", Ref("host")), p("hostname", STRING), errors=("HOST_NAME_INVALID",),
            sync=True, since="miami",
        ),
        call(
            "is_in_emergency_mode", result=BOOL, role=READ_ONLY, sync=True, flags=(HIDDEN, EMERGENCY, SLAVE_LOCAL),
            since="miami",
        ),
        call(
            "compute_free_memory", p("host", Ref("host")), result=INT, role=READ_ONLY, tag="memory", since="orlando",
            doc="Bytes free for guests.",
        ),
        call(
            "compute_memory_overhead", p("host", Ref("host")), result=INT, role=READ_ONLY, tag="memory",
            since="midnight-ride",
        ),
        call(
            "tickle_heartbeat", p("host", Ref("host")), p("stuff", Map(STRING, STRING)), result=Map(STRING, STRING),
            role=LOCAL_ROOT, sync=True, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        ),
        call("sync_data", p("host", Ref("host")), role=POOL_ADMIN, sync=True, since="orlando"),
        call(
            "backup_rrds", p("host", Ref("host")), p("delay", FLOAT), role=POOL_ADMIN, sync=True, since="orlando",
            doc="Write performance archives to disk.",
        ),
        call(
            "create_new_blob", p("host", Ref("host")), p("name", STRING), p("mime_type", STRING),
            p("public", BOOL, False, since="tampa"), result=Ref("blob"), since="orlando",
        ),
        call(
            "call_plugin", p("host", Ref("host")), p("plugin", STRING), p("fn", STRING), p("args", Map(STRING, STRING)),
            result=STRING, role=POOL_ADMIN, since="orlando", doc="Run a plugin's function on it.",
        ),
        call("has_extension", p("host", Ref("host")), p("name", STRING), result=BOOL, role=POOL_ADMIN, since="ely"),
        call(
            "call_extension", p("host", Ref("host")), p("call", STRING), result=STRING, role=POOL_ADMIN, sync=True,
            flags=(CUSTOM_MARSHALLER,), since="ely",
        ),
        call(
            "get_servertime", p("host", Ref("host")), result=DATETIME, role=READ_ONLY, sync=True, since="orlando",
            doc="Its clock in UTC.",
        ),
        call(
            "get_server_localtime", p("host", Ref("host")), result=DATETIME, role=READ_ONLY, sync=True, since="cowley",
        ),
        call(
            "enable_binary_storage", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando",
        ),
        call(
            "disable_binary_storage", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="orlando",
        ),
        call(
            "enable_external_auth", p("host", Ref("host")), p("config", Map(STRING, STRING)), p("service_name", STRING),
            p("auth_type", STRING), role=POOL_ADMIN, sync=True, since="george",
        ),
        call(
            "disable_external_auth", p("host", Ref("host")), p("config", Map(STRING, STRING), {}),
            p("force", BOOL, False, since="26.2.0-next"), role=POOL_ADMIN, sync=True, since="george",
        ),
        call(
            "external_auth_set_ldaps", p("host", Ref("host")), p("ldaps", BOOL), p("force", BOOL, False),
            role=POOL_ADMIN, sync=True, since="26.16.0",
        ),
        call(
            "retrieve_wlb_evacuate_recommendations", p("self", Ref("host")), result=Map(Ref("VM"), Set(STRING)),
            role=READ_ONLY, since="george",
        ),
        call(
            "install_ca_certificate", p("host", Ref("host")), p("name", STRING), p("cert", STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="1.290.0",
        ),
        call(
            "uninstall_ca_certificate", p("host", Ref("host")), p("name", STRING),
            p("force", BOOL, False, since="24.35.0"), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="1.290.0, changed 24.35.0",
        ),
        call(
            "certificate_list", p("host", Ref("host")), result=Set(STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="george, deprecated 1.290.0",
        ),
        call(
            "crl_install", p("host", Ref("host")), p("name", STRING), p("crl", STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="george",
        ),
        call(
            "crl_uninstall", p("host", Ref("host")), p("name", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="george",
        ),
        call(
            "crl_list", p("host", Ref("host")), result=Set(STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="george",
        ),
        call(
            "certificate_sync", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="george",
        ),
        call(
            "get_server_certificate", p("host", Ref("host")), result=STRING, role=READ_ONLY,
            since="george, changed inverness",
        ),
        call("refresh_server_certificate", p("host", Ref("host")), role=POOL_ADMIN, since="1.307.0"),
        call(
            "install_server_certificate", p("host", Ref("host")), p("certificate", STRING), p("private_key", STRING),
            p("certificate_chain", STRING, ""), role=POOL_ADMIN, since="stockholm",
        ),
        call(
            "emergency_reset_server_certificate", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="stockholm",
        ),
        call("reset_server_certificate", p("host", Ref("host")), role=POOL_ADMIN, since="1.290.0"),
        call(
            "update_pool_secret", p("host", Ref("host")), p("pool_secret", STRING, secret=True), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        ),
        call(
            "update_master", p("host", Ref("host")), p("master_address", STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        ),
        call(
            "attach_static_vdis", p("host", Ref("host")), p("vdi_reason_map", Map(Ref("VDI"), STRING)), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        ),
        call(
            "detach_static_vdis", p("host", Ref("host")), p("vdis", Set(Ref("VDI"))), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        ),
        call(
            "set_localdb_key", p("host", Ref("host")), p("key", STRING), p("value", STRING), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        ),
        call(
            "apply_edition", p("host", Ref("host")), p("edition", STRING), p("force", BOOL, False, since="clearwater"),
            sync=True, since="midnight-ride",
        ),
        call("refresh_pack_info", p("host", Ref("host")), since="midnight-ride, deprecated ely"),
        call(
            "set_power_on_mode", p("self", Ref("host")), p("power_on_mode", STRING),
            p("power_on_config", Map(STRING, STRING)), since="cowley, changed stockholm, changed 24.19.0",
        ),
        call(
            "set_cpu_features", p("host", Ref("host")), p("features", STRING), sync=True, removed=True,
            since="midnight-ride, deprecated dundee, removed dundee",
        ),
        call(
            "reset_cpu_features", p("host", Ref("host")), sync=True, removed=True,
            since="midnight-ride, deprecated dundee, removed dundee",
        ),
        call("reset_networking", p("host", Ref("host")), flags=(HIDDEN,), since="boston"),
        call("enable_local_storage_caching", p("host", Ref("host")), p("sr", Ref("SR")), sync=True, since="cowley"),
        call("disable_local_storage_caching", p("host", Ref("host")), sync=True, since="cowley"),
        call("get_sm_diagnostics", p("host", Ref("host")), result=STRING, sync=True, flags=(HIDDEN,), since="boston"),
        call(
            "get_thread_diagnostics", p("host", Ref("host")), result=STRING, sync=True, flags=(HIDDEN,), since="boston",
        ),
        call(
            "sm_dp_destroy", p("host", Ref("host")), p("dp", STRING), p("allow_leak", BOOL), sync=True, flags=(HIDDEN,),
            since="boston",
        ),
        call("sync_vlans", p("host", Ref("host")), sync=True, flags=(HIDDEN, POOL_INTERNAL), since="boston"),
        call("sync_tunnels", p("host", Ref("host")), sync=True, flags=(HIDDEN, POOL_INTERNAL), since="boston"),
        call(
            "sync_pif_currently_attached", p("host", Ref("host")), p("bridges", Set(STRING)), sync=True,
            flags=(HIDDEN, POOL_INTERNAL), since="boston",
        ),
        call(
            "migrate_receive", p("host", Ref("host")), p("network", Ref("network")), p("options", Map(STRING, STRING)),
            result=Map(STRING, STRING), role=VM_POWER_ADMIN, since="tampa",
        ),
        call("declare_dead", p("host", Ref("host")), since="clearwater"),
        call("enable_display", p("host", Ref("host")), result=Enum("host_display"), since="cream"),
        call("disable_display", p("host", Ref("host")), result=Enum("host_display"), since="cream"),
        call("set_ssl_legacy", p("self", Ref("host")), p("value", BOOL), since="dundee, changed stockholm"),
        call("apply_guest_agent_config", p("host", Ref("host")), role=POOL_ADMIN, flags=(HIDDEN,), since="dundee"),
        call("mxgpu_vf_setup", p("host", Ref("host")), role=VM_OPERATOR, flags=(HIDDEN, POOL_INTERNAL), since="falcon"),
        call(
            "nvidia_vf_setup", p("host", Ref("host")), p("pf", Ref("PCI")), p("enable", BOOL), role=VM_OPERATOR,
            flags=(HIDDEN, POOL_INTERNAL), since="quebec",
        ),
        call(
            "allocate_resources_for_vm", p("self", Ref("host")), p("vm", Ref("VM")), p("live", BOOL), role=VM_OPERATOR,
            flags=(HIDDEN,), since="inverness",
        ),
        call("set_iscsi_iqn", p("host", Ref("host")), p("value", STRING), since="kolkata"),
        call("set_multipathing", p("host", Ref("host")), p("value", BOOL), since="kolkata"),
        call(
            "write_uefi_certificates_to_disk", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
            since="22.16.0",
        ),
        call(
            "set_uefi_certificates", p("host", Ref("host")), p("value", STRING), role=LOCAL_ROOT,
            since="quebec, deprecated 22.16.0",
        ),
        call(
            "notify_accept_new_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
            p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        ),
        call(
            "notify_send_new_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
            p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        ),
        call(
            "cleanup_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
            p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        ),
        call(
            "set_sched_gran", p("self", Ref("host")), p("value", Enum("host_sched_gran")), role=LOCAL_ROOT,
            since="1.271.0",
        ),
        call(
            "get_sched_gran", p("self", Ref("host")), result=Enum("host_sched_gran"), role=LOCAL_ROOT, since="1.271.0",
        ),
        call(
            "set_numa_affinity_policy", p("self", Ref("host")), p("value", Enum("host_numa_affinity_policy")),
            role=POOL_ADMIN, since="prototyped 24.0.0",
        ),
        call(
            "emergency_disable_tls_verification", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="1.290.0",
        ),
        call(
            "emergency_reenable_tls_verification", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="1.298.0",
        ),
        call(
            "cert_distrib_atom", p("host", Ref("host")), p("command", STRING), result=STRING, role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="1.295.0",
        ),
        call(
            "apply_updates", p("self", Ref("host")), p("hash", STRING), result=Set(Set(STRING)),
            role_extra=(CLIENT_CERT,), since="1.301.0",
        ),
        call("rescan_drivers", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.2.0"),
        call(
            "copy_primary_host_certs", p("host", Ref("host")), role=POOL_ADMIN, flags=(HIDDEN, POOL_INTERNAL),
            since="1.307.0",
        ),
        call("set_https_only", p("self", Ref("host")), p("value", BOOL), since="prototyped 22.27.0"),
        call(
            "apply_recommended_guidances", p("self", Ref("host")), removed=True,
            since="prototyped 23.18.0, removed 23.25.0",
        ),
        call(
            "emergency_clear_mandatory_guidance", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
            since="prototyped 24.10.0",
        ),
        call("enable_ssh", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.13.0"),
        call("disable_ssh", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.13.0"),
        call(
            "set_ssh_enabled_timeout", p("self", Ref("host")), p("value", INT), role=POOL_ADMIN,
            since="prototyped 25.21.0",
        ),
        call(
            "set_console_idle_timeout", p("self", Ref("host")), p("value", INT), role=POOL_ADMIN,
            since="prototyped 25.21.0",
        ),
        call(
            "set_ssh_auto_mode", p("self", Ref("host")), p("value", BOOL), role=POOL_ADMIN, since="prototyped 25.27.0",
        ),
        call(
            "get_tracked_user_agents", p("self", Ref("host")), result=Map(STRING, STRING), role=READ_ONLY,
            since="prototyped 25.34.0",
        ),
        call(
            "update_firewalld_service_status", sync=True, flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL),
            since="prototyped 25.34.0",
        ),
        call("set_max_cstate", p("self", Ref("host")), p("value", STRING), since="prototyped 26.0.0"),
        call("set_ntp_mode", p("self", Ref("host")), p("value", Enum("host_ntp_mode")), since="prototyped 26.0.0"),
        call("set_ntp_custom_servers", p("self", Ref("host")), p("value", Set(STRING)), since="prototyped 26.0.0"),
        call(
            "get_ntp_servers_status", p("self", Ref("host")), result=Map(STRING, STRING), role=READ_ONLY,
            since="prototyped 26.0.0",
        ),
        call("set_timezone", p("self", Ref("host")), p("value", STRING), since="prototyped 26.0.0"),
        call("list_timezones", p("self", Ref("host")), result=Set(STRING), role=READ_ONLY, since="prototyped 26.0.0"),
        call("get_ntp_synchronized", p("self", Ref("host")), result=BOOL, role=READ_ONLY, since="prototyped 26.0.0"),
        call("set_servertime", p("self", Ref("host")), p("value", DATETIME), since="prototyped 26.0.0"),
    ),
)

host_metrics = define(
    "host_metrics",
    since="rio",
    doc="What is measured of a host.",
    fields=(
        ro("uuid", STRING),
        ro("memory__total", INT, tag="memory"),
        ro("memory__free", INT, 0, tag="memory", since="rio, deprecated midnight-ride, removed tampa"),
        ro("live", BOOL),
        ro("last_updated", DATETIME),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)

host_crashdump = define(
    "host_crashdump",
    since="rio",
    doc="A dump that a host's hypervisor or kernel left when it crashed.",
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host")),
        ro("timestamp", DATETIME),
        ro("size", INT),
        static("filename", STRING, internal_only=True),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("destroy", p("self", Ref("host_crashdump"))),
        call("upload", p("self", Ref("host_crashdump")), p("url", STRING), p("options", Map(STRING, STRING))),
    ),
)
