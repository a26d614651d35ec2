"""The declarations against the facts they were taken from, attribute by attribute; skipped where those are absent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xapi.datamodel import MODEL, role_uuid
from xapi.datamodel.model import (
    NO_DEFAULT,
    Class,
    Field,
    HttpAction,
    Impl,
    Message,
    MessageKind,
    Param,
    Qualifier,
    Type,
)
from xapi.datamodel.releases import NUMBERED_RELEASES, SCHEMA_HISTORY, TECH_PREVIEW_SCHEMAS
from xapi.datamodel.roles import DEFAULT_SUBJECT_ROLE, INTERNAL_ROLES, Role, allowed_roles

Json = dict[str, Any]


def _facts_dir() -> Path | None:
    repo = Path(__file__).resolve().parents[3]
    places = [repo.parent / "shared" / "xenapi", repo.parent.parent / "shared" / "xenapi"]
    if named := os.environ.get("XENAPI_FACTS"):
        places.insert(0, Path(named))
    return next((place for place in places if (place / "classes.json").is_file()), None)


FACTS = _facts_dir()
pytestmark = pytest.mark.skipif(FACTS is None, reason="the facts are not on this machine")


def facts(name: str) -> Json:
    assert FACTS is not None
    loaded: Json = json.loads((FACTS / f"{name}.json").read_text())
    return loaded


def without_usual(**attributes: object) -> Json:
    """The facts leave out what is false, empty or absent."""
    return {k: v for k, v in attributes.items() if v is not None and v is not False and v not in ((), [], {}, "")}


def with_default(described: Json, default: object) -> Json:
    return described if default is NO_DEFAULT else {**described, "default": default}


def lifecycle(changes: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [list(change) for change in changes]


def describe_field(field: Field) -> Json:
    described = without_usual(
        name=field.name,
        path=list(field.path) if field.column != field.name else None,
        type=str(field.type),
        qualifier=field.qualifier,
        internal_only=field.internal_only,
        has_effect=field.has_effect,
        ignore_foreign_key=field.ignore_foreign_key,
        getter_role=field.getter_role if field.getter_role is not Role.READ_ONLY else None,
        setter_role=field.setter_role,
        setter_role_extra=list(field.setter_role_extra),
        map_key_roles=dict(field.map_key_roles),
        secret=field.secret,
        tag=field.tag,
        state=field.state,
        lifecycle=lifecycle(field.lifecycle),
    )
    if not field.persist:
        described["persist"] = False
    return with_default(described, field.default)


def describe_param(param: Param) -> Json:
    described = without_usual(name=param.name, type=str(param.type), since=param.since, secret=param.secret)
    return with_default(described, param.default)


def result_word(result: Type | None) -> str:
    return "void" if result is None else str(result)


def describe_message(message: Message, *, with_life: bool) -> Json:
    described = without_usual(
        name=message.name,
        tag=message.kind,
        field=message.field.name if message.field else None,
        result=result_word(message.result),
        result_secret=message.result_secret,
        errors=list(message.errors),
        role=message.role,
        role_extra=list(message.role_extra),
        map_key_roles=dict(message.map_key_roles),
        impl=message.impl if message.impl is not Impl.DB else None,
        forward_to=message.forward_to,
        flags=sorted(message.flags),
        tag_doc=message.tag,
        state=message.state if with_life else None,
        lifecycle=lifecycle(message.lifecycle) if with_life else None,
    )
    described["params"] = [describe_param(param) for param in message.params]
    if message.is_async:
        described["async"] = True
    if not message.needs_session:
        described["session"] = False
    return described


def describe_class(cls: Class) -> Json:
    described = without_usual(
        name=cls.name,
        role=cls.role,
        implicit_role=cls.implicit_role,
        role_extra=list(cls.role_extra),
        no_task=cls.no_task,
        log_destroy=cls.log_destroy,
        force_custom=cls.force_custom,
        tag=cls.tag,
        state=cls.state,
        lifecycle=lifecycle(cls.lifecycle),
    )
    return described | {
        "in_database": cls.in_database,
        "persist": cls.persist,
        "events": cls.events,
        "generates": sorted(cls.generates),
    }


def describe_action(action: HttpAction) -> Json:
    described = without_usual(
        name=action.name,
        method=action.method,
        uri=action.uri,
        args=[{"name": arg.name, "type": arg.type} for arg in action.args],
        sdk=action.in_sdk,
        role=action.role,
        role_extra=list(action.role_extra),
        sub_actions=dict(action.sub_actions),
        custom_rate_limit=action.custom_rate_limit,
    )
    return described if action.rbac_check else {**described, "rbac_check": False}


def differences(where: str, ours: object, theirs: object) -> Iterator[str]:
    """One line for every attribute in which two trees of plain values differ; 0 and False and 0.0 are not the same."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            missing = "<absent>"
            yield from differences(f"{where}.{key}", ours.get(key, missing), theirs.get(key, missing))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(f"{where}[{index}]", our, their)
    elif ours != theirs or isinstance(ours, bool | float) is not isinstance(theirs, bool | float):
        yield f"{where}: declared {ours!r}, fact {theirs!r}"


def assert_same(where: str, ours: object, theirs: object) -> None:
    found = list(differences(where, ours, theirs))
    print(*found, sep="\n")
    assert not found, f"{len(found)} differences, the first: {found[0]}"


def cleaned(record: Json, *, drop: tuple[str, ...] = (), sort: tuple[str, ...] = ()) -> Json:
    return {k: sorted(v) if k in sort else v for k, v in record.items() if k not in drop}


def test_classes_are_those_of_the_facts_in_their_order() -> None:
    theirs = [cleaned(c, drop=("fields", "messages"), sort=("generates",)) for c in facts("classes")["classes"]]
    assert list(MODEL.classes) == [c["name"] for c in theirs]
    assert_same("class", [describe_class(c) for c in MODEL.classes.values()], theirs)


def test_fields_are_those_of_the_facts() -> None:
    theirs = {c["name"]: c["fields"] for c in facts("classes")["classes"]}
    # default_in_source is a remark on a default that upstream declares with a value of the wrong type.
    theirs = {n: [cleaned(f, drop=("default_in_source",)) for f in fields] for n, fields in theirs.items()}
    ours = {c.name: [describe_field(f) for f in c.fields] for c in MODEL.classes.values()}
    assert {n: [f["name"] for f in fs] for n, fs in ours.items()} == {
        n: [f["name"] for f in fs] for n, fs in theirs.items()
    }
    assert_same("field", ours, theirs)
    assert sum(map(len, ours.values())) == 950


def test_messages_declared_and_implicit_are_those_of_the_facts_in_their_order() -> None:
    theirs: Json = {}
    for cls in facts("classes")["classes"]:
        for message in cls["messages"]:
            described = cleaned(message, sort=("flags",))
            described["params"] = [cleaned(p, drop=("default_in_source",)) for p in message["params"]]
            theirs[f"{cls['name']}.{message['name']}"] = described
    ours = {
        name: describe_message(message, with_life=message.kind is MessageKind.CUSTOM)
        for name, message in MODEL.messages.items()
    }
    assert_same("message", ours, theirs)
    assert list(ours) == list(theirs)
    assert len(ours) == 2258
    assert sum(m.kind is MessageKind.CUSTOM for m in MODEL.messages.values()) == 678


def test_implicit_messages_live_as_long_as_what_they_are_made_from() -> None:
    for message in MODEL.messages.values():
        if message.kind is not MessageKind.CUSTOM:
            source = message.field or MODEL.classes[message.cls]
            assert (message.lifecycle, message.state) == (source.lifecycle, source.state), message.wire_name


def test_constructor_takes_the_writable_and_static_fields() -> None:
    for cls in facts("classes")["classes"]:
        expected = [
            f["name"]
            for f in cls["fields"]
            if f["qualifier"] != Qualifier.DYNAMIC_RO and not f.get("internal_only", False)
        ]
        assert [f.name for f in MODEL.classes[cls["name"]].constructor_fields] == expected


def test_enums_are_those_of_the_facts_in_their_order() -> None:
    theirs = {e["name"]: e["values"] for e in facts("enums")["enums"]}
    assert_same("enum", {name: list(words) for name, words in MODEL.enums.items()}, theirs)
    assert list(MODEL.enums) == list(theirs)


def test_errors_are_those_of_the_facts() -> None:
    theirs = {e["code"]: e["params"] for e in facts("errors")["errors"]}
    ours = {code: None if params is None else list(params) for code, params in MODEL.errors.items()}
    assert_same("error", ours, theirs)
    assert list(ours) == list(theirs)


def test_relations_are_those_of_the_facts() -> None:
    ours = [
        {"kind": str(r.kind), "a": f"{r.cls}.{r.field}", "b": f"{r.other_cls}.{r.other_field}"} for r in MODEL.relations
    ]
    assert_same("relation", ours, facts("relations")["relations"])


def test_roles_are_those_of_the_facts() -> None:
    ours = [
        {"name": str(role), "rank": rank, "internal": role in INTERNAL_ROLES, "uuid": role_uuid(role)}
        for rank, role in enumerate(MODEL.roles)
    ]
    assert_same("role", ours, facts("roles")["roles"])
    assert facts("roles")["default_subject_role"] == DEFAULT_SUBJECT_ROLE


def test_permissions_are_those_of_the_messages_the_map_keys_and_the_http_handlers() -> None:
    listed = facts("roles")
    theirs = {p["permission"]: p for p in (*listed["key_permissions"], *listed["other_permissions"])}
    for cls in facts("classes")["classes"]:
        for message in cls["messages"]:
            theirs[f"{cls['name']}.{message['name']}".lower()] = message
    wanted = {name: {"role": p["role"], "role_extra": p.get("role_extra", [])} for name, p in theirs.items()}
    ours = {n: {"role": str(d.role), "role_extra": list(d.role_extra)} for n, d in MODEL.demands.items()}
    assert_same("permission", ours, wanted)
    assert len(ours) == 2359
    for name, demand in MODEL.demands.items():
        assert MODEL.permissions[name] == allowed_roles(demand.role, demand.role_extra)


def test_http_actions_are_those_of_the_facts() -> None:
    ours = [describe_action(action) for action in MODEL.http_actions.values()]
    assert_same("http", ours, facts("http")["actions"])


def test_alerts_are_those_of_the_facts() -> None:
    theirs = {m["name"]: m["priority"] for m in facts("messages")["messages"]}
    assert_same("alert", dict(MODEL.alerts), theirs)


def test_releases_are_those_of_the_facts() -> None:
    ours = {
        "api_version": MODEL.api_version,
        "api_version_vendor": MODEL.api_version_vendor,
        "schema_version": MODEL.schema_version,
        "releases": [
            {"code_name": r.code_name, "api_version": r.api_version, "branding": r.branding, "date": r.date}
            for r in MODEL.releases
        ],
        "numbered_releases": list(NUMBERED_RELEASES),
        "schema_history": [{"release": r, "schema": s} for r, s in SCHEMA_HISTORY.items()],
        "tech_preview_schemas": list(TECH_PREVIEW_SCHEMAS),
    }
    assert_same("release", ours, facts("releases"))
