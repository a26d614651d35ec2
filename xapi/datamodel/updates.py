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
        static("version", STRING, "", since="miami", doc="The patch's version."),
        ro(
            "filename", STRING, "", internal_only=True, since="miami",
            doc="Where the uploaded file lies on the coordinator.",
        ),
        ro("size", INT, 0, since="miami", doc="Size of the uploaded file in bytes."),
        ro("pool_applied", BOOL, False, since="miami", doc="Whether every host has it."),
        ro(
            "host_patches", Set(Ref("host_patch")), since="miami",
            doc="The hosts' shares: on which it was applied and when.",
        ),
        ro(
            "after_apply_guidance", Set(Enum("after_apply_guidance")), [], since="miami",
            doc="What to restart so that the patch counts.",
        ),
        static(
            "pool_update", Ref("pool_update"), NULL_REF, since="ely",
            doc="The update that this patch is another view of.",
        ),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call(
            "apply", p("self", Ref("pool_patch")), p("host", Ref("host")), result=STRING,
            doc="Deprecated: apply to one host; use `pool_update.apply`. Returns what the patch printed.",
        ),
        call(
            "pool_apply", p("self", Ref("pool_patch")),
            doc="Deprecated: apply to every host; use `pool_update.pool_apply`.",
        ),
        call(
            "precheck", p("self", Ref("pool_patch")), p("host", Ref("host")), result=STRING,
            doc="Deprecated: run the patch's own checks on a host; use `pool_update.precheck`.",
        ),
        call("clean", p("self", Ref("pool_patch")), doc="Deprecated: delete the uploaded file on the coordinator."),
        call(
            "pool_clean", p("self", Ref("pool_patch")), since="tampa, deprecated ely",
            doc="Deprecated: delete the uploaded file everywhere; use `pool_update.pool_clean`.",
        ),
        call(
            "destroy", p("self", Ref("pool_patch")),
            doc="Deprecated: forget a patch that no host has; use `pool_update.destroy`.",
        ),
        call(
            "clean_on_host", p("self", Ref("pool_patch")), p("host", Ref("host")), since="tampa, deprecated ely",
            doc="Deprecated: delete the uploaded file on one host.",
        ),
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
        static("version", STRING, "", doc="The update's version."),
        static("installation_size", INT, 0, doc="Bytes it takes on a host once installed."),
        static("key", STRING, "", doc="Name of the key that its signature is checked with."),
        static(
            "after_apply_guidance", Set(Enum("update_after_apply_guidance")), [],
            doc="What to restart so that the update counts.",
        ),
        static("vdi", Ref("VDI"), since="rio", doc="Disk that holds the update's contents; null once cleaned."),
        ro("hosts", Set(Ref("host")), doc="Hosts that have it."),
        rw("other_config", Map(STRING, STRING), {}, since="inverness"),
        static(
            "enforce_homogeneity", BOOL, False, since="inverness",
            doc="Whether all hosts must have it before others may follow, and joiners must have it too.",
        ),
    ),
    messages=(
        call(
            "introduce", p("vdi", Ref("VDI")), result=Ref("pool_update"),
            doc="Make an update known from a disk that holds it. Its signature is checked.",
        ),
        call(
            "precheck", p("self", Ref("pool_update")), p("host", Ref("host")), result=Enum("livepatch_status"),
            forward_to="pool_update.precheck",
            doc="Check whether a host could take the update: what it requires, free space; answers with what to "
            "restart afterwards (live patches).",
        ),
        call(
            "apply", p("self", Ref("pool_update")), p("host", Ref("host")), forward_to="pool_update.apply",
            doc="Install the update on one host. The result says what to restart.",
        ),
        call("pool_apply", p("self", Ref("pool_update")), doc="Install the update on every host that lacks it."),
        call(
            "pool_clean", p("self", Ref("pool_update")),
            doc="Delete the update's files everywhere. The record stays if a host has it.",
        ),
        call("destroy", p("self", Ref("pool_update")), doc="Forget an update that no host has."),
        call(
            "attach", p("self", Ref("pool_update")), p("use_localhost_proxy", BOOL, False, since="naples"),
            result=STRING, flags=(HIDDEN,),
            doc="Make the update's contents readable and return the URL. For the pool's own use.",
        ),
        call(
            "detach", p("self", Ref("pool_update")), flags=(HIDDEN,),
            doc="End what `attach` began. For the pool's own use.",
        ),
        call(
            "resync_host", p("host", Ref("host")), flags=(HIDDEN,),
            doc="Compare what a host has installed with the records, and correct those. For the pool's own use.",
        ),
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
        static("version", STRING, doc="The patch's version."),
        static("host", Ref("host"), doc="Host that has it."),
        ro("filename", STRING, internal_only=True, doc="Where the file lies on the host."),
        ro("applied", BOOL, doc="Whether the host has it."),
        ro("timestamp_applied", DATETIME, doc="When it was applied; the epoch if not."),
        ro("size", INT, doc="Size of the file in bytes."),
        static("pool_patch", Ref("pool_patch"), "", since="miami", doc="The patch as the pool knows it."),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call(
            "destroy", p("self", Ref("host_patch")), since="rio, deprecated miami",
            doc="Deprecated: delete the file of a patch that is not applied.",
        ),
        call(
            "apply", p("self", Ref("host_patch")), result=STRING, since="rio, deprecated miami",
            doc="Deprecated: apply to this host; use `pool_update.apply`.",
        ),
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
        static("binary_url", STRING, "", doc="Where packages are; for a bundle, the directory it was unpacked to."),
        static("source_url", STRING, "", doc="Where sources are."),
        static("update", BOOL, False, doc="Whether its metadata says what to restart (`updateinfo`)."),
        ro("hash", STRING, "", doc="Checksum of the metadata that was last synchronised; empty if none."),
        ro(
            "up_to_date", BOOL, False, since="1.301.0, deprecated 23.18.0, removed 23.18.0",
            doc="Removed: whether all hosts had its updates.",
        ),
        static(
            "gpgkey_path", STRING, "", since="prototyped 22.12.0",
            doc="File name of the key that signs it, in the hosts' key directory; empty for the default one.",
        ),
        static(
            "origin", Enum("origin"), "remote", since="prototyped 24.23.0",
            doc="Where its packages come from: a web server, an uploaded bundle, another pool.",
        ),
        static("certificate", STRING, "", since="prototyped 25.7.0", doc="For another pool: its certificate (PEM)."),
    ),
    messages=(
        call(
            "introduce", p("name_label", STRING), p("name_description", STRING), p("binary_url", STRING),
            p("source_url", STRING), p("update", BOOL), p("gpgkey_path", STRING, ""), result=Ref("Repository"),
            role_extra=(CLIENT_CERT,), doc="Make a repository on a web server known.",
        ),
        call(
            "introduce_bundle", p("name_label", STRING), p("name_description", STRING), result=Ref("Repository"),
            role_extra=(CLIENT_CERT,), since="prototyped 24.23.0",
            doc="Make a repository for uploaded bundles known; there can be one.",
        ),
        call(
            "introduce_remote_pool", p("name_label", STRING), p("name_description", STRING), p("binary_url", STRING),
            p("certificate", STRING), result=Ref("Repository"), role_extra=(CLIENT_CERT,), since="prototyped 25.7.0",
            doc="Make known that updates come from another pool's coordinator.",
        ),
        call(
            "forget", p("self", Ref("Repository")), role_extra=(CLIENT_CERT,),
            doc="Forget a repository. It must not be among the pool's.",
        ),
        call(
            "apply", p("host", Ref("host")), role_extra=(CLIENT_CERT,), flags=(HIDDEN, POOL_INTERNAL),
            doc="Install its updates on a host. For the pool's own use.",
        ),
        call(
            "set_gpgkey_path", p("self", Ref("Repository")), p("value", STRING), role_extra=(CLIENT_CERT,),
            since="prototyped 22.12.0", doc="Set the file name of the key that signs it.",
        ),
        call(
            "apply_livepatch", p("host", Ref("host")), p("component", STRING), p("base_build_id", STRING),
            p("base_version", STRING), p("base_release", STRING), p("to_version", STRING), p("to_release", STRING),
            role_extra=(CLIENT_CERT,), flags=(HIDDEN, POOL_INTERNAL), since="prototyped 22.20.0",
            doc="Patch a running component of a host. For the pool's own use.",
        ),
    ),
)
