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
        ro("host", Ref("host"), doc="Host it is in."),
        ro("number", INT, doc="Its number, from 0."),
        ro("vendor", STRING, doc="Its maker."),
        ro("speed", INT, doc="Its speed in MHz."),
        ro("modelname", STRING, doc="The maker's name for the model."),
        ro("family", INT, doc="CPUID family."),
        ro("model", INT, doc="CPUID model."),
        ro("stepping", STRING, doc="CPUID stepping."),
        ro("flags", STRING, doc="What Linux lists as its flags."),
        ro("features", STRING, doc="Feature words from CPUID, in hexadecimal."),
        ro(
            "utilisation", FLOAT, persist=False,
            doc="Share of time it works, 0.0 to 1.0. Not kept up to date: read the archives (RRDs).",
        ),
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
        static("class_id", STRING, "", doc="PCI class, in hexadecimal."),
        static("class_name", STRING, "", doc="PCI class as text."),
        static("vendor_id", STRING, "", doc="PCI vendor, in hexadecimal."),
        static("vendor_name", STRING, "", doc="Vendor's name."),
        static("device_id", STRING, "", doc="PCI device, in hexadecimal."),
        static("device_name", STRING, "", doc="Device's name."),
        static("host", Ref("host"), NULL_REF, doc="Host it is in."),
        static("pci_id", STRING, "", doc="Its address on the bus, `dddd:bb:dd.f`."),
        ro("functions", INT, 1, internal_only=True, doc="How many functions its slot has."),
        ro(
            "virtual_functions", Set(Ref("PCI")), internal_only=True, since="falcon",
            doc="Virtual functions made of it.",
        ),
        static(
            "physical_function", Ref("PCI"), NULL_REF, internal_only=True, since="falcon",
            doc="The device it is a virtual function of; null otherwise.",
        ),
        ro("attached_VMs", Set(Ref("VM")), internal_only=True, doc="VMs it is passed through to now."),
        ro(
            "dependencies", Set(Ref("PCI")), ignore_foreign_key=True,
            doc="Devices that must be passed through together with it.",
        ),
        rw("other_config", Map(STRING, STRING), {}),
        static(
            "subsystem_vendor_id", STRING, "", since="clearwater-whetstone", doc="Vendor of the card, in hexadecimal.",
        ),
        static("subsystem_vendor_name", STRING, "", since="clearwater-whetstone", doc="Name of the card's vendor."),
        static("subsystem_device_id", STRING, "", since="clearwater-whetstone", doc="The card, in hexadecimal."),
        static("subsystem_device_name", STRING, "", since="clearwater-whetstone", doc="Name of the card."),
        ro(
            "scheduled_to_be_attached_to", Ref("VM"), NULL_REF, internal_only=True, since="falcon",
            doc="VM that is starting with it; null otherwise.",
        ),
        static("driver_name", STRING, "", since="kolkata", doc="Linux driver that was bound to it at start."),
    ),
    messages=(
        call(
            "disable_dom0_access", p("self", Ref("PCI")), result=Enum("pci_dom0_access"), since="prototyped 24.14.0",
            doc="From the next boot on, keep it from dom0 so that it can be passed through.",
        ),
        call(
            "enable_dom0_access", p("self", Ref("PCI")), result=Enum("pci_dom0_access"), since="prototyped 24.14.0",
            doc="From the next boot on, let dom0 use it.",
        ),
        call(
            "get_dom0_access_status", p("self", Ref("PCI")), result=Enum("pci_dom0_access"),
            since="prototyped 24.14.0", doc="Return whether dom0 uses it, and whether that changes at the next boot.",
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
        static("USB_group", Ref("USB_group"), NULL_REF, doc="Group it is in."),
        static("host", Ref("host"), NULL_REF, doc="Host it is plugged into."),
        static("path", STRING, "", doc="Its place: bus and ports."),
        static("vendor_id", STRING, "", doc="USB vendor, in hexadecimal."),
        static("vendor_desc", STRING, "", doc="USB vendor's name."),
        static("product_id", STRING, "", doc="USB product, in hexadecimal."),
        static("product_desc", STRING, "", doc="USB product's name."),
        static("serial", STRING, "", doc="Its serial number; empty if it has none."),
        static("version", STRING, "", doc="USB version it speaks."),
        static("description", STRING, "", doc="The device in words."),
        ro("passthrough_enabled", BOOL, False, doc="Whether VMs may get it."),
        rw("other_config", Map(STRING, STRING), {}),
        static("speed", FLOAT, -1.0, since="stockholm", doc="Its speed in Mbit/s."),
    ),
    messages=(
        call("scan", p("host", Ref("host")), doc="Look again what is plugged into a host."),
        call(
            "set_passthrough_enabled", p("self", Ref("PUSB")), p("value", BOOL),
            doc="Permit VMs to get it, or not. Not while a VM has it.",
        ),
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
        ro("PUSBs", Set(Ref("PUSB")), doc="Devices in it."),
        ro("VUSBs", Set(Ref("VUSB")), doc="VMs' claims on it."),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("name_label", STRING, ""), p("name_description", STRING, ""),
            p("other_config", Map(STRING, STRING), {}), result=Ref("USB_group"),
            doc="Make a group. Groups also come by themselves with devices.",
        ),
        call(
            "destroy", p("self", Ref("USB_group")),
            doc="Delete a group without claims of VMs; its devices are left without a group.",
        ),
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
        ro("VM", Ref("VM"), doc="VM it belongs to."),
        ro("USB_group", Ref("USB_group"), doc="Group whose device the VM gets."),
        rw("other_config", Map(STRING, STRING), {}),
        ro("currently_attached", BOOL, False, since="rio", doc="Whether the running guest has it."),
    ),
    messages=(
        call(
            "create", p("VM", Ref("VM")), p("USB_group", Ref("USB_group")), p("other_config", Map(STRING, STRING), {}),
            result=Ref("VUSB"), doc="Have a halted VM get a device of a group at its next start.",
        ),
        call("unplug", p("self", Ref("VUSB")), doc="Take the device from the running guest."),
        call("destroy", p("self", Ref("VUSB")), doc="Take back the VM's claim. Not while attached."),
    ),
)

Host_driver = define(
    "Host_driver",
    since="prototyped 25.2.0",
    doc="A driver of a host that comes in several variants, one of them in use.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), "", doc="Host it is for."),
        ro("name", STRING, doc="Name of the kernel's module."),
        ro("friendly_name", STRING, doc="Name for people."),
        ro("variants", Set(Ref("Driver_variant")), doc="Versions of it that are installed."),
        ro("active_variant", Ref("Driver_variant"), doc="Version that runs; null for none."),
        ro("selected_variant", Ref("Driver_variant"), doc="Version that will run after the next boot; null for none."),
        ro("type", STRING, doc="Kind of device it drives."),
        ro("description", STRING, doc="What it drives."),
        ro("info", STRING, doc="Where to read more."),
    ),
    messages=(
        call(
            "select", p("self", Ref("Host_driver")), p("variant", Ref("Driver_variant")),
            doc="Have a version run from the next boot on.",
        ),
        call("deselect", p("self", Ref("Host_driver")), doc="Have no particular version run from the next boot on."),
        call("rescan", p("host", Ref("host")), doc="Look again which drivers and versions a host has."),
    ),
)

Driver_variant = define(
    "Driver_variant",
    since="prototyped 25.2.0",
    doc="One of the variants of a host's driver.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING),
        ro("name", STRING, doc="Name of the version."),
        ro("driver", Ref("Host_driver"), doc="Driver it is a version of."),
        ro("version", STRING, doc="Version number."),
        ro("hardware_present", BOOL, doc="Whether the host has a device it drives."),
        ro("priority", FLOAT, doc="The higher, the rather it is chosen."),
        ro("status", STRING, doc="How mature it is: production, experimental …"),
    ),
    messages=(
        call("select", p("self", Ref("Driver_variant")), doc="Have this version run from the next boot on."),
    ),
)
