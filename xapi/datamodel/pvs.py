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
        static("PVS_uuid", STRING, "", doc="Identifier of the site at its provisioning servers."),
        ro("cache_storage", Set(Ref("PVS_cache_storage")), [], ignore_foreign_key=True, doc="Hosts' caches for it."),
        ro("servers", Set(Ref("PVS_server")), doc="Its provisioning servers."),
        ro("proxies", Set(Ref("PVS_proxy")), doc="VIFs whose traffic is cached."),
    ),
    messages=(
        call(
            "introduce", p("name_label", STRING), p("name_description", STRING), p("PVS_uuid", STRING),
            result=Ref("PVS_site"), doc="Make a site known.",
        ),
        call(
            "forget", p("self", Ref("PVS_site")),
            errors=("PVS_SITE_CONTAINS_RUNNING_PROXIES", "PVS_SITE_CONTAINS_SERVERS"),
            doc="Forget a site. It must have no servers, and no running proxies.",
        ),
        call(
            "set_PVS_uuid", p("self", Ref("PVS_site")), p("value", STRING),
            doc="Set the identifier that the site has at its provisioning servers.",
        ),
    ),
)

PVS_server = define(
    "PVS_server",
    since="ely",
    doc="Addresses and ports of provisioning servers of a site.",
    fields=(
        ro("uuid", STRING),
        static("addresses", Set(STRING), [], doc="IP addresses of the servers."),
        static("first_port", INT, 0, doc="First UDP port they answer on."),
        static("last_port", INT, 0, doc="Last UDP port they answer on."),
        static("site", Ref("PVS_site"), NULL_REF, doc="Site they serve."),
    ),
    messages=(
        call(
            "introduce", p("addresses", Set(STRING)), p("first_port", INT), p("last_port", INT),
            p("site", Ref("PVS_site")), result=Ref("PVS_server"),
            doc="Make servers of a site known. PVS_SERVER_ADDRESS_IN_USE if another has the address.",
        ),
        call("forget", p("self", Ref("PVS_server")), doc="Forget servers."),
    ),
)

PVS_proxy = define(
    "PVS_proxy",
    since="ely",
    doc="Makes the traffic of one VIF to its provisioning servers go through the host's cache.",
    fields=(
        ro("uuid", STRING),
        static("site", Ref("PVS_site"), NULL_REF, doc="Site whose traffic is cached."),
        static("VIF", Ref("VIF"), NULL_REF, doc="Interface whose traffic is cached: the VM's device 0."),
        ro("currently_attached", BOOL, False, doc="Whether the running guest's traffic goes through the cache."),
        ro("status", Enum("pvs_proxy_status"), "stopped", doc="How the cache does for it."),
    ),
    messages=(
        call(
            "create", p("site", Ref("PVS_site")), p("VIF", Ref("VIF")), result=Ref("PVS_proxy"),
            doc="Have the traffic of a VIF cached from the VM's next start. One proxy a VIF; device 0 only.",
        ),
        call("destroy", p("self", Ref("PVS_proxy")), doc="Have it cached no longer. Not while the VM runs with it."),
    ),
)

PVS_cache_storage = define(
    "PVS_cache_storage",
    since="ely",
    doc="Room in a repository that one host uses to cache for one site.",
    constructed=True,
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), NULL_REF, doc="Host that caches."),
        static("SR", Ref("SR"), NULL_REF, doc="Repository the cache is in; null for memory."),
        static("site", Ref("PVS_site"), NULL_REF, doc="Site that is cached for."),
        static("size", INT, 21474836480, doc="Size of the cache in bytes."),
        ro("VDI", Ref("VDI"), NULL_REF, doc="Disk that holds the cache, once it is in use."),
    ),
)
