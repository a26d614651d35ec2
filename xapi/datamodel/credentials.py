"""What is kept secret or proves identity: secrets and certificates."""

from xapi.datamodel.declare import HIDDEN, SECRET, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import DATETIME, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import POOL_OPERATOR, READ_ONLY

secret = define(
    "secret",
    since="midnight-ride",
    doc="A password or the like that other objects name by uuid rather than contain.",
    implicit_role=POOL_OPERATOR,
    events=False,
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        rw("value", STRING, since="rio"),
        rw("other_config", Map(STRING, STRING), {}, getter_role=READ_ONLY, since="rio"),
    ),
    messages=(
        call(
            "introduce", p("uuid", STRING), p("value", STRING),
            p("other_config", Map(STRING, STRING), {}, since="boston"), result=Ref("secret"), sync=True,
            flags=(HIDDEN, SECRET),
        ),
    ),
)

Certificate = define(
    "Certificate",
    since="stockholm",
    doc="A TLS certificate that a host presents or the pool trusts.",
    role=READ_ONLY,
    fields=(
        ro("uuid", STRING),
        ro("name", STRING, "", since="1.294.0"),
        ro("type", Enum("certificate_type"), "host", since="1.294.0"),
        static("host", Ref("host"), NULL_REF),
        static("not_before", DATETIME, EPOCH),
        static("not_after", DATETIME, EPOCH),
        static("fingerprint", STRING, "", since="stockholm, deprecated 24.19.0"),
        static("fingerprint_sha256", STRING, "", since="prototyped 24.20.0"),
        static("fingerprint_sha1", STRING, "", since="prototyped 24.20.0"),
        static("purpose", Set(Enum("certificate_purpose")), [], since="prototyped 26.13.0"),
    ),
)
