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
        ro("name__label", STRING, "", doc="Its name, e.g. `cpu0`."),
        ro("name__description", STRING, "", doc="What it measures."),
        ro("enabled", BOOL, doc="Whether it is recorded."),
        ro("standard", BOOL, doc="Whether it is recorded unless switched off."),
        ro("units", STRING, doc="Unit of the values."),
        ro("min", FLOAT, doc="Smallest possible value."),
        ro("max", FLOAT, doc="Largest possible value."),
        ro("value", FLOAT, doc="Its value now."),
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
        ro("enabled", BOOL, False, doc="Whether it is switched on."),
        static("experimental", BOOL, False, doc="Whether it is not supported yet."),
        static("version", STRING, "1.0", doc="Its version."),
        ro("host", Ref("host"), doc="Host that has it."),
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
        call("gc_compact", p("host", Ref("host")), flags=(HIDDEN,), doc="Have the toolstack give memory back."),
        call(
            "gc_stats", p("host", Ref("host")), result=Map(STRING, STRING), flags=(HIDDEN,),
            doc="Return figures of the toolstack's memory.",
        ),
        call("db_stats", result=Map(STRING, STRING), flags=(HIDDEN,), doc="Return figures of the database."),
        call(
            "network_stats", p("host", Ref("host")), p("params", Map(STRING, STRING)), result=Set(Set(STRING)),
            flags=(HIDDEN,), doc="Return figures of the connections: how many calls, of what kind.",
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
        static(
            "hosts", Set(Ref("host")), [], ignore_foreign_key=True, doc="Hosts whose calls are traced; empty for all.",
        ),
        static("attributes", Map(STRING, STRING), {}, doc="Attributes that are added to what is traced."),
        static("endpoints", Set(STRING), [], doc="Where traces go: `bugtool` (files) or URLs."),
        static("components", Set(STRING), [], doc="Components that trace; empty for all."),
        static("enabled", BOOL, False, doc="Whether it traces."),
    ),
    messages=(
        call(
            "register", p("self", Ref("Observer")), p("host", Ref("host")), flags=(HIDDEN,),
            doc="Have a host trace for it. For the pool's own use.",
        ),
        call(
            "unregister", p("self", Ref("Observer")), p("host", Ref("host")), flags=(HIDDEN,),
            doc="Have a host trace for it no longer. For the pool's own use.",
        ),
        call("set_hosts", p("self", Ref("Observer")), p("value", Set(Ref("host"))), doc="Set whose calls are traced."),
        call("set_enabled", p("self", Ref("Observer")), p("value", BOOL), doc="Switch tracing on or off."),
        call(
            "set_attributes", p("self", Ref("Observer")), p("value", Map(STRING, STRING)),
            doc="Set which attributes are added.",
        ),
        call(
            "set_endpoints", p("self", Ref("Observer")), p("value", Set(STRING)),
            doc="Set where traces go: `bugtool` or http(s) URLs.",
        ),
        call("set_components", p("self", Ref("Observer")), p("value", Set(STRING)), doc="Set which components trace."),
    ),
)
