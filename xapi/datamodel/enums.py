"""The words of each enumeration, in order, and what they mean; the first is what an empty database column means."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "task_allowed_operations": {
        "cancel": "stop it and undo what it did", "destroy": "delete its record",
    },
    "task_status_type": {
        "pending": "still running", "success": "ended; `result` is there", "failure": "ended; `error_info` says why",
        "cancelling": "asked to stop, still running", "cancelled": "stopped on request",
    },
    "event_operation": {
        "add": "the object is new", "del": "the object is gone", "mod": "the object has changed",
    },
    "pool_allowed_operations": {
        "ha_enable": "switching high availability on", "ha_disable": "switching high availability off",
        "cluster_create": "making a cluster", "designate_new_master": "changing the coordinator",
        "configure_repositories": "changing where updates come from", "sync_updates": "fetching metadata of updates",
        "sync_bundle": "taking an uploaded bundle of updates", "get_updates": "listing updates that hosts lack",
        "apply_updates": "installing updates", "tls_verification_enable": "switching certificate checks on",
        "cert_refresh": "replacing a host's certificate",
        "exchange_certificates_on_join": "trading certificates with a joining host",
        "exchange_ca_certificates_on_join": "trading CA certificates with a joining host",
        "copy_primary_host_certs": "spreading the coordinator's certificates", "eject": "removing a host",
        "exchange_crls_on_join": "trading revocation lists with a joining host",
    },
    "telemetry_frequency": {
        "daily": "every day", "weekly": "every week", "monthly": "every month",
    },
    "update_sync_frequency": {
        "daily": "every day", "weekly": "on one day of the week",
    },
    "hello_return": {
        "ok": "the host belongs to the pool", "unknown_host": "the pool does not know the host",
        "cannot_talk_back": "the coordinator cannot reach the host",
    },
    "pool_guest_secureboot_readiness": {
        "ready": "everything is there", "ready_no_dbx": "there is no list of revoked signatures",
        "not_ready": "certificates are missing",
    },
    "certificate_purpose": {
        "licensing": "the licence server", "ldaps": "the external directory",
    },
    "after_apply_guidance": {
        "restartHVM": "restart hardware-virtualised guests", "restartPV": "restart paravirtualised guests",
        "restartHost": "reboot the host", "restartXAPI": "restart the toolstack",
    },
    "update_after_apply_guidance": {
        "restartHVM": "restart hardware-virtualised guests", "restartPV": "restart paravirtualised guests",
        "restartHost": "reboot the host", "restartXAPI": "restart the toolstack",
    },
    "livepatch_status": {
        "ok_livepatch_complete": "a live patch does all of it",
        "ok_livepatch_incomplete": "a live patch does part of it; reboot for the rest", "ok": "there is no live patch",
    },
    "vm_operations": {
        "snapshot": "taking a snapshot", "clone": "making a fast copy", "copy": "making a full copy",
        "create_template": "making a template of it", "revert": "returning to a snapshot",
        "checkpoint": "taking a snapshot with memory", "snapshot_with_quiesce": "taking a snapshot with flushed files",
        "provision": "making a template's disks", "start": "booting", "start_on": "booting on a given host",
        "pause": "stopping its processors", "unpause": "letting its processors run",
        "clean_shutdown": "asking it to shut down", "clean_reboot": "asking it to reboot",
        "hard_shutdown": "powering it off", "power_state_reset": "declaring it halted", "hard_reboot": "resetting it",
        "suspend": "saving its memory to disk", "csvm": "an experiment that is gone", "resume": "coming back from disk",
        "resume_on": "coming back from disk on a given host", "pool_migrate": "moving within the pool",
        "migrate_send": "moving with its disks, maybe to another pool",
        "get_boot_record": "reading what it booted with", "send_sysrq": "sending a SysRq key",
        "send_trigger": "sending a trigger", "query_services": "listing a driver domain's services",
        "shutdown": "asking it to shut down, then powering off", "call_plugin": "calling a plugin in it",
        "changing_memory_live": "changing its memory while it runs",
        "awaiting_memory_live": "waiting for its memory to change",
        "changing_dynamic_range": "changing the bounds of ballooning",
        "changing_static_range": "changing the bounds of its memory",
        "changing_memory_limits": "changing all bounds of its memory",
        "changing_shadow_memory": "changing shadow memory for the next boot",
        "changing_shadow_memory_live": "changing shadow memory while it runs",
        "changing_VCPUs": "changing the number of vCPUs for the next boot",
        "changing_VCPUs_live": "changing the number of vCPUs while it runs",
        "changing_NVRAM": "changing its non-volatile memory", "assert_operation_valid": "checking an operation",
        "data_source_op": "dealing with its metrics", "update_allowed_operations": "computing what is allowed",
        "make_into_template": "becoming a template", "import": "being imported", "export": "being exported",
        "metadata_export": "being exported without disks", "reverting": "having its state replaced by a snapshot's",
        "destroy": "being deleted", "create_vtpm": "getting a TPM", "sysprep": "being generalised",
    },
    "vm_power_state": {
        "Halted": "off", "Paused": "in memory, its processors stopped", "Running": "in memory, its processors running",
        "Suspended": "its memory saved to disk",
    },
    "on_softreboot_behavior": {
        "soft_reboot": "it goes on in the same domain", "destroy": "it is halted", "restart": "it boots anew",
        "preserve": "its domain is kept for inspection",
    },
    "on_normal_exit": {
        "destroy": "it is halted", "restart": "it boots again",
    },
    "on_crash_behaviour": {
        "destroy": "it is halted", "coredump_and_destroy": "its memory is dumped, then it is halted",
        "restart": "it boots again", "coredump_and_restart": "its memory is dumped, then it boots again",
        "preserve": "its domain is kept for inspection",
        "rename_restart": "the dead domain is renamed and kept, and it boots again",
    },
    "domain_type": {
        "hvm": "hardware-virtualised, with firmware and emulated devices", "pv": "paravirtualised",
        "pv_in_pvh": "paravirtualised, inside a small PVH shim",
        "pvh": "hardware-virtualised, without emulated devices", "unspecified": "not known",
    },
    "update_guidances": {
        "reboot_host": "reboot the host", "reboot_host_on_livepatch_failure": "reboot the host, as a live patch failed",
        "reboot_host_on_kernel_livepatch_failure": "reboot the host, as a live patch of the kernel failed",
        "reboot_host_on_xen_livepatch_failure": "reboot the host, as a live patch of the hypervisor failed",
        "restart_toolstack": "restart the toolstack", "restart_device_model": "restart the VM's device emulator",
        "restart_vm": "restart the VM",
    },
    "vm_secureboot_certificates_state": {
        "ok": "they are the pool's", "update_available": "the pool has newer ones",
        "update_on_boot": "they will be replaced at the next boot",
    },
    "update_status": {
        "yes": "there are updates", "no": "there are none", "unspecified": "not known",
    },
    "vm_uefi_mode": {
        "setup": "no platform key: anything boots, and keys can be enrolled", "user": "keys are enrolled",
    },
    "vm_secureboot_readiness": {
        "not_supported": "it has no UEFI firmware", "disabled": "Secure Boot is off",
        "first_boot": "keys will be enrolled at its first boot", "ready": "everything is there",
        "ready_no_dbx": "it has no list of revoked signatures", "setup_mode": "it has no platform key",
        "certs_incomplete": "certificates are missing",
    },
    "tristate_type": {
        "yes": "yes", "no": "no", "unspecified": "not known",
    },
    "vmpp_backup_type": {
        "snapshot": "a snapshot", "checkpoint": "a snapshot with memory",
    },
    "vmpp_backup_frequency": {
        "hourly": "every hour", "daily": "every day", "weekly": "every week",
    },
    "vmpp_archive_target_type": {
        "none": "nowhere", "cifs": "a Windows share", "nfs": "an NFS share",
    },
    "vmpp_archive_frequency": {
        "never": "not at all", "always_after_backup": "after each backup", "daily": "every day", "weekly": "every week",
    },
    "vmss_type": {
        "snapshot": "a snapshot of the disks", "checkpoint": "a snapshot with memory",
        "snapshot_with_quiesce": "a snapshot with flushed files",
    },
    "vmss_frequency": {
        "hourly": "every hour", "daily": "every day", "weekly": "on some days of the week",
    },
    "vm_appliance_operation": {
        "start": "starting its VMs", "clean_shutdown": "asking its VMs to shut down",
        "hard_shutdown": "powering its VMs off", "shutdown": "asking its VMs to shut down, then powering off",
    },
    "host_allowed_operations": {
        "provision": "making VMs", "evacuate": "moving its VMs away", "shutdown": "powering off", "reboot": "rebooting",
        "power_on": "being switched on", "vm_start": "booting a VM", "vm_resume": "bringing a VM back from disk",
        "vm_migrate": "taking part in a migration", "apply_updates": "installing updates", "enable": "taking VMs again",
    },
    "host_display": {
        "enabled": "a console is shown", "disable_on_reboot": "a console is shown until the next boot",
        "disabled": "nothing is shown", "enable_on_reboot": "nothing is shown until the next boot",
    },
    "latest_synced_updates_applied_state": {
        "yes": "the host has them all", "no": "the host lacks some", "unknown": "not known",
    },
    "host_numa_affinity_policy": {
        "any": "memory goes anywhere", "best_effort": "memory goes to few nodes if there is room",
        "default_policy": "the toolstack's default",
    },
    "host_ntp_mode": {
        "DHCP": "servers that DHCP names", "Custom": "the host's own list", "Factory": "the vendor's servers",
        "Disabled": "no server",
    },
    "host_sched_gran": {
        "core": "all threads of a core belong to one guest at a time", "cpu": "every thread is scheduled by itself",
        "socket": "all threads of a socket belong to one guest at a time",
    },
    "network_operations": {
        "attaching": "coming up on a host",
    },
    "network_default_locking_mode": {
        "unlocked": "traffic is not filtered", "disabled": "no traffic passes",
    },
    "network_purpose": {
        "nbd": "disks are exported over it, with TLS", "insecure_nbd": "disks are exported over it, without TLS",
    },
    "vif_operations": {
        "attach": "being connected at a start", "plug": "being plugged into the running guest",
        "unplug": "being unplugged from the running guest",
    },
    "vif_locking_mode": {
        "network_default": "as the network says", "locked": "only its own MAC and the allowed addresses pass",
        "unlocked": "traffic is not filtered", "disabled": "no traffic passes",
    },
    "vif_ipv4_configuration_mode": {
        "None": "the agent is told nothing", "Static": "the agent is told a fixed address",
        "DHCP": "the agent is told to use DHCP",
    },
    "vif_ipv6_configuration_mode": {
        "None": "the agent is told nothing", "Static": "the agent is told a fixed address",
        "Autoconf": "the agent is told to configure itself",
    },
    "ip_configuration_mode": {
        "None": "no IPv4 address", "DHCP": "from a DHCP server", "Static": "a fixed one",
    },
    "ipv6_configuration_mode": {
        "None": "no IPv6 address", "DHCP": "from a DHCPv6 server", "Static": "a fixed one",
        "Autoconf": "from router advertisements",
    },
    "primary_address_type": {
        "IPv4": "IPv4", "IPv6": "IPv6",
    },
    "pif_igmp_status": {
        "enabled": "multicast goes to ports that asked", "disabled": "multicast goes everywhere",
        "unknown": "not known",
    },
    "bond_mode": {
        "balance-slb": "each MAC has a member, spread by load", "active-backup": "one member works, the others wait",
        "lacp": "the switch takes part (802.3ad)",
    },
    "image_format_type": {
        "raw": "plain bytes", "vhd": "VHD", "qcow2": "QCOW2",
    },
    "storage_operations": {
        "scan": "looking for its disks", "destroy": "being deleted", "forget": "being forgotten",
        "plug": "being plugged into a host", "unplug": "being unplugged from a host",
        "update": "having its figures refreshed", "vdi_create": "making a disk", "vdi_introduce": "making a disk known",
        "vdi_destroy": "deleting a disk", "vdi_resize": "resizing a disk", "vdi_clone": "cloning a disk",
        "vdi_snapshot": "taking a disk's snapshot", "vdi_mirror": "mirroring a disk",
        "vdi_enable_cbt": "starting to track changed blocks", "vdi_disable_cbt": "ceasing to track changed blocks",
        "vdi_data_destroy": "deleting a snapshot's data", "vdi_list_changed_blocks": "comparing two states of a disk",
        "vdi_set_on_boot": "changing what a reboot does to a disk", "vdi_blocked": "keeping a disk from use",
        "vdi_copy": "copying a disk", "vdi_force_unlock": "unlocking a disk", "vdi_forget": "forgetting a disk",
        "vdi_generate_config": "describing a disk for static attachment", "vdi_resize_online": "resizing a disk in use",
        "vdi_update": "refreshing a disk's figures", "vdi_revert": "returning a disk to a snapshot",
        "pbd_create": "being connected to a host", "pbd_destroy": "being disconnected from a host",
    },
    "sr_health": {
        "healthy": "it works", "recovering": "it is being repaired", "unreachable": "it cannot be reached",
        "unavailable": "it is not there",
    },
    "vdi_operations": {
        "clone": "making a fast copy", "copy": "making a full copy", "resize": "resizing it",
        "resize_online": "resizing it in use", "snapshot": "taking its snapshot", "mirror": "mirroring it",
        "destroy": "being deleted", "forget": "being forgotten", "update": "having its figures refreshed",
        "force_unlock": "being unlocked", "generate_config": "being described for static attachment",
        "enable_cbt": "starting to track changed blocks", "disable_cbt": "ceasing to track changed blocks",
        "data_destroy": "having its data deleted", "list_changed_blocks": "being compared with another state",
        "set_on_boot": "changing what a reboot does to it", "blocked": "being kept from use",
        "revert_to": "being what another disk returns to", "revert_from": "returning to a snapshot",
    },
    "vdi_type": {
        "system": "disk that a guest's system is on", "user": "disk for a guest's data",
        "ephemeral": "disk whose contents may be lost", "suspend": "memory of a suspended guest",
        "crashdump": "dump of a crashed guest", "ha_statefile": "state of high availability",
        "metadata": "copy of a pool's database", "redo_log": "log of database changes", "rrd": "archives of metrics",
        "pvs_cache": "cache for provisioning servers", "cbt_metadata": "list of changed blocks left of a snapshot",
    },
    "on_boot": {
        "reset": "writes are dropped at each boot", "persist": "writes are kept",
    },
    "vbd_operations": {
        "attach": "being connected at a start", "eject": "having its medium taken out",
        "insert": "having a medium put in", "plug": "being plugged into the running guest",
        "unplug": "being unplugged from the running guest", "unplug_force": "being unplugged without asking",
        "pause": "being held", "unpause": "being let go on",
    },
    "vbd_mode": {
        "RO": "the guest can only read", "RW": "the guest can write",
    },
    "vbd_type": {
        "CD": "a CD drive", "Disk": "a disk", "Floppy": "a floppy drive",
    },
    "vtpm_operations": {
        "destroy": "being deleted",
    },
    "persistence_backend": {
        "xapi": "the pool's database",
    },
    "console_protocol": {
        "vt100": "text", "rfb": "VNC", "rdp": "RDP",
    },
    "cls": {
        "VM": "a VM", "Host": "a host", "SR": "a storage repository", "Pool": "the pool", "VMPP": "a protection policy",
        "VMSS": "a snapshot schedule", "PVS_proxy": "a PVS proxy", "VDI": "a disk", "Certificate": "a certificate",
    },
    "tunnel_protocol": {
        "gre": "GRE", "vxlan": "VXLAN",
    },
    "sriov_configuration_mode": {
        "sysfs": "by writing to sysfs", "modprobe": "by a parameter of the driver", "manual": "by the administrator",
        "unknown": "not yet",
    },
    "pci_dom0_access": {
        "enabled": "dom0 uses it", "disable_on_reboot": "dom0 uses it until the next boot",
        "disabled": "dom0 does not use it", "enable_on_reboot": "dom0 does not use it until the next boot",
    },
    "allocation_algorithm": {
        "breadth_first": "to the emptiest processor", "depth_first": "to the fullest processor that has room",
    },
    "vgpu_type_implementation": {
        "passthrough": "the whole device", "nvidia": "NVIDIA's mediated devices",
        "nvidia_sriov": "NVIDIA's virtual functions", "gvt_g": "Intel's mediated devices",
        "mxgpu": "AMD's virtual functions",
    },
    "pvs_proxy_status": {
        "stopped": "nothing is cached", "initialised": "it is ready", "caching": "it caches",
        "incompatible_write_cache_mode": "the target's write cache does not allow it",
        "incompatible_protocol_version": "the target's protocol is of another version",
    },
    "sdn_controller_protocol": {
        "ssl": "connections are made to it, with TLS", "pssl": "it connects, with TLS",
    },
    "vusb_operations": {
        "attach": "being connected at a start", "plug": "being plugged into the running guest",
        "unplug": "being unplugged from the running guest",
    },
    "cluster_operation": {
        "add": "adding a host", "remove": "removing a host", "enable": "taking a host in again",
        "disable": "leaving a host out for now", "destroy": "being ended",
    },
    "cluster_host_operation": {
        "enable": "taking part again", "disable": "taking no part for now", "destroy": "leaving",
    },
    "certificate_type": {
        "ca": "an authority that is trusted", "host": "what the host shows to clients",
        "host_internal": "what the host shows to other hosts of the pool",
        "pinned": "a server that is trusted by itself",
    },
    "origin": {
        "remote": "a web server", "bundle": "an uploaded file", "remote_pool": "another pool",
    },
    "placement_policy": {
        "anti_affinity": "on different hosts as far as possible", "normal": "as usual",
    },
}

ENUMS: Final[dict[str, tuple[str, ...]]] = {name: tuple(words) for name, words in WORDS.items()}
