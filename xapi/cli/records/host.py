"""Rows of hosts, their processors, drivers, features and crash dumps."""

from typing import Final

from xapi.cli import values
from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, mro, mrw, ro, rw, sro, srw

HOST_CRASHDUMP: Final = RecordType(
    "host_crashdump",
    (
        ro("uuid"),
        ro("host-uuid", "host"),
        ro("timestamp"),
        ro("size"),
    ),
)

HOST_CPU: Final = RecordType(
    "host_cpu",
    (
        ro("uuid"),
        ro("host-uuid", "host"),
        ro("number"),
        ro("vendor"),
        ro("speed"),
        ro("model"),
        ro("family"),
        ro("modelname"),
        ro("stepping"),
        ro("flags"),
        ro("utilisation", computed.host_cpu_utilisation, failed="<unknown>", expensive=True),
    ),
)

HOST: Final = RecordType(
    "host",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("allowed-operations"),
        sro("current-operations"),
        ro("enabled"),
        ro("display"),
        ro("API-version-major"),
        ro("API-version-minor"),
        ro("API-version-vendor"),
        mro("API-version-vendor-implementation"),
        mrw("logging"),
        rw("suspend-image-sr-uuid", "suspend_image_sr", nullable=True),
        rw("crash-dump-sr-uuid", "crash_dump_sr", nullable=True),
        mro("software-version"),
        sro("capabilities"),
        mrw("other-config"),
        mro("cpu_info"),
        mro("chipset-info"),
        ro("hostname"),
        ro("address"),
        rw("https-only", parse=values.exact_boolean),
        sro("supported-bootloaders"),
        ro("blobs"),
        ro("memory-overhead"),
        ro("memory-total", "metrics.memory_total"),
        ro("memory-free", "metrics.memory_free"),
        ro("memory-free-computed", computed.host_memory_free_computed, expensive=True),
        ro("host-metrics-live", "metrics.live"),
        sro("patches", "patches.pool_patch", comma=True, deprecated=True),
        sro("updates", comma=True),
        ro("ha-statefiles", computed.host_ha_statefiles),
        ro("ha-network-peers"),
        ro("external-auth-type"),
        ro("external-auth-service-name"),
        mro("external-auth-configuration"),
        ro("edition"),
        mro("license-server"),
        ro("power-on-mode"),
        mro("power-on-config"),
        ro("local-cache-sr"),
        srw("tags", comma=True),
        rw("ssl-legacy"),
        mrw("guest_VCPUs_params"),
        sro("virtual-hardware-platform-versions"),
        ro("control-domain-uuid", "control_domain"),
        sro("resident-vms", "resident_VMs"),
        sro("updates-requiring-reboot"),
        sro("features"),
        rw("iscsi_iqn"),
        rw("multipathing"),
        rw("uefi-certificates", hidden=True),
        rw("numa-affinity-policy"),
        ro("pending-guidances"),
        ro("tls-verification-enabled"),
        ro("last-software-update"),
        ro("latest-synced-updates-applied"),
        ro("pending-guidances-recommended"),
        ro("pending-guidances-full"),
        ro("last-update-hash"),
        ro("ssh-enabled"),
        rw("ssh-enabled-timeout"),
        ro("ssh-expiry"),
        rw("console-idle-timeout"),
        rw("ssh-auto-mode"),
        rw("max-cstate"),
        ro("secure-boot"),
        rw("ntp-mode"),
        sro("ntp-custom-servers", comma=True, settable=True, parse=values.trimmed_words),
        rw("timezone"),
    ),
)

FEATURE: Final = RecordType(
    "Feature",
    (
        ro("uuid"),
        ro("name-label"),
        ro("name-description"),
        ro("enabled"),
        ro("experimental"),
        ro("version"),
        ro("host-uuid", "host"),
    ),
)

DRIVER_VARIANT: Final = RecordType(
    "Driver_variant",
    (
        ro("uuid"),
        ro("name"),
        ro("version"),
        ro("status"),
        ro("priority", computed.driver_variant_priority),
        ro("active", computed.driver_variant_active),
        ro("selected", computed.driver_variant_selected),
        ro("driver-uuid", "driver"),
        ro("driver-name", "driver.name"),
        ro("host-uuid", "driver.host"),
        ro("hw-present", "hardware_present"),
    ),
)

HOST_DRIVER: Final = RecordType(
    "Host_driver",
    (
        ro("uuid"),
        ro("name"),
        ro("type"),
        ro("description"),
        ro("info"),
        ro("host-uuid", "host"),
        ro("active-variant", computed.host_driver_active_variant),
        ro("selected-variant", computed.host_driver_selected_variant),
        ro("variants", computed.host_driver_variants),
        ro("variants-dev-status", computed.host_driver_variants_dev_status),
        ro("variants-uuid", computed.host_driver_variants_uuid),
        ro("variants-hw-present", computed.host_driver_variants_hw_present),
    ),
)
