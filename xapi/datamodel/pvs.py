"""Caching for guests that stream their disks from Citrix Provisioning servers."""

from xapi.datamodel.declare import call, define, p, ro, rw, static
from xapi.datamodel.defaults import NULL_REF
from xapi.datamodel.model import BOOL, INT, STRING, Enum, Ref, Set

PVS_site = define(
    "PVS_site",
    since="ely",
    doc="A site of provisioning servers, with the storage that caches for it.",
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        static("PVS_uuid", STRING, ""),
        ro("cache_storage", Set(Ref("PVS_cache_storage")), [], ignore_foreign_key=True),
        ro("servers", Set(Ref("PVS_server"))),
        ro("proxies", Set(Ref("PVS_proxy"))),
    ),
    messages=(
        call(
            "introduce", p("name_label", STRING), p("name_description", STRING), p("PVS_uuid", STRING),
            result=Ref("PVS_site"),
        ),
        call(
            "forget", p("self", Ref("PVS_site")),
            errors=("PVS_SITE_CONTAINS_RUNNING_PROXIES", "PVS_SITE_CONTAINS_SERVERS"),
        ),
        call("set_PVS_uuid", p("self", Ref("PVS_site")), p("value", STRING)),
    ),
)

PVS_server = define(
    "PVS_server",
    since="ely",
    doc="Addresses and ports of provisioning servers of a site.",
    fields=(
        ro("uuid", STRING),
        static("addresses", Set(STRING), []),
        static("first_port", INT, 0),
        static("last_port", INT, 0),
        static("site", Ref("PVS_site"), NULL_REF),
    ),
    messages=(
        call(
            "introduce", p("addresses", Set(STRING)), p("first_port", INT), p("last_port", INT),
            p("site", Ref("PVS_site")), result=Ref("PVS_server"),
        ),
        call("forget", p("self", Ref("PVS_server"))),
    ),
)

PVS_proxy = define(
    "PVS_proxy",
    since="ely",
    doc="Makes the traffic of one VIF to its provisioning servers go through the host's cache.",
    fields=(
        ro("uuid", STRING),
        static("site", Ref("PVS_site"), NULL_REF),
        static("VIF", Ref("VIF"), NULL_REF),
        ro("currently_attached", BOOL, False),
        ro("status", Enum("pvs_proxy_status"), "stopped"),
    ),
    messages=(
        call("create", p("site", Ref("PVS_site")), p("VIF", Ref("VIF")), result=Ref("PVS_proxy")),
        call("destroy", p("self", Ref("PVS_proxy"))),
    ),
)

PVS_cache_storage = define(
    "PVS_cache_storage",
    since="ely",
    doc="Room in a repository that one host uses to cache for one site.",
    constructed=True,
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), NULL_REF),
        static("SR", Ref("SR"), NULL_REF),
        static("site", Ref("PVS_site"), NULL_REF),
        static("size", INT, 21474836480),
        ro("VDI", Ref("VDI"), NULL_REF),
    ),
)
