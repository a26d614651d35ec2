"""The vocabulary in which classes are written down; nothing of it is needed to read the model.

A declaration leaves out what is usual: a field's or message's history is its class's (or its `members_since`), its
role the class's role, a declared message is asynchronous, and implemented by code. Namespaced fields are named by
their column (``name__label``), from which the wire name (``name_label``) follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TypedDict, Unpack

from xapi.datamodel import words
from xapi.datamodel.model import (
    NO_DEFAULT,
    Class,
    Field,
    Flag,
    Impl,
    Lifecycle,
    Message,
    MessageKind,
    Param,
    Qualifier,
    Type,
    state_after,
)
from xapi.datamodel.roles import Role

HIDDEN = Flag.HIDE_FROM_DOCS
POOL_INTERNAL = Flag.POOL_INTERNAL
SECRET = Flag.SECRET
NO_CURRENT_OPERATIONS = Flag.NO_CURRENT_OPERATIONS
CUSTOM_MARSHALLER = Flag.CUSTOM_MARSHALLER
EMERGENCY = Flag.EMERGENCY
SLAVE_LOCAL = Flag.SLAVE_LOCAL

LISTED = (
    MessageKind.GET_ALL,
    MessageKind.GET_ALL_WHERE,
    MessageKind.GET_ALL_RECORDS_WHERE,
    MessageKind.GET_ALL_RECORDS,
)
BY_UUID = (MessageKind.GET_BY_UUID, MessageKind.GET_RECORD)
CONSTRUCTED = (MessageKind.CREATE, MessageKind.DESTROY)
BY_NAME = (MessageKind.GET_BY_NAME_LABEL,)

NO_KEY_ROLES: Mapping[str, Role] = MappingProxyType({})


@cache
def _flags(flags: tuple[Flag, ...]) -> frozenset[Flag]:
    return frozenset(flags)


@cache
def history(text: str) -> Lifecycle:
    """``"rio, deprecated tampa"`` -> (("published", "rio"), ("deprecated", "tampa")): a bare release published it."""
    changes = []
    for step in text.split(", ") if text else ():
        change, _, release = step.rpartition(" ")
        changes.append((change or "published", release))
    return tuple(changes)


class FieldOptions(TypedDict, total=False):
    """What a field can say besides its type and default; `role` is the setter's, `since` a history."""

    persist: bool
    internal_only: bool
    has_effect: bool
    ignore_foreign_key: bool
    getter_role: Role
    role: Role
    role_extra: tuple[Role, ...]
    key_roles: Mapping[str, Role]
    secret: bool
    tag: str
    since: str
    doc: str


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """A field before its class has filled in what was left out."""

    qualifier: Qualifier
    column: str
    type: Type
    default: object
    options: FieldOptions

    def bind(self, cls: Class, usual: Lifecycle) -> Field:
        options = self.options
        lifecycle = history(options["since"]) if "since" in options else usual
        settable = self.qualifier is Qualifier.RW
        return Field(
            name=self.column.replace("__", "_"),
            type=self.type,
            qualifier=self.qualifier,
            column=self.column,
            cls=cls.name,
            default=self.default,
            persist=options.get("persist", True),
            internal_only=options.get("internal_only", False),
            has_effect=options.get("has_effect", False),
            ignore_foreign_key=options.get("ignore_foreign_key", False),
            getter_role=options.get("getter_role", cls.implicit_role),
            setter_role=options.get("role", cls.role) if settable else None,
            setter_role_extra=options.get("role_extra", ()),
            map_key_roles=options.get("key_roles", NO_KEY_ROLES),
            secret=options.get("secret", False),
            tag=options.get("tag", ""),
            lifecycle=lifecycle,
            state=state_after(lifecycle),
            doc=options.get("doc") or words.FIELDS.get(self.column.replace("__", "_"), ""),
        )


def rw(column: str, type: Type, default: object = NO_DEFAULT, **usual: Unpack[FieldOptions]) -> FieldDraft:
    """A constructor argument that has a setter."""
    return FieldDraft(Qualifier.RW, column, type, default, usual)


def static(column: str, type: Type, default: object = NO_DEFAULT, **usual: Unpack[FieldOptions]) -> FieldDraft:
    """A constructor argument that stays as it was given."""
    return FieldDraft(Qualifier.STATIC_RO, column, type, default, usual)


def ro(column: str, type: Type, default: object = NO_DEFAULT, **usual: Unpack[FieldOptions]) -> FieldDraft:
    """Written by the system only."""
    return FieldDraft(Qualifier.DYNAMIC_RO, column, type, default, usual)


def p(
    name: str, type: Type, default: object = NO_DEFAULT, *, since: str | None = None, secret: bool = False, doc: str = ""
) -> Param:
    """A parameter; `since` is the release that added it to its message."""
    return Param(name, type, default, since, secret, doc)


class CallOptions(TypedDict, total=False):
    """What a message can say besides its parameters. `sync`: there is no Async variant."""

    result: Type
    errors: tuple[str, ...]
    role: Role
    role_extra: tuple[Role, ...]
    key_roles: Mapping[str, Role]
    sync: bool
    session: bool
    removed: bool
    forward_to: str
    flags: tuple[Flag, ...]
    result_secret: bool
    tag: str
    since: str
    doc: str


@dataclass(frozen=True, slots=True)
class CallDraft:
    """A message before its class has filled in what was left out."""

    name: str
    params: tuple[Param, ...]
    options: CallOptions

    def bind(self, cls: Class, usual: Lifecycle) -> Message:
        options = self.options
        lifecycle = history(options["since"]) if "since" in options else usual
        impl = Impl.HOST_EXTENSION if "forward_to" in options else Impl.CUSTOM
        return Message(
            cls=cls.name,
            name=self.name,
            wire_name=f"{cls.name}.{self.name}",
            kind=MessageKind.CUSTOM,
            params=tuple(self._explained(param, cls) for param in self.params),
            result=options.get("result"),
            errors=options.get("errors", ()),
            role=options.get("role", cls.role),
            role_extra=options.get("role_extra", ()),
            map_key_roles=options.get("key_roles", NO_KEY_ROLES),
            is_async=not options.get("sync", False),
            needs_session=options.get("session", True),
            impl=Impl.REMOVED if options.get("removed", False) else impl,
            forward_to=options.get("forward_to"),
            flags=_flags(options.get("flags", ())),
            result_secret=options.get("result_secret", False),
            tag=options.get("tag", ""),
            lifecycle=lifecycle,
            state=state_after(lifecycle),
            doc=options.get("doc", ""),
        )

    def _explained(self, param: Param, cls: Class) -> Param:
        if param.doc:
            return param
        return replace(param, doc=words.of_parameter(param.name, param.type, self.name, cls.by_name))


def call(name: str, *params: Param, **options: Unpack[CallOptions]) -> CallDraft:
    """A message that a client can call, without its session parameter."""
    return CallDraft(name, params, options)


def define(
    name: str,
    *,
    since: str,
    members_since: str = "",
    doc: str,
    fields: tuple[FieldDraft, ...] = (),
    messages: tuple[CallDraft, ...] = (),
    in_database: bool = True,
    persist: bool = True,
    events: bool = True,
    listed: bool = True,
    constructed: bool = False,
    by_name: bool = True,
    role: Role = Role.POOL_OPERATOR,
    implicit_role: Role = Role.READ_ONLY,
    role_extra: tuple[Role, ...] = (),
    no_task: bool = False,
    log_destroy: bool = False,
    force_custom: Qualifier | None = None,
    tag: str = "",
) -> Class:
    """A class. `members_since`: the history of fields and messages that tell none. `listed`: clients may enumerate
    it; `constructed`: create and destroy follow from its fields; `by_name`: it can be found by name, if it has one."""
    lifecycle = history(since)
    named = any(draft.column == "name__label" for draft in fields)
    generates = (
        (LISTED if listed else ())
        + (CONSTRUCTED if constructed else ())
        + BY_UUID
        + (BY_NAME if named and by_name else ())
    )
    cls = Class(
        name=name,
        fields=(),
        messages=(),
        in_database=in_database,
        persist=persist,
        events=events,
        generates=generates if in_database else (),
        role=role,
        implicit_role=implicit_role,
        role_extra=role_extra,
        no_task=no_task,
        log_destroy=log_destroy,
        force_custom=force_custom,
        tag=tag,
        lifecycle=lifecycle,
        state=state_after(lifecycle),
        doc=doc,
    )
    usual = history(members_since) or lifecycle
    bound = tuple(draft.bind(cls, usual) for draft in fields)
    cls = replace(cls, fields=bound, by_name={field.name: field for field in bound})
    return replace(cls, messages=tuple(draft.bind(cls, usual) for draft in messages))
