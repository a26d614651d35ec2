"""What an event looks like on the wire, and which events a client wants."""

from collections.abc import Iterable
from dataclasses import dataclass

from xapi import errors
from xapi.database.store import Row
from xapi.datamodel.model import Class
from xapi.server.encoding import Form, escape, json_object, row_text, xml_struct


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``row`` is None for a deletion."""

    id: int
    cls: Class
    operation: str
    ref: str
    row: Row | None
    timestamp: str = "0.0"

    def text(self, form: Form) -> str:
        name = self.cls.name.lower()
        fields = [
            ("id", str(self.id)),
            ("timestamp", self.timestamp),
            ("class", name),
            ("operation", self.operation),
            ("ref", self.ref),
        ]
        if form == "xml":
            members = [(key, f"<value>{escape(value)}</value>") for key, value in fields]
            if self.row is not None:
                members.append(("snapshot", row_text(self.cls, self.row, form)))
            return xml_struct(members)
        members = [(key, f'"{value}"') for key, value in fields]
        if self.row is not None:
            members.append(("snapshot", row_text(self.cls, self.row, form)))
        return json_object(members)


class Subscriptions:
    """What a client wants to hear of: ``*``, ``<class>`` or ``<class>/<ref>``; classes in any letter case."""

    def __init__(self, words: Iterable[str], known: Iterable[str]) -> None:
        """:raises XenAPIError: EVENT_SUBSCRIPTION_PARSE_FAILURE [word]."""
        by_name = {name.lower(): name for name in known}
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
