"""What can be asked of a host: the messages of its class."""

from xapi.datamodel.declare import (
    CUSTOM_MARSHALLER,
    EMERGENCY,
    HIDDEN,
    POOL_INTERNAL,
    SLAVE_LOCAL,
    CallDraft,
    call,
    p,
)
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Record, Ref, Set
from xapi.datamodel.roles import CLIENT_CERT, LOCAL_ROOT, POOL_ADMIN, READ_ONLY, VM_OPERATOR, VM_POWER_ADMIN

MESSAGES: tuple[CallDraft, ...] = (
    call(
        "disable", p("host", Ref("host")), p("auto_enable", BOOL, True, since="25.31.0"), role_extra=(CLIENT_CERT,),
        since="rio, changed 25.31.0", doc="Start no more VMs on it.",
    ),
    call("enable", p("host", Ref("host")), role_extra=(CLIENT_CERT,), doc="Let VMs start on it again."),
    call("shutdown", p("host", Ref("host")), doc="Power off. It must be disabled and empty."),
    call("reboot", p("host", Ref("host")), doc="Reboot. It must be disabled and empty."),
    call(
        "prepare_for_poweroff", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN,), since="kolkata",
        doc="Run what must happen before the host goes down. For the pool's own use.",
    ),
    call("dmesg", p("host", Ref("host")), result=STRING, doc="The hypervisor's messages."),
    call(
        "dmesg_clear", p("host", Ref("host")), result=STRING,
        doc="Return the hypervisor's messages and forget them.",
    ),
    call(
        "get_log", p("host", Ref("host")), result=STRING, role=READ_ONLY,
        doc="Deprecated: return the toolstack's log. Fetch `/system-status` instead.",
    ),
    call(
        "send_debug_keys", p("host", Ref("host")), p("keys", STRING), role=POOL_ADMIN,
        doc="Send debug keys to the hypervisor; the answers are in `dmesg`.",
    ),
    call(
        "bugreport_upload", p("host", Ref("host")), p("url", STRING), p("options", Map(STRING, STRING)),
        doc="Collect a status report and upload it to a URL.",
    ),
    call("list_methods", result=Set(STRING), role=READ_ONLY, sync=True, doc="Names of all messages."),
    call(
        "license_apply", p("host", Ref("host")), p("contents", STRING), errors=("LICENSE_PROCESSING_ERROR",),
        removed=True, since="rio, deprecated clearwater, removed clearwater", doc="Removed: use `license_add`.",
    ),
    call(
        "license_add", p("host", Ref("host")), p("contents", STRING), errors=("LICENSE_PROCESSING_ERROR",),
        since="indigo", doc="Install a licence file. None is needed: answers LICENSE_FILE_DEPRECATED.",
    ),
    call(
        "license_remove", p("host", Ref("host")), since="indigo",
        doc="Remove the licence; the host returns to the free edition.",
    ),
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
        doc="Add a host's record. For the pool's own use, while a host joins.",
    ),
    call("destroy", p("self", Ref("host")), doc="Forget a host that is dead for good."),
    call("power_on", p("host", Ref("host")), since="orlando", doc="Switch it on from afar."),
    call(
        "set_license_params", p("self", Ref("host")), p("value", Map(STRING, STRING)), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="orlando", doc="Note what the licence says. For the pool's own use.",
    ),
    call(
        "emergency_ha_disable", p("soft", BOOL, False, since="ely"), sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="orlando",
        doc="Stop HA on this host alone, when the pool cannot be reached. It may run what others run: data is "
        "at risk.",
    ),
    call(
        "ha_disarm_fencing", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando", doc="Keep HA from fencing this host. For the pool's own use.",
    ),
    call(
        "preconfigure_ha", p("host", Ref("host")), p("statefiles", Set(Ref("VDI"))), p("metadata_vdi", Ref("VDI")),
        p("generation", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="miami",
        doc="Prepare the host for HA: its state file and heartbeat. For the pool's own use.",
    ),
    call(
        "ha_join_liveset", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        doc="Start the HA daemon and wait until the host is in the live set. For the pool's own use.",
    ),
    call(
        "ha_disable_failover_decisions", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando", doc="Have this host make no failover decisions until it restarts. For the pool's own use.",
    ),
    call(
        "ha_wait_for_shutdown_via_statefile", p("host", Ref("host")), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        doc="Wait until the state file says that HA is off, then stop the daemon. For the pool's own use.",
    ),
    call(
        "ha_stop_daemon", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        doc="Stop the HA daemon. For the pool's own use.",
    ),
    call(
        "ha_release_resources", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando", doc="Detach HA's disks. For the pool's own use.",
    ),
    call(
        "ha_xapi_healthcheck", result=BOOL, role=POOL_ADMIN, sync=True, flags=(HIDDEN, EMERGENCY, SLAVE_LOCAL),
        since="orlando", doc="Whether the toolstack works, as the HA daemon asks. Local only.",
    ),
    call(
        "local_assert_healthy",
        errors=(
            "HOST_STILL_BOOTING", "HOST_HAS_NO_MANAGEMENT_IP", "HOST_MASTER_CANNOT_TALK_BACK",
            "HOST_UNKNOWN_TO_MASTER", "HOST_BROKEN", "LICENCE_RESTRICTION", "LICENSE_DOES_NOT_SUPPORT_POOLING",
            "HA_SHOULD_BE_FENCED", "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR",
        ),
        role=LOCAL_ROOT, sync=True, flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        doc="Fail with the reason if this host is in emergency mode or still starting. Local only.",
    ),
    call(
        "request_backup", p("host", Ref("host")), p("generation", INT), p("force", BOOL), role=LOCAL_ROOT,
        sync=True, flags=(HIDDEN, POOL_INTERNAL),
        doc="Send the database to a host if its copy is older than this generation. For the pool's own use.",
    ),
    call(
        "request_config_file_sync", p("host", Ref("host")), p("hash", STRING), role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN, POOL_INTERNAL),
        doc="Have a host fetch configuration files if their checksum differs. For the pool's own use.",
    ),
    call(
        "propose_new_master", p("address", STRING), p("manual", BOOL), role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        doc="First phase of changing the coordinator: a host promises. For the pool's own use.",
    ),
    call(
        "commit_new_master", p("address", STRING), role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        doc="Second phase of changing the coordinator: it counts. For the pool's own use.",
    ),
    call(
        "abort_new_master", p("address", STRING), role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), since="miami",
        doc="Take back `propose_new_master`. For the pool's own use.",
    ),
    call(
        "get_data_sources", p("host", Ref("host")), result=Set(Record("data_source")), role=READ_ONLY, sync=True,
        since="orlando", doc="Return the metrics that are or could be recorded of the host.",
    ),
    call(
        "record_data_source", p("host", Ref("host")), p("data_source", STRING), sync=True, since="orlando",
        doc="Start recording a metric.",
    ),
    call(
        "query_data_source", p("host", Ref("host")), p("data_source", STRING), result=FLOAT, role=READ_ONLY,
        sync=True, since="orlando", doc="Return the present value of a metric.",
    ),
    call(
        "forget_data_source_archives", p("host", Ref("host")), p("data_source", STRING), sync=True,
        since="orlando", doc="Delete what was recorded of a metric.",
    ),
    call("assert_can_evacuate", p("host", Ref("host")), since="miami", doc="Fail as evacuate would."),
    call(
        "get_vms_which_prevent_evacuation", p("self", Ref("host")), result=Map(Ref("VM"), Set(STRING)),
        role=READ_ONLY, since="orlando",
        doc="Return the VMs that cannot leave the host, each with error code and parameters.",
    ),
    call(
        "get_uncooperative_resident_VMs", p("self", Ref("host")), result=Set(Ref("VM")), role=READ_ONLY,
        since="midnight-ride, deprecated tampa",
        doc="Deprecated: VMs on the host that do not follow their memory targets.",
    ),
    call(
        "get_uncooperative_domains", p("self", Ref("host")), result=Set(STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride, deprecated tampa",
        doc="Deprecated: as `get_uncooperative_resident_VMs`, as domain uuids.",
    ),
    call(
        "evacuate", p("host", Ref("host")), p("network", Ref("network"), NULL_REF, since="1.297.0"),
        p("evacuate_batch_size", INT, 0, since="23.27.0"), role_extra=(CLIENT_CERT,),
        since="miami, extended 1.297.0, extended 23.27.0", doc="Move all its VMs elsewhere.",
    ),
    call(
        "signal_networking_change", role=LOCAL_ROOT, sync=True,
        flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL), tag="networking", since="miami",
        doc="Tell the toolstack that an address or link changed. Local only.",
    ),
    call(
        "notify", p("ty", STRING), p("params", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="miami", doc="Pass a notice (type and parameters) to a host. For the pool's own use.",
    ),
    call("syslog_reconfigure", p("host", Ref("host")), since="miami", doc="Read the logging settings again."),
    call(
        "management_reconfigure", p("pif", Ref("PIF")), tag="networking", since="miami",
        doc="Use another interface for management.",
    ),
    call(
        "local_management_reconfigure", p("interface", STRING), sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="miami",
        doc="Manage this host through an interface by device name, without the database. For emergencies.",
    ),
    call(
        "management_disable", sync=True, flags=(EMERGENCY, SLAVE_LOCAL), tag="networking", since="miami",
        doc="Close the management interface: the API is then reached from the host itself only.",
    ),
    call(
        "get_management_interface", p("host", Ref("host")), result=Ref("PIF"), tag="networking", since="tampa",
        doc="Return the PIF that a host is managed through.",
    ),
    call(
        "get_system_status_capabilities", p("host", Ref("host")), result=STRING, role=READ_ONLY, sync=True,
        flags=(EMERGENCY, SLAVE_LOCAL), since="miami", doc="Return as XML what a status report can contain.",
    ),
    call(
        "get_diagnostic_timing_stats", p("host", Ref("host")), p("counts", BOOL, False, since="25.33.0"),
        result=Map(STRING, STRING), role=READ_ONLY, sync=True, flags=(HIDDEN,), since="miami",
        doc="Return timings that the toolstack measured of itself, by name.",
    ),
    call("restart_agent", p("host", Ref("host")), doc="Restart the toolstack, not the VMs."),
    call(
        "shutdown_agent", sync=True, flags=(EMERGENCY, SLAVE_LOCAL), since="orlando",
        doc="Stop the toolstack on the called host. Guests keep running.",
    ),
    call(
        "set_hostname_live", p("host", Ref("host")), p("hostname", STRING), errors=("HOST_NAME_INVALID",),
        sync=True, since="miami", doc="Set the host's network name now and for later boots.",
    ),
    call(
        "is_in_emergency_mode", result=BOOL, role=READ_ONLY, sync=True, flags=(HIDDEN, EMERGENCY, SLAVE_LOCAL),
        since="miami", doc="Whether the host has lost its coordinator. Needs no session.",
    ),
    call(
        "compute_free_memory", p("host", Ref("host")), result=INT, role=READ_ONLY, tag="memory", since="orlando",
        doc="Bytes free for guests.",
    ),
    call(
        "compute_memory_overhead", p("host", Ref("host")), result=INT, role=READ_ONLY, tag="memory",
        since="midnight-ride", doc="Return the bytes that the hypervisor and tools take on a host.",
    ),
    call(
        "tickle_heartbeat", p("host", Ref("host")), p("stuff", Map(STRING, STRING)), result=Map(STRING, STRING),
        role=LOCAL_ROOT, sync=True, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        doc="A host tells the coordinator that it is alive. For the pool's own use.",
    ),
    call(
        "sync_data", p("host", Ref("host")), role=POOL_ADMIN, sync=True, since="orlando",
        doc="Copy the coordinator's alerts and archives to a host.",
    ),
    call(
        "backup_rrds", p("host", Ref("host")), p("delay", FLOAT), role=POOL_ADMIN, sync=True, since="orlando",
        doc="Write performance archives to disk.",
    ),
    call(
        "create_new_blob", p("host", Ref("host")), p("name", STRING), p("mime_type", STRING),
        p("public", BOOL, False, since="tampa"), result=Ref("blob"), since="orlando",
        doc="Make a binary object that belongs to the host; its bytes come and go over HTTP (`/blob`).",
    ),
    call(
        "call_plugin", p("host", Ref("host")), p("plugin", STRING), p("fn", STRING), p("args", Map(STRING, STRING)),
        result=STRING, role=POOL_ADMIN, since="orlando", doc="Run a plugin's function on it.",
    ),
    call(
        "has_extension", p("host", Ref("host")), p("name", STRING), result=BOOL, role=POOL_ADMIN, since="ely",
        doc="Whether the host has an API extension of that name.",
    ),
    call(
        "call_extension", p("host", Ref("host")), p("call", STRING), result=STRING, role=POOL_ADMIN, sync=True,
        flags=(CUSTOM_MARSHALLER,), since="ely",
        doc="Call an API extension of the host with a JSON-RPC call, and return its JSON answer.",
    ),
    call(
        "get_servertime", p("host", Ref("host")), result=DATETIME, role=READ_ONLY, sync=True, since="orlando",
        doc="Its clock in UTC.",
    ),
    call(
        "get_server_localtime", p("host", Ref("host")), result=DATETIME, role=READ_ONLY, sync=True, since="cowley",
        doc="Return the host's time in its own time zone, without a zone mark.",
    ),
    call(
        "enable_binary_storage", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando", doc="Left from a feature that is gone: binary objects are always available.",
    ),
    call(
        "disable_binary_storage", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="orlando", doc="Left from a feature that is gone: delete binary objects on a host.",
    ),
    call(
        "enable_external_auth", p("host", Ref("host")), p("config", Map(STRING, STRING)),
        p("service_name", STRING), p("auth_type", STRING), role=POOL_ADMIN, sync=True, since="george",
        doc="Have a host ask an external directory about logins. Use the pool's message.",
    ),
    call(
        "disable_external_auth", p("host", Ref("host")), p("config", Map(STRING, STRING), {}),
        p("force", BOOL, False, since="26.2.0-next"), role=POOL_ADMIN, sync=True, since="george",
        doc="Have a host not ask the external directory any more. Use the pool's message.",
    ),
    call(
        "external_auth_set_ldaps", p("host", Ref("host")), p("ldaps", BOOL), p("force", BOOL, False),
        role=POOL_ADMIN, sync=True, since="26.16.0",
        doc="Have a host speak to its directory over LDAPS, or plain LDAP again. Use the pool's message.",
    ),
    call(
        "retrieve_wlb_evacuate_recommendations", p("self", Ref("host")), result=Map(Ref("VM"), Set(STRING)),
        role=READ_ONLY, since="george",
        doc="Return where the workload-balancing server would put the VMs of a host.",
    ),
    call(
        "install_ca_certificate", p("host", Ref("host")), p("name", STRING), p("cert", STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="1.290.0", doc="Trust a CA on one host. For the pool's own use.",
    ),
    call(
        "uninstall_ca_certificate", p("host", Ref("host")), p("name", STRING),
        p("force", BOOL, False, since="24.35.0"), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="1.290.0, changed 24.35.0", doc="Trust a CA no longer on one host. For the pool's own use.",
    ),
    call(
        "certificate_list", p("host", Ref("host")), result=Set(STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="george, deprecated 1.290.0",
        doc="Return the names of the CA certificates on a host.",
    ),
    call(
        "crl_install", p("host", Ref("host")), p("name", STRING), p("crl", STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="george",
        doc="Install a revocation list on one host. For the pool's own use.",
    ),
    call(
        "crl_uninstall", p("host", Ref("host")), p("name", STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="george", doc="Remove a revocation list from one host. For the pool's own use.",
    ),
    call(
        "crl_list", p("host", Ref("host")), result=Set(STRING), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="george", doc="Return the names of the revocation lists on a host.",
    ),
    call(
        "certificate_sync", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="george",
        doc="Make a host's certificate folder fit for TLS clients again. For the pool's own use.",
    ),
    call(
        "get_server_certificate", p("host", Ref("host")), result=STRING, role=READ_ONLY,
        since="george, changed inverness", doc="Return the host's TLS certificate as PEM.",
    ),
    call(
        "refresh_server_certificate", p("host", Ref("host")), role=POOL_ADMIN, since="1.307.0",
        doc="Replace the self-signed certificate that hosts know each other by.",
    ),
    call(
        "install_server_certificate", p("host", Ref("host")), p("certificate", STRING), p("private_key", STRING),
        p("certificate_chain", STRING, ""), role=POOL_ADMIN, since="stockholm",
        doc="Replace the certificate and key that clients see by others (PEM; key in PKCS#8, RSA of 2048 or "
        "4096 bits).",
    ),
    call(
        "emergency_reset_server_certificate", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="stockholm", doc="Replace the certificate by a self-signed one, on the called host.",
    ),
    call(
        "reset_server_certificate", p("host", Ref("host")), role=POOL_ADMIN, since="1.290.0",
        doc="Replace the certificate that clients see by a new self-signed one.",
    ),
    call(
        "update_pool_secret", p("host", Ref("host")), p("pool_secret", STRING, secret=True), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        doc="Give a host the pool's new secret. For the pool's own use.",
    ),
    call(
        "update_master", p("host", Ref("host")), p("master_address", STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        doc="Tell a host the coordinator's new address. For the pool's own use.",
    ),
    call(
        "attach_static_vdis", p("host", Ref("host")), p("vdi_reason_map", Map(Ref("VDI"), STRING)),
        role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        doc="Have disks attached at every boot of the host, before the toolstack starts. For the pool's own use.",
    ),
    call(
        "detach_static_vdis", p("host", Ref("host")), p("vdis", Set(Ref("VDI"))), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        doc="End what `attach_static_vdis` began. For the pool's own use.",
    ),
    call(
        "set_localdb_key", p("host", Ref("host")), p("key", STRING), p("value", STRING), role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="midnight-ride",
        doc="Set a key of the host's own small database. For the pool's own use.",
    ),
    call(
        "apply_edition", p("host", Ref("host")), p("edition", STRING), p("force", BOOL, False, since="clearwater"),
        sync=True, since="midnight-ride",
        doc="Licence the host for an edition. There is only one; others answer INVALID_EDITION.",
    ),
    call(
        "refresh_pack_info", p("host", Ref("host")), since="midnight-ride, deprecated ely",
        doc="Have `software_version` reread what packs are installed.",
    ),
    call(
        "set_power_on_mode", p("self", Ref("host")), p("power_on_mode", STRING),
        p("power_on_config", Map(STRING, STRING)), since="cowley, changed stockholm, changed 24.19.0",
        doc="Set how the host is switched on from afar, and what that needs.",
    ),
    call(
        "set_cpu_features", p("host", Ref("host")), p("features", STRING), sync=True, removed=True,
        since="midnight-ride, deprecated dundee, removed dundee", doc="Removed: masked processor features.",
    ),
    call(
        "reset_cpu_features", p("host", Ref("host")), sync=True, removed=True,
        since="midnight-ride, deprecated dundee, removed dundee", doc="Removed: unmasked processor features.",
    ),
    call(
        "reset_networking", p("host", Ref("host")), flags=(HIDDEN,), since="boston",
        doc="Forget every network record of a host, to be found again at the next start. For emergencies.",
    ),
    call(
        "enable_local_storage_caching", p("host", Ref("host")), p("sr", Ref("SR")), sync=True, since="cowley",
        doc="Let the host keep cached parts of shared disks on this local SR.",
    ),
    call(
        "disable_local_storage_caching", p("host", Ref("host")), sync=True, since="cowley",
        doc="Have the host cache no shared disks.",
    ),
    call(
        "get_sm_diagnostics", p("host", Ref("host")), result=STRING, sync=True, flags=(HIDDEN,), since="boston",
        doc="Return the storage service's state as text, for support.",
    ),
    call(
        "get_thread_diagnostics", p("host", Ref("host")), result=STRING, sync=True, flags=(HIDDEN,),
        since="boston", doc="Return what the toolstack's threads do as text, for support.",
    ),
    call(
        "sm_dp_destroy", p("host", Ref("host")), p("dp", STRING), p("allow_leak", BOOL), sync=True,
        flags=(HIDDEN,), since="boston", doc="Tear down a datapath of the storage service that was left over.",
    ),
    call(
        "sync_vlans", p("host", Ref("host")), sync=True, flags=(HIDDEN, POOL_INTERNAL), since="boston",
        doc="Give a new host the VLANs of the coordinator. For the pool's own use.",
    ),
    call(
        "sync_tunnels", p("host", Ref("host")), sync=True, flags=(HIDDEN, POOL_INTERNAL), since="boston",
        doc="Give a new host the tunnels of the coordinator. For the pool's own use.",
    ),
    call(
        "sync_pif_currently_attached", p("host", Ref("host")), p("bridges", Set(STRING)), sync=True,
        flags=(HIDDEN, POOL_INTERNAL), since="boston",
        doc="Note which interfaces are up on a host that just joined. For the pool's own use.",
    ),
    call(
        "migrate_receive", p("host", Ref("host")), p("network", Ref("network")), p("options", Map(STRING, STRING)),
        result=Map(STRING, STRING), role=VM_POWER_ADMIN, since="tampa",
        doc="Get ready to receive a VM of another pool over this network; the answer is passed to "
        "`VM.migrate_send`.",
    ),
    call(
        "declare_dead", p("host", Ref("host")), since="clearwater",
        doc="Say that a host is off for certain, so that its VMs may start elsewhere. If it is not, disks get "
        "corrupted.",
    ),
    call(
        "enable_display", p("host", Ref("host")), result=Enum("host_display"), since="cream",
        doc="Show a console on the host's screen from the next boot on.",
    ),
    call(
        "disable_display", p("host", Ref("host")), result=Enum("host_display"), since="cream",
        doc="Show nothing on the host's screen from the next boot on, so that its GPU may be passed through.",
    ),
    call(
        "set_ssl_legacy", p("self", Ref("host")), p("value", BOOL), since="dundee, changed stockholm",
        doc="Accept old ciphers or not. They are gone: only false is taken.",
    ),
    call(
        "apply_guest_agent_config", p("host", Ref("host")), role=POOL_ADMIN, flags=(HIDDEN,), since="dundee",
        doc="Pass the pool's agent settings to the host's guests. For the pool's own use.",
    ),
    call(
        "mxgpu_vf_setup", p("host", Ref("host")), role=VM_OPERATOR, flags=(HIDDEN, POOL_INTERNAL), since="falcon",
        doc="Make the virtual functions of AMD graphics processors.",
    ),
    call(
        "nvidia_vf_setup", p("host", Ref("host")), p("pf", Ref("PCI")), p("enable", BOOL), role=VM_OPERATOR,
        flags=(HIDDEN, POOL_INTERNAL), since="quebec",
        doc="Make, or remove, the virtual functions of an NVIDIA graphics processor.",
    ),
    call(
        "allocate_resources_for_vm", p("self", Ref("host")), p("vm", Ref("VM")), p("live", BOOL), role=VM_OPERATOR,
        flags=(HIDDEN,), since="inverness",
        doc="Set memory and devices of a host aside for a VM that is coming. For the pool's own use.",
    ),
    call(
        "set_iscsi_iqn", p("host", Ref("host")), p("value", STRING), since="kolkata",
        doc="Set the host's name towards iSCSI targets: an IQN or EUI. No iSCSI storage may be attached.",
    ),
    call(
        "set_multipathing", p("host", Ref("host")), p("value", BOOL), since="kolkata",
        doc="Switch use of several paths on or off. The host must be disabled and its storage unplugged.",
    ),
    call(
        "write_uefi_certificates_to_disk", p("host", Ref("host")), role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL),
        since="22.16.0",
        doc="Write the pool's UEFI certificates where guests' firmware reads them. For the pool's own use.",
    ),
    call(
        "set_uefi_certificates", p("host", Ref("host")), p("value", STRING), role=LOCAL_ROOT,
        since="quebec, deprecated 22.16.0", doc="Deprecated: use the pool's message.",
    ),
    call(
        "notify_accept_new_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
        p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        doc="First phase of rotating the pool's secret. For the pool's own use.",
    ),
    call(
        "notify_send_new_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
        p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        doc="Second phase of rotating the pool's secret. For the pool's own use.",
    ),
    call(
        "cleanup_pool_secret", p("host", Ref("host")), p("old_ps", STRING, secret=True),
        p("new_ps", STRING, secret=True), role=LOCAL_ROOT, flags=(HIDDEN,), since="stockholm_psr",
        doc="Last phase of rotating the pool's secret. For the pool's own use.",
    ),
    call(
        "set_sched_gran", p("self", Ref("host")), p("value", Enum("host_sched_gran")), role=LOCAL_ROOT,
        since="1.271.0",
        doc="Set what the hypervisor schedules at a time: threads, cores or sockets. Counts from the next boot.",
    ),
    call(
        "get_sched_gran", p("self", Ref("host")), result=Enum("host_sched_gran"), role=LOCAL_ROOT, since="1.271.0",
        doc="Return what the hypervisor schedules at a time.",
    ),
    call(
        "set_numa_affinity_policy", p("self", Ref("host")), p("value", Enum("host_numa_affinity_policy")),
        role=POOL_ADMIN, since="prototyped 24.0.0",
        doc="Set whether guests' memory is kept on few NUMA nodes, for guests that start from now on.",
    ),
    call(
        "emergency_disable_tls_verification", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="1.290.0",
        doc="Have the called host not check certificates. For emergencies: it no longer knows whom it talks to.",
    ),
    call(
        "emergency_reenable_tls_verification", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="1.298.0", doc="Have the called host check certificates again.",
    ),
    call(
        "cert_distrib_atom", p("host", Ref("host")), p("command", STRING), result=STRING, role=LOCAL_ROOT,
        flags=(HIDDEN, POOL_INTERNAL), since="1.295.0",
        doc="One step of spreading certificates among hosts. For the pool's own use.",
    ),
    call(
        "apply_updates", p("self", Ref("host")), p("hash", STRING), result=Set(Set(STRING)),
        role_extra=(CLIENT_CERT,), since="1.301.0",
        doc="Install the updates of the synchronised repositories; the checksum says which. Returns warnings.",
    ),
    call(
        "rescan_drivers", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.2.0",
        doc="Look again which drivers with several versions the host has. For the host's own use.",
    ),
    call(
        "copy_primary_host_certs", p("host", Ref("host")), role=POOL_ADMIN, flags=(HIDDEN, POOL_INTERNAL),
        since="1.307.0", doc="Fetch the coordinator's certificates. For the pool's own use.",
    ),
    call(
        "set_https_only", p("self", Ref("host")), p("value", BOOL), since="prototyped 22.27.0",
        doc="Close or open the host's port 80.",
    ),
    call(
        "apply_recommended_guidances", p("self", Ref("host")), removed=True,
        since="prototyped 23.18.0, removed 23.25.0", doc="Removed: did what updates recommended.",
    ),
    call(
        "emergency_clear_mandatory_guidance", role=LOCAL_ROOT, sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        since="prototyped 24.10.0", doc="Forget what updates say must be restarted, on the called host.",
    ),
    call(
        "enable_ssh", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.13.0",
        doc="Open SSH on the host; for `ssh_enabled_timeout` seconds if that is set.",
    ),
    call(
        "disable_ssh", p("self", Ref("host")), role=POOL_ADMIN, since="prototyped 25.13.0",
        doc="Close SSH on the host. Open connections stay.",
    ),
    call(
        "set_ssh_enabled_timeout", p("self", Ref("host")), p("value", INT), role=POOL_ADMIN,
        since="prototyped 25.21.0",
        doc="Set for how many seconds SSH stays open (at most two days); 0 for ever. Counts anew if it is open.",
    ),
    call(
        "set_console_idle_timeout", p("self", Ref("host")), p("value", INT), role=POOL_ADMIN,
        since="prototyped 25.21.0",
        doc="Set after how many idle seconds the host's console and SSH logins end; 0 for never.",
    ),
    call(
        "set_ssh_auto_mode", p("self", Ref("host")), p("value", BOOL), role=POOL_ADMIN, since="prototyped 25.27.0",
        doc="Whether SSH opens by itself while the toolstack does not answer.",
    ),
    call(
        "get_tracked_user_agents", p("self", Ref("host")), result=Map(STRING, STRING), role=READ_ONLY,
        since="prototyped 25.34.0", doc="Return which client programs called lately, and from where.",
    ),
    call(
        "update_firewalld_service_status", sync=True, flags=(HIDDEN, POOL_INTERNAL, EMERGENCY, SLAVE_LOCAL),
        since="prototyped 25.34.0",
        doc="Open or close ports of services in the firewall as the host's settings want it. For the host's own "
        "use.",
    ),
    call(
        "set_max_cstate", p("self", Ref("host")), p("value", STRING), since="prototyped 26.0.0",
        doc="Limit how deep processors sleep; counts at once and after reboots.",
    ),
    call(
        "set_ntp_mode", p("self", Ref("host")), p("value", Enum("host_ntp_mode")), since="prototyped 26.0.0",
        doc="Set where the clock is set from: DHCP, the vendor's servers, custom ones, or not at all.",
    ),
    call(
        "set_ntp_custom_servers", p("self", Ref("host")), p("value", Set(STRING)), since="prototyped 26.0.0",
        doc="Set the time servers for custom mode.",
    ),
    call(
        "get_ntp_servers_status", p("self", Ref("host")), result=Map(STRING, STRING), role=READ_ONLY,
        since="prototyped 26.0.0", doc="Return the time servers in use and what is thought of each.",
    ),
    call(
        "set_timezone", p("self", Ref("host")), p("value", STRING), since="prototyped 26.0.0",
        doc="Set the host's time zone.",
    ),
    call(
        "list_timezones", p("self", Ref("host")), result=Set(STRING), role=READ_ONLY, since="prototyped 26.0.0",
        doc="Return the names of the time zones the host knows.",
    ),
    call(
        "get_ntp_synchronized", p("self", Ref("host")), result=BOOL, role=READ_ONLY, since="prototyped 26.0.0",
        doc="Whether the clock agrees with a time server.",
    ),
    call(
        "set_servertime", p("self", Ref("host")), p("value", DATETIME), since="prototyped 26.0.0",
        doc="Set the host's clock; refused while a time server sets it.",
    ),
)
