"""Networks, virtual and physical interfaces, and the ways to join them."""

from xapi.datamodel.declare import HIDDEN, call, define, p, ro, rw, static
from xapi.datamodel.defaults import NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import POOL_ADMIN, POOL_OPERATOR, READ_ONLY, VM_ADMIN, VM_OPERATOR, VM_POWER_ADMIN

network = define(
    "network",
    since="rio",
    doc="A virtual switch that spans the pool and joins interfaces of guests and hosts.",
    role=VM_ADMIN,
    constructed=True,
    tag="networking",
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, "", role=POOL_OPERATOR),
        rw("name__description", STRING, "", role=POOL_OPERATOR),
        ro("allowed_operations", Set(Enum("network_operations")), [], persist=False),
        ro("current_operations", Map(STRING, Enum("network_operations")), {}, persist=False),
        ro("VIFs", Set(Ref("VIF")), doc="Guests on it."),
        ro("PIFs", Set(Ref("PIF")), doc="Hosts on it."),
        rw("MTU", INT, 1500, since="midnight-ride", doc="Bytes per frame."),
        rw(
            "other_config", Map(STRING, STRING), role=POOL_OPERATOR,
            key_roles={
                "folder": VM_OPERATOR, "XenCenter.CustomFields.*": VM_OPERATOR,
                "XenCenterCreateInProgress": VM_OPERATOR,
            },
        ),
        static("bridge", STRING, "", since="rio, changed falcon", doc="The name of its bridge on hosts."),
        static("managed", BOOL, True, since="falcon", doc="The toolstack makes and removes the bridge."),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando"),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        ro(
            "default_locking_mode", Enum("network_default_locking_mode"), "unlocked", since="tampa",
            doc="What guests may send whose VIFs leave it to the network.",
        ),
        ro(
            "assigned_ips", Map(Ref("VIF"), STRING), {}, since="creedence",
            doc="Addresses given out on internal networks.",
        ),
        ro(
            "purpose", Set(Enum("network_purpose")), [], since="inverness",
            doc="What it is used for beside guests' traffic, e.g. `nbd` to export disks over it.",
        ),
    ),
    messages=(
        call(
            "attach", p("network", Ref("network")), p("host", Ref("host")), role=POOL_OPERATOR, flags=(HIDDEN,),
            since="miami", doc="Bring the network up on a host even if no guest needs it yet.",
        ),
        call(
            "pool_introduce", p("name_label", STRING, since="miami"), p("name_description", STRING, since="miami"),
            p("MTU", INT, since="miami"), p("other_config", Map(STRING, STRING), since="miami"),
            p("bridge", STRING, since="miami"), p("managed", BOOL, since="falcon"),
            p("purpose", Set(Enum("network_purpose")), since="inverness"), result=Ref("network"), role=POOL_OPERATOR,
            flags=(HIDDEN,), doc="Make a record for a bridge that exists. For the pool's own use.",
        ),
        call(
            "create_new_blob", p("network", Ref("network")), p("name", STRING), p("mime_type", STRING),
            p("public", BOOL, False, since="tampa"), result=Ref("blob"), role=POOL_OPERATOR, since="orlando",
            doc="Make a binary object that belongs to the network; its bytes come and go over HTTP (`/blob`).",
        ),
        call(
            "set_default_locking_mode", p("network", Ref("network")), p("value", Enum("network_default_locking_mode")),
            role=POOL_OPERATOR, since="tampa",
            doc="Set how VIFs in mode `network_default` are filtered. No such VIF may be attached.",
        ),
        call(
            "attach_for_vm", p("host", Ref("host")), p("vm", Ref("VM")), role=VM_POWER_ADMIN, flags=(HIDDEN,),
            since="tampa", doc="Bring up all networks of a VM on a host. For the pool's own use.",
        ),
        call(
            "detach_for_vm", p("host", Ref("host")), p("vm", Ref("VM")), role=VM_POWER_ADMIN, flags=(HIDDEN,),
            since="tampa", doc="Let networks of a VM that ended go down again. For the pool's own use.",
        ),
        call(
            "add_purpose", p("self", Ref("network")), p("value", Enum("network_purpose")),
            errors=("NETWORK_INCOMPATIBLE_PURPOSES",), role=POOL_ADMIN, since="inverness",
            doc="Use the network for something more; NETWORK_INCOMPATIBLE_PURPOSES if that cannot go together.",
        ),
        call(
            "remove_purpose", p("self", Ref("network")), p("value", Enum("network_purpose")), role=POOL_ADMIN,
            since="inverness", doc="Use the network for that no longer.",
        ),
    ),
)

VIF = define(
    "VIF",
    since="rio",
    doc="A virtual network interface: joins a VM to a network.",
    role=VM_ADMIN,
    constructed=True,
    tag="networking",
    fields=(
        ro("uuid", STRING),
        ro(
            "allowed_operations", Set(Enum("vif_operations")), [], persist=False,
            doc="Operations that its state allows now.",
        ),
        ro("current_operations", Map(STRING, Enum("vif_operations")), {}, persist=False),
        static("device", STRING, doc="Position: 0, 1, ..."),
        static("network", Ref("network"), doc="Where it is plugged."),
        static("VM", Ref("VM"), doc="Whose device it is."),
        static("MAC", STRING, doc="Its hardware address."),
        static("MTU", INT, doc="Bytes per frame."),
        ro("reserved", BOOL, internal_only=True, doc="Left from old versions; always false."),
        rw("other_config", Map(STRING, STRING)),
        static("currently_attached", BOOL, False, since="rio, changed 1.257.0", doc="The running guest has it."),
        ro("status_code", INT, doc="Left from old versions: the last error, 0 for none."),
        ro("status_detail", STRING, doc="Left from old versions: the last error as text."),
        ro("runtime_properties", Map(STRING, STRING), doc="Left from old versions; empty."),
        rw("qos__algorithm_type", STRING, doc="`ratelimit` to limit outgoing traffic; empty for no limit."),
        rw("qos__algorithm_params", Map(STRING, STRING), doc="For `ratelimit`: `kbps`, kilobytes per second."),
        ro("qos__supported_algorithms", Set(STRING), doc="What `qos_algorithm_type` may be."),
        ro(
            "metrics", Ref("VIF_metrics"), NULL_REF, since="rio, deprecated tampa, removed tampa",
            doc="Removed: its counters; read the archives (RRDs).",
        ),
        ro("MAC_autogenerated", BOOL, False, since="george", doc="Nobody chose the address."),
        static(
            "locking_mode", Enum("vif_locking_mode"), "network_default", since="tampa", doc="What the guest may send.",
        ),
        static("ipv4_allowed", Set(STRING), [], since="tampa", doc="Addresses the guest may use when locked."),
        static("ipv6_allowed", Set(STRING), [], since="tampa", doc="Addresses the guest may use when locked."),
        ro(
            "ipv4_configuration_mode", Enum("vif_ipv4_configuration_mode"), "None", since="dundee",
            doc="Whether the guest's agent is told an IPv4 address.",
        ),
        ro(
            "ipv4_addresses", Set(STRING), [], since="dundee",
            doc="The IPv4 address the agent is told, with prefix length.",
        ),
        ro("ipv4_gateway", STRING, "", since="dundee", doc="The IPv4 gateway the agent is told; empty for none."),
        ro(
            "ipv6_configuration_mode", Enum("vif_ipv6_configuration_mode"), "None", since="dundee",
            doc="Whether the guest's agent is told an IPv6 address.",
        ),
        ro(
            "ipv6_addresses", Set(STRING), [], since="dundee",
            doc="The IPv6 address the agent is told, with prefix length.",
        ),
        ro("ipv6_gateway", STRING, "", since="dundee", doc="The IPv6 gateway the agent is told; empty for none."),
        ro(
            "reserved_pci", Ref("PCI"), NULL_REF, internal_only=True, since="kolkata",
            doc="Virtual function set aside for it on an SR-IOV network; null otherwise.",
        ),
        static(
            "trunks", Set(INT), [], since="prototyped 26.17.0",
            doc="VLAN tags that pass; empty for no VLAN filter. Open vSwitch only.",
        ),
    ),
    messages=(
        call("plug", p("self", Ref("VIF")), doc="Attach it to the running VM."),
        call("unplug", p("self", Ref("VIF")), doc="Detach it from the running VM."),
        call(
            "unplug_force", p("self", Ref("VIF")), since="boston",
            doc="Take the interface from the running guest without asking it.",
        ),
        call(
            "move", p("self", Ref("VIF")), p("network", Ref("network")), since="ely", doc="Put it on another network.",
        ),
        call(
            "set_locking_mode", p("self", Ref("VIF")), p("value", Enum("vif_locking_mode")), role=POOL_OPERATOR,
            since="tampa", doc="Set how traffic is filtered; counts at once.",
        ),
        call(
            "set_ipv4_allowed", p("self", Ref("VIF")), p("value", Set(STRING)), role=POOL_OPERATOR, since="tampa",
            doc="Set the IPv4 addresses that the guest may use in locked mode.",
        ),
        call(
            "add_ipv4_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa",
            doc="Let the guest use one more IPv4 address in locked mode.",
        ),
        call(
            "remove_ipv4_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa",
            doc="Let the guest use an IPv4 address no longer in locked mode.",
        ),
        call(
            "set_ipv6_allowed", p("self", Ref("VIF")), p("value", Set(STRING)), role=POOL_OPERATOR, since="tampa",
            doc="Set the IPv6 addresses that the guest may use in locked mode.",
        ),
        call(
            "add_ipv6_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa",
            doc="Let the guest use one more IPv6 address in locked mode.",
        ),
        call(
            "remove_ipv6_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa",
            doc="Let the guest use an IPv6 address no longer in locked mode.",
        ),
        call(
            "configure_ipv4", p("self", Ref("VIF")), p("mode", Enum("vif_ipv4_configuration_mode")),
            p("address", STRING, ""), p("gateway", STRING, ""), role=VM_OPERATOR, since="dundee, extended 26.16.0",
            doc="Tell the guest's agent which IPv4 address the interface is to have.",
        ),
        call(
            "configure_ipv6", p("self", Ref("VIF")), p("mode", Enum("vif_ipv6_configuration_mode")),
            p("address", STRING, ""), p("gateway", STRING, ""), role=VM_OPERATOR, since="dundee, extended 26.16.0",
            doc="Tell the guest's agent which IPv6 address the interface is to have.",
        ),
        call(
            "add_trunks", p("self", Ref("VIF")), p("value", INT), since="prototyped 26.17.0",
            doc="Let one more VLAN pass.",
        ),
        call(
            "remove_trunks", p("self", Ref("VIF")), p("value", INT), since="prototyped 26.17.0",
            doc="Let a VLAN pass no longer.",
        ),
        call(
            "set_trunks", p("self", Ref("VIF")), p("value", Set(INT)), since="prototyped 26.17.0",
            doc="Set which VLANs (tags 0 to 4094) pass; none for no filter.",
        ),
    ),
)

VIF_metrics = define(
    "VIF_metrics",
    since="rio, deprecated tampa, removed tampa",
    doc="What used to be measured of a VIF.",
    role=VM_ADMIN,
    persist=False,
    tag="networking",
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("io__read_kbs", FLOAT, 0.0, persist=False, doc="Removed: read the archives (RRDs)."),
        ro("io__write_kbs", FLOAT, 0.0, persist=False, doc="Removed: read the archives (RRDs)."),
        ro("last_updated", DATETIME, since="rio", doc="When these values were last written."),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)

PIF = define(
    "PIF",
    since="rio",
    members_since="miami",
    doc="A host's physical interface, or a bond, VLAN or tunnel made from such: joins a host to a network.",
    tag="networking",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("device", STRING, since="rio", doc="The interface's name: eth0."),
        static("network", Ref("network"), since="rio", doc="Where it is plugged."),
        static("host", Ref("host"), since="rio", doc="Whose interface it is."),
        static("MAC", STRING, since="rio", doc="Its hardware address."),
        static("MTU", INT, since="rio", doc="Bytes per frame."),
        static("VLAN", INT, since="rio", doc="Its tag; -1 if untagged."),
        rw(
            "device_name", STRING, internal_only=True, since="rio",
            doc="Left from old versions: the name of the device behind it.",
        ),
        ro("metrics", Ref("PIF_metrics"), since="rio", doc="What is measured of it: link, speed, counters."),
        ro("physical", BOOL, False, doc="Hardware rather than made."),
        ro("currently_attached", BOOL, True, doc="Up on its host."),
        ro("ip_configuration_mode", Enum("ip_configuration_mode"), "None", doc="How it gets its IPv4 address."),
        ro("IP", STRING, "", doc="IPv4 address."),
        ro("netmask", STRING, "", doc="IPv4 netmask."),
        ro("gateway", STRING, "", doc="IPv4 gateway."),
        ro("DNS", STRING, "", doc="Name servers, comma-separated."),
        ro("bond_slave_of", Ref("Bond"), "", doc="The bond it is part of."),
        ro("bond_master_of", Set(Ref("Bond")), doc="Bonds whose combined interface it is."),
        ro("VLAN_master_of", Ref("VLAN"), "", doc="The VLAN whose tagged side it is; null for other interfaces."),
        ro("VLAN_slave_of", Set(Ref("VLAN")), doc="VLANs that run over it."),
        ro("management", BOOL, False, doc="The host is managed through it."),
        rw("other_config", Map(STRING, STRING), {}),
        ro("disallow_unplug", BOOL, False, since="orlando", doc="Keeps it up."),
        ro("tunnel_access_PIF_of", Set(Ref("tunnel")), since="cowley", doc="Tunnels whose near side it is."),
        ro("tunnel_transport_PIF_of", Set(Ref("tunnel")), since="cowley", doc="Tunnels that run over it."),
        ro(
            "ipv6_configuration_mode", Enum("ipv6_configuration_mode"), "None", since="tampa",
            doc="How it gets IPv6 addresses.",
        ),
        ro("IPv6", Set(STRING), [], since="tampa", doc="Its IPv6 addresses, with prefix length."),
        ro("ipv6_gateway", STRING, "", since="tampa", doc="Its IPv6 gateway; empty for none."),
        ro(
            "primary_address_type", Enum("primary_address_type"), "IPv4", since="tampa",
            doc="Which kind of address management uses.",
        ),
        static(
            "managed", BOOL, True, since="vgpu-productisation", doc="Whether the toolstack configures the interface.",
        ),
        ro("properties", Map(STRING, STRING), {}, since="creedence", doc="Settings of the link, e.g. `gro` (on, off)."),
        ro("capabilities", Set(STRING), [], since="dundee", doc="What the interface can do, e.g. `sriov`, `fcoe`."),
        ro(
            "igmp_snooping_status", Enum("pif_igmp_status"), "unknown", since="inverness",
            doc="Whether its bridge forwards multicast only to ports that asked.",
        ),
        ro(
            "sriov_physical_PIF_of", Set(Ref("network_sriov")), since="kolkata",
            doc="The SR-IOV network whose physical interface it is.",
        ),
        ro(
            "sriov_logical_PIF_of", Set(Ref("network_sriov")), since="kolkata",
            doc="The SR-IOV network whose logical interface it is.",
        ),
        ro("PCI", Ref("PCI"), NULL_REF, since="kolkata", doc="Its PCI device; null for virtual interfaces."),
    ),
    messages=(
        call(
            "create_VLAN", p("device", STRING), p("network", Ref("network")), p("host", Ref("host")), p("VLAN", INT),
            result=Ref("PIF"), errors=("VLAN_TAG_INVALID",), since="rio, deprecated miami",
            doc="Deprecated: use `VLAN.create`.",
        ),
        call(
            "destroy", p("self", Ref("PIF")), errors=("PIF_IS_PHYSICAL",), since="rio, deprecated miami",
            doc="Deprecated: delete a VLAN's interface; use `VLAN.destroy`.",
        ),
        call(
            "reconfigure_ip", p("self", Ref("PIF")), p("mode", Enum("ip_configuration_mode")), p("IP", STRING),
            p("netmask", STRING), p("gateway", STRING), p("DNS", STRING), errors=("CLUSTERING_ENABLED",),
            doc="Change how it gets its IPv4 address.",
        ),
        call(
            "reconfigure_ipv6", p("self", Ref("PIF")), p("mode", Enum("ipv6_configuration_mode")), p("IPv6", STRING),
            p("gateway", STRING), p("DNS", STRING), errors=("CLUSTERING_ENABLED",), since="tampa",
            doc="Set how the interface gets its IPv6 address; counts at once.",
        ),
        call(
            "set_primary_address_type", p("self", Ref("PIF")), p("primary_address_type", Enum("primary_address_type")),
            since="tampa", doc="Set which kind of address management uses on this interface.",
        ),
        call("scan", p("host", Ref("host")), doc="Record the interfaces a host has now."),
        call(
            "introduce", p("host", Ref("host")), p("MAC", STRING), p("device", STRING),
            p("managed", BOOL, True, since="vgpu-productisation"), result=Ref("PIF"),
            doc="Record an interface by its MAC.",
        ),
        call(
            "forget", p("self", Ref("PIF")), errors=("PIF_TUNNEL_STILL_EXISTS", "CLUSTERING_ENABLED"),
            doc="Drop the record.",
        ),
        call(
            "unplug", p("self", Ref("PIF")),
            errors=(
                "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN", "VIF_IN_USE", "PIF_DOES_NOT_ALLOW_UNPLUG",
                "PIF_HAS_FCOE_SR_IN_USE",
            ),
            doc="Take it down.",
        ),
        call(
            "set_disallow_unplug", p("self", Ref("PIF")), p("value", BOOL),
            errors=("OTHER_OPERATION_IN_PROGRESS", "CLUSTERING_ENABLED"), since="orlando",
            doc="Whether the interface may not be unplugged, e.g. because storage runs over it.",
        ),
        call("plug", p("self", Ref("PIF")), errors=("TRANSPORT_PIF_NOT_CONFIGURED",), doc="Bring it up."),
        call(
            "pool_introduce", p("device", STRING, since="miami"), p("network", Ref("network"), since="miami"),
            p("host", Ref("host"), since="miami"), p("MAC", STRING, since="miami"), p("MTU", INT, since="miami"),
            p("VLAN", INT, since="miami"), p("physical", BOOL, since="miami"),
            p("ip_configuration_mode", Enum("ip_configuration_mode"), since="miami"), p("IP", STRING, since="miami"),
            p("netmask", STRING, since="miami"), p("gateway", STRING, since="miami"), p("DNS", STRING, since="miami"),
            p("bond_slave_of", Ref("Bond"), since="miami"), p("VLAN_master_of", Ref("VLAN"), since="miami"),
            p("management", BOOL, since="miami"), p("other_config", Map(STRING, STRING), since="miami"),
            p("disallow_unplug", BOOL, False, since="orlando"),
            p("ipv6_configuration_mode", Enum("ipv6_configuration_mode"), "None", since="boston"),
            p("IPv6", Set(STRING), [], since="boston"), p("ipv6_gateway", STRING, "", since="boston"),
            p("primary_address_type", Enum("primary_address_type"), "IPv4", since="boston"),
            p("managed", BOOL, True, since="vgpu-productisation"),
            p("properties", Map(STRING, STRING), {}, since="creedence"), result=Ref("PIF"), flags=(HIDDEN,),
            since="rio", doc="Make a record for an interface. For the pool's own use.",
        ),
        call(
            "db_introduce", p("device", STRING), p("network", Ref("network")), p("host", Ref("host")),
            p("MAC", STRING), p("MTU", INT), p("VLAN", INT), p("physical", BOOL),
            p("ip_configuration_mode", Enum("ip_configuration_mode")), p("IP", STRING), p("netmask", STRING),
            p("gateway", STRING), p("DNS", STRING), p("bond_slave_of", Ref("Bond")), p("VLAN_master_of", Ref("VLAN")),
            p("management", BOOL), p("other_config", Map(STRING, STRING)), p("disallow_unplug", BOOL, False),
            p("ipv6_configuration_mode", Enum("ipv6_configuration_mode"), "None", since="boston"),
            p("IPv6", Set(STRING), [], since="boston"), p("ipv6_gateway", STRING, "", since="boston"),
            p("primary_address_type", Enum("primary_address_type"), "IPv4", since="boston"),
            p("managed", BOOL, True, since="vgpu-productisation"),
            p("properties", Map(STRING, STRING), {}, since="creedence"), result=Ref("PIF"), since="orlando",
            doc="Make a record for an interface, touching nothing else. For recovery.",
        ),
        call(
            "db_forget", p("self", Ref("PIF")), since="orlando",
            doc="Delete the interface's record, touching nothing else. For recovery.",
        ),
        call(
            "set_property", p("self", Ref("PIF")), p("name", STRING), p("value", STRING), since="creedence",
            doc="Set a property of the link; counts at once.",
        ),
    ),
)

PIF_metrics = define(
    "PIF_metrics",
    since="rio",
    doc="What is measured of a PIF, and what the hardware says about itself.",
    tag="networking",
    fields=(
        ro("uuid", STRING),
        ro(
            "io__read_kbs", FLOAT, 0.0, persist=False, since="rio, deprecated tampa, removed tampa",
            doc="Removed: read the archives (RRDs).",
        ),
        ro(
            "io__write_kbs", FLOAT, 0.0, persist=False, since="rio, deprecated tampa, removed tampa",
            doc="Removed: read the archives (RRDs).",
        ),
        ro("carrier", BOOL, doc="Whether the link is up."),
        ro("vendor_id", STRING, doc="PCI vendor, in hexadecimal."),
        ro("vendor_name", STRING, doc="PCI vendor's name."),
        ro("device_id", STRING, doc="PCI device, in hexadecimal."),
        ro("device_name", STRING, doc="PCI device's name."),
        ro("speed", INT, doc="Speed of the link in Mbit/s; 0 if unknown."),
        ro("duplex", BOOL, doc="Whether the link is full-duplex."),
        ro("pci_bus_path", STRING, doc="PCI address; `N/A` for virtual interfaces."),
        ro("last_updated", DATETIME, doc="When these values were last written."),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)

Bond = define(
    "Bond",
    since="miami",
    doc="Several PIFs of a host joined into one that outlives the loss of a link.",
    tag="networking",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("master", Ref("PIF"), "", doc="The combined interface."),
        ro("slaves", Set(Ref("PIF")), doc="The interfaces it is made of."),
        rw("other_config", Map(STRING, STRING), {}),
        ro(
            "primary_slave", Ref("PIF"), NULL_REF, since="boston",
            doc="The member whose MAC and configuration the bond took over.",
        ),
        ro("mode", Enum("bond_mode"), "balance-slb", since="boston", doc="How traffic is spread over the members."),
        ro(
            "properties", Map(STRING, STRING), {}, since="tampa",
            doc="Settings of the mode, e.g. `hashing_algorithm`, `lacp-time`.",
        ),
        ro("links_up", INT, 0, since="tampa", doc="How many members have a link."),
        ro("auto_update_mac", BOOL, True, since="quebec", doc="Whether the bond's MAC follows its primary member."),
    ),
    messages=(
        call(
            "create", p("network", Ref("network")), p("members", Set(Ref("PIF"))), p("MAC", STRING),
            p("mode", Enum("bond_mode"), "balance-slb", since="boston"),
            p("properties", Map(STRING, STRING), {}, since="tampa"), result=Ref("Bond"),
            doc="Combine interfaces of a host. The first one that has an address gives the bond its configuration.",
        ),
        call(
            "destroy", p("self", Ref("Bond")),
            doc="Dissolve the bond; its configuration and VLANs return to the primary member.",
        ),
        call(
            "set_mode", p("self", Ref("Bond")), p("value", Enum("bond_mode")), since="boston",
            doc="Set how traffic is spread; counts at once.",
        ),
        call(
            "set_property", p("self", Ref("Bond")), p("name", STRING), p("value", STRING), since="tampa",
            doc="Set a property of the mode; counts at once.",
        ),
    ),
)

VLAN = define(
    "VLAN",
    since="miami",
    doc="A tagged network on top of a PIF: the untagged side is a PIF of its own.",
    tag="networking",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("tagged_PIF", Ref("PIF"), "", doc="The interface whose traffic is tagged on the wire."),
        ro("untagged_PIF", Ref("PIF"), "", doc="The interface that the VLAN's network is on."),
        static("tag", INT, -1, doc="The VLAN's number, 0 to 4094."),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "pool_introduce", p("tagged_PIF", Ref("PIF")), p("untagged_PIF", Ref("PIF")), p("tag", INT),
            p("other_config", Map(STRING, STRING)), result=Ref("VLAN"), flags=(HIDDEN,), since="inverness",
            doc="Make a record for a VLAN. For the pool's own use.",
        ),
        call(
            "create", p("tagged_PIF", Ref("PIF")), p("tag", INT), p("network", Ref("network")), result=Ref("VLAN"),
            doc="Make a VLAN of an interface and put it on a network. VLAN_IN_USE if the interface has this tag.",
        ),
        call("destroy", p("self", Ref("VLAN")), doc="Delete a VLAN and its interface. No guest may use it."),
    ),
)

tunnel = define(
    "tunnel",
    since="cowley",
    doc="An overlay network carried over a transport PIF.",
    tag="networking",
    fields=(
        ro("uuid", STRING),
        static("access_PIF", Ref("PIF"), "", doc="The near side: the interface that the tunnel's network is on."),
        static("transport_PIF", Ref("PIF"), "", doc="The interface that the tunnel runs over."),
        rw(
            "status", Map(STRING, STRING), {"active": "false"},
            doc="Whether it is up (`active`) and since when it knows its key.",
        ),
        rw("other_config", Map(STRING, STRING), {}),
        rw("protocol", Enum("tunnel_protocol"), "gre", since="1.250.0", doc="How packets are wrapped."),
    ),
    messages=(
        call(
            "create", p("transport_PIF", Ref("PIF"), since="dundee"), p("network", Ref("network"), since="dundee"),
            p("protocol", Enum("tunnel_protocol"), "gre", since="1.250.0"), result=Ref("tunnel"),
            errors=("OPENVSWITCH_NOT_ACTIVE", "TRANSPORT_PIF_NOT_CONFIGURED", "IS_TUNNEL_ACCESS_PIF"),
            doc="Join hosts' bridges over an interface that has an address. Open vSwitch with a controller only.",
        ),
        call("destroy", p("self", Ref("tunnel")), doc="Delete the tunnel and its interface."),
    ),
)

network_sriov = define(
    "network_sriov",
    since="kolkata",
    doc="A network whose guests are given virtual functions of a physical interface.",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("physical_PIF", Ref("PIF"), "", doc="The interface whose virtual functions are used."),
        static("logical_PIF", Ref("PIF"), "", doc="The interface that stands for them on the network."),
        ro("requires_reboot", BOOL, False, doc="Whether the host must reboot before the functions are there."),
        ro("configuration_mode", Enum("sriov_configuration_mode"), "unknown", doc="How the functions were made."),
    ),
    messages=(
        call(
            "create", p("pif", Ref("PIF")), p("network", Ref("network")), result=Ref("network_sriov"),
            doc="Use the virtual functions of an interface for the guests of a network.",
        ),
        call("destroy", p("self", Ref("network_sriov")), doc="Use them no longer, and remove them."),
        call(
            "get_remaining_capacity", p("self", Ref("network_sriov")), result=INT, role=READ_ONLY,
            doc="Return how many virtual functions are free.",
        ),
    ),
)

SDN_controller = define(
    "SDN_controller",
    since="falcon",
    doc="A controller that programs the virtual switches of the pool.",
    fields=(
        ro("uuid", STRING),
        static(
            "protocol", Enum("sdn_controller_protocol"), "ssl",
            doc="How it is reached: TLS, or waiting for it to connect.",
        ),
        static("address", STRING, "", doc="Its IP address; empty with `pssl`."),
        static("port", INT, 0, doc="Its TCP port; 0 for the usual one."),
    ),
    messages=(
        call(
            "introduce", p("protocol", Enum("sdn_controller_protocol"), "ssl"), p("address", STRING, ""),
            p("port", INT, 0), result=Ref("SDN_controller"), doc="Have the hosts' Open vSwitch follow a controller.",
        ),
        call("forget", p("self", Ref("SDN_controller")), doc="Have it followed no longer."),
    ),
)
