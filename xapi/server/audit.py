"""The audit log: who did, or was refused, what, one line a call, in ``/var/log/audit.log``.

The lines are those that administrators' tools know from the original::

    [20260102T03:04:05.678Z|audit|host|0|VM.start R:0123456789ab|audit] ('trackid=…' 'LOCAL_SUPERUSER' 'root' 'ALLOWED' 'OK'
    'API' 'VM.start' (('vm' 'my guest' '<uuid>' 'OpaqueRef:…')))

Reads are not logged unless they are refused. Passwords, keys and the values of secrets are never written.
"""

import datetime
import hashlib
import logging
import logging.handlers
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xapi.database.schema import NULL_REF
from xapi.datamodel.model import Message, MessageKind, Param, Record, Ref

if TYPE_CHECKING:
    from xapi.server.context import Context

LOG = "/var/log/audit.log"
HIDDEN = "(hidden)"

_DELICATE = re.compile(r"password|passwd|pwd|secret|private_?key|credential|token|certificate|\bpsk\b", re.IGNORECASE)
_READS = ("get_", "query_", "assert_", "compute_", "has_", "is_", "list_", "retrieve_", "can_")
_CHANGES = frozenset(
    {
        MessageKind.CUSTOM,
        MessageKind.SETTER,
        MessageKind.ADD,
        MessageKind.REMOVE,
        MessageKind.CREATE,
        MessageKind.DESTROY,
    }
)


def track_id(session: str) -> str:
    """Return what stands for a session in logs: never the session itself."""
    return hashlib.md5(session.encode(), usedforsecurity=False).hexdigest()


def has_effect(message: Message) -> bool:
    """Whether a call of *message* is worth a line though it is allowed."""
    if message.cls in ("event", "session") or message.kind not in _CHANGES:
        return False
    return message.kind is not MessageKind.CUSTOM or not message.name.startswith(_READS)


class AuditLog:
    """The file, which may be rotated under our hands."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._handler: logging.handlers.WatchedFileHandler | None = None

    def write(self, call: str, text: str) -> None:
        """Append a line; *call* names the call that it is about."""
        if self._handler is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._handler = logging.handlers.WatchedFileHandler(self._file, encoding="utf-8", errors="replace")
        now = datetime.datetime.now(datetime.UTC)
        stamp = f"{now:%Y%m%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        line = f"[{stamp}|audit|{socket.gethostname()}|0|{call}|audit] {text}"
        self._handler.handle(logging.makeLogRecord({"msg": "%s", "args": (" ".join(line.splitlines()),)}))

    def close(self) -> None:
        if self._handler is not None:
            self._handler.close()
            self._handler = None


def record(ctx: "Context", kind: str, action: str, outcome: str, arguments: Sequence[str] = (), *, allowed: bool = True) -> None:
    """Log one call. *kind* is ``API`` or ``HTTP``, *outcome* ``OK`` or ``ERROR:<code>…``; see `describe` for *arguments*."""
    row = ctx.db.row("session", ctx.session).values if ctx.db.exists("session", ctx.session) else None
    name = "" if row is None else str(row["auth_user_name"])
    who = "LOCAL_SUPERUSER" if row is None or row["is_local_superuser"] or row["pool"] else str(row["auth_user_sid"])
    words = [f"trackid={track_id(ctx.session)}", who, name, "ALLOWED" if allowed else "DENIED", outcome, kind, action]
    ctx.app.audit.write(ctx.dbg, f"({' '.join(map(quoted, words))} ({' '.join(arguments)}))")


def quoted(text: str) -> str:
    """Return *text* as an atom in quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def describe(ctx: "Context", message: Message, values: Sequence[Any]) -> list[str]:
    """Return a call's arguments as lists of name, value (an object's name), uuid and ref. Take it before the call: what is
    destroyed has no name afterwards."""
    if message.secret:
        return []
    # The value of a map's delicate key hides behind an innocent parameter name.
    key = values[1] if message.map_key_roles or message.kind is MessageKind.ADD else ""
    hides = message.cls == "secret" or bool(message.field and message.field.secret) or bool(_DELICATE.search(str(key)))
    return [_argument(ctx, param, value, hides) for param, value in zip(message.params, values, strict=False)]


def pairs(arguments: Mapping[str, str]) -> list[str]:
    """Return an HTTP request's arguments as `describe` writes a call's."""
    return [_entry(name, _unveiled(name, value)) for name, value in arguments.items()]


def _unveiled(name: str, value: str) -> str:
    if name == "session_id":
        return f"trackid={track_id(value)}"
    return HIDDEN if _DELICATE.search(name) else value


def _argument(ctx: "Context", param: Param, value: Any, hides: bool) -> str:
    if param.secret or _DELICATE.search(param.name) or (hides and param.name == "value"):
        return _entry(param.name, HIDDEN)
    match param.type:
        case Ref(cls) if cls != "session":
            return _entry(param.name, *_object(ctx, cls, str(value)))
        case Ref():
            return _entry(param.name, f"trackid={track_id(str(value))}")
        case Record():
            return _entry(param.name, str(value.get("name_label", "")) if isinstance(value, dict) else "")
    if isinstance(value, dict):
        pairs = ", ".join(f"{key}: {HIDDEN if _DELICATE.search(str(key)) else item}" for key, item in value.items())
        return _entry(param.name, pairs)
    return _entry(param.name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _object(ctx: "Context", cls: str, ref: str) -> tuple[str, str, str]:
    if ref == NULL_REF or not ctx.db.exists(cls, ref):
        return "", "", ref
    values = ctx.db.row(cls, ref).values
    return str(values.get("name_label", "")), str(values.get("uuid", "")), ref


def _entry(name: str, value: str, uuid: str = "", ref: str = "") -> str:
    return f"({' '.join(map(quoted, (name, value, uuid, ref)))})"
