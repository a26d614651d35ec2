"""What an event looks like on the wire, and which events a client wants."""

from collections.abc import Iterable
from typing import NamedTuple

from xapi import errors
from xapi.database.store import Row
from xapi.datamodel.model import Class
from xapi.server.encoding import Form, escape, row_bytes


class _Frame(NamedTuple):
    """What stands around an event's words and its record."""

    words: str
    record: str
    end: str
    end_without: str


_WORDS = ("id", "timestamp", "class", "operation", "ref")
_FRAMES: dict[Form, _Frame] = {
    "xml": _Frame(
        "<value><struct>" + "".join(f"<member><name>{name}</name><value>%s</value></member>" for name in _WORDS),
        "<member><name>snapshot</name>",
        "</member></struct></value>",
        "</struct></value>",
    ),
    "json": _Frame("{" + ",".join(f'"{name}":"%s"' for name in _WORDS), ',"snapshot":', "}", "}"),
}


class Event(NamedTuple):
    """One event; ``row`` is None for a deletion."""

    id: int
    cls: Class
    operation: str
    ref: str
    row: Row | None
    timestamp: str = "0.0"

    def parts(self, form: Form) -> tuple[bytes, ...]:
        """Return the event's text in *form*, to be joined."""
        frame = _FRAMES[form]
        ref = escape(self.ref) if form == "xml" else self.ref
        words = frame.words % (self.id, self.timestamp, self.cls.name.lower(), self.operation, ref)
        if self.row is None:
            return ((words + frame.end_without).encode("utf-8", "replace"),)
        return (words + frame.record).encode("utf-8", "replace"), row_bytes(self.cls, self.row, form), frame.end.encode()


def array_of(events: Iterable[Event], form: Form) -> list[bytes]:
    """Return an array of events, to be joined."""
    start, between, end = (b"<value><array><data>", b"", b"</data></array></value>") if form == "xml" else (b"[", b",", b"]")
    parts = [start]
    for event in events:
        parts += event.parts(form)
        parts.append(between)
    if len(parts) > 1:
        parts.pop()
    parts.append(end)
    return parts


class Subscriptions:
    """What a client wants to hear of: ``*``, ``<class>`` or ``<class>/<ref>``; classes in any letter case."""

    def __init__(self, words: Iterable[str], known: Iterable[str]) -> None:
        """:raises XenAPIError: EVENT_SUBSCRIPTION_PARSE_FAILURE [word]."""
        words = list(words)
        by_name = {name.lower(): name for name in known}
        self.key = frozenset(words)
        """Equal for equal subscriptions."""
        self.everything = False
        self.classes: set[str] = set()
        self.objects: dict[str, set[str]] = {}
        for word in words:
            name, slash, ref = word.partition("/")
            if word == "*":
                self.everything = True
            elif not name or (slash and (not ref or "/" in ref)):
                raise errors.event_subscription_parse_failure(word)
            elif name.lower() in by_name and slash:
                self.objects.setdefault(by_name[name.lower()], set()).add(ref)
            elif name.lower() in by_name:
                self.classes.add(by_name[name.lower()])

    def tables(self, known: Iterable[str]) -> list[str]:
        return [name for name in known if self.everything or name in self.classes or name in self.objects]

    def wants(self, table: str, ref: str) -> bool:
        return self.everything or table in self.classes or ref in self.objects.get(table, ())
