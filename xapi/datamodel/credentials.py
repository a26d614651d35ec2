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
        rw("value", STRING, since="rio", doc="What is kept secret."),
        rw("other_config", Map(STRING, STRING), {}, getter_role=READ_ONLY, since="rio"),
    ),
    messages=(
        call(
            "introduce", p("uuid", STRING), p("value", STRING),
            p("other_config", Map(STRING, STRING), {}, since="boston"), result=Ref("secret"), sync=True,
            flags=(HIDDEN, SECRET), doc="Make a record with a uuid that is known already. For the pool's own use.",
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
        ro("name", STRING, "", since="1.294.0", doc="Name it was installed under; empty for hosts' own."),
        ro("type", Enum("certificate_type"), "host", since="1.294.0", doc="Whose it is and what it is for."),
        static("host", Ref("host"), NULL_REF, doc="Host whose certificate it is; null for those of the pool."),
        static("not_before", DATETIME, EPOCH, doc="When it starts to be valid."),
        static("not_after", DATETIME, EPOCH, doc="When it ends to be valid."),
        static(
            "fingerprint", STRING, "", since="stockholm, deprecated 24.19.0",
            doc="Deprecated: as `fingerprint_sha256`.",
        ),
        static(
            "fingerprint_sha256", STRING, "", since="prototyped 24.20.0",
            doc="Its SHA-256, in hexadecimal with colons.",
        ),
        static(
            "fingerprint_sha1", STRING, "", since="prototyped 24.20.0", doc="Its SHA-1, in hexadecimal with colons.",
        ),
        static(
            "purpose", Set(Enum("certificate_purpose")), [], since="prototyped 26.13.0",
            doc="What it is trusted for; empty for everything.",
        ),
    ),
)
