"""The words in which `xe` records are described: a row per field, a table per record.

A row says only what the datamodel cannot: the name that `xe` uses, its access mark, and where it differs from the API.
Types, and with them texts and parsers, come from the datamodel through the row's source: a path like ``VM.name_label``
follows references (a bare reference shows the uuid of what it points to, a set of references their uuids), or a
function computes the value.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from xapi.cli.api import Object, Objects
from xapi.cli.values import NOT_IN_DATABASE

Value: TypeAlias = str | list[str] | dict[str, str]
"""What a field holds, in texts: one, several, or several by key."""


class Mark(enum.Enum):
    """What is printed after a field's name: readable or writable, as a text, a set or a map."""

    RO = " ( RO)"
    RW = " ( RW)"
    SRO = " (SRO)"
    SRW = " (SRW)"
    MRO = " (MRO)"
    MRW = " (MRW)"

    @property
    def is_set(self) -> bool:
        return self in (Mark.SRO, Mark.SRW)

    @property
    def is_map(self) -> bool:
        return self in (Mark.MRO, Mark.MRW)


@dataclass(frozen=True, slots=True)
class Subject:
    """The object whose field is read."""

    objects: Objects
    cls: str
    ref: str
    record: Object

    async def call(self, method: str, *params: object) -> Any:
        """A message of the object's class, with the object as first parameter."""
        return await self.objects.api.call(f"{self.cls}.{method}", self.ref, *params)

    async def follow(self, attribute: str, cls: str) -> Object | None:
        """The object that a reference field points to."""
        return await self.objects.get(cls, self.record[attribute])


Compute: TypeAlias = Callable[[Subject], Awaitable[Value]]

Parser: TypeAlias = Callable[[str, str], object]
"""(field name, text) -> API value; raises CommandFailure or XenAPIError."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The messages (without class) that param-set, -add, -remove and -clear use; None where there is no such way."""

    set: str | None = None
    add: str | None = None
    remove: str | None = None
    set_in_map: str | None = None
    set_map: str | None = None
    clear_map: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One row. `none` is the text if a path ends in nothing, `failed` the value if reading fails in any way."""

    name: str
    mark: Mark
    source: str | Compute
    writes: Writes
    none: str = NOT_IN_DATABASE
    failed: Value | None = None
    parse: Parser | None = None
    nullable: bool = False
    keys: frozenset[str] | None = None
    comma: bool = False
    hidden: bool = False
    expensive: bool = False
    deprecated: bool = False
    ignore_case: bool = False

    @property
    def label(self) -> str:
        return self.name + self.mark.value + (" [DEPRECATED]" if self.deprecated else "")

    @property
    def separator(self) -> str:
        return ", " if self.comma else "; "

    @property
    def is_set(self) -> bool:
        return self.mark.is_set

    @property
    def is_map(self) -> bool:
        return self.mark.is_map

    @property
    def can_add(self) -> bool:
        return self.writes.add is not None

    @property
    def can_set(self) -> bool:
        """Whether param-set has a way to change it, as a whole or key by key."""
        return bool(self.writes.set or self.writes.set_map or self.writes.set_in_map or (self.is_map and self.can_add))

    @property
    def can_clear(self) -> bool:
        return self.mark is Mark.RW or self.mark.is_set or self.mark.is_map


def _row(mark: Mark) -> Callable[..., Field]:
    def row(name: str, source: str | Compute = "", **details: Any) -> Field:
        source = source or name.replace("-", "_")
        attribute = source if isinstance(source, str) else name.replace("-", "_")
        writes: Writes = details.pop("writes", Writes())
        if mark is Mark.RW or details.pop("settable", False):
            writes = replace(writes, set=writes.set or f"set_{attribute}")
        if mark is Mark.MRW:
            add, remove = writes.add or f"add_to_{attribute}", writes.remove or f"remove_from_{attribute}"
            writes = replace(writes, add=add, remove=remove)
        if mark is Mark.SRW:
            writes = replace(writes, add=writes.add or f"add_{attribute}", remove=writes.remove or f"remove_{attribute}")
        return Field(name, mark, source, writes, **details)

    return row


# The six kinds of rows. The messages that write follow from the API field's name, as they do in the API itself:
# set_X, add_to_X and remove_from_X of a map, add_X and remove_X of a set.
ro: Final = _row(Mark.RO)
rw: Final = _row(Mark.RW)
sro: Final = _row(Mark.SRO)
srw: Final = _row(Mark.SRW)
mro: Final = _row(Mark.MRO)
mrw: Final = _row(Mark.MRW)


@dataclass(frozen=True)
class RecordType:
    """The rows of one API class, in the order in which they are always printed."""

    cls: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}


@dataclass(frozen=True)
class Class:
    """A class of commands (``vm-list``, ``vm-param-get`` ...): a record and what a list of it shows.

    `defaults` are the fields of a list without ``params=`` (None: all); `filters` restrict the list.
    """

    name: str
    record: RecordType
    defaults: frozenset[str] | None = None
    filters: tuple[tuple[str, str], ...] = ()
