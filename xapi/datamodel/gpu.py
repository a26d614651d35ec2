"""Graphics processors: physical, grouped, and virtual."""

from xapi.datamodel.declare import HIDDEN, POOL_INTERNAL, call, define, p, ro, rw, static
from xapi.datamodel.defaults import NULL_REF
from xapi.datamodel.model import BOOL, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, READ_ONLY

PGPU = define(
    "PGPU",
    since="boston",
    members_since="vgpu-tech-preview",
    doc="A graphics processor in a host.",
    fields=(
        ro("uuid", STRING, since="boston"),
        static("PCI", Ref("PCI"), NULL_REF, since="boston", doc="Its PCI device."),
        static(
            "GPU_group", Ref("GPU_group"), NULL_REF, since="boston",
            doc="Group of like processors it is in; null for none.",
        ),
        ro("host", Ref("host"), NULL_REF, since="boston", doc="Host it is in."),
        rw("other_config", Map(STRING, STRING), {}, since="boston"),
        ro("supported_VGPU_types", Set(Ref("VGPU_type")), doc="Kinds of shares it can be cut into."),
        ro("enabled_VGPU_types", Set(Ref("VGPU_type")), doc="Kinds of shares the administrator permits."),
        ro("resident_VGPUs", Set(Ref("VGPU")), doc="Shares that are in use now."),
        static("size", INT, 1048576, internal_only=True, doc="Its capacity, in the unit of `VGPU_type.size`."),
        ro(
            "supported_VGPU_max_capacities", Map(Ref("VGPU_type"), INT), {}, since="vgpu-productisation",
            doc="For each kind of share, how many of it fit on the empty processor.",
        ),
        ro(
            "dom0_access", Enum("pci_dom0_access"), "enabled", since="cream, deprecated 24.14.0",
            doc="Deprecated: see `PCI.get_dom0_access_status`.",
        ),
        ro("is_system_display_device", BOOL, False, since="cream", doc="Whether the host shows its console on it."),
        ro(
            "compatibility_metadata", Map(STRING, STRING), {}, since="inverness",
            doc="What another processor must match so that a running guest can move there.",
        ),
    ),
    messages=(
        call(
            "add_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Ref("VGPU_type")),
            doc="Permit one more kind of share.",
        ),
        call(
            "remove_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Ref("VGPU_type")),
            doc="Permit a kind of share no longer; none may be in use.",
        ),
        call(
            "set_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Set(Ref("VGPU_type"))),
            doc="Set which kinds of shares are permitted; those in use must be among them.",
        ),
        call(
            "set_GPU_group", p("self", Ref("PGPU")), p("value", Ref("GPU_group")),
            doc="Move it to another group; not while shares of it are in use.",
        ),
        call(
            "get_remaining_capacity", p("self", Ref("PGPU")), p("vgpu_type", Ref("VGPU_type")), result=INT,
            role=READ_ONLY, doc="Return how many more shares of a kind fit.",
        ),
        call(
            "enable_dom0_access", p("self", Ref("PGPU")), result=Enum("pci_dom0_access"),
            since="cream, deprecated 24.14.0", doc="Deprecated: use `PCI.enable_dom0_access`.",
        ),
        call(
            "disable_dom0_access", p("self", Ref("PGPU")), result=Enum("pci_dom0_access"),
            since="cream, deprecated 24.14.0", doc="Deprecated: use `PCI.disable_dom0_access`.",
        ),
    ),
)

GPU_group = define(
    "GPU_group",
    since="boston",
    doc="Like graphics processors across the pool, any of which serves a VM.",
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        ro("PGPUs", Set(Ref("PGPU")), doc="Processors in it."),
        ro("VGPUs", Set(Ref("VGPU")), doc="Shares that VMs have of it."),
        ro("GPU_types", Set(STRING), [], doc="Vendor and device of its processors; all are alike."),
        rw("other_config", Map(STRING, STRING), {}),
        rw(
            "allocation_algorithm", Enum("allocation_algorithm"), "depth_first", since="vgpu-tech-preview",
            doc="Whether a new share goes to the fullest processor that has room, or to the emptiest.",
        ),
        ro(
            "supported_VGPU_types", Set(Ref("VGPU_type")), since="vgpu-productisation",
            doc="Kinds of shares that one of its processors can be cut into.",
        ),
        ro(
            "enabled_VGPU_types", Set(Ref("VGPU_type")), since="vgpu-productisation",
            doc="Kinds of shares that are permitted on one of its processors.",
        ),
    ),
    messages=(
        call(
            "create", p("name_label", STRING, ""), p("name_description", STRING, ""),
            p("other_config", Map(STRING, STRING), {}), result=Ref("GPU_group"), doc="Make an empty group.",
        ),
        call(
            "destroy", p("self", Ref("GPU_group")), doc="Delete a group that holds neither processors nor VMs' shares.",
        ),
        call(
            "update_enabled_VGPU_types", p("self", Ref("GPU_group")), flags=(HIDDEN,), since="vgpu-productisation",
            doc="Have `enabled_VGPU_types` computed again. For the pool's own use.",
        ),
        call(
            "update_supported_VGPU_types", p("self", Ref("GPU_group")), flags=(HIDDEN,), since="vgpu-productisation",
            doc="Have `supported_VGPU_types` computed again. For the pool's own use.",
        ),
        call(
            "get_remaining_capacity", p("self", Ref("GPU_group")), p("vgpu_type", Ref("VGPU_type")), result=INT,
            role=READ_ONLY, since="vgpu-tech-preview",
            doc="Return how many more shares of a kind fit on its processors together.",
        ),
    ),
)

VGPU = define(
    "VGPU",
    since="boston",
    doc="A graphics processor as one VM sees it: whole or a share.",
    fields=(
        ro("uuid", STRING),
        ro("VM", Ref("VM"), doc="VM it belongs to."),
        ro("GPU_group", Ref("GPU_group"), doc="Group its share is taken from when the VM starts."),
        ro("device", STRING, "0", doc="Its position in the VM, from 0."),
        ro("currently_attached", BOOL, False, doc="Whether the running guest has it."),
        rw("other_config", Map(STRING, STRING), {}),
        ro("type", Ref("VGPU_type"), NULL_REF, since="vgpu-tech-preview", doc="Kind of share."),
        ro(
            "resident_on", Ref("PGPU"), NULL_REF, since="vgpu-tech-preview",
            doc="Processor it is on while the VM runs; null otherwise.",
        ),
        ro(
            "scheduled_to_be_resident_on", Ref("PGPU"), NULL_REF, since="dundee",
            doc="Processor it is about to be on, while the VM starts or comes; null otherwise.",
        ),
        ro(
            "compatibility_metadata", Map(STRING, STRING), {}, since="inverness",
            doc="What a processor must match so that the running guest can move there.",
        ),
        rw("extra_args", STRING, "", since="quebec", doc="Further arguments for the device emulator."),
        ro(
            "PCI", Ref("PCI"), NULL_REF, since="quebec",
            doc="PCI device (virtual function) set aside for it; null otherwise.",
        ),
    ),
    messages=(
        call(
            "create", p("VM", Ref("VM")), p("GPU_group", Ref("GPU_group")), p("device", STRING, "0"),
            p("other_config", Map(STRING, STRING), {}),
            p("type", Ref("VGPU_type"), NULL_REF, since="vgpu-tech-preview"), result=Ref("VGPU"),
            doc="Give a halted VM a graphics processor or a share of one.",
        ),
        call("destroy", p("self", Ref("VGPU")), doc="Take it from a halted VM."),
        call(
            "atomic_set_resident_on", p("self", Ref("VGPU")), p("value", Ref("PGPU")), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="dundee",
            doc="Note the processor it is on, if there is still room, and return it. For the pool's own use.",
        ),
    ),
)

VGPU_type = define(
    "VGPU_type",
    since="vgpu-tech-preview",
    doc="A kind of share that a graphics processor can be cut into.",
    fields=(
        ro("uuid", STRING),
        static("vendor_name", STRING, "", doc="Who makes it."),
        static("model_name", STRING, "", doc="Name of the kind, e.g. `GRID K160Q`."),
        static("framebuffer_size", INT, 0, doc="Bytes of video memory."),
        static("max_heads", INT, 0, doc="Most screens."),
        static(
            "max_resolution_x", INT, 0, since="vgpu-productisation", doc="Most pixels across a screen; 0 if unknown.",
        ),
        static("max_resolution_y", INT, 0, since="vgpu-productisation", doc="Most pixels down a screen; 0 if unknown."),
        static("size", INT, 0, internal_only=True, doc="What a share takes of a processor's size."),
        ro("supported_on_PGPUs", Set(Ref("PGPU")), doc="Processors that can be cut so."),
        ro("enabled_on_PGPUs", Set(Ref("PGPU")), doc="Processors on which it is permitted."),
        ro("VGPUs", Set(Ref("VGPU")), doc="Shares of this kind that VMs have."),
        static(
            "internal_config", Map(STRING, STRING), {}, internal_only=True,
            doc="What the domain manager needs to make one.",
        ),
        ro(
            "supported_on_GPU_groups", Set(Ref("GPU_group")), since="vgpu-productisation",
            doc="Groups with a processor that can be cut so.",
        ),
        ro(
            "enabled_on_GPU_groups", Set(Ref("GPU_group")), since="vgpu-productisation",
            doc="Groups with a processor on which it is permitted.",
        ),
        static(
            "implementation", Enum("vgpu_type_implementation"), "passthrough", since="dundee",
            doc="How it is done: whole device, NVIDIA, Intel, AMD …",
        ),
        static("identifier", STRING, "", since="dundee", doc="Tells kinds apart, also between hosts."),
        static("experimental", BOOL, False, since="dundee", doc="Whether the vendor does not support it yet."),
        ro(
            "compatible_types_in_vm", Set(Ref("VGPU_type")), [], ignore_foreign_key=True, since="quebec",
            doc="Kinds that the same VM may have besides.",
        ),
        ro(
            "compatible_types_on_pgpu", Set(Ref("VGPU_type")), [], internal_only=True, ignore_foreign_key=True,
            since="quebec", doc="Kinds that the same processor may be cut into at the same time.",
        ),
    ),
)
