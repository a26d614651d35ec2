"""What follows from the declarations: implicit messages and permissions. Nothing here is ever written down twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from xapi.datamodel import words
from xapi.datamodel.model import (
    STRING,
    Class,
    Field,
    Flag,
    HttpAction,
    Impl,
    Map,
    Message,
    MessageKind,
    Param,
    Permission,
    Qualifier,
    Record,
    Ref,
    Set,
    State,
    Type,
)
from xapi.datamodel.roles import Role

HIDDEN = frozenset({Flag.HIDE_FROM_DOCS})
TASK_DESTROY_ANY = Permission("task.destroy/any", Role.POOL_OPERATOR)
"""To destroy a task that is another user's."""

_HIDDEN_KINDS = frozenset({MessageKind.GET_ALL_WHERE, MessageKind.GET_ALL_RECORDS_WHERE})
_BEFORE_FIELDS = (
    MessageKind.GET_ALL,
    MessageKind.GET_ALL_WHERE,
    MessageKind.GET_ALL_RECORDS_WHERE,
    MessageKind.GET_ALL_RECORDS,
)
_LIFE = frozenset({MessageKind.CREATE, MessageKind.DESTROY})
_EXPR, _UUID, _LABEL = (Param(name, STRING, doc=words.PARAMETERS[name]) for name in ("expr", "uuid", "label"))


def messages_of(cls: Class) -> Iterator[Message]:
    """Every message of a class in the model's order: the declared ones, then the implicit ones."""
    yield from cls.messages
    if not cls.in_database:
        return
    self_param = Param("self", Ref(cls.name), doc=f"The {cls.name}.")
    yield from (_of_class(cls, kind, self_param) for kind in cls.generates if kind in _BEFORE_FIELDS)
    for field in cls.record_fields:
        yield from _of_field(cls, field, self_param)
    yield from (_of_class(cls, kind, self_param) for kind in cls.generates if kind not in _BEFORE_FIELDS)


def _of_class(cls: Class, kind: MessageKind, self_param: Param) -> Message:
    params, result = _class_signature(cls, kind, self_param)
    custom = kind in _LIFE or cls.force_custom is not None
    return Message(
        cls=cls.name,
        name=kind.value,
        wire_name=f"{cls.name}.{kind.value}",
        kind=kind,
        params=params,
        result=result,
        role=cls.role if kind in _LIFE else cls.implicit_role,
        role_extra=cls.role_extra if kind in _LIFE else (),
        impl=Impl.REMOVED if cls.state is State.REMOVED else Impl.CUSTOM if custom else Impl.DB,
        is_async=kind in _LIFE,
        flags=HIDDEN if kind in _HIDDEN_KINDS else frozenset(),
        lifecycle=cls.lifecycle,
        state=cls.state,
        doc=words.of_class_message(kind, cls.name),
    )


def _class_signature(cls: Class, kind: MessageKind, self_param: Param) -> tuple[tuple[Param, ...], Type | None]:
    ref, record = Ref(cls.name), Record(cls.name)
    match kind:
        case MessageKind.GET_ALL:
            return (), Set(ref)
        case MessageKind.GET_ALL_WHERE:
            return (_EXPR,), Set(ref)
        case MessageKind.GET_ALL_RECORDS_WHERE:
            return (_EXPR,), Map(ref, record)
        case MessageKind.GET_ALL_RECORDS:
            return (), Map(ref, record)
        case MessageKind.CREATE:
            return (Param("args", record, doc="Its fields."),), ref
        case MessageKind.DESTROY:
            return (self_param,), None
        case MessageKind.GET_BY_UUID:
            return (_UUID,), ref
        case MessageKind.GET_BY_NAME_LABEL:
            return (_LABEL,), Set(ref)
        case MessageKind.GET_RECORD:
            return (self_param,), record
    raise ValueError(f"{kind} is not made from a class")


def _of_field(cls: Class, field: Field, self_param: Param) -> Iterator[Message]:
    getter_impl = Impl.DB if cls.force_custom is None else Impl.CUSTOM
    yield _field_message(cls, field, MessageKind.GETTER, self_param, result=field.type, impl=getter_impl)
    if field.qualifier is not Qualifier.RW:
        return
    setter_impl = Impl.CUSTOM if field.has_effect else Impl.DB
    value = Param("value", field.type, doc="The new value.")
    yield _field_message(cls, field, MessageKind.SETTER, self_param, value, impl=setter_impl)
    match field.type:
        case Set(of):
            value = Param("value", of, doc="The element.")
            yield _field_message(cls, field, MessageKind.ADD, self_param, value)
            yield _field_message(cls, field, MessageKind.REMOVE, self_param, value)
        case Map(key, of):
            key_param, value = Param("key", key, doc="The key."), Param("value", of, doc="Its value.")
            yield _field_message(cls, field, MessageKind.ADD, self_param, key_param, value)
            yield _field_message(cls, field, MessageKind.REMOVE, self_param, key_param)


_BY_ELEMENT = frozenset({MessageKind.ADD, MessageKind.REMOVE})


def _name(kind: MessageKind, field: Field) -> str:
    """Maps have ``add_to_other_config``, sets plainly ``add_tags``."""
    is_set = isinstance(field.type, Set)
    match kind:
        case MessageKind.SETTER:
            return f"set_{field.name}"
        case MessageKind.ADD:
            return f"add_{field.name}" if is_set else f"add_to_{field.name}"
        case MessageKind.REMOVE:
            return f"remove_{field.name}" if is_set else f"remove_from_{field.name}"
    return f"get_{field.name}"


def _field_message(
    cls: Class, field: Field, kind: MessageKind, *params: Param, result: Type | None = None, impl: Impl = Impl.DB
) -> Message:
    name = _name(kind, field)
    reads = kind is MessageKind.GETTER
    return Message(
        cls=cls.name,
        name=name,
        wire_name=f"{cls.name}.{name}",
        kind=kind,
        field=field,
        params=params,
        result=result,
        role=field.getter_role if reads else field.setter_role or cls.role,
        role_extra=() if reads else field.setter_role_extra,
        map_key_roles=field.map_key_roles if kind in _BY_ELEMENT else {},
        impl=Impl.REMOVED if field.state is State.REMOVED else impl,
        lifecycle=field.lifecycle,
        state=field.state,
        doc=words.of_field_message(kind, field),
    )


def permissions(messages: Iterable[Message], actions: Iterable[HttpAction]) -> Iterator[Permission]:
    """Every permission by its (lower-case) name. A map key's permission replaces its message's for that key."""
    return chain(*map(_of_message, messages), *map(_of_action, actions), (TASK_DESTROY_ANY,))


def _of_message(message: Message) -> Iterator[Permission]:
    yield Permission(message.permission, message.role, message.role_extra)
    for key, role in message.map_key_roles.items():
        yield Permission(f"{message.permission}/key:{key.lower()}", role)


def _of_action(action: HttpAction) -> Iterator[Permission]:
    yield Permission(f"http/{action.name}", action.role, action.role_extra)
    for sub_action, role in action.sub_actions.items():
        yield Permission(f"http/{action.name}/{sub_action}", role)
