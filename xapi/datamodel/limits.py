"""Who calls the API, and how much of it they may use."""

from xapi.datamodel.declare import call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Ref, Set
from xapi.datamodel.roles import POOL_ADMIN, POOL_OPERATOR

Caller = define(
    "Caller",
    since="prototyped 26.17.0",
    doc="A client of the API, told apart by its address and the name it gives.",
    role=POOL_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        static("user_agent", STRING, ""),
        static("client_ip", STRING, ""),
        ro("last_access", DATETIME, EPOCH),
        ro("groups", Set(STRING), []),
        ro("rate_limit", Ref("Rate_limit"), NULL_REF),
        ro("auto_registered", BOOL, False),
    ),
    messages=(
        call("add_group", p("self", Ref("Caller")), p("group", STRING), role=POOL_OPERATOR),
        call("remove_group", p("self", Ref("Caller")), p("group", STRING), role=POOL_OPERATOR),
        call(
            "query_token_usage", p("self", Ref("Caller")), result=FLOAT, role=POOL_OPERATOR, since="prototyped 26.15.0",
        ),
        call("query_call_count", p("self", Ref("Caller")), result=INT, role=POOL_OPERATOR, since="prototyped 26.15.0"),
        call(
            "query_group_token_usage", p("group", STRING), result=FLOAT, role=POOL_OPERATOR, since="prototyped 26.15.0",
        ),
        call("query_group_call_count", p("group", STRING), result=INT, role=POOL_OPERATOR, since="prototyped 26.15.0"),
        call("query_all_usage", result=Set(Set(STRING)), role=POOL_OPERATOR),
    ),
)

Rate_limit = define(
    "Rate_limit",
    since="prototyped 26.17.0",
    doc="How much of the API a group of callers may use.",
    role=POOL_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        ro("callers", Set(Ref("Caller"))),
        static("burst_size", FLOAT, 0.0),
        static("fill_rate", FLOAT, 0.0),
    ),
    messages=(
        call("add_caller", p("self", Ref("Rate_limit")), p("caller", Ref("Caller"))),
        call("remove_caller", p("self", Ref("Rate_limit")), p("caller", Ref("Caller"))),
        call("set_burst_size", p("self", Ref("Rate_limit")), p("value", FLOAT)),
        call("set_fill_rate", p("self", Ref("Rate_limit")), p("value", FLOAT)),
    ),
)
