"""Looking inside the toolstack: data sources, features, tracing, memory statistics."""

from xapi.datamodel.declare import HIDDEN, call, define, p, ro, rw, static
from xapi.datamodel.model import BOOL, FLOAT, STRING, Map, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, POOL_ADMIN

data_source = define(
    "data_source",
    since="orlando",
    members_since="rio",
    doc="Something that is or could be recorded as a performance counter. A record only.",
    role=POOL_ADMIN,
    in_database=False,
    persist=False,
    events=False,
    fields=(
        ro("name__label", STRING, ""),
        ro("name__description", STRING, ""),
        ro("enabled", BOOL),
        ro("standard", BOOL),
        ro("units", STRING),
        ro("min", FLOAT),
        ro("max", FLOAT),
        ro("value", FLOAT),
    ),
)

Feature = define(
    "Feature",
    since="falcon",
    doc="An experimental feature of a host, and whether it is on.",
    role=LOCAL_ROOT,
    fields=(
        ro("uuid", STRING),
        static("name__label", STRING, "", since="rio"),
        static("name__description", STRING, "", since="rio"),
        ro("enabled", BOOL, False),
        static("experimental", BOOL, False),
        static("version", STRING, "1.0"),
        ro("host", Ref("host")),
    ),
)

Diagnostics = define(
    "Diagnostics",
    since="stockholm",
    doc="A look at the toolstack's own memory. No objects of its own.",
    in_database=False,
    persist=False,
    events=False,
    messages=(
        call("gc_compact", p("host", Ref("host")), flags=(HIDDEN,)),
        call("gc_stats", p("host", Ref("host")), result=Map(STRING, STRING), flags=(HIDDEN,)),
        call("db_stats", result=Map(STRING, STRING), flags=(HIDDEN,)),
        call(
            "network_stats", p("host", Ref("host")), p("params", Map(STRING, STRING)), result=Set(Set(STRING)),
            flags=(HIDDEN,),
        ),
    ),
)

Observer = define(
    "Observer",
    since="prototyped 23.14.0",
    doc="Where traces of what components do are sent, and which components.",
    role=POOL_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, "", since="rio"),
        rw("name__description", STRING, "", since="rio"),
        static("hosts", Set(Ref("host")), [], ignore_foreign_key=True),
        static("attributes", Map(STRING, STRING), {}),
        static("endpoints", Set(STRING), []),
        static("components", Set(STRING), []),
        static("enabled", BOOL, False),
    ),
    messages=(
        call("register", p("self", Ref("Observer")), p("host", Ref("host")), flags=(HIDDEN,)),
        call("unregister", p("self", Ref("Observer")), p("host", Ref("host")), flags=(HIDDEN,)),
        call("set_hosts", p("self", Ref("Observer")), p("value", Set(Ref("host")))),
        call("set_enabled", p("self", Ref("Observer")), p("value", BOOL)),
        call("set_attributes", p("self", Ref("Observer")), p("value", Map(STRING, STRING))),
        call("set_endpoints", p("self", Ref("Observer")), p("value", Set(STRING))),
        call("set_components", p("self", Ref("Observer")), p("value", Set(STRING))),
    ),
)
