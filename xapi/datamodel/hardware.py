"""Devices found in hosts that can be given to guests, and the drivers of hosts."""

from xapi.datamodel.declare import call, define, p, ro, rw, static
from xapi.datamodel.defaults import NULL_REF
from xapi.datamodel.model import BOOL, FLOAT, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import POOL_ADMIN

host_cpu = define(
    "host_cpu",
    since="rio, deprecated midnight-ride",
    members_since="rio",
    doc="One logical processor of a host; superseded by the summary in the host's own record.",
    fields=(
        ro("uuid", STRING),
        ro("host", Ref("host")),
        ro("number", INT),
        ro("vendor", STRING),
        ro("speed", INT),
        ro("modelname", STRING),
        ro("family", INT),
        ro("model", INT),
        ro("stepping", STRING),
        ro("flags", STRING),
        ro("features", STRING),
        ro("utilisation", FLOAT, persist=False),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)

PCI = define(
    "PCI",
    since="boston",
    doc="A PCI device found in a host.",
    log_destroy=True,
    fields=(
        ro("uuid", STRING),
        static("class_id", STRING, ""),
        static("class_name", STRING, ""),
        static("vendor_id", STRING, ""),
        static("vendor_name", STRING, ""),
        static("device_id", STRING, ""),
        static("device_name", STRING, ""),
        static("host", Ref("host"), NULL_REF),
        static("pci_id", STRING, ""),
        ro("functions", INT, 1, internal_only=True),
        ro("virtual_functions", Set(Ref("PCI")), internal_only=True, since="falcon"),
        static("physical_function", Ref("PCI"), NULL_REF, internal_only=True, since="falcon"),
        ro("attached_VMs", Set(Ref("VM")), internal_only=True),
        ro("dependencies", Set(Ref("PCI")), ignore_foreign_key=True),
        rw("other_config", Map(STRING, STRING), {}),
        static("subsystem_vendor_id", STRING, "", since="clearwater-whetstone"),
        static("subsystem_vendor_name", STRING, "", since="clearwater-whetstone"),
        static("subsystem_device_id", STRING, "", since="clearwater-whetstone"),
        static("subsystem_device_name", STRING, "", since="clearwater-whetstone"),
        ro("scheduled_to_be_attached_to", Ref("VM"), NULL_REF, internal_only=True, since="falcon"),
        static("driver_name", STRING, "", since="kolkata"),
    ),
    messages=(
        call("disable_dom0_access", p("self", Ref("PCI")), result=Enum("pci_dom0_access"), since="prototyped 24.14.0"),
        call("enable_dom0_access", p("self", Ref("PCI")), result=Enum("pci_dom0_access"), since="prototyped 24.14.0"),
        call(
            "get_dom0_access_status", p("self", Ref("PCI")), result=Enum("pci_dom0_access"), since="prototyped 24.14.0",
        ),
    ),
)

PUSB = define(
    "PUSB",
    since="inverness",
    doc="A USB device plugged into a host.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        static("USB_group", Ref("USB_group"), NULL_REF),
        static("host", Ref("host"), NULL_REF),
        static("path", STRING, ""),
        static("vendor_id", STRING, ""),
        static("vendor_desc", STRING, ""),
        static("product_id", STRING, ""),
        static("product_desc", STRING, ""),
        static("serial", STRING, ""),
        static("version", STRING, ""),
        static("description", STRING, ""),
        ro("passthrough_enabled", BOOL, False),
        rw("other_config", Map(STRING, STRING), {}),
        static("speed", FLOAT, -1.0, since="stockholm"),
    ),
    messages=(
        call("scan", p("host", Ref("host"))),
        call("set_passthrough_enabled", p("self", Ref("PUSB")), p("value", BOOL)),
    ),
)

USB_group = define(
    "USB_group",
    since="inverness",
    doc="Like USB devices across the pool, any of which serves a VM.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        ro("PUSBs", Set(Ref("PUSB"))),
        ro("VUSBs", Set(Ref("VUSB"))),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("name_label", STRING, ""), p("name_description", STRING, ""),
            p("other_config", Map(STRING, STRING), {}), result=Ref("USB_group"),
        ),
        call("destroy", p("self", Ref("USB_group"))),
    ),
)

VUSB = define(
    "VUSB",
    since="inverness",
    doc="A USB device as given to one VM.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("allowed_operations", Set(Enum("vusb_operations")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("vusb_operations")), {}, persist=False, since="rio"),
        ro("VM", Ref("VM")),
        ro("USB_group", Ref("USB_group")),
        rw("other_config", Map(STRING, STRING), {}),
        ro("currently_attached", BOOL, False, since="rio"),
    ),
    messages=(
        call(
            "create", p("VM", Ref("VM")), p("USB_group", Ref("USB_group")), p("other_config", Map(STRING, STRING), {}),
            result=Ref("VUSB"),
        ),
        call("unplug", p("self", Ref("VUSB"))),
        call("destroy", p("self", Ref("VUSB"))),
    ),
)

Host_driver = define(
    "Host_driver",
    since="prototyped 25.2.0",
    doc="A driver of a host that comes in several variants, one of them in use.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), ""),
        ro("name", STRING),
        ro("friendly_name", STRING),
        ro("variants", Set(Ref("Driver_variant"))),
        ro("active_variant", Ref("Driver_variant")),
        ro("selected_variant", Ref("Driver_variant")),
        ro("type", STRING),
        ro("description", STRING),
        ro("info", STRING),
    ),
    messages=(
        call("select", p("self", Ref("Host_driver")), p("variant", Ref("Driver_variant"))),
        call("deselect", p("self", Ref("Host_driver"))),
        call("rescan", p("host", Ref("host"))),
    ),
)

Driver_variant = define(
    "Driver_variant",
    since="prototyped 25.2.0",
    doc="One of the variants of a host's driver.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("name", STRING),
        ro("driver", Ref("Host_driver")),
        ro("version", STRING),
        ro("hardware_present", BOOL),
        ro("priority", FLOAT),
        ro("status", STRING),
    ),
    messages=(
        call("select", p("self", Ref("Driver_variant"))),
    ),
)
