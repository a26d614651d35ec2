"""Who is logged in and what they may do: sessions, the external directory, subjects, roles, local users."""

from xapi.datamodel.declare import EMERGENCY, HIDDEN, SECRET, SLAVE_LOCAL, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, STRING, Map, Qualifier, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, POOL_ADMIN, POOL_OPERATOR, READ_ONLY

session = define(
    "session",
    since="rio",
    doc="A login. Every call but the login itself carries a session, which decides what its holder may do.",
    role=POOL_ADMIN,
    persist=False,
    events=False,
    listed=False,
    fields=(
        ro("uuid", STRING),
        ro("this_host", Ref("host"), doc="Where it logged in."),
        ro("this_user", Ref("user"), doc="The local user; null for subjects."),
        ro("last_active", DATETIME, doc="When it was last used; long unused ones are ended."),
        ro("pool", BOOL, doc="A host's own session with the coordinator."),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
        ro("is_local_superuser", BOOL, False, since="george", doc="Root: no permission is asked."),
        ro("subject", Ref("subject"), NULL_REF, since="george", doc="Who logged in through the directory."),
        ro("validation_time", DATETIME, EPOCH, since="george", doc="When the subject was last looked up."),
        ro("auth_user_sid", STRING, "", since="george", doc="The user's name in the directory's terms."),
        ro("auth_user_name", STRING, "", since="midnight-ride", doc="The user's name."),
        static("rbac_permissions", Set(STRING), [], since="midnight-ride", doc="What its roles amount to."),
        ro("tasks", Set(Ref("task")), since="midnight-ride", doc="Work begun in it."),
        static("parent", Ref("session"), NULL_REF, since="midnight-ride", doc="The session that began it."),
        ro("originator", STRING, "", since="clearwater", doc="What the client calls itself."),
        ro(
            "client_certificate", BOOL, False, since="21.2.0",
            doc="Whether the client proved who it is with a TLS certificate instead of a password.",
        ),
    ),
    messages=(
        call(
            "login_with_password", p("uname", STRING), p("pwd", STRING), p("version", STRING, "1.1", since="miami"),
            p("originator", STRING, "", since="clearwater"), result=Ref("session"),
            errors=("SESSION_AUTHENTICATION_FAILED", "HOST_IS_SLAVE"), role=READ_ONLY, sync=True, session=False,
            flags=(SECRET, SLAVE_LOCAL), doc="Begin one with a name and a password.",
        ),
        call("logout", role=READ_ONLY, sync=True, doc="End it."),
        call(
            "change_password", p("old_pwd", STRING), p("new_pwd", STRING), role=LOCAL_ROOT, sync=True,
            doc="Change root's password on every host.",
        ),
        call(
            "slave_login", p("host", Ref("host")), p("psecret", STRING, secret=True), result=Ref("session"), sync=True,
            session=False, flags=(HIDDEN, SECRET, SLAVE_LOCAL), doc="A host's login to its coordinator.",
        ),
        call(
            "slave_local_login", p("psecret", STRING, secret=True), result=Ref("session"), sync=True, session=False,
            flags=(HIDDEN, SECRET, EMERGENCY, SLAVE_LOCAL), since="miami",
            doc="A login that needs no database, by pool secret.",
        ),
        call(
            "slave_local_login_with_password", p("uname", STRING), p("pwd", STRING), result=Ref("session"), sync=True,
            session=False, flags=(SECRET, EMERGENCY, SLAVE_LOCAL), since="miami",
            doc="A login that needs no database, by password.",
        ),
        call(
            "create_from_db_file", p("filename", STRING), result=Ref("session"), role=LOCAL_ROOT, since="dundee",
            doc="Open a read-only session on a database dump that lies on the coordinator. Getters then answer from "
            "the dump; nothing can be changed through it.",
        ),
        call(
            "local_logout", sync=True, flags=(EMERGENCY, SLAVE_LOCAL), since="miami",
            doc="End one that knows no database.",
        ),
        call(
            "get_all_subject_identifiers", result=Set(STRING), role=READ_ONLY, since="george",
            doc="Subjects that are logged in.",
        ),
        call(
            "logout_subject_identifier", p("subject_identifier", STRING), role=POOL_OPERATOR, since="george",
            doc="End all sessions of a subject.",
        ),
    ),
)

auth = define(
    "auth",
    since="george",
    doc="Questions to the external directory that the pool authenticates against. No objects of its own.",
    role=READ_ONLY,
    in_database=False,
    persist=False,
    events=False,
    messages=(
        call(
            "get_subject_identifier", p("subject_name", STRING), result=STRING, sync=True,
            doc="Ask the external directory for the identifier of a user or group. Answers "
            "SUBJECT_CANNOT_BE_RESOLVED if it has none of that name.",
        ),
        call(
            "get_subject_information_from_identifier", p("subject_identifier", STRING), result=Map(STRING, STRING),
            sync=True,
            doc="Ask the external directory for what it knows of a user or group: names, home, whether the account "
            "is locked or expired.",
        ),
        call(
            "get_group_membership", p("subject_identifier", STRING), result=Set(STRING), sync=True,
            doc="Ask the external directory for the identifiers of all groups that a user or group is in, nested "
            "ones included.",
        ),
    ),
)

subject = define(
    "subject",
    since="george",
    doc="A user or group of the external directory that may log in, with the roles given to it.",
    role=POOL_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        static(
            "subject_identifier", STRING, "",
            doc="The user's or group's identifier in the external directory. Unique in the pool.",
        ),
        static("other_config", Map(STRING, STRING), {}),
        ro(
            "roles", Set(Ref("role")), ["OpaqueRef:0165f154-ba3e-034e-6b27-5d271af109ba"], ignore_foreign_key=True,
            since="midnight-ride", doc="Roles given to the user or to every member of the group; several add up.",
        ),
    ),
    messages=(
        call(
            "add_to_roles", p("self", Ref("subject")), p("role", Ref("role")), sync=True, since="midnight-ride",
            doc="Give the subject a role. It counts from the subject's next login.",
        ),
        call(
            "remove_from_roles", p("self", Ref("subject")), p("role", Ref("role")), sync=True, since="midnight-ride",
            doc="Take a role from the subject. Sessions that are open keep theirs until they are validated again.",
        ),
        call(
            "get_permissions_name_label", p("self", Ref("subject")), result=Set(STRING), role=READ_ONLY, sync=True,
            since="midnight-ride", doc="Return the names of all permissions that the subject's roles have together.",
        ),
    ),
)

role = define(
    "role",
    since="midnight-ride",
    doc="A set of permissions. The rows are fixed: the roles proper and one row per permission.",
    role=POOL_ADMIN,
    force_custom=Qualifier.STATIC_RO,
    fields=(
        ro("uuid", STRING, since="rio"),
        static("name__label", STRING, "", doc="Name of the role or permission, e.g. `pool-operator` or `vm.start`."),
        static("name__description", STRING, "", doc="What the role is meant for."),
        static(
            "subroles", Set(Ref("role")), [], ignore_foreign_key=True,
            doc="The permissions that a role consists of; empty for a permission.",
        ),
        ro(
            "is_internal", BOOL, False, since="22.5.0",
            doc="Whether the role is for the toolstack's own use and should not be offered to people.",
        ),
    ),
    messages=(
        call(
            "get_permissions", p("self", Ref("role")), result=Set(Ref("role")), role=READ_ONLY, sync=True,
            doc="Return the permissions that a role has; a permission has itself.",
        ),
        call(
            "get_permissions_name_label", p("self", Ref("role")), result=Set(STRING), role=READ_ONLY, sync=True,
            doc="As `get_permissions`, but the names.",
        ),
        call(
            "get_by_permission", p("permission", Ref("role")), result=Set(Ref("role")), role=READ_ONLY, sync=True,
            doc="Return the roles that have a permission.",
        ),
        call(
            "get_by_permission_name_label", p("label", STRING), result=Set(Ref("role")), role=READ_ONLY, sync=True,
            doc="As `get_by_permission`, by the permission's name, e.g. `VM.start`; case does not matter.",
        ),
    ),
)

user = define(
    "user",
    since="rio, deprecated george",
    doc="A user of the host's own. Only kept for compatibility; real users are subjects.",
    role=POOL_ADMIN,
    events=False,
    listed=False,
    constructed=True,
    fields=(
        ro("uuid", STRING, since="rio"),
        static("short_name", STRING, since="rio", doc="Name to log in with."),
        rw("fullname", STRING, since="rio", doc="The user's own name."),
        rw("other_config", Map(STRING, STRING), {}, since="orlando"),
    ),
)
