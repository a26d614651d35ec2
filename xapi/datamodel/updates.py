"""Software updates: repositories, and the older patches and update packages they replace."""

from xapi.datamodel.declare import HIDDEN, POOL_INTERNAL, call, define, p, ro, rw, static
from xapi.datamodel.defaults import NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import CLIENT_CERT

pool_patch = define(
    "pool_patch",
    since="miami, deprecated ely",
    doc="A patch of the oldest kind, uploaded to the pool and applied host by host.",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("name__label", STRING, "", since="rio"),
        static("name__description", STRING, "", since="rio"),
        static("version", STRING, "", since="miami"),
        ro("filename", STRING, "", internal_only=True, since="miami"),
        ro("size", INT, 0, since="miami"),
        ro("pool_applied", BOOL, False, since="miami"),
        ro("host_patches", Set(Ref("host_patch")), since="miami"),
        ro("after_apply_guidance", Set(Enum("after_apply_guidance")), [], since="miami"),
        static("pool_update", Ref("pool_update"), NULL_REF, since="ely"),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("apply", p("self", Ref("pool_patch")), p("host", Ref("host")), result=STRING),
        call("pool_apply", p("self", Ref("pool_patch"))),
        call("precheck", p("self", Ref("pool_patch")), p("host", Ref("host")), result=STRING),
        call("clean", p("self", Ref("pool_patch"))),
        call("pool_clean", p("self", Ref("pool_patch")), since="tampa, deprecated ely"),
        call("destroy", p("self", Ref("pool_patch"))),
        call("clean_on_host", p("self", Ref("pool_patch")), p("host", Ref("host")), since="tampa, deprecated ely"),
    ),
)

pool_update = define(
    "pool_update",
    since="ely",
    doc="An update package known to the pool, held in a disk image and applied host by host.",
    fields=(
        ro("uuid", STRING, since="rio"),
        static("name__label", STRING, "", since="rio"),
        static("name__description", STRING, "", since="rio"),
        static("version", STRING, ""),
        static("installation_size", INT, 0),
        static("key", STRING, ""),
        static("after_apply_guidance", Set(Enum("update_after_apply_guidance")), []),
        static("vdi", Ref("VDI"), since="rio"),
        ro("hosts", Set(Ref("host"))),
        rw("other_config", Map(STRING, STRING), {}, since="inverness"),
        static("enforce_homogeneity", BOOL, False, since="inverness"),
    ),
    messages=(
        call("introduce", p("vdi", Ref("VDI")), result=Ref("pool_update")),
        call(
            "precheck", p("self", Ref("pool_update")), p("host", Ref("host")), result=Enum("livepatch_status"),
            forward_to="pool_update.precheck",
        ),
        call("apply", p("self", Ref("pool_update")), p("host", Ref("host")), forward_to="pool_update.apply"),
        call("pool_apply", p("self", Ref("pool_update"))),
        call("pool_clean", p("self", Ref("pool_update"))),
        call("destroy", p("self", Ref("pool_update"))),
        call(
            "attach", p("self", Ref("pool_update")), p("use_localhost_proxy", BOOL, False, since="naples"),
            result=STRING, flags=(HIDDEN,),
        ),
        call("detach", p("self", Ref("pool_update")), flags=(HIDDEN,)),
        call("resync_host", p("host", Ref("host")), flags=(HIDDEN,)),
    ),
)

host_patch = define(
    "host_patch",
    since="rio, deprecated ely",
    members_since="rio",
    doc="A patch of the oldest kind as installed on one host.",
    fields=(
        ro("uuid", STRING),
        static("name__label", STRING, ""),
        static("name__description", STRING, ""),
        static("version", STRING),
        static("host", Ref("host")),
        ro("filename", STRING, internal_only=True),
        ro("applied", BOOL),
        ro("timestamp_applied", DATETIME),
        ro("size", INT),
        static("pool_patch", Ref("pool_patch"), "", since="miami"),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("destroy", p("self", Ref("host_patch")), since="rio, deprecated miami"),
        call("apply", p("self", Ref("host_patch")), result=STRING, since="rio, deprecated miami"),
    ),
)

Repository = define(
    "Repository",
    since="1.301.0",
    doc="A repository of update packages, remote or uploaded as a bundle.",
    role_extra=(CLIENT_CERT,),
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, "", role_extra=(CLIENT_CERT,), since="rio"),
        rw("name__description", STRING, "", role_extra=(CLIENT_CERT,), since="rio"),
        static("binary_url", STRING, ""),
        static("source_url", STRING, ""),
        static("update", BOOL, False),
        ro("hash", STRING, ""),
        ro("up_to_date", BOOL, False, since="1.301.0, deprecated 23.18.0, removed 23.18.0"),
        static("gpgkey_path", STRING, "", since="prototyped 22.12.0"),
        static("origin", Enum("origin"), "remote", since="prototyped 24.23.0"),
        static("certificate", STRING, "", since="prototyped 25.7.0"),
    ),
    messages=(
        call(
            "introduce", p("name_label", STRING), p("name_description", STRING), p("binary_url", STRING),
            p("source_url", STRING), p("update", BOOL), p("gpgkey_path", STRING, ""), result=Ref("Repository"),
            role_extra=(CLIENT_CERT,),
        ),
        call(
            "introduce_bundle", p("name_label", STRING), p("name_description", STRING), result=Ref("Repository"),
            role_extra=(CLIENT_CERT,), since="prototyped 24.23.0",
        ),
        call(
            "introduce_remote_pool", p("name_label", STRING), p("name_description", STRING), p("binary_url", STRING),
            p("certificate", STRING), result=Ref("Repository"), role_extra=(CLIENT_CERT,), since="prototyped 25.7.0",
        ),
        call("forget", p("self", Ref("Repository")), role_extra=(CLIENT_CERT,)),
        call("apply", p("host", Ref("host")), role_extra=(CLIENT_CERT,), flags=(HIDDEN, POOL_INTERNAL)),
        call(
            "set_gpgkey_path", p("self", Ref("Repository")), p("value", STRING), role_extra=(CLIENT_CERT,),
            since="prototyped 22.12.0",
        ),
        call(
            "apply_livepatch", p("host", Ref("host")), p("component", STRING), p("base_build_id", STRING),
            p("base_version", STRING), p("base_release", STRING), p("to_version", STRING), p("to_release", STRING),
            role_extra=(CLIENT_CERT,), flags=(HIDDEN, POOL_INTERNAL), since="prototyped 22.20.0",
        ),
    ),
)
