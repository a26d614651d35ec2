"""What holds for any XenAPI model, whichever facts it states."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from xapi.datamodel import EPOCH, MODEL, NULL_REF, default_value, empty_value
from xapi.datamodel.declare import call, define, history, p, ro, rw, static
from xapi.datamodel.derive import messages_of
from xapi.datamodel.model import (
    BOOL,
    DATETIME,
    FLOAT,
    INT,
    NO_DEFAULT,
    STRING,
    Enum,
    Map,
    Option,
    Record,
    Ref,
    RelationKind,
    Set,
    State,
    Type,
)
from xapi.datamodel.roles import Role


def parts(type: Type) -> Iterator[Type]:
    yield type
    match type:
        case Set(of) | Option(of):
            yield from parts(of)
        case Map(key, value):
            yield from parts(key)
            yield from parts(value)


def every_type() -> Iterator[tuple[str, Type]]:
    for cls in MODEL.classes.values():
        yield from ((f"{cls.name}.{f.name}", f.type) for f in cls.fields)
    for message in MODEL.messages.values():
        yield from ((message.wire_name, param.type) for param in message.params)
        if message.result is not None:
            yield message.wire_name, message.result


def test_every_class_and_enum_that_a_type_names_exists() -> None:
    for where, type in every_type():
        for part in parts(type):
            match part:
                case Ref(cls) | Record(cls):
                    assert cls in MODEL.classes, where
                case Enum(name):
                    assert name in MODEL.enums, where


def test_every_error_a_message_declares_exists() -> None:
    for message in MODEL.messages.values():
        assert MODEL.errors.keys() >= set(message.errors), message.wire_name


def test_relations_join_references_or_sets_of_them() -> None:
    joined = [relation for relation in MODEL.relations if relation.kind is not RelationKind.UNCLASSIFIED]
    assert len(joined) == len(MODEL.relations) - 1  # subject.roles is a plain set of another class's references
    for relation in joined:
        near = MODEL.classes[relation.cls].field(relation.field).type
        far = MODEL.classes[relation.other_cls].field(relation.other_field).type
        assert near in (Ref(relation.other_cls), Set(Ref(relation.other_cls))), relation
        assert far == Set(Ref(relation.cls)), relation


def test_every_class_says_in_words_what_it_is() -> None:
    assert [cls.name for cls in MODEL.classes.values() if not cls.doc] == []


def test_names_are_unique_within_a_class() -> None:
    for cls in MODEL.classes.values():
        assert len(cls.by_name) == len(cls.fields)
    assert len(MODEL.messages) == sum(len(list(messages_of(cls))) for cls in MODEL.classes.values())


@pytest.mark.parametrize(
    ("type", "value"),
    [
        (STRING, ""),
        (INT, 0),
        (FLOAT, 0.0),
        (BOOL, False),
        (DATETIME, EPOCH),
        (Enum("vm_power_state"), "Halted"),
        (Ref("VM"), NULL_REF),
        (Set(STRING), []),
        (Map(STRING, Ref("VM")), {}),
        (Option(INT), None),
    ],
    ids=str,
)
def test_an_empty_column_has_the_empty_value_of_its_type(type: Type, value: object) -> None:
    assert empty_value(type) == value


def test_a_default_is_a_copy_of_its_own() -> None:
    field = MODEL.classes["VM"].field("other_config")
    first = default_value(field)
    assert isinstance(first, dict)
    first["key"] = "value"
    assert default_value(field) == {}


def test_a_namespaced_field_has_a_wire_name_and_a_column() -> None:
    field = MODEL.classes["VM"].field("name_label")
    assert (field.name, field.column, field.path) == ("name_label", "name__label", ("name", "label"))


def test_a_writable_set_and_map_can_be_changed_by_element() -> None:
    cls = define(
        "thing",
        since="1.0",
        doc="",
        listed=False,
        fields=(rw("tags", Set(STRING), []), rw("other_config", Map(STRING, STRING), {}), static("kind", STRING)),
    )
    assert [m.name for m in messages_of(cls)] == [
        "get_tags", "set_tags", "add_tags", "remove_tags",
        "get_other_config", "set_other_config", "add_to_other_config", "remove_from_other_config",
        "get_kind", "get_by_uuid", "get_record",
    ]  # fmt: skip


def test_members_take_role_and_history_of_their_class_unless_they_tell_their_own() -> None:
    cls = define(
        "thing",
        since="1.0, deprecated 2.0",
        doc="",
        role=Role.VM_ADMIN,
        fields=(rw("a", INT), rw("b", INT, role=Role.POOL_ADMIN, since="3.0"), ro("c", INT)),
        messages=(call("act", p("self", Ref("thing"))),),
    )
    assert [f.setter_role for f in cls.fields] == [Role.VM_ADMIN, Role.POOL_ADMIN, None]
    assert [f.state for f in cls.fields] == [State.DEPRECATED, State.PUBLISHED, State.DEPRECATED]
    assert (cls.messages[0].role, cls.messages[0].state) == (Role.VM_ADMIN, State.DEPRECATED)


def test_a_history_is_read_in_order_a_bare_release_meaning_published() -> None:
    assert history("prototyped 1.0, 2.0, removed 3.0") == (
        ("prototyped", "1.0"),
        ("published", "2.0"),
        ("removed", "3.0"),
    )


def test_client_certificates_get_in_only_where_named_or_where_anyone_may_read() -> None:
    assert Role.CLIENT_CERT in MODEL.permissions["vm.get_record"]
    assert Role.CLIENT_CERT not in MODEL.permissions["vm.start"]
    assert MODEL.permissions["vm.start"] >= {Role.POOL_ADMIN, Role.VM_OPERATOR}
    assert Role.READ_ONLY not in MODEL.permissions["vm.start"]
    assert MODEL.permissions["vm.add_to_other_config/key:pci"] == {Role.POOL_ADMIN}


def test_required_parameters_come_before_those_with_a_default() -> None:
    for message in MODEL.messages.values():
        absent = [param.default is NO_DEFAULT for param in message.params]
        assert absent == sorted(absent, reverse=True), message.wire_name


def test_the_whole_model_is_built_in_a_blink() -> None:
    """Import, messages and permissions in a fresh interpreter; the bound is loose because machines are busy."""
    script = "from xapi.datamodel import MODEL; MODEL.messages; MODEL.permissions"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert time.perf_counter() - started < 3
