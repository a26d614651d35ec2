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
_DR = "disaster recovery"
_TRACING = "tracing of calls"
_CLUSTERING = "clustered storage (GFS2)"
_HOST = "settings of an installed host's own operating system"
_CACHING = "caching of shared disks on local storage"
_SRIOV = "SR-IOV: the networking service does not make virtual functions yet"
_SWITCH = "the listener cannot move while it runs"
_GONE = "left over from a feature that the original has given up"

_LISTED: tuple[tuple[str, str, str], ...] = (
    ("VM", _GONE, "csvm"),
    ("pool", _HA, "enable_ha disable_ha ha_prevent_restarts_for enable_redo_log disable_redo_log"),
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
        enable_tls_verification enable_client_certificate_auth disable_client_certificate_auth
        sync_trusted_certificates_from"""),
    ("host", _TLS, """
        refresh_server_certificate emergency_reset_server_certificate"""),
    ("pool", _UPDATES, "sync_updates"),
    ("host", _UPDATES, "apply_updates"),
    ("pool_patch", _UPDATES, "apply pool_apply precheck"),
    ("pool_update", _UPDATES, "introduce pool_apply attach detach"),
    ("host_patch", _UPDATES, "apply"),
    ("Repository", _UPDATES, "apply apply_livepatch"),
    ("pool", _DIRECTORY, "external_auth_set_ldaps"),
    ("host", _DIRECTORY, "external_auth_set_ldaps"),
    ("pool", _CACHING, "enable_local_storage_caching disable_local_storage_caching"),
    ("host", _CACHING, "enable_local_storage_caching disable_local_storage_caching"),
    ("pool", _HOST, "set_ssh_auto_mode"),
    ("host", _HOST, "set_ssh_auto_mode bugreport_upload"),
    ("host", _SWITCH, "local_management_reconfigure management_disable"),
    ("host", _HARDWARE, "mxgpu_vf_setup nvidia_vf_setup allocate_resources_for_vm"),
    ("host", _MIGRATION, "migrate_receive"),
    ("host", "what the domain manager and the storage service do not offer yet", "apply_guest_agent_config"),
    ("pool", _GONE, "test_archive_target"),
    ("VM", _MIGRATION, "migrate_send assert_can_migrate_sender"),
    ("VM", _DR, "recover"),
    ("VM_appliance", _DR, "recover"),
    ("VM", "importing from a URL; guests are imported over HTTP", "import import_convert"),
    ("VM", "putting guests to sleep (S3)", "s3_suspend s3_resume"),
    ("VBD", "pausing a disk of a running guest", "pause unpause"),
    ("VIF", "VLAN trunks of guests", "add_trunks remove_trunks set_trunks"),
    ("DR_task", _DR, "create destroy"),
    ("network_sriov", _SRIOV, "create destroy"),
    ("Cluster", _CLUSTERING, """
        create destroy get_network pool_create pool_force_destroy pool_destroy pool_resync cstack_sync"""),
    ("Cluster_host", _CLUSTERING, "create destroy enable force_destroy forget disable"),
    ("Observer", _TRACING, "register unregister"),
)  # fmt: skip

NOT_THERE_YET: Mapping[str, str] = MappingProxyType(
    {f"{cls}.{name}": reason for cls, reason, names in _LISTED for name in names.split()}
)
"""Wire name -> what has to come first."""
