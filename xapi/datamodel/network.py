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
        ro("purpose", Set(Enum("network_purpose")), [], since="inverness"),
    ),
    messages=(
        call(
            "attach", p("network", Ref("network")), p("host", Ref("host")), role=POOL_OPERATOR, flags=(HIDDEN,),
            since="miami",
        ),
        call(
            "pool_introduce", p("name_label", STRING, since="miami"), p("name_description", STRING, since="miami"),
            p("MTU", INT, since="miami"), p("other_config", Map(STRING, STRING), since="miami"),
            p("bridge", STRING, since="miami"), p("managed", BOOL, since="falcon"),
            p("purpose", Set(Enum("network_purpose")), since="inverness"), result=Ref("network"), role=POOL_OPERATOR,
            flags=(HIDDEN,),
        ),
        call(
            "create_new_blob", p("network", Ref("network")), p("name", STRING), p("mime_type", STRING),
            p("public", BOOL, False, since="tampa"), result=Ref("blob"), role=POOL_OPERATOR, since="orlando",
        ),
        call(
            "set_default_locking_mode", p("network", Ref("network")), p("value", Enum("network_default_locking_mode")),
            role=POOL_OPERATOR, since="tampa",
        ),
        call(
            "attach_for_vm", p("host", Ref("host")), p("vm", Ref("VM")), role=VM_POWER_ADMIN, flags=(HIDDEN,),
            since="tampa",
        ),
        call(
            "detach_for_vm", p("host", Ref("host")), p("vm", Ref("VM")), role=VM_POWER_ADMIN, flags=(HIDDEN,),
            since="tampa",
        ),
        call(
            "add_purpose", p("self", Ref("network")), p("value", Enum("network_purpose")),
            errors=("NETWORK_INCOMPATIBLE_PURPOSES",), role=POOL_ADMIN, since="inverness",
        ),
        call(
            "remove_purpose", p("self", Ref("network")), p("value", Enum("network_purpose")), role=POOL_ADMIN,
            since="inverness",
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
        ro("reserved", BOOL, internal_only=True),
        rw("other_config", Map(STRING, STRING)),
        static("currently_attached", BOOL, False, since="rio, changed 1.257.0", doc="The running guest has it."),
        ro("status_code", INT),
        ro("status_detail", STRING),
        ro("runtime_properties", Map(STRING, STRING)),
        rw("qos__algorithm_type", STRING),
        rw("qos__algorithm_params", Map(STRING, STRING)),
        ro("qos__supported_algorithms", Set(STRING)),
        ro("metrics", Ref("VIF_metrics"), NULL_REF, since="rio, deprecated tampa, removed tampa"),
        ro("MAC_autogenerated", BOOL, False, since="george", doc="Nobody chose the address."),
        static(
            "locking_mode", Enum("vif_locking_mode"), "network_default", since="tampa", doc="What the guest may send.",
        ),
        static("ipv4_allowed", Set(STRING), [], since="tampa", doc="Addresses the guest may use when locked."),
        static("ipv6_allowed", Set(STRING), [], since="tampa", doc="Addresses the guest may use when locked."),
        ro("ipv4_configuration_mode", Enum("vif_ipv4_configuration_mode"), "None", since="dundee"),
        ro("ipv4_addresses", Set(STRING), [], since="dundee"),
        ro("ipv4_gateway", STRING, "", since="dundee"),
        ro("ipv6_configuration_mode", Enum("vif_ipv6_configuration_mode"), "None", since="dundee"),
        ro("ipv6_addresses", Set(STRING), [], since="dundee"),
        ro("ipv6_gateway", STRING, "", since="dundee"),
        ro("reserved_pci", Ref("PCI"), NULL_REF, internal_only=True, since="kolkata"),
        static("trunks", Set(INT), [], since="prototyped 26.17.0"),
    ),
    messages=(
        call("plug", p("self", Ref("VIF")), doc="Attach it to the running VM."),
        call("unplug", p("self", Ref("VIF")), doc="Detach it from the running VM."),
        call("unplug_force", p("self", Ref("VIF")), since="boston"),
        call(
            "move", p("self", Ref("VIF")), p("network", Ref("network")), since="ely", doc="Put it on another network.",
        ),
        call(
            "set_locking_mode", p("self", Ref("VIF")), p("value", Enum("vif_locking_mode")), role=POOL_OPERATOR,
            since="tampa",
        ),
        call("set_ipv4_allowed", p("self", Ref("VIF")), p("value", Set(STRING)), role=POOL_OPERATOR, since="tampa"),
        call("add_ipv4_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa"),
        call("remove_ipv4_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa"),
        call("set_ipv6_allowed", p("self", Ref("VIF")), p("value", Set(STRING)), role=POOL_OPERATOR, since="tampa"),
        call("add_ipv6_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa"),
        call("remove_ipv6_allowed", p("self", Ref("VIF")), p("value", STRING), role=POOL_OPERATOR, since="tampa"),
        call(
            "configure_ipv4", p("self", Ref("VIF")), p("mode", Enum("vif_ipv4_configuration_mode")),
            p("address", STRING, ""), p("gateway", STRING, ""), role=VM_OPERATOR, since="dundee, extended 26.16.0",
        ),
        call(
            "configure_ipv6", p("self", Ref("VIF")), p("mode", Enum("vif_ipv6_configuration_mode")),
            p("address", STRING, ""), p("gateway", STRING, ""), role=VM_OPERATOR, since="dundee, extended 26.16.0",
        ),
        call("add_trunks", p("self", Ref("VIF")), p("value", INT), since="prototyped 26.17.0"),
        call("remove_trunks", p("self", Ref("VIF")), p("value", INT), since="prototyped 26.17.0"),
        call("set_trunks", p("self", Ref("VIF")), p("value", Set(INT)), since="prototyped 26.17.0"),
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
        ro("io__read_kbs", FLOAT, 0.0, persist=False),
        ro("io__write_kbs", FLOAT, 0.0, persist=False),
        ro("last_updated", DATETIME, since="rio"),
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
        rw("device_name", STRING, internal_only=True, since="rio"),
        ro("metrics", Ref("PIF_metrics"), since="rio"),
        ro("physical", BOOL, False, doc="Hardware rather than made."),
        ro("currently_attached", BOOL, True, doc="Up on its host."),
        ro("ip_configuration_mode", Enum("ip_configuration_mode"), "None", doc="How it gets its IPv4 address."),
        ro("IP", STRING, "", doc="IPv4 address."),
        ro("netmask", STRING, "", doc="IPv4 netmask."),
        ro("gateway", STRING, "", doc="IPv4 gateway."),
        ro("DNS", STRING, "", doc="Name servers, comma-separated."),
        ro("bond_slave_of", Ref("Bond"), "", doc="The bond it is part of."),
        ro("bond_master_of", Set(Ref("Bond"))),
        ro("VLAN_master_of", Ref("VLAN"), ""),
        ro("VLAN_slave_of", Set(Ref("VLAN"))),
        ro("management", BOOL, False, doc="The host is managed through it."),
        rw("other_config", Map(STRING, STRING), {}),
        ro("disallow_unplug", BOOL, False, since="orlando", doc="Keeps it up."),
        ro("tunnel_access_PIF_of", Set(Ref("tunnel")), since="cowley"),
        ro("tunnel_transport_PIF_of", Set(Ref("tunnel")), since="cowley"),
        ro("ipv6_configuration_mode", Enum("ipv6_configuration_mode"), "None", since="tampa"),
        ro("IPv6", Set(STRING), [], since="tampa"),
        ro("ipv6_gateway", STRING, "", since="tampa"),
        ro("primary_address_type", Enum("primary_address_type"), "IPv4", since="tampa"),
        static("managed", BOOL, True, since="vgpu-productisation"),
        ro("properties", Map(STRING, STRING), {}, since="creedence"),
        ro("capabilities", Set(STRING), [], since="dundee"),
        ro("igmp_snooping_status", Enum("pif_igmp_status"), "unknown", since="inverness"),
        ro("sriov_physical_PIF_of", Set(Ref("network_sriov")), since="kolkata"),
        ro("sriov_logical_PIF_of", Set(Ref("network_sriov")), since="kolkata"),
        ro("PCI", Ref("PCI"), NULL_REF, since="kolkata"),
    ),
    messages=(
        call(
            "create_VLAN", p("device", STRING), p("network", Ref("network")), p("host", Ref("host")), p("VLAN", INT),
            result=Ref("PIF"), errors=("VLAN_TAG_INVALID",), since="rio, deprecated miami",
        ),
        call("destroy", p("self", Ref("PIF")), errors=("PIF_IS_PHYSICAL",), since="rio, deprecated miami"),
        call(
            "reconfigure_ip", p("self", Ref("PIF")), p("mode", Enum("ip_configuration_mode")), p("IP", STRING),
            p("netmask", STRING), p("gateway", STRING), p("DNS", STRING), errors=("CLUSTERING_ENABLED",),
            doc="Change how it gets its IPv4 address.",
        ),
        call(
            "reconfigure_ipv6", p("self", Ref("PIF")), p("mode", Enum("ipv6_configuration_mode")), p("IPv6", STRING),
            p("gateway", STRING), p("DNS", STRING), errors=("CLUSTERING_ENABLED",), since="tampa",
        ),
        call(
            "set_primary_address_type", p("self", Ref("PIF")), p("primary_address_type", Enum("primary_address_type")),
            since="tampa",
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
            since="rio",
        ),
        call(
            "db_introduce", p("device", STRING), p("network", Ref("network")), p("host", Ref("host")), p("MAC", STRING),
            p("MTU", INT), p("VLAN", INT), p("physical", BOOL),
            p("ip_configuration_mode", Enum("ip_configuration_mode")), p("IP", STRING), p("netmask", STRING),
            p("gateway", STRING), p("DNS", STRING), p("bond_slave_of", Ref("Bond")), p("VLAN_master_of", Ref("VLAN")),
            p("management", BOOL), p("other_config", Map(STRING, STRING)), p("disallow_unplug", BOOL, False),
            p("ipv6_configuration_mode", Enum("ipv6_configuration_mode"), "None", since="boston"),
            p("IPv6", Set(STRING), [], since="boston"), p("ipv6_gateway", STRING, "", since="boston"),
            p("primary_address_type", Enum("primary_address_type"), "IPv4", since="boston"),
            p("managed", BOOL, True, since="vgpu-productisation"),
            p("properties", Map(STRING, STRING), {}, since="creedence"), result=Ref("PIF"), since="orlando",
        ),
        call("db_forget", p("self", Ref("PIF")), since="orlando"),
        call("set_property", p("self", Ref("PIF")), p("name", STRING), p("value", STRING), since="creedence"),
    ),
)

PIF_metrics = define(
    "PIF_metrics",
    since="rio",
    doc="What is measured of a PIF, and what the hardware says about itself.",
    tag="networking",
    fields=(
        ro("uuid", STRING),
        ro("io__read_kbs", FLOAT, 0.0, persist=False, since="rio, deprecated tampa, removed tampa"),
        ro("io__write_kbs", FLOAT, 0.0, persist=False, since="rio, deprecated tampa, removed tampa"),
        ro("carrier", BOOL),
        ro("vendor_id", STRING),
        ro("vendor_name", STRING),
        ro("device_id", STRING),
        ro("device_name", STRING),
        ro("speed", INT),
        ro("duplex", BOOL),
        ro("pci_bus_path", STRING),
        ro("last_updated", DATETIME),
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
        static("master", Ref("PIF"), ""),
        ro("slaves", Set(Ref("PIF"))),
        rw("other_config", Map(STRING, STRING), {}),
        ro("primary_slave", Ref("PIF"), NULL_REF, since="boston"),
        ro("mode", Enum("bond_mode"), "balance-slb", since="boston"),
        ro("properties", Map(STRING, STRING), {}, since="tampa"),
        ro("links_up", INT, 0, since="tampa"),
        ro("auto_update_mac", BOOL, True, since="quebec"),
    ),
    messages=(
        call(
            "create", p("network", Ref("network")), p("members", Set(Ref("PIF"))), p("MAC", STRING),
            p("mode", Enum("bond_mode"), "balance-slb", since="boston"),
            p("properties", Map(STRING, STRING), {}, since="tampa"), result=Ref("Bond"),
        ),
        call("destroy", p("self", Ref("Bond"))),
        call("set_mode", p("self", Ref("Bond")), p("value", Enum("bond_mode")), since="boston"),
        call("set_property", p("self", Ref("Bond")), p("name", STRING), p("value", STRING), since="tampa"),
    ),
)

VLAN = define(
    "VLAN",
    since="miami",
    doc="A tagged network on top of a PIF: the untagged side is a PIF of its own.",
    tag="networking",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("tagged_PIF", Ref("PIF"), ""),
        ro("untagged_PIF", Ref("PIF"), ""),
        static("tag", INT, -1),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "pool_introduce", p("tagged_PIF", Ref("PIF")), p("untagged_PIF", Ref("PIF")), p("tag", INT),
            p("other_config", Map(STRING, STRING)), result=Ref("VLAN"), flags=(HIDDEN,), since="inverness",
        ),
        call("create", p("tagged_PIF", Ref("PIF")), p("tag", INT), p("network", Ref("network")), result=Ref("VLAN")),
        call("destroy", p("self", Ref("VLAN"))),
    ),
)

tunnel = define(
    "tunnel",
    since="cowley",
    doc="An overlay network carried over a transport PIF.",
    tag="networking",
    fields=(
        ro("uuid", STRING),
        static("access_PIF", Ref("PIF"), ""),
        static("transport_PIF", Ref("PIF"), ""),
        rw("status", Map(STRING, STRING), {"active": "false"}),
        rw("other_config", Map(STRING, STRING), {}),
        rw("protocol", Enum("tunnel_protocol"), "gre", since="1.250.0"),
    ),
    messages=(
        call(
            "create", p("transport_PIF", Ref("PIF"), since="dundee"), p("network", Ref("network"), since="dundee"),
            p("protocol", Enum("tunnel_protocol"), "gre", since="1.250.0"), result=Ref("tunnel"),
            errors=("OPENVSWITCH_NOT_ACTIVE", "TRANSPORT_PIF_NOT_CONFIGURED", "IS_TUNNEL_ACCESS_PIF"),
        ),
        call("destroy", p("self", Ref("tunnel"))),
    ),
)

network_sriov = define(
    "network_sriov",
    since="kolkata",
    doc="A network whose guests are given virtual functions of a physical interface.",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("physical_PIF", Ref("PIF"), ""),
        static("logical_PIF", Ref("PIF"), ""),
        ro("requires_reboot", BOOL, False),
        ro("configuration_mode", Enum("sriov_configuration_mode"), "unknown"),
    ),
    messages=(
        call("create", p("pif", Ref("PIF")), p("network", Ref("network")), result=Ref("network_sriov")),
        call("destroy", p("self", Ref("network_sriov"))),
        call("get_remaining_capacity", p("self", Ref("network_sriov")), result=INT, role=READ_ONLY),
    ),
)

SDN_controller = define(
    "SDN_controller",
    since="falcon",
    doc="A controller that programs the virtual switches of the pool.",
    fields=(
        ro("uuid", STRING),
        static("protocol", Enum("sdn_controller_protocol"), "ssl"),
        static("address", STRING, ""),
        static("port", INT, 0),
    ),
    messages=(
        call(
            "introduce", p("protocol", Enum("sdn_controller_protocol"), "ssl"), p("address", STRING, ""),
            p("port", INT, 0), result=Ref("SDN_controller"),
        ),
        call("forget", p("self", Ref("SDN_controller"))),
    ),
)
