"""What is plugged into a VM besides its network interfaces: disks, TPMs, consoles; crash dumps."""

from xapi.datamodel.declare import HIDDEN, SECRET, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, POOL_ADMIN, VM_ADMIN, VM_OPERATOR

VBD = define(
    "VBD",
    since="rio",
    doc="A virtual block device: joins a VM to a disk image or to an empty drive.",
    role=VM_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        ro(
            "allowed_operations", Set(Enum("vbd_operations")), [], persist=False,
            doc="Operations that its state allows now.",
        ),
        ro(
            "current_operations", Map(STRING, Enum("vbd_operations")), {}, persist=False,
            doc="Operations under way: task -> operation.",
        ),
        static("VM", Ref("VM"), doc="Whose device it is."),
        static("VDI", Ref("VDI"), doc="What is in it; null for an empty drive."),
        static("device", STRING, "", since="rio, changed 1.257.0", doc="As the guest sees it: xvda."),
        rw("userdevice", STRING, doc="Position: 0, 1, ... or autodetect."),
        rw("bootable", BOOL, doc="PV guests boot from it."),
        static("mode", Enum("vbd_mode"), doc="Read only or read and write."),
        rw("type", Enum("vbd_type"), doc="Disk, CD or floppy."),
        rw("unpluggable", BOOL, True, since="miami", doc="Can be taken away while the VM runs."),
        ro("storage_lock", BOOL),
        static("empty", BOOL, doc="No disc in the drive."),
        ro("reserved", BOOL, False, internal_only=True),
        rw("other_config", Map(STRING, STRING)),
        static("currently_attached", BOOL, False, since="rio, changed 1.257.0", doc="The running guest has it."),
        ro("status_code", INT),
        ro("status_detail", STRING),
        ro("runtime_properties", Map(STRING, STRING)),
        rw("qos__algorithm_type", STRING),
        rw("qos__algorithm_params", Map(STRING, STRING)),
        ro("qos__supported_algorithms", Set(STRING)),
        ro("metrics", Ref("VBD_metrics"), NULL_REF, since="rio, deprecated tampa, removed tampa"),
    ),
    messages=(
        call(
            "eject", p("vbd", Ref("VBD")), errors=("VBD_NOT_REMOVABLE_MEDIA", "VBD_IS_EMPTY"), role=VM_OPERATOR,
            doc="Take the disc out.",
        ),
        call(
            "insert", p("vbd", Ref("VBD")), p("vdi", Ref("VDI")), errors=("VBD_NOT_REMOVABLE_MEDIA", "VBD_NOT_EMPTY"),
            role=VM_OPERATOR, doc="Put a disc in.",
        ),
        call("plug", p("self", Ref("VBD")), doc="Attach it to the running VM."),
        call(
            "unplug", p("self", Ref("VBD")), errors=("DEVICE_DETACH_REJECTED", "DEVICE_ALREADY_DETACHED"),
            doc="Detach it from the running VM.",
        ),
        call("unplug_force", p("self", Ref("VBD"))),
        call("unplug_force_no_safety_check", p("self", Ref("VBD")), flags=(HIDDEN,), since="symc, deprecated ely"),
        call("assert_attachable", p("self", Ref("VBD")), doc="Fail as plug would."),
        call("pause", p("self", Ref("VBD")), result=STRING, flags=(HIDDEN,), since="symc"),
        call("unpause", p("self", Ref("VBD")), p("token", STRING, "", since="orlando"), flags=(HIDDEN,), since="symc"),
        call("set_mode", p("self", Ref("VBD")), p("value", Enum("vbd_mode"))),
    ),
)

VBD_metrics = define(
    "VBD_metrics",
    since="rio, deprecated tampa, removed tampa",
    doc="What used to be measured of a VBD.",
    role=VM_ADMIN,
    persist=False,
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("io__read_kbs", FLOAT, 0.0, persist=False),
        ro("io__write_kbs", FLOAT, 0.0, persist=False),
        ro("last_updated", DATETIME, EPOCH),
        rw("other_config", Map(STRING, STRING), {}, since="orlando, deprecated tampa, removed tampa"),
    ),
)

VTPM = define(
    "VTPM",
    since="prototyped 22.26.0",
    doc="A virtual trusted platform module and its contents.",
    role=POOL_ADMIN,
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("allowed_operations", Set(Enum("vtpm_operations")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("vtpm_operations")), {}, persist=False, since="rio"),
        static("VM", Ref("VM"), since="rio"),
        ro("backend", Ref("VM"), NULL_REF, since="rio"),
        ro("persistence_backend", Enum("persistence_backend"), "xapi"),
        static("is_unique", BOOL, False),
        ro("is_protected", BOOL, False),
        ro("contents", Ref("secret"), internal_only=True),
    ),
    messages=(
        call("create", p("vM", Ref("VM")), p("is_unique", BOOL), result=Ref("VTPM"), role=VM_ADMIN),
        call("destroy", p("self", Ref("VTPM")), role=VM_ADMIN),
        call("get_contents", p("self", Ref("VTPM")), result=STRING, role=LOCAL_ROOT, flags=(HIDDEN, SECRET)),
        call("set_contents", p("self", Ref("VTPM")), p("contents", STRING), role=LOCAL_ROOT, flags=(HIDDEN, SECRET)),
    ),
)

console = define(
    "console",
    since="rio",
    doc="A way to see and operate a VM: graphical or text.",
    role=VM_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        ro("protocol", Enum("console_protocol")),
        ro("location", STRING),
        ro("VM", Ref("VM")),
        rw("other_config", Map(STRING, STRING)),
        rw("port", INT, internal_only=True),
    ),
)

crashdump = define(
    "crashdump",
    since="rio, deprecated inverness",
    members_since="rio",
    doc="A crash dump of a guest, held in a disk image. No longer made.",
    fields=(
        ro("uuid", STRING),
        static("VM", Ref("VM")),
        static("VDI", Ref("VDI")),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("destroy", p("self", Ref("crashdump"))),
    ),
)
