"""Rows of tasks, messages, subjects, roles, secrets and certificates."""

from typing import Final

from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, mro, mrw, ro, rw, sro

MESSAGE: Final = RecordType(
    "message",
    (
        ro("uuid"),
        ro("name"),
        ro("priority"),
        ro("class", "cls"),
        ro("obj-uuid"),
        ro("timestamp"),
        ro("body"),
    ),
)

TASK: Final = RecordType(
    "task",
    (
        ro("uuid"),
        ro("name-label"),
        ro("name-description"),
        ro("subtask_of"),
        ro("subtasks"),
        ro("resident-on"),
        ro("status"),
        ro("progress"),
        ro("type"),
        ro("result"),
        ro("created"),
        ro("finished"),
        ro("error_info"),
        ro("allowed_operations"),
        ro("current_operations"),
        mrw("other-config"),
    ),
)

SUBJECT: Final = RecordType(
    "subject",
    (
        ro("uuid"),
        ro("subject-identifier"),
        mro("other-config"),
        sro("roles", computed.subject_roles, failed=""),
    ),
)

ROLE: Final = RecordType(
    "role",
    (
        ro("uuid"),
        ro("name", "name_label"),
        ro("description", "name_description"),
    ),
)

SECRET: Final = RecordType(
    "secret",
    (
        ro("uuid"),
        rw("value"),
    ),
)

CERTIFICATE: Final = RecordType(
    "Certificate",
    (
        ro("uuid"),
        ro("type"),
        ro("name"),
        ro("host"),
        ro("not-before"),
        ro("not-after"),
        ro("fingerprint"),
        ro("fingerprint_sha256"),
        ro("fingerprint_sha1"),
        ro("purpose"),
    ),
)
