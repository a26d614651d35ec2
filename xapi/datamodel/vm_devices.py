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
        ro("storage_lock", BOOL, doc="Left from old versions: whether the disk is locked."),
        static("empty", BOOL, doc="No disc in the drive."),
        ro("reserved", BOOL, False, internal_only=True, doc="Left from old versions; always false."),
        rw("other_config", Map(STRING, STRING)),
        static("currently_attached", BOOL, False, since="rio, changed 1.257.0", doc="The running guest has it."),
        ro("status_code", INT, doc="Left from old versions: the last error, 0 for none."),
        ro("status_detail", STRING, doc="Left from old versions: the last error as text."),
        ro("runtime_properties", Map(STRING, STRING), doc="Left from old versions; empty."),
        rw("qos__algorithm_type", STRING, doc="`ionice` to give it a disk priority in dom0; empty for the usual one."),
        rw("qos__algorithm_params", Map(STRING, STRING), doc="For `ionice`: `sched` (rt, idle, 0-7 …) and `class`."),
        ro("qos__supported_algorithms", Set(STRING), doc="What `qos_algorithm_type` may be."),
        ro(
            "metrics", Ref("VBD_metrics"), NULL_REF, since="rio, deprecated tampa, removed tampa",
            doc="Removed: its counters; read the archives (RRDs).",
        ),
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
        call("unplug_force", p("self", Ref("VBD")), doc="Take the disk from the running guest without asking it."),
        call(
            "unplug_force_no_safety_check", p("self", Ref("VBD")), flags=(HIDDEN,), since="symc, deprecated ely",
            doc="Deprecated: as `unplug_force`.",
        ),
        call("assert_attachable", p("self", Ref("VBD")), doc="Fail as plug would."),
        call(
            "pause", p("self", Ref("VBD")), result=STRING, flags=(HIDDEN,), since="symc",
            doc="Stop a running guest's access to the disk and return a token. For storage drivers.",
        ),
        call(
            "unpause", p("self", Ref("VBD")), p("token", STRING, "", since="orlando"), flags=(HIDDEN,), since="symc",
            doc="Let the guest go on that `pause` stopped; the token says which pause is meant.",
        ),
        call(
            "set_mode", p("self", Ref("VBD")), p("value", Enum("vbd_mode")),
            doc="Set whether the guest may write. Only while it is not attached.",
        ),
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
        ro("io__read_kbs", FLOAT, 0.0, persist=False, doc="Removed: read the archives (RRDs)."),
        ro("io__write_kbs", FLOAT, 0.0, persist=False, doc="Removed: read the archives (RRDs)."),
        ro("last_updated", DATETIME, EPOCH, doc="Removed: when these values were last written."),
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
        static("VM", Ref("VM"), since="rio", doc="VM it belongs to."),
        ro("backend", Ref("VM"), NULL_REF, since="rio", doc="Domain that runs it; null for the VM's own host."),
        ro("persistence_backend", Enum("persistence_backend"), "xapi", doc="Where its contents are kept."),
        static(
            "is_unique", BOOL, False,
            doc="Whether copies of the VM get an empty one instead of a copy of its contents.",
        ),
        ro("is_protected", BOOL, False, doc="Whether its contents are kept encrypted."),
        ro("contents", Ref("secret"), internal_only=True, doc="Secret that holds its state."),
    ),
    messages=(
        call(
            "create", p("vM", Ref("VM")), p("is_unique", BOOL), result=Ref("VTPM"), role=VM_ADMIN,
            doc="Give a halted VM a TPM. It can have one, and needs UEFI firmware.",
        ),
        call(
            "destroy", p("self", Ref("VTPM")), role=VM_ADMIN,
            doc="Take the TPM from a halted VM. What was sealed with it is lost.",
        ),
        call(
            "get_contents", p("self", Ref("VTPM")), result=STRING, role=LOCAL_ROOT, flags=(HIDDEN, SECRET),
            doc="Return its state (base64). For the domain manager.",
        ),
        call(
            "set_contents", p("self", Ref("VTPM")), p("contents", STRING), role=LOCAL_ROOT, flags=(HIDDEN, SECRET),
            doc="Store its state (base64). For the domain manager.",
        ),
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
        ro("protocol", Enum("console_protocol"), doc="What it speaks; clients always see VNC over HTTP as `rfb`."),
        ro("location", STRING, doc="URL for an HTTP CONNECT that leads to it."),
        ro("VM", Ref("VM"), doc="VM it belongs to."),
        rw("other_config", Map(STRING, STRING)),
        rw("port", INT, internal_only=True, doc="Port of it on the host."),
    ),
)

crashdump = define(
    "crashdump",
    since="rio, deprecated inverness",
    members_since="rio",
    doc="A crash dump of a guest, held in a disk image. No longer made.",
    fields=(
        ro("uuid", STRING),
        static("VM", Ref("VM"), doc="VM that crashed."),
        static("VDI", Ref("VDI"), doc="Disk that holds the dump."),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("destroy", p("self", Ref("crashdump")), doc="Delete the dump and its disk."),
    ),
)
