"""The shapes in which the XenAPI is declared: types, fields, parameters, messages, classes.

Values only. The declarations live in a module per family of classes; what follows from them (implicit messages,
permissions) is computed in `derive`. Two spellings of a field exist: its wire name (``name_label``) and its database
column (``name__label``), which differ only for namespaced fields.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from xapi.datamodel.roles import Role


@dataclass(frozen=True, slots=True)
class String:
    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True, slots=True)
class Int:
    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True, slots=True)
class Float:
    def __str__(self) -> str:
        return "float"


@dataclass(frozen=True, slots=True)
class Bool:
    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class DateTime:
    def __str__(self) -> str:
        return "datetime"


@dataclass(frozen=True, slots=True)
class Enum:
    """One word out of the list of that name in `enums`."""

    name: str

    def __str__(self) -> str:
        return f"enum {self.name}"


@dataclass(frozen=True, slots=True)
class Ref:
    """An opaque reference to an object of the class."""

    cls: str

    def __str__(self) -> str:
        return f"ref {self.cls}"


@dataclass(frozen=True, slots=True)
class Record:
    """All documented fields of an object of the class, as a struct."""

    cls: str

    def __str__(self) -> str:
        return f"record {self.cls}"


@dataclass(frozen=True, slots=True)
class Set:
    of: Type

    def __str__(self) -> str:
        return f"set {self.of}"


@dataclass(frozen=True, slots=True)
class Map:
    key: Type
    value: Type

    def __str__(self) -> str:
        return f"map {self.key} {self.value}"


@dataclass(frozen=True, slots=True)
class Option:
    """A struct member that is left out when there is no value."""

    of: Type

    def __str__(self) -> str:
        return f"option {self.of}"


Type: TypeAlias = String | Int | Float | Bool | DateTime | Enum | Ref | Record | Set | Map | Option
"""Any wire type. ``str(type)`` is its prefix notation: ``map string set ref VM``."""

STRING: Final = String()
INT: Final = Int()
FLOAT: Final = Float()
BOOL: Final = Bool()
DATETIME: Final = DateTime()


class NoDefault(enum.Enum):
    """Tells "no default was declared" apart from every value a default can have."""

    NO_DEFAULT = "no default"


NO_DEFAULT: Final = NoDefault.NO_DEFAULT


class Qualifier(enum.StrEnum):
    """Who gives a field its value: constructor and setter, constructor only, or the system at run time."""

    RW = "RW"
    STATIC_RO = "StaticRO"
    DYNAMIC_RO = "DynamicRO"


class State(enum.StrEnum):
    PROTOTYPED = "prototyped"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    REMOVED = "removed"


Lifecycle: TypeAlias = tuple[tuple[str, str], ...]
"""(change, release) in order; a change is a `State` or one of ``extended``, ``changed``."""


def state_after(lifecycle: Lifecycle) -> State:
    """The state a lifecycle leads to: the last change that is one."""
    states = frozenset(State)
    reached = [State(change) for change, _ in lifecycle if change in states]
    return reached[-1] if reached else State.PUBLISHED


class MessageKind(enum.StrEnum):
    """`CUSTOM` is declared; every other kind is derived from a class or a field."""

    CUSTOM = "custom"
    GETTER = "getter"
    SETTER = "setter"
    ADD = "add"
    REMOVE = "remove"
    CREATE = "create"
    DESTROY = "destroy"
    GET_BY_UUID = "get_by_uuid"
    GET_BY_NAME_LABEL = "get_by_name_label"
    GET_RECORD = "get_record"
    GET_ALL = "get_all"
    GET_ALL_WHERE = "get_all_where"
    GET_ALL_RECORDS_WHERE = "get_all_records_where"
    GET_ALL_RECORDS = "get_all_records"


class Impl(enum.StrEnum):
    """Where a message's answer comes from."""

    DB = "db"
    CUSTOM = "custom"
    HOST_EXTENSION = "host_extension"
    REMOVED = "removed"


class Flag(enum.StrEnum):
    HIDE_FROM_DOCS = "hide_from_docs"
    POOL_INTERNAL = "pool_internal"
    SECRET = "secret"
    NO_CURRENT_OPERATIONS = "no_current_operations"
    CUSTOM_MARSHALLER = "custom_marshaller"
    EMERGENCY = "emergency"
    SLAVE_LOCAL = "slave_local"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of a class. `default` may be a list or dict: take it through `defaults.default_value`, which copies."""

    name: str
    type: Type
    qualifier: Qualifier
    column: str
    cls: str = ""
    default: object = NO_DEFAULT
    persist: bool = True
    internal_only: bool = False
    has_effect: bool = False
    ignore_foreign_key: bool = False
    getter_role: Role = Role.READ_ONLY
    setter_role: Role | None = None
    setter_role_extra: tuple[Role, ...] = ()
    map_key_roles: Mapping[str, Role] = dataclasses.field(default_factory=dict)
    secret: bool = False
    tag: str = ""
    lifecycle: Lifecycle = ()
    state: State = State.PUBLISHED
    doc: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.column.split("__"))

    @property
    def in_constructor(self) -> bool:
        """Whether `create` takes the field (required if it has no default)."""
        return self.qualifier is not Qualifier.DYNAMIC_RO and not self.internal_only


@dataclass(frozen=True, slots=True, eq=False)
class Param:
    """A parameter after the session. `since` is set if it is newer than its message."""

    name: str
    type: Type
    default: object = NO_DEFAULT
    since: str | None = None
    secret: bool = False
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """Something a client can call. `result` is None for no result; `field` is set for kinds made from a field."""

    cls: str
    name: str
    wire_name: str
    kind: MessageKind
    params: tuple[Param, ...]
    result: Type | None
    role: Role
    impl: Impl
    field: Field | None = None
    errors: tuple[str, ...] = ()
    role_extra: tuple[Role, ...] = ()
    map_key_roles: Mapping[str, Role] = dataclasses.field(default_factory=dict)
    is_async: bool = False
    needs_session: bool = True
    forward_to: str | None = None
    flags: frozenset[Flag] = frozenset()
    result_secret: bool = False
    tag: str = ""
    lifecycle: Lifecycle = ()
    state: State = State.PUBLISHED
    doc: str = ""

    @property
    def hide_from_docs(self) -> bool:
        return Flag.HIDE_FROM_DOCS in self.flags

    @property
    def pool_internal(self) -> bool:
        """Only for sessions of the pool itself; others get INTERNAL_ERROR."""
        return Flag.POOL_INTERNAL in self.flags

    @property
    def secret(self) -> bool:
        """Arguments are not to be logged."""
        return Flag.SECRET in self.flags

    @property
    def no_current_operations(self) -> bool:
        return Flag.NO_CURRENT_OPERATIONS in self.flags

    @property
    def custom_marshaller(self) -> bool:
        """The result is not of the declared type."""
        return Flag.CUSTOM_MARSHALLER in self.flags

    @property
    def emergency(self) -> bool:
        """Allowed while the host is in emergency mode."""
        return Flag.EMERGENCY in self.flags

    @property
    def slave_local(self) -> bool:
        """Answered by a supporter itself when called over its local socket."""
        return Flag.SLAVE_LOCAL in self.flags

    @property
    def required_params(self) -> int:
        return sum(param.default is NO_DEFAULT for param in self.params)

    @property
    def permission(self) -> str:
        return self.wire_name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class and its declared messages. `generates` lists the class-level implicit messages clients may call."""

    name: str
    fields: tuple[Field, ...]
    messages: tuple[Message, ...]
    in_database: bool
    persist: bool
    events: bool
    generates: tuple[MessageKind, ...]
    role: Role
    implicit_role: Role
    role_extra: tuple[Role, ...] = ()
    no_task: bool = False
    log_destroy: bool = False
    force_custom: Qualifier | None = None
    tag: str = ""
    lifecycle: Lifecycle = ()
    state: State = State.PUBLISHED
    doc: str = ""
    by_name: Mapping[str, Field] = dataclasses.field(default_factory=dict, repr=False)

    def field(self, name: str) -> Field:
        """The field of that wire name; KeyError if there is none."""
        return self.by_name[name]

    @property
    def constructor_fields(self) -> tuple[Field, ...]:
        """Members of the struct that `create` takes, in order."""
        return tuple(f for f in self.fields if f.in_constructor)

    @property
    def record_fields(self) -> tuple[Field, ...]:
        """Members of the record that clients see, in order."""
        return tuple(f for f in self.fields if not f.internal_only)


class RelationKind(enum.StrEnum):
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Relation:
    """One-to-many: `cls.field` holds the ref, the other side is a computed set. Many-to-many: both are stored,
    `cls.field` is the one written and the other side follows."""

    kind: RelationKind
    cls: str
    field: str
    other_cls: str
    other_field: str


@dataclass(frozen=True, slots=True)
class HttpArg:
    """A query argument; its type is a word: ``string``, ``int``, ``bool`` or ``varargs``."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class HttpAction:
    """A handler outside of the API proper, its permission being ``http/<name>`` and one more per sub-action."""

    name: str
    method: str
    uri: str
    role: Role
    role_extra: tuple[Role, ...] = ()
    args: tuple[HttpArg, ...] = ()
    sub_actions: Mapping[str, Role] = dataclasses.field(default_factory=dict)
    in_sdk: bool = False
    rbac_check: bool = True
    custom_rate_limit: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    api_version: str
    branding: str
    code_name: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """What one needs a role for: `role` and those above it, and those of `role_extra`."""

    name: str
    role: Role
    role_extra: tuple[Role, ...] = ()
