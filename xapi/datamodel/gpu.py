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
        static("PCI", Ref("PCI"), NULL_REF, since="boston"),
        static("GPU_group", Ref("GPU_group"), NULL_REF, since="boston"),
        ro("host", Ref("host"), NULL_REF, since="boston"),
        rw("other_config", Map(STRING, STRING), {}, since="boston"),
        ro("supported_VGPU_types", Set(Ref("VGPU_type"))),
        ro("enabled_VGPU_types", Set(Ref("VGPU_type"))),
        ro("resident_VGPUs", Set(Ref("VGPU"))),
        static("size", INT, 1048576, internal_only=True),
        ro("supported_VGPU_max_capacities", Map(Ref("VGPU_type"), INT), {}, since="vgpu-productisation"),
        ro("dom0_access", Enum("pci_dom0_access"), "enabled", since="cream, deprecated 24.14.0"),
        ro("is_system_display_device", BOOL, False, since="cream"),
        ro("compatibility_metadata", Map(STRING, STRING), {}, since="inverness"),
    ),
    messages=(
        call("add_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Ref("VGPU_type"))),
        call("remove_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Ref("VGPU_type"))),
        call("set_enabled_VGPU_types", p("self", Ref("PGPU")), p("value", Set(Ref("VGPU_type")))),
        call("set_GPU_group", p("self", Ref("PGPU")), p("value", Ref("GPU_group"))),
        call(
            "get_remaining_capacity", p("self", Ref("PGPU")), p("vgpu_type", Ref("VGPU_type")), result=INT,
            role=READ_ONLY,
        ),
        call(
            "enable_dom0_access", p("self", Ref("PGPU")), result=Enum("pci_dom0_access"),
            since="cream, deprecated 24.14.0",
        ),
        call(
            "disable_dom0_access", p("self", Ref("PGPU")), result=Enum("pci_dom0_access"),
            since="cream, deprecated 24.14.0",
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
        ro("PGPUs", Set(Ref("PGPU"))),
        ro("VGPUs", Set(Ref("VGPU"))),
        ro("GPU_types", Set(STRING), []),
        rw("other_config", Map(STRING, STRING), {}),
        rw("allocation_algorithm", Enum("allocation_algorithm"), "depth_first", since="vgpu-tech-preview"),
        ro("supported_VGPU_types", Set(Ref("VGPU_type")), since="vgpu-productisation"),
        ro("enabled_VGPU_types", Set(Ref("VGPU_type")), since="vgpu-productisation"),
    ),
    messages=(
        call(
            "create", p("name_label", STRING, ""), p("name_description", STRING, ""),
            p("other_config", Map(STRING, STRING), {}), result=Ref("GPU_group"),
        ),
        call("destroy", p("self", Ref("GPU_group"))),
        call("update_enabled_VGPU_types", p("self", Ref("GPU_group")), flags=(HIDDEN,), since="vgpu-productisation"),
        call("update_supported_VGPU_types", p("self", Ref("GPU_group")), flags=(HIDDEN,), since="vgpu-productisation"),
        call(
            "get_remaining_capacity", p("self", Ref("GPU_group")), p("vgpu_type", Ref("VGPU_type")), result=INT,
            role=READ_ONLY, since="vgpu-tech-preview",
        ),
    ),
)

VGPU = define(
    "VGPU",
    since="boston",
    doc="A graphics processor as one VM sees it: whole or a share.",
    fields=(
        ro("uuid", STRING),
        ro("VM", Ref("VM")),
        ro("GPU_group", Ref("GPU_group")),
        ro("device", STRING, "0"),
        ro("currently_attached", BOOL, False),
        rw("other_config", Map(STRING, STRING), {}),
        ro("type", Ref("VGPU_type"), NULL_REF, since="vgpu-tech-preview"),
        ro("resident_on", Ref("PGPU"), NULL_REF, since="vgpu-tech-preview"),
        ro("scheduled_to_be_resident_on", Ref("PGPU"), NULL_REF, since="dundee"),
        ro("compatibility_metadata", Map(STRING, STRING), {}, since="inverness"),
        rw("extra_args", STRING, "", since="quebec"),
        ro("PCI", Ref("PCI"), NULL_REF, since="quebec"),
    ),
    messages=(
        call(
            "create", p("VM", Ref("VM")), p("GPU_group", Ref("GPU_group")), p("device", STRING, "0"),
            p("other_config", Map(STRING, STRING), {}),
            p("type", Ref("VGPU_type"), NULL_REF, since="vgpu-tech-preview"), result=Ref("VGPU"),
        ),
        call("destroy", p("self", Ref("VGPU"))),
        call(
            "atomic_set_resident_on", p("self", Ref("VGPU")), p("value", Ref("PGPU")), role=LOCAL_ROOT,
            flags=(HIDDEN, POOL_INTERNAL), since="dundee",
        ),
    ),
)

VGPU_type = define(
    "VGPU_type",
    since="vgpu-tech-preview",
    doc="A kind of share that a graphics processor can be cut into.",
    fields=(
        ro("uuid", STRING),
        static("vendor_name", STRING, ""),
        static("model_name", STRING, ""),
        static("framebuffer_size", INT, 0),
        static("max_heads", INT, 0),
        static("max_resolution_x", INT, 0, since="vgpu-productisation"),
        static("max_resolution_y", INT, 0, since="vgpu-productisation"),
        static("size", INT, 0, internal_only=True),
        ro("supported_on_PGPUs", Set(Ref("PGPU"))),
        ro("enabled_on_PGPUs", Set(Ref("PGPU"))),
        ro("VGPUs", Set(Ref("VGPU"))),
        static("internal_config", Map(STRING, STRING), {}, internal_only=True),
        ro("supported_on_GPU_groups", Set(Ref("GPU_group")), since="vgpu-productisation"),
        ro("enabled_on_GPU_groups", Set(Ref("GPU_group")), since="vgpu-productisation"),
        static("implementation", Enum("vgpu_type_implementation"), "passthrough", since="dundee"),
        static("identifier", STRING, "", since="dundee"),
        static("experimental", BOOL, False, since="dundee"),
        ro("compatible_types_in_vm", Set(Ref("VGPU_type")), [], ignore_foreign_key=True, since="quebec"),
        ro(
            "compatible_types_on_pgpu", Set(Ref("VGPU_type")), [], internal_only=True, ignore_foreign_key=True,
            since="quebec",
        ),
    ),
)
