"""Rows of the pool, its clusters, observers and request limits."""

from typing import Final

from xapi.cli import values
from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, Writes, mro, mrw, ro, rw, sro, srw

POOL: Final = RecordType(
    "pool",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("master"),
        rw("default-SR", nullable=True),
        rw("crash-dump-SR", nullable=True),
        rw("suspend-image-SR", nullable=True),
        ro("supported-sr-types", computed.pool_supported_sr_types, expensive=True),
        mrw("other-config"),
        sro("allowed-operations"),
        sro("current-operations"),
        ro("ha-enabled"),
        ro("ha-configuration"),
        ro("ha-statefiles", computed.pool_ha_statefiles),
        rw("ha-host-failures-to-tolerate", parse=values.exact_integer),
        ro("ha-plan-exists-for"),
        rw("ha-allow-overcommit", parse=values.exact_boolean),
        ro("ha-overcommitted"),
        rw("ha-reboot-vm-on-internal-shutdown", parse=values.exact_boolean),
        ro("blobs"),
        ro("wlb-url"),
        ro("wlb-username"),
        rw("wlb-enabled", parse=values.exact_boolean),
        rw("wlb-verify-cert", parse=values.exact_boolean),
        rw("igmp-snooping-enabled", parse=values.exact_boolean),
        mrw("gui-config"),
        mrw("health-check-config"),
        ro("vswitch-controller", computed.pool_vswitch_controller, hidden=True),
        ro("restrictions"),
        srw("tags", comma=True),
        ro("license-state", computed.pool_license_state),
        ro("ha-cluster-stack"),
        mrw("guest-agent-config"),
        mro("cpu_info"),
        rw("policy-no-vendor-device"),
        rw("live-patching-disabled"),
        rw("uefi-certificates", hidden=True),
        rw("custom-uefi-certificates", hidden=True),
        ro("tls-verification-enabled"),
        ro("client-certificate-auth-enabled"),
        ro("client-certificate-auth-name"),
        srw("repositories", settable=True, writes=Writes(add="add_repository", remove="remove_repository")),
        ro("repository-proxy-url"),
        ro("repository-proxy-username"),
        rw("https-only", computed.pool_https_only, parse=values.exact_boolean),
        rw("migration-compression", parse=values.exact_boolean),
        rw("coordinator-bias", parse=values.exact_boolean),
        ro("telemetry-frequency"),
        ro("telemetry-next-collection"),
        ro("last-update-sync"),
        ro("update-sync-frequency"),
        ro("update-sync-day"),
        ro("update-sync-enabled"),
        rw("auto-update-vm-secureboot-certificates", parse=values.exact_boolean),
        mro("recommendations"),
        rw("ext-auth-cache-enabled", parse=values.exact_boolean),
        rw("ext-auth-cache-size", parse=values.exact_integer),
        rw("ext-auth-cache-expiry", parse=values.exact_integer),
        mrw("license-server"),
        ro("ssh-enabled", computed.pool_ssh_enabled),
        rw("ssh-enabled-timeout", computed.pool_ssh_enabled_timeout, parse=values.integer),
        ro("ssh-expiry", computed.pool_ssh_expiry),
        rw("console-idle-timeout", computed.pool_console_idle_timeout, parse=values.integer),
        rw("ssh-auto-mode", computed.pool_ssh_auto_mode, parse=values.field_boolean),
        rw("limit-console-sessions"),
        rw("vm-console-idle-timeout"),
    ),
)

CLUSTER: Final = RecordType(
    "Cluster",
    (
        ro("uuid"),
        sro("cluster-hosts"),
        ro("cluster-token"),
        ro("cluster-stack"),
        ro("cluster-stack-version"),
        ro("token-timeout"),
        ro("token-timeout-coefficient"),
        sro("pending-forget", hidden=True),
        sro("allowed-operations"),
        sro("current-operations"),
        ro("pool-auto-join"),
        mro("cluster-config"),
        mrw("other-config"),
        ro("is-quorate"),
        ro("quorum"),
        ro("live-hosts"),
        ro("expected-hosts"),
    ),
)

CLUSTER_HOST: Final = RecordType(
    "Cluster_host",
    (
        ro("uuid"),
        ro("cluster"),
        ro("PIF"),
        ro("host"),
        ro("enabled"),
        ro("joined"),
        ro("live"),
        ro("last-update-live"),
        sro("allowed-operations"),
        sro("current-operations"),
        mro("other-config"),
    ),
)

OBSERVER: Final = RecordType(
    "Observer",
    (
        ro("uuid"),
        srw("host-uuids", "hosts", settable=True, writes=Writes(add="set_hosts", remove="set_hosts")),
        ro("name-label"),
        ro("name-description"),
        mrw("attributes", writes=Writes(add="set_attributes", remove="set_attributes", set_map="set_attributes")),
        srw("endpoints", settable=True, writes=Writes(add="set_endpoints", remove="set_endpoints")),
        srw("components", settable=True, writes=Writes(add="set_components", remove="set_components")),
        rw("enabled"),
    ),
)

CALLER: Final = RecordType(
    "Caller",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("user-agent"),
        ro("client-ip"),
        ro("last-access"),
        srw("groups", writes=Writes(add="add_group", remove="remove_group")),
        ro("rate-limit", computed.caller_rate_limit),
    ),
)

RATE_LIMIT: Final = RecordType(
    "Rate_limit",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("callers", computed.rate_limit_callers),
        rw("burst-size"),
        rw("fill-rate"),
    ),
)
