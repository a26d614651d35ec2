"""Rows of networks and the interfaces, bonds, VLANs and tunnels below them."""

from typing import Final

from xapi.cli import values
from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, Writes, mro, mrw, ro, rw, sro, srw

BOND: Final = RecordType(
    "Bond",
    (
        ro("uuid"),
        ro("master"),
        ro("slaves"),
        ro("mode"),
        mro("properties", writes=Writes(set_in_map="set_property")),
        ro("primary-slave"),
        ro("links-up"),
        ro("auto-update-mac"),
    ),
)

VLAN: Final = RecordType(
    "VLAN",
    (
        ro("uuid"),
        ro("tagged-PIF"),
        ro("untagged-PIF"),
        ro("tag"),
    ),
)

TUNNEL: Final = RecordType(
    "tunnel",
    (
        ro("uuid"),
        ro("access-PIF"),
        ro("transport-PIF"),
        ro("status"),
        mrw("other-config"),
        ro("protocol"),
    ),
)

NETWORK_SRIOV: Final = RecordType(
    "network_sriov",
    (
        ro("uuid"),
        ro("physical-PIF"),
        ro("logical-PIF"),
        ro("requires-reboot"),
        ro("remaining-capacity", computed.network_sriov_remaining_capacity, failed="<unknown>", expensive=True),
    ),
)

PIF: Final = RecordType(
    "PIF",
    (
        ro("uuid"),
        ro("device"),
        ro("MAC", ignore_case=True),
        ro("physical"),
        ro("managed"),
        ro("currently-attached"),
        ro("MTU"),
        ro("VLAN"),
        ro("vlan-master-of", "VLAN_master_of"),
        ro("vlan-slave-of", "VLAN_slave_of"),
        ro("bond-master-of"),
        ro("bond-slave-of"),
        ro("sriov-physical-PIF-of"),
        ro("sriov-logical-PIF-of"),
        ro("tunnel-access-PIF-of"),
        ro("tunnel-transport-PIF-of"),
        ro("management"),
        ro("network-uuid", "network"),
        ro("network-name-label", "network.name_label"),
        ro("host-uuid", "host"),
        ro("host-name-label", "host.name_label"),
        ro("IP-configuration-mode", "ip_configuration_mode"),
        ro("IP"),
        ro("netmask"),
        ro("gateway"),
        ro("IPv6-configuration-mode", "ipv6_configuration_mode"),
        ro("IPv6"),
        ro("IPv6-gateway", "ipv6_gateway"),
        ro("primary-address-type"),
        ro("DNS"),
        mro("properties", writes=Writes(set_in_map="set_property")),
        sro("capabilities"),
        ro("io_read_kbs", computed.pif_io_read_kbs, failed="<unknown>", expensive=True),
        ro("io_write_kbs", computed.pif_io_write_kbs, failed="<unknown>", expensive=True),
        ro("carrier", "metrics.carrier"),
        ro("vendor-id", "metrics.vendor_id"),
        ro("vendor-name", "metrics.vendor_name"),
        ro("device-id", "metrics.device_id"),
        ro("device-name", "metrics.device_name"),
        ro("speed", computed.pif_speed),
        ro("duplex", computed.pif_duplex),
        rw("disallow-unplug"),
        ro("pci-bus-path", "metrics.pci_bus_path"),
        mrw("other-config"),
        ro("igmp-snooping-status"),
    ),
)

NET: Final = RecordType(
    "network",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("VIF-uuids", "VIFs"),
        sro("PIF-uuids", "PIFs"),
        rw("MTU", parse=values.exact_integer),
        ro("bridge"),
        ro("managed"),
        mrw("other-config"),
        ro("blobs"),
        srw("tags", comma=True),
        rw("default-locking-mode"),
        srw("purpose", comma=True),
    ),
)

SDN_CONTROLLER: Final = RecordType(
    "SDN_controller",
    (
        ro("uuid"),
        ro("protocol"),
        ro("address"),
        ro("port"),
    ),
)
