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
        static("user_agent", STRING, "", doc="User-Agent of the calls that are its; empty for any."),
        static("client_ip", STRING, "", doc="Address its calls come from; empty for any."),
        ro("last_access", DATETIME, EPOCH, doc="When it last called; the epoch if never."),
        ro("groups", Set(STRING), [], doc="Groups it is counted in."),
        ro("rate_limit", Ref("Rate_limit"), NULL_REF, doc="Limit that it shares; null for none."),
        ro("auto_registered", BOOL, False, doc="Whether the toolstack made it by itself; it makes none."),
    ),
    messages=(
        call(
            "add_group", p("self", Ref("Caller")), p("group", STRING), role=POOL_OPERATOR,
            doc="Count the caller in one more group.",
        ),
        call(
            "remove_group", p("self", Ref("Caller")), p("group", STRING), role=POOL_OPERATOR,
            doc="Count the caller in a group no longer.",
        ),
        call(
            "query_token_usage", p("self", Ref("Caller")), result=FLOAT, role=POOL_OPERATOR,
            since="prototyped 26.15.0", doc="Return how many tokens the caller has used since the toolstack started.",
        ),
        call(
            "query_call_count", p("self", Ref("Caller")), result=INT, role=POOL_OPERATOR, since="prototyped 26.15.0",
            doc="Return how many calls the caller has made since the toolstack started.",
        ),
        call(
            "query_group_token_usage", p("group", STRING), result=FLOAT, role=POOL_OPERATOR,
            since="prototyped 26.15.0", doc="Return how many tokens a group's callers have used since the toolstack started.",
        ),
        call(
            "query_group_call_count", p("group", STRING), result=INT, role=POOL_OPERATOR, since="prototyped 26.15.0",
            doc="Return how many calls a group's callers have made since the toolstack started.",
        ),
        call(
            "query_all_usage", result=Set(Set(STRING)), role=POOL_OPERATOR,
            doc="Return for each caller: ref, name, tokens used, calls made.",
        ),
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
        ro("callers", Set(Ref("Caller")), doc="Callers that share it."),
        static("burst_size", FLOAT, 0.0, doc="Tokens that may be used at once. A call takes one; who has none left waits."),
        static("fill_rate", FLOAT, 0.0, doc="How much comes back: tokens per second."),
    ),
    messages=(
        call(
            "add_caller", p("self", Ref("Rate_limit")), p("caller", Ref("Caller")),
            doc="Have a caller share the limit.",
        ),
        call(
            "remove_caller", p("self", Ref("Rate_limit")), p("caller", Ref("Caller")),
            doc="Have a caller share the limit no longer.",
        ),
        call(
            "set_burst_size", p("self", Ref("Rate_limit")), p("value", FLOAT), doc="Set how much may be used at once.",
        ),
        call(
            "set_fill_rate", p("self", Ref("Rate_limit")), p("value", FLOAT), doc="Set how much comes back per second.",
        ),
    ),
)
