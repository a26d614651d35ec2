"""What can be asked of a pool: the messages of its class."""

from xapi.datamodel.declare import EMERGENCY, HIDDEN, POOL_INTERNAL, SLAVE_LOCAL, CallDraft, call, p
from xapi.datamodel.model import BOOL, DATETIME, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import CLIENT_CERT, LOCAL_ROOT, POOL_ADMIN, READ_ONLY

MESSAGES: tuple[CallDraft, ...] = (
    call(
        "join", p("master_address", STRING), p("master_username", STRING), p("master_password", STRING),
        errors=("JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS",), doc="Bring this host into another pool.",
    ),
    call(
        "join_force", p("master_address", STRING), p("master_username", STRING), p("master_password", STRING),
        doc="Bring this host into another pool despite differences.",
    ),
    call("eject", p("host", Ref("host")), doc="Throw a host out; it starts afresh."),
    call(
        "initial_auth", result=STRING, result_secret=True, flags=(HIDDEN,),
        doc="Used by a joining host: return the pool's secret to an administrator. For the pool's own use.",
    ),
    call(
        "exchange_certificates_on_join", p("uuid", STRING), p("certificate", STRING), result=Map(STRING, STRING),
        flags=(HIDDEN,), since="1.298.0",
        doc="Trust a joining host's certificate and return those of the pool's hosts, by host uuid. For the "
        "pool's own use.",
    ),
    call(
        "exchange_ca_certificates_on_join", p("import", Map(STRING, STRING)), p("export", Set(Ref("Certificate"))),
        result=Map(STRING, STRING), flags=(HIDDEN,), since="1.320.0",
        doc="Take over a joining pool's CA certificates and return the named ones of this pool. For the pool's "
        "own use.",
    ),
    call(
        "emergency_transition_to_master", sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        doc="Make this host coordinator when there is none.",
    ),
    call(
        "emergency_reset_master", p("master_address", STRING), sync=True, flags=(EMERGENCY, SLAVE_LOCAL),
        doc="Tell this host where the coordinator is now.",
    ),
    call("recover_slaves", result=Set(Ref("host")), doc="Tell hosts that lost touch where the coordinator is."),
    call(
        "hello", p("host_uuid", STRING), p("host_address", STRING), result=Enum("hello_return"), flags=(HIDDEN,),
        doc="A host tells the coordinator that it has started and how it is reached; the answer says whether it "
        "belongs. For the pool's own use.",
    ),
    call(
        "is_slave", p("host", Ref("host")), result=BOOL, role=POOL_ADMIN, sync=True,
        flags=(HIDDEN, EMERGENCY, SLAVE_LOCAL),
        doc="Whether a host is a supporter, i.e. not the coordinator. For the pool's own use.",
    ),
    call(
        "create_VLAN", p("device", STRING), p("network", Ref("network")), p("VLAN", INT), result=Set(Ref("PIF")),
        errors=("VLAN_TAG_INVALID",), doc="A tagged network on one interface of every host alike.",
    ),
    call(
        "management_reconfigure", p("network", Ref("network")),
        errors=(
            "HA_IS_ENABLED", "PIF_NOT_PRESENT", "CANNOT_PLUG_BOND_SLAVE", "PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE",
            "PIF_HAS_NO_NETWORK_CONFIGURATION", "PIF_HAS_NO_V6_NETWORK_CONFIGURATION",
        ),
        since="inverness",
        doc="Move management of every host to its interface on a network. Each must have an address there; HA "
        "must be off.",
    ),
    call(
        "create_VLAN_from_PIF", p("pif", Ref("PIF")), p("network", Ref("network")), p("VLAN", INT),
        result=Set(Ref("PIF")), errors=("VLAN_TAG_INVALID",),
        doc="Make the VLAN of an interface on every host that has an interface like it, and return the new PIFs.",
    ),
    call(
        "enable_ha", p("heartbeat_srs", Set(Ref("SR"))), p("configuration", Map(STRING, STRING)),
        role_extra=(CLIENT_CERT,), since="miami", doc="Turn high availability on.",
    ),
    call("disable_ha", role_extra=(CLIENT_CERT,), since="miami", doc="Turn high availability off."),
    call("sync_database", doc="Copy the database to all hosts now."),
    call(
        "designate_new_master", p("host", Ref("host")), since="miami",
        doc="Hand over to another coordinator in good order.",
    ),
    call(
        "ha_prevent_restarts_for", p("seconds", INT), sync=True, since="orlando-update-1",
        doc="Have HA restart nothing for some seconds, e.g. during maintenance; 0 ends that.",
    ),
    call(
        "ha_failover_plan_exists", p("n", INT), result=BOOL, sync=True, since="orlando",
        doc="Whether all protected VMs could be restarted after that many hosts failed.",
    ),
    call(
        "ha_compute_max_host_failures_to_tolerate", result=INT, sync=True, since="orlando",
        doc="Return how many hosts may fail before a protected VM could not be restarted.",
    ),
    call(
        "ha_compute_hypothetical_max_host_failures_to_tolerate", p("configuration", Map(Ref("VM"), STRING)),
        result=INT, role=READ_ONLY, sync=True, since="orlando",
        doc="As `ha_compute_max_host_failures_to_tolerate`, if these VMs had these restart priorities.",
    ),
    call(
        "ha_compute_vm_failover_plan", p("failed_hosts", Set(Ref("host"))), p("failed_vms", Set(Ref("VM"))),
        result=Map(Ref("VM"), Map(STRING, STRING)), sync=True, since="orlando",
        doc="Say for each VM on which host it would restart if these hosts failed, or why it would not "
        "(error_code).",
    ),
    call(
        "set_ha_host_failures_to_tolerate", p("self", Ref("pool")), p("value", INT), since="orlando",
        doc="Set how many host failures the pool is to survive. HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN if that "
        "is too many.",
    ),
    call(
        "create_new_blob", p("pool", Ref("pool")), p("name", STRING), p("mime_type", STRING),
        p("public", BOOL, False, since="tampa"), result=Ref("blob"), since="orlando",
        doc="Make a binary object that belongs to the pool; its bytes come and go over HTTP (`/blob`).",
    ),
    call(
        "ha_schedule_plan_recomputation", role=LOCAL_ROOT, flags=(HIDDEN, POOL_INTERNAL), since="orlando",
        doc="Have the failover plan computed again soon. For the pool's own use.",
    ),
    call(
        "enable_binary_storage", flags=(HIDDEN,), since="orlando",
        doc="Left from a feature that is gone: binary objects are always available.",
    ),
    call(
        "disable_binary_storage", flags=(HIDDEN,), since="orlando",
        doc="Left from a feature that is gone: delete the pool's binary objects.",
    ),
    call(
        "enable_external_auth", p("pool", Ref("pool")), p("config", Map(STRING, STRING)),
        p("service_name", STRING), p("auth_type", STRING), role=POOL_ADMIN, sync=True, since="george",
        doc="Have every host ask an external directory about logins. Undone everywhere if one host fails.",
    ),
    call(
        "disable_external_auth", p("pool", Ref("pool")), p("config", Map(STRING, STRING), {}), role=POOL_ADMIN,
        sync=True, since="george", doc="Have no host ask the external directory any more. Subjects are kept.",
    ),
    call(
        "external_auth_set_ldaps", p("pool", Ref("pool")), p("ldaps", BOOL), p("force", BOOL, False),
        role=POOL_ADMIN, sync=True, since="26.16.0",
        doc="Have every host speak to its directory over LDAPS, or plain LDAP again.",
    ),
    call(
        "detect_nonhomogeneous_external_auth", p("pool", Ref("pool")), sync=True, since="george",
        doc="Fail with POOL_AUTH_… if the hosts do not all use the same external directory.",
    ),
    call(
        "initialize_wlb", p("wlb_url", STRING), p("wlb_username", STRING), p("wlb_password", STRING),
        p("xenserver_username", STRING), p("xenserver_password", STRING), since="george",
        doc="Connect the pool to a workload-balancing server and give it an account here.",
    ),
    call("deconfigure_wlb", since="george", doc="Disconnect the pool from its workload-balancing server."),
    call(
        "send_wlb_configuration", p("config", Map(STRING, STRING)), since="george",
        doc="Change settings of the pool at its workload-balancing server.",
    ),
    call(
        "retrieve_wlb_configuration", result=Map(STRING, STRING), role=READ_ONLY, since="george",
        doc="Return the pool's settings at its workload-balancing server.",
    ),
    call(
        "retrieve_wlb_recommendations", result=Map(Ref("VM"), Set(STRING)), role=READ_ONLY, since="george",
        doc="Return what the workload-balancing server advises: VM to host and why.",
    ),
    call(
        "send_test_post", p("host", STRING), p("port", INT), p("body", STRING), result=STRING, role=POOL_ADMIN,
        since="george",
        doc="POST a text to a host over HTTPS and return the answer: tests whether the pool can reach a service.",
    ),
    call(
        "certificate_install", p("name", STRING), p("cert", STRING), since="george, deprecated 1.290.0",
        doc="Old name of `install_ca_certificate`.",
    ),
    call(
        "certificate_uninstall", p("name", STRING), since="george, deprecated 1.290.0",
        doc="Old name of `uninstall_ca_certificate`, without force.",
    ),
    call(
        "certificate_list", result=Set(STRING), since="george, deprecated 1.290.0",
        doc="Return the names of the CA certificates installed in the pool.",
    ),
    call(
        "install_ca_certificate", p("name", STRING), p("cert", STRING), role_extra=(CLIENT_CERT,),
        since="1.290.0, deprecated 26.13.0",
        doc="Trust a CA: its certificate (PEM) goes to every host under a name. CERTIFICATE_ALREADY_EXISTS, "
        "CERTIFICATE_CORRUPT.",
    ),
    call(
        "uninstall_ca_certificate", p("name", STRING), p("force", BOOL, False, since="24.35.0"),
        role_extra=(CLIENT_CERT,), since="1.290.0, changed 24.35.0, deprecated 26.13.0",
        doc="Trust a CA no longer, on every host. CERTIFICATE_DOES_NOT_EXIST unless forced.",
    ),
    call(
        "crl_install", p("name", STRING), p("cert", STRING), since="george",
        doc="Install a certificate revocation list (PEM) on every host, under a name.",
    ),
    call(
        "crl_uninstall", p("name", STRING), since="george",
        doc="Remove a certificate revocation list from every host.",
    ),
    call(
        "crl_list", result=Set(STRING), since="george",
        doc="Return the names of the installed certificate revocation lists.",
    ),
    call(
        "certificate_sync", since="george",
        doc="Copy the coordinator's certificates and revocation lists to every host.",
    ),
    call(
        "enable_tls_verification", role=POOL_ADMIN, sync=True, since="1.290.0",
        doc="Have hosts check each other's certificates from now on. It cannot be switched off for good.",
    ),
    call(
        "enable_redo_log", p("sr", Ref("SR")), since="midnight-ride",
        doc="Write database changes to a log on this SR too, so that they outlive all hosts. The SR must be "
        "shared.",
    ),
    call(
        "disable_redo_log", since="midnight-ride",
        doc="Stop writing the redo log and delete its disk, unless HA uses it.",
    ),
    call(
        "audit_log_append", p("line", STRING), role=POOL_ADMIN, flags=(HIDDEN, POOL_INTERNAL),
        since="midnight-ride", doc="Add a line to the coordinator's audit log. For the pool's own use.",
    ),
    call(
        "set_vswitch_controller", p("address", STRING), since="midnight-ride, extended cowley, deprecated falcon",
        doc="Set the controller for Open vSwitch. Replaced by class SDN_controller.",
    ),
    call(
        "test_archive_target", p("self", Ref("pool")), p("config", Map(STRING, STRING)), result=STRING, sync=True,
        since="cowley", doc="Left from VM protection policies: try an archive location.",
    ),
    call(
        "enable_local_storage_caching", p("self", Ref("pool")), since="cowley",
        doc="Let every host keep cached parts of shared disks on its local storage.",
    ),
    call(
        "disable_local_storage_caching", p("self", Ref("pool")), since="cowley",
        doc="Have no host cache shared disks on local storage.",
    ),
    call(
        "get_license_state", p("self", Ref("pool")), result=Map(STRING, STRING), role=READ_ONLY,
        since="clearwater", doc="Return the lowest edition of the hosts and the earliest expiry (`never` here).",
    ),
    call(
        "apply_edition", p("self", Ref("pool")), p("edition", STRING), since="clearwater",
        doc="Licence every host for an edition. There is only one; others answer INVALID_EDITION.",
    ),
    call(
        "enable_ssl_legacy", p("self", Ref("pool")), removed=True,
        since="dundee, deprecated dundee, removed stockholm", doc="Allowed old ciphers; removed.",
    ),
    call(
        "disable_ssl_legacy", p("self", Ref("pool")), since="dundee, deprecated stockholm",
        doc="Forbid old ciphers on all hosts. They always are.",
    ),
    call(
        "set_igmp_snooping_enabled", p("self", Ref("pool")), p("value", BOOL), since="inverness",
        doc="Forward multicast only to ports that asked, on all bridges now and later.",
    ),
    call(
        "has_extension", p("self", Ref("pool")), p("name", STRING), result=BOOL, role=POOL_ADMIN, since="dundee",
        doc="Whether every host has an API extension of that name.",
    ),
    call(
        "add_to_guest_agent_config", p("self", Ref("pool")), p("key", STRING), p("value", STRING), role=POOL_ADMIN,
        since="dundee",
        doc="Add a setting for the guests' agents. Keys must start with `features` or be otherwise known to "
        "agents.",
    ),
    call(
        "remove_from_guest_agent_config", p("self", Ref("pool")), p("key", STRING), role=POOL_ADMIN,
        since="dundee", doc="Remove a setting for the guests' agents.",
    ),
    call(
        "rotate_secret",
        errors=(
            "INTERNAL_ERROR", "HOST_IS_SLAVE", "CANNOT_CONTACT_HOST", "HA_IS_ENABLED",
            "NOT_SUPPORTED_DURING_UPGRADE",
        ),
        role=POOL_ADMIN, since="stockholm_psr",
        doc="Replace the secret that the pool's hosts share. All hosts must be there; HA must be off.",
    ),
    call(
        "set_repositories", p("self", Ref("pool")), p("value", Set(Ref("Repository"))), role_extra=(CLIENT_CERT,),
        since="1.301.0",
        doc="Set which repositories updates come from; they must not be mixed kinds (bundle, remote pool).",
    ),
    call(
        "add_repository", p("self", Ref("pool")), p("value", Ref("Repository")), role_extra=(CLIENT_CERT,),
        since="1.301.0", doc="Take updates from a repository too.",
    ),
    call(
        "remove_repository", p("self", Ref("pool")), p("value", Ref("Repository")), role_extra=(CLIENT_CERT,),
        since="1.301.0", doc="Take no more updates from a repository.",
    ),
    call(
        "sync_updates", p("self", Ref("pool")), p("force", BOOL), p("token", STRING, ""),
        p("token_id", STRING, ""), p("username", STRING, "", since="25.7.0"),
        p("password", STRING, "", since="25.7.0"), result=STRING, role_extra=(CLIENT_CERT,),
        since="1.329.0, changed 25.7.0",
        doc="Fetch the metadata of the enabled repositories and return its checksum, by which `apply_updates` "
        "names it.",
    ),
    call(
        "check_update_readiness", p("self", Ref("pool")), p("requires_reboot", BOOL), result=Set(Set(STRING)),
        role_extra=(CLIENT_CERT,), since="1.304.0",
        doc="Return reasons (error codes and parameters) why updates could not be applied now; empty if none.",
    ),
    call(
        "enable_client_certificate_auth", p("self", Ref("pool")), p("name", STRING), role_extra=(CLIENT_CERT,),
        since="1.318.0",
        doc="Let clients log in with a certificate that an installed CA signed and that carries this name.",
    ),
    call(
        "disable_client_certificate_auth", p("self", Ref("pool")), role_extra=(CLIENT_CERT,), since="1.318.0",
        doc="Let no client log in with a certificate.",
    ),
    call(
        "configure_repository_proxy", p("self", Ref("pool")), p("url", STRING), p("username", STRING),
        p("password", STRING), role_extra=(CLIENT_CERT,), since="21.3.0",
        doc="Download updates through an HTTP proxy. The password is kept as a secret.",
    ),
    call(
        "disable_repository_proxy", p("self", Ref("pool")), role_extra=(CLIENT_CERT,), since="21.4.0",
        doc="Download updates without a proxy.",
    ),
    call(
        "set_uefi_certificates", p("self", Ref("pool")), p("value", STRING), role=POOL_ADMIN,
        since="22.16.0, deprecated 24.0.0", doc="Deprecated: as `set_custom_uefi_certificates`.",
    ),
    call(
        "set_custom_uefi_certificates", p("self", Ref("pool")), p("value", STRING), role=POOL_ADMIN,
        since="prototyped 24.0.0",
        doc="Set the UEFI variables (tar, base64) for guests' first boots; empty returns to the default ones.",
    ),
    call(
        "set_https_only", p("self", Ref("pool")), p("value", BOOL), since="prototyped 22.27.0",
        doc="Close or open port 80 on every host; HTTPS always stays.",
    ),
    call(
        "set_telemetry_next_collection", p("self", Ref("pool")), p("value", DATETIME), role=POOL_ADMIN,
        since="prototyped 23.9.0", doc="Set when telemetry is collected next, at most four weeks ahead.",
    ),
    call(
        "reset_telemetry_uuid", p("self", Ref("pool")), role=POOL_ADMIN, since="prototyped 23.9.0",
        doc="Give the pool a new telemetry identifier, unrelated to the old one.",
    ),
    call(
        "configure_update_sync", p("self", Ref("pool")), p("update_sync_frequency", Enum("update_sync_frequency")),
        p("update_sync_day", INT), since="prototyped 23.18.0",
        doc="Set how often, and on which day of the week, the metadata of update repositories is fetched.",
    ),
    call(
        "set_update_sync_enabled", p("self", Ref("pool")), p("value", BOOL), since="prototyped 23.18.0",
        doc="Switch fetching of update metadata on or off; on needs at least one repository.",
    ),
    call(
        "set_local_auth_max_threads", p("self", Ref("pool")), p("value", INT), sync=True,
        since="prototyped 23.27.0", doc="Set how many local logins are checked at the same time (1 to 8).",
    ),
    call(
        "set_ext_auth_max_threads", p("self", Ref("pool")), p("value", INT), sync=True, since="prototyped 23.27.0",
        doc="Set how many external logins are checked at the same time (1 to 8).",
    ),
    call(
        "set_ext_auth_cache_enabled", p("self", Ref("pool")), p("value", BOOL), since="prototyped 24.31.0",
        doc="Switch the memory of external logins on or off.",
    ),
    call(
        "set_ext_auth_cache_size", p("self", Ref("pool")), p("value", INT), since="prototyped 24.31.0",
        doc="Set how many external logins are remembered.",
    ),
    call(
        "set_ext_auth_cache_expiry", p("self", Ref("pool")), p("value", INT), since="prototyped 24.31.0",
        doc="Set after how many seconds a remembered external login is checked again.",
    ),
    call(
        "get_guest_secureboot_readiness", p("self", Ref("pool")), result=Enum("pool_guest_secureboot_readiness"),
        sync=True, since="prototyped 24.17.0",
        doc="Whether the pool has what guests need for Secure Boot: certificates, and a list of revoked ones.",
    ),
    call(
        "enable_ssh", p("self", Ref("pool")), role=POOL_ADMIN, since="prototyped 25.13.0",
        doc="Open SSH on every host.",
    ),
    call(
        "disable_ssh", p("self", Ref("pool")), role=POOL_ADMIN, since="prototyped 25.13.0",
        doc="Close SSH on every host.",
    ),
    call(
        "set_ssh_enabled_timeout", p("self", Ref("pool")), p("value", INT), role=POOL_ADMIN,
        since="prototyped 25.21.0",
        doc="Set for how many seconds SSH stays open on every host once enabled; 0 for ever.",
    ),
    call(
        "set_console_idle_timeout", p("self", Ref("pool")), p("value", INT), role=POOL_ADMIN,
        since="prototyped 25.21.0", doc="Set after how many idle seconds consoles of hosts log out; 0 for never.",
    ),
    call(
        "set_ssh_auto_mode", p("self", Ref("pool")), p("value", BOOL), role=POOL_ADMIN, since="prototyped 25.27.0",
        doc="Whether every host opens SSH by itself while its toolstack does not answer.",
    ),
    call(
        "install_trusted_certificate", p("self", Ref("pool")), p("ca", BOOL), p("cert", STRING),
        p("purpose", Set(Enum("certificate_purpose"))), role_extra=(CLIENT_CERT,), since="prototyped 26.13.0",
        doc="Trust a CA's or a server's certificate (PEM) in the whole pool, for some purposes or for all.",
    ),
    call(
        "uninstall_trusted_certificate", p("self", Ref("pool")), p("certificate", Ref("Certificate")),
        role_extra=(CLIENT_CERT,), since="prototyped 26.13.0",
        doc="Trust an installed CA's or server's certificate no longer.",
    ),
    call(
        "sync_trusted_certificates_from", p("self", Ref("pool")), p("remote_pool", STRING),
        p("remote_session", Ref("session")), p("remote_certificate", STRING), p("ca", BOOL),
        result=Set(Ref("Certificate")), role_extra=(CLIENT_CERT,), since="prototyped 26.16.0",
        doc="Copy the trusted certificates of another pool into this one.",
    ),
    call(
        "exchange_trusted_certificates_on_join", p("self", Ref("pool")), p("ca", BOOL),
        p("import", Map(STRING, Set(STRING))), p("export", Set(Ref("Certificate"))),
        result=Map(STRING, Set(STRING)), role_extra=(CLIENT_CERT,), flags=(HIDDEN,), since="prototyped 26.13.0",
        doc="Take over a joining pool's trusted certificates and return the asked ones of this pool. For the "
        "pool's own use.",
    ),
    call(
        "exchange_crls_on_join", p("self", Ref("pool")), p("import", Map(STRING, STRING)),
        p("export", Set(STRING)), result=Map(STRING, STRING), role_extra=(CLIENT_CERT,), flags=(HIDDEN,),
        since="prototyped 26.13.0",
        doc="Take over a joining pool's revocation lists and return the asked ones of this pool. For the pool's "
        "own use.",
    ),
)
