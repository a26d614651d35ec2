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
        ro("name__label", STRING, "", doc="What runs, usually the message's name (`Async.VM.start`)."),
        ro("name__description", STRING, "", doc="Free text about the task, given by who made it."),
        ro("allowed_operations", Set(Enum("task_allowed_operations")), [], persist=False),
        ro("current_operations", Map(STRING, Enum("task_allowed_operations")), {}, persist=False),
        ro("created", DATETIME, doc="When the task was made."),
        ro("finished", DATETIME, doc="When the task ended; meaningless while `status` is pending."),
        ro("status", Enum("task_status_type"), doc="How it stands."),
        ro(
            "session", Ref("session"), internal_only=True,
            doc="Session that started the task; null if it has ended or the toolstack started it.",
        ),
        ro("resident_on", Ref("host"), doc="The host that works on it."),
        ro("progress", FLOAT, doc="From 0 to 1."),
        ro(
            "externalpid", INT, internal_only=True,
            doc="Left from old versions: a process that did the work. Always -1.",
        ),
        ro(
            "stunnelpid", INT, internal_only=True, since="rio, deprecated boston",
            doc="Left from old versions: the process that forwarded the call over TLS. Always -1.",
        ),
        ro("forwarded", BOOL, internal_only=True, doc="Whether another host runs the task."),
        ro(
            "forwarded_to", Ref("host"), internal_only=True,
            doc="The host that runs the task, if `forwarded`; else null.",
        ),
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
            doc="Set the state of a task that the client made and drives itself. A finished one cannot be changed "
            "any more.",
        ),
        call(
            "set_progress", p("self", Ref("task")), p("value", FLOAT), role=READ_ONLY, sync=True, since="stockholm",
            doc="Set how far a client's own task is, from 0.0 to 1.0.",
        ),
        call(
            "set_result", p("self", Ref("task")), p("value", STRING), role=READ_ONLY, sync=True, since="21.3.0",
            doc="Set the result text of a client's own task.",
        ),
        call(
            "set_error_info", p("self", Ref("task")), p("value", Set(STRING)), role=READ_ONLY, sync=True,
            since="21.3.0",
            doc="Set the error code and parameters of a client's own task; to be followed by `set_status` failure.",
        ),
        call(
            "add_to_other_config", p("self", Ref("task")), p("key", STRING), p("value", STRING), role=READ_ONLY,
            key_roles={ "applies_to": VM_OPERATOR, "XenCenterUUID": VM_OPERATOR, "XenCenterMeddlingActionTitle": VM_OPERATOR, },
            since="prototyped 25.8.0",
            doc="Add a key to the task's further settings; MAP_DUPLICATE_KEY if it is there already.",
        ),
        call(
            "remove_from_other_config", p("self", Ref("task")), p("key", STRING), role=READ_ONLY,
            key_roles={ "applies_to": VM_OPERATOR, "XenCenterUUID": VM_OPERATOR, "XenCenterMeddlingActionTitle": VM_OPERATOR, },
            since="prototyped 25.8.0",
            doc="Remove a key from the task's further settings; no error if it is not there.",
        ),
        call(
            "set_other_config", p("self", Ref("task")), p("value", Map(STRING, STRING)), role=READ_ONLY,
            since="prototyped 25.8.0", doc="Replace the task's further settings.",
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
        static(
            "timestamp", DATETIME, since="rio, deprecated boston",
            doc="When the change happened, as seconds or date; deprecated by `id`, which orders events.",
        ),
        static("class", STRING, doc="Of the object."),
        static("operation", Enum("event_operation"), doc="add, mod or del."),
        static("ref", STRING, doc="The object."),
        static(
            "obj_uuid", STRING, since="rio, deprecated boston",
            doc="The changed object's uuid. Deprecated: not every event has it.",
        ),
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
        ro(
            "name", STRING, since="rio",
            doc="What happened: one of a list of names, e.g. `VM_STARTED`; clients may add their own.",
        ),
        ro("priority", INT, since="rio", doc="How urgent: 1 (data at risk) to 5 (for your information)."),
        ro("cls", Enum("cls"), since="orlando, extended 1.313.0", doc="Class of the object it is about."),
        ro("obj_uuid", STRING, since="rio", doc="Uuid of the object it is about, which may be gone meanwhile."),
        ro("timestamp", DATETIME, since="rio", doc="When it was raised."),
        ro("body", STRING, since="rio", doc="Details: text or XML, depending on the name."),
    ),
    messages=(
        call(
            "create", p("name", STRING), p("priority", INT), p("cls", Enum("cls")), p("obj_uuid", STRING),
            p("body", STRING), result=Ref("message"), sync=True, doc="Raise an alert about an object.",
        ),
        call("destroy", p("self", Ref("message")), sync=True, doc="Delete an alert."),
        call(
            "destroy_many", p("messages", Set(Ref("message"))), since="prototyped 22.19.0",
            doc="Delete several alerts at once; those that are gone already are no error.",
        ),
        call(
            "destroy_all", p("filters", Map(STRING, STRING)), since="prototyped 26.6.0",
            doc="Delete all alerts that match: keys `cls`, `obj_uuid`, `priority`, `before`, `after`; none means all.",
        ),
        call(
            "get", p("cls", Enum("cls")), p("obj_uuid", STRING), p("since", DATETIME),
            result=Map(Ref("message"), Record("message")), role=READ_ONLY, sync=True,
            doc="Return the alerts about an object that are newer than a date.",
        ),
        call("get_all", result=Set(Ref("message")), role=READ_ONLY, sync=True, doc="Return all alerts."),
        call(
            "get_since", p("since", DATETIME), result=Map(Ref("message"), Record("message")), role=READ_ONLY,
            sync=True, doc="Return the alerts that are newer than a date.",
        ),
        call(
            "get_record", p("self", Ref("message")), result=Record("message"), role=READ_ONLY, sync=True,
            doc="Return an alert's record.",
        ),
        call(
            "get_by_uuid", p("uuid", STRING), result=Ref("message"), role=READ_ONLY, sync=True,
            doc="Return the alert that has a uuid.",
        ),
        call(
            "get_all_records", result=Map(Ref("message"), Record("message")), role=READ_ONLY, sync=True,
            doc="Return the records of all alerts.",
        ),
        call(
            "get_all_records_where", p("expr", STRING), result=Map(Ref("message"), Record("message")), role=READ_ONLY,
            sync=True, doc="Return the records of the alerts that match an expression.",
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
        ro("size", INT, doc="Its size in bytes."),
        rw("public", BOOL, False, since="tampa", doc="Whether it can be fetched without logging in."),
        static("last_updated", DATETIME, doc="When its bytes were last written."),
        static("mime_type", STRING, doc="What its bytes are; `application/octet-stream` if nothing was said."),
    ),
    messages=(
        call(
            "create", p("mime_type", STRING), p("public", BOOL, False, since="tampa"), result=Ref("blob"), sync=True,
            since="orlando", doc="Make an empty binary object; its bytes come and go over HTTP (`/blob`).",
        ),
        call("destroy", p("self", Ref("blob")), sync=True, since="orlando", doc="Delete it and its bytes."),
    ),
)
