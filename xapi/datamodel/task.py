"""Work in progress and what clients are told about: tasks, events, alert messages, blobs."""

from xapi.datamodel.declare import CUSTOM_MARSHALLER, call, define, p, ro, rw, static
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Record, Ref, Set
from xapi.datamodel.roles import POOL_ADMIN, READ_ONLY, VM_OPERATOR

task = define(
    "task",
    since="rio",
    doc="The progress and outcome of a call. Asynchronous calls answer with one.",
    persist=False,
    no_task=True,
    fields=(
        ro("uuid", STRING),
        ro("name__label", STRING, ""),
        ro("name__description", STRING, ""),
        ro("allowed_operations", Set(Enum("task_allowed_operations")), [], persist=False),
        ro("current_operations", Map(STRING, Enum("task_allowed_operations")), {}, persist=False),
        ro("created", DATETIME),
        ro("finished", DATETIME),
        ro("status", Enum("task_status_type"), doc="How it stands."),
        ro("session", Ref("session"), internal_only=True),
        ro("resident_on", Ref("host"), doc="The host that works on it."),
        ro("progress", FLOAT, doc="From 0 to 1."),
        ro("externalpid", INT, internal_only=True),
        ro("stunnelpid", INT, internal_only=True, since="rio, deprecated boston"),
        ro("forwarded", BOOL, internal_only=True),
        ro("forwarded_to", Ref("host"), internal_only=True),
        ro("type", STRING, doc="Type of the result."),
        ro("result", STRING, doc="The encoded result, once it has succeeded."),
        ro("error_info", Set(STRING), doc="Code and parameters, once it has failed."),
        ro(
            "other_config", Map(STRING, STRING), {},
            key_roles={
                "applies_to": VM_OPERATOR, "XenCenterUUID": VM_OPERATOR, "XenCenterMeddlingActionTitle": VM_OPERATOR,
            },
            since="miami",
        ),
        ro("subtask_of", Ref("task"), "", since="orlando", doc="The task this is a part of."),
        ro("subtasks", Set(Ref("task")), since="orlando", doc="Its parts."),
        ro("backtrace", STRING, "()", since="dundee", doc="Where it failed."),
    ),
    messages=(
        call(
            "create", p("label", STRING), p("description", STRING), result=Ref("task"), role=READ_ONLY, sync=True,
            doc="A task for a client's own work.",
        ),
        call("destroy", p("self", Ref("task")), role=READ_ONLY, sync=True, doc="Drop the record; the work goes on."),
        call(
            "cancel", p("task", Ref("task")), errors=("OPERATION_NOT_ALLOWED",), role=READ_ONLY,
            doc="Ask the work to stop.",
        ),
        call(
            "set_status", p("self", Ref("task")), p("value", Enum("task_status_type")), role=READ_ONLY, sync=True,
            since="falcon",
        ),
        call("set_progress", p("self", Ref("task")), p("value", FLOAT), role=READ_ONLY, sync=True, since="stockholm"),
        call("set_result", p("self", Ref("task")), p("value", STRING), role=READ_ONLY, sync=True, since="21.3.0"),
        call(
            "set_error_info", p("self", Ref("task")), p("value", Set(STRING)), role=READ_ONLY, sync=True,
            since="21.3.0",
        ),
        call(
            "add_to_other_config", p("self", Ref("task")), p("key", STRING), p("value", STRING), role=READ_ONLY,
            key_roles={
                "applies_to": VM_OPERATOR, "XenCenterUUID": VM_OPERATOR, "XenCenterMeddlingActionTitle": VM_OPERATOR,
            },
            since="prototyped 25.8.0",
        ),
        call(
            "remove_from_other_config", p("self", Ref("task")), p("key", STRING), role=READ_ONLY,
            key_roles={
                "applies_to": VM_OPERATOR, "XenCenterUUID": VM_OPERATOR, "XenCenterMeddlingActionTitle": VM_OPERATOR,
            },
            since="prototyped 25.8.0",
        ),
        call(
            "set_other_config", p("self", Ref("task")), p("value", Map(STRING, STRING)), role=READ_ONLY,
            since="prototyped 25.8.0",
        ),
    ),
)

event = define(
    "event",
    since="rio",
    doc="A change to an object, delivered to clients that wait for it. Not stored.",
    role=POOL_ADMIN,
    in_database=False,
    persist=False,
    events=False,
    no_task=True,
    fields=(
        static("id", INT, doc="Its place in the old numbering."),
        static("timestamp", DATETIME, since="rio, deprecated boston"),
        static("class", STRING, doc="Of the object."),
        static("operation", Enum("event_operation"), doc="add, mod or del."),
        static("ref", STRING, doc="The object."),
        static("obj_uuid", STRING, since="rio, deprecated boston"),
    ),
    messages=(
        call(
            "register", p("classes", Set(STRING)), role=READ_ONLY, since="rio, deprecated boston",
            doc="Begin to collect events of classes in this session.",
        ),
        call(
            "unregister", p("classes", Set(STRING)), role=READ_ONLY, since="rio, deprecated boston",
            doc="Stop collecting events of classes.",
        ),
        call(
            "next", result=Set(Record("event")),
            errors=("SESSION_NOT_REGISTERED", "EVENTS_LOST", "EVENT_SUBSCRIPTION_PARSE_FAILURE"), role=READ_ONLY,
            sync=True, flags=(CUSTOM_MARSHALLER,), since="rio, deprecated boston", doc="Wait for collected events.",
        ),
        call(
            "from", p("classes", Set(STRING)), p("token", STRING), p("timeout", FLOAT), result=Set(Record("event")),
            errors=("EVENT_FROM_TOKEN_PARSE_FAILURE", "EVENT_SUBSCRIPTION_PARSE_FAILURE"), role=READ_ONLY, sync=True,
            flags=(CUSTOM_MARSHALLER,), since="boston",
            doc="Wait for changes after those that the token stands for; an empty token means all that is.",
        ),
        call(
            "get_current_id", result=INT, role=READ_ONLY, sync=True, doc="The number that the next event will exceed.",
        ),
        call(
            "inject", p("class", STRING), p("ref", STRING), result=STRING, role=READ_ONLY, sync=True, since="tampa",
            doc="Say that an object changed; answers the token for waiting until that was seen.",
        ),
    ),
)

message = define(
    "message",
    since="orlando",
    doc="An alert: something an administrator should read, about one object. Kept in files, not rows.",
    in_database=False,
    persist=False,
    fields=(
        ro("uuid", STRING, since="rio"),
        ro("name", STRING, since="rio"),
        ro("priority", INT, since="rio"),
        ro("cls", Enum("cls"), since="orlando, extended 1.313.0"),
        ro("obj_uuid", STRING, since="rio"),
        ro("timestamp", DATETIME, since="rio"),
        ro("body", STRING, since="rio"),
    ),
    messages=(
        call(
            "create", p("name", STRING), p("priority", INT), p("cls", Enum("cls")), p("obj_uuid", STRING),
            p("body", STRING), result=Ref("message"), sync=True,
        ),
        call("destroy", p("self", Ref("message")), sync=True),
        call("destroy_many", p("messages", Set(Ref("message"))), since="prototyped 22.19.0"),
        call("destroy_all", p("filters", Map(STRING, STRING)), since="prototyped 26.6.0"),
        call(
            "get", p("cls", Enum("cls")), p("obj_uuid", STRING), p("since", DATETIME),
            result=Map(Ref("message"), Record("message")), role=READ_ONLY, sync=True,
        ),
        call("get_all", result=Set(Ref("message")), role=READ_ONLY, sync=True),
        call(
            "get_since", p("since", DATETIME), result=Map(Ref("message"), Record("message")), role=READ_ONLY, sync=True,
        ),
        call("get_record", p("self", Ref("message")), result=Record("message"), role=READ_ONLY, sync=True),
        call("get_by_uuid", p("uuid", STRING), result=Ref("message"), role=READ_ONLY, sync=True),
        call("get_all_records", result=Map(Ref("message"), Record("message")), role=READ_ONLY, sync=True),
        call(
            "get_all_records_where", p("expr", STRING), result=Map(Ref("message"), Record("message")), role=READ_ONLY,
            sync=True,
        ),
    ),
)

blob = define(
    "blob",
    since="orlando",
    members_since="rio",
    doc="A piece of binary data attached to an object, moved over plain HTTP.",
    fields=(
        ro("uuid", STRING),
        rw("name__label", STRING, ""),
        rw("name__description", STRING, ""),
        ro("size", INT),
        rw("public", BOOL, False, since="tampa"),
        static("last_updated", DATETIME),
        static("mime_type", STRING),
    ),
    messages=(
        call(
            "create", p("mime_type", STRING), p("public", BOOL, False, since="tampa"), result=Ref("blob"), sync=True,
            since="orlando",
        ),
        call("destroy", p("self", Ref("blob")), sync=True, since="orlando"),
    ),
)
