"""Messages of the API that nothing answers yet, and why. Clients get NOT_IMPLEMENTED for them.

Whoever implements one takes it out here; a test sees to it, and that nothing is missing that is not listed.
"""

from collections.abc import Mapping
from types import MappingProxyType

_HA = "high availability"
_POOLS = "pools of several hosts"
_TLS = "certificates and TLS verification between hosts"
_UPDATES = "updates of hosts"
_MIGRATION = "migration between hosts"
_HARDWARE = "passing hardware through to guests"
_DIRECTORY = "TLS to an Active Directory"
_WLB = "workload balancing: a service that is no longer made"
_DR = "disaster recovery"
_LIMITS = "limits on how often clients may call"
_TRACING = "tracing of calls"
_CLUSTERING = "clustered storage (GFS2)"
_PVS = "the PVS accelerator"
_HOST = "settings of an installed host's own operating system"
_CACHING = "caching of shared disks on local storage"
_SRIOV = "SR-IOV: the networking service does not make virtual functions yet"
_SWITCH = "the listener cannot move while it runs"
_GONE = "left over from a feature that the original has given up"

_LISTED: tuple[tuple[str, str, str], ...] = (
    ("VM", _GONE, "csvm"),
    ("pool", _HA, """
        enable_ha disable_ha ha_prevent_restarts_for ha_failover_plan_exists ha_compute_max_host_failures_to_tolerate
        ha_compute_hypothetical_max_host_failures_to_tolerate ha_compute_vm_failover_plan set_ha_host_failures_to_tolerate
        ha_schedule_plan_recomputation enable_redo_log disable_redo_log"""),
    ("host", _HA, """
        emergency_ha_disable ha_disarm_fencing preconfigure_ha ha_join_liveset ha_disable_failover_decisions
        ha_wait_for_shutdown_via_statefile ha_stop_daemon ha_release_resources ha_xapi_healthcheck attach_static_vdis
        detach_static_vdis set_localdb_key"""),
    ("pool", _POOLS, """
        exchange_ca_certificates_on_join rotate_secret exchange_trusted_certificates_on_join exchange_crls_on_join"""),
    ("host", _POOLS, """
        create request_backup request_config_file_sync notify reset_networking sync_vlans sync_tunnels sync_pif_currently_attached
        notify_accept_new_pool_secret notify_send_new_pool_secret cleanup_pool_secret copy_primary_host_certs
        prepare_for_poweroff"""),
    ("pool", _TLS, """
        certificate_install certificate_uninstall install_ca_certificate uninstall_ca_certificate crl_install crl_uninstall
        certificate_sync enable_tls_verification enable_client_certificate_auth disable_client_certificate_auth
        install_trusted_certificate uninstall_trusted_certificate sync_trusted_certificates_from set_https_only"""),
    ("host", _TLS, """
        install_ca_certificate uninstall_ca_certificate crl_install crl_uninstall certificate_sync refresh_server_certificate
        install_server_certificate emergency_reset_server_certificate reset_server_certificate
        set_https_only"""),
    ("pool", _UPDATES, "sync_updates check_update_readiness"),
    ("host", _UPDATES, "apply_updates emergency_clear_mandatory_guidance"),
    ("pool_patch", _UPDATES, "apply pool_apply precheck clean pool_clean destroy clean_on_host"),
    ("pool_update", _UPDATES, "introduce pool_apply pool_clean destroy attach detach resync_host"),
    ("host_patch", _UPDATES, "destroy apply"),
    ("Repository", _UPDATES, "introduce introduce_bundle introduce_remote_pool forget apply set_gpgkey_path apply_livepatch"),
    ("pool", _DIRECTORY, "external_auth_set_ldaps"),
    ("host", _DIRECTORY, "external_auth_set_ldaps"),
    ("pool", _WLB, """
        initialize_wlb deconfigure_wlb send_wlb_configuration retrieve_wlb_configuration retrieve_wlb_recommendations"""),
    ("host", _WLB, "retrieve_wlb_evacuate_recommendations"),
    ("pool", _CACHING, "enable_local_storage_caching disable_local_storage_caching"),
    ("host", _CACHING, "enable_local_storage_caching disable_local_storage_caching"),
    ("pool", _HOST, "enable_ssh disable_ssh set_ssh_enabled_timeout set_console_idle_timeout set_ssh_auto_mode"),
    ("host", _HOST, """
        enable_ssh disable_ssh set_ssh_enabled_timeout set_console_idle_timeout set_ssh_auto_mode syslog_reconfigure
        enable_display disable_display set_max_cstate set_ntp_mode set_ntp_custom_servers set_servertime
        set_numa_affinity_policy rescan_drivers update_firewalld_service_status bugreport_upload send_debug_keys
        get_tracked_user_agents"""),
    ("host", _SWITCH, "local_management_reconfigure management_disable"),
    ("host", _HARDWARE, "mxgpu_vf_setup nvidia_vf_setup allocate_resources_for_vm"),
    ("host", _MIGRATION, "migrate_receive"),
    ("host", "what the domain manager and the storage service do not offer yet", """
        get_uncooperative_domains sm_dp_destroy apply_guest_agent_config write_uefi_certificates_to_disk"""),
    ("pool", _GONE, "enable_binary_storage disable_binary_storage send_test_post test_archive_target set_vswitch_controller"),
    ("host", _GONE, "enable_binary_storage disable_binary_storage"),
    ("host_crashdump", "crashes of the host are not collected", "destroy upload"),
    ("session", "reading another database file", "create_from_db_file"),
    ("VM", _MIGRATION, """
        migrate_send assert_can_migrate_sender"""),
    ("VM", _DR, "recover"),
    ("VM_appliance", _DR, "recover"),
    ("VM", "importing from a URL; guests are imported over HTTP", "import import_convert"),
    ("VM", "putting guests to sleep (S3)", "s3_suspend s3_resume"),
    ("VBD", "pausing a disk of a running guest", "pause unpause"),
    ("VIF", "VLAN trunks of guests", "add_trunks remove_trunks set_trunks"),
    ("VTPM", "virtual TPMs", "create destroy get_contents set_contents"),
    ("DR_task", _DR, "create destroy"),
    ("network_sriov", _SRIOV, "create destroy get_remaining_capacity"),
    ("PCI", _HARDWARE, "disable_dom0_access enable_dom0_access get_dom0_access_status"),
    ("PGPU", _HARDWARE, """
        add_enabled_VGPU_types remove_enabled_VGPU_types set_enabled_VGPU_types set_GPU_group get_remaining_capacity
        enable_dom0_access disable_dom0_access"""),
    ("GPU_group", _HARDWARE, """
        create destroy update_enabled_VGPU_types update_supported_VGPU_types get_remaining_capacity"""),
    ("VGPU", _HARDWARE, "create destroy atomic_set_resident_on"),
    ("PUSB", _HARDWARE, "scan set_passthrough_enabled"),
    ("USB_group", _HARDWARE, "create destroy"),
    ("VUSB", _HARDWARE, "create unplug destroy"),
    ("Host_driver", _HARDWARE, "select deselect rescan"),
    ("Driver_variant", _HARDWARE, "select"),
    ("PVS_site", _PVS, "introduce forget set_PVS_uuid"),
    ("PVS_server", _PVS, "introduce forget"),
    ("PVS_proxy", _PVS, "create destroy"),
    ("PVS_cache_storage", _PVS, "create destroy"),
    ("Cluster", _CLUSTERING, "create destroy get_network pool_create pool_force_destroy pool_destroy pool_resync cstack_sync"),
    ("Cluster_host", _CLUSTERING, "create destroy enable force_destroy forget disable"),
    ("Observer", _TRACING, """
        register unregister set_hosts set_enabled set_attributes set_endpoints set_components create destroy"""),
    ("Caller", _LIMITS, """
        add_group remove_group query_token_usage query_call_count query_group_token_usage query_group_call_count
        query_all_usage create destroy"""),
    ("Rate_limit", _LIMITS, "add_caller remove_caller set_burst_size set_fill_rate create destroy"),
)  # fmt: skip

NOT_THERE_YET: Mapping[str, str] = MappingProxyType(
    {f"{cls}.{name}": reason for cls, reason, names in _LISTED for name in names.split()}
)
"""Wire name -> what has to come first."""
