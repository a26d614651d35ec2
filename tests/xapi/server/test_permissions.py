"""Every permission there is, asked for by every role, through the real dispatcher and the real door."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import make, serving, wire
from xapi.datamodel import MODEL, allowed_roles
from xapi.datamodel.model import Enum, Impl, Map, Message, MessageKind, Record, Ref, Set, Type
from xapi.datamodel.roles import Role
from xapi.errors import XenAPIError
from xapi.server import dispatch, http_registry
from xapi.server.context import App, Context, Origin
from xapi.server.dispatch import Handler

SCALARS: dict[str, Any] = {"Int": "0", "Float": 0.0, "Bool": False, "DateTime": "20260101T00:00:00Z"}


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


def value(type: Type) -> Any:
    """Any wire value of the type."""
    match type:
        case Set():
            return []
        case Map():
            return {}
        case Ref():
            return "OpaqueRef:NULL"
        case Enum(name):
            return MODEL.enums[name][0]
        case Record(cls) if cls in MODEL.classes:
            return {field.name: value(field.type) for field in MODEL.classes[cls].constructor_fields}
    return SCALARS.get(type.__class__.__name__, "x")


def arguments(message: Message, key: str | None) -> list[Any]:
    """Wire values for the message; *key* takes the place of the map key."""
    values = [value(param.type) for param in message.params]
    if key is not None:
        values[1] = key
    return values


def guarded(message: Message) -> Iterator[tuple[str | None, str, frozenset[Role]]]:
    """Every (map key, permission, who has it) of a message; key None is the message itself."""
    yield None, message.permission, allowed_roles(message.role, message.role_extra)
    if message.name.startswith(("add_to_", "remove_from_")):
        for key, role in message.map_key_roles.items():
            example = f"{key[:-1]}Any" if key.endswith("*") else key
            yield example, f"{message.permission}/key:{key}", allowed_roles(role)


def test_the_table_is_whole() -> None:
    named = {permission for message in MODEL.messages.values() for _, permission, _ in guarded(message)}
    others = MODEL.permissions.keys() - named
    assert len(MODEL.permissions) == 2359 and len(named) == 2258 + 40
    # The rest are those of handlers, and the right to end what others began.
    assert all(name.startswith("http/") or "/" in name for name in others)


@pytest.mark.parametrize("role", MODEL.roles)
async def test_every_message_and_guarded_key(app: App, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    """The dispatcher lets a role pass exactly where the table says so, and denies by the permission's name."""
    reached: list[str] = []

    async def arrived(ctx: Context, handler: Handler, values: list[Any]) -> None:
        reached.append(handler.message.wire_name)

    monkeypatch.setattr(dispatch, "invoke", arrived)
    session = app.sessions.create(Origin(), superuser=False, user_name="someone", user_sid="S-1", roles=frozenset({role}))
    wrong = []
    for message in MODEL.messages.values():
        if not message.needs_session:
            continue
        for key, permission, having in guarded(message):
            reached.clear()
            try:
                await dispatch.call(Context(app, Origin()), message.wire_name, [session, *arguments(message, key)])
            except XenAPIError as refusal:
                answer = refusal.description[:2]
            else:
                answer = ["reached" if reached == [message.wire_name] else "lost"]
            if answer[0] in ("MESSAGE_REMOVED",) and message.impl is Impl.REMOVED:
                continue
            if message.pool_internal:
                # Refused before roles are looked at.
                expected = ["INTERNAL_ERROR"]
                answer = answer[:1]
            else:
                expected = ["reached"] if role in having else ["RBAC_PERMISSION_DENIED", permission]
            if answer != expected:
                wrong.append((permission, answer, expected))
    assert wrong == []


@pytest.mark.parametrize("role", [Role.POOL_ADMIN, Role.VM_ADMIN, Role.READ_ONLY])
async def test_asynchronous_forms_need_the_same(app: App, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    monkeypatch.setattr(dispatch, "_start", lambda *args, **named: "OpaqueRef:task")
    session = app.sessions.create(Origin(), superuser=False, user_name="someone", user_sid="S-1", roles=frozenset({role}))
    wrong = []
    for message in MODEL.messages.values():
        if not message.is_async or not message.needs_session or message.impl is Impl.REMOVED or message.pool_internal:
            continue
        for prefix in ("Async.", "InternalAsync."):
            try:
                await dispatch.call(Context(app, Origin()), prefix + message.wire_name, [session, *arguments(message, None)])
            except XenAPIError as refusal:
                allowed = refusal.code != "RBAC_PERMISSION_DENIED"
            else:
                allowed = True
            if allowed != (role in allowed_roles(message.role, message.role_extra)):
                wrong.append((prefix, message.wire_name))
    assert wrong == []


async def test_setting_a_whole_map_is_not_guarded_by_its_keys(app: App) -> None:
    """As in the original: only adding and removing single keys is."""
    vm = app.db.create("VM")
    session = app.sessions.create(Origin(), superuser=False, user_sid="S-1", roles=frozenset({Role.VM_ADMIN}))
    await dispatch.call(Context(app, Origin()), "VM.set_other_config", [session, vm, {"pci": "0/0000:00:01.0"}])
    assert app.db.get("VM", vm, "other_config") == {"pci": "0/0000:00:01.0"}


async def test_keys_match_in_any_letter_case(app: App) -> None:
    vm = app.db.create("VM")
    session = app.sessions.create(Origin(), superuser=False, user_sid="S-1", roles=frozenset({Role.VM_ADMIN}))
    with pytest.raises(XenAPIError, match="RBAC_PERMISSION_DENIED"):
        await dispatch.call(Context(app, Origin()), "VM.add_to_other_config", [session, vm, "PCI", "x"])


async def test_pool_and_local_sessions_are_not_asked(app: App) -> None:
    for session in (app.sessions.create(Origin(), superuser=True, pool=True), app.sessions.create_local()):
        await dispatch.call(Context(app, Origin()), "pool.sync_database", [session])
        internal = next(m for m in MODEL.messages.values() if m.pool_internal and m.kind is MessageKind.CUSTOM)
        try:
            await dispatch.call(Context(app, Origin()), internal.wire_name, [session, *arguments(internal, None)])
        except XenAPIError as refusal:
            assert "pool itself" not in refusal.params[0] if refusal.params else True


@pytest.mark.parametrize("role", MODEL.roles)
async def test_every_http_handler(app: App, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    session = app.sessions.create(Origin(), superuser=False, user_name="someone", user_sid="S-1", roles=frozenset({role}))

    async def handler(ctx: Context, request: Any, reply: Any) -> None:
        await reply.finish(200)

    everything = dict.fromkeys(MODEL.http_actions, handler)
    monkeypatch.setattr(http_registry, "_handlers", everything)
    wrong = []
    async with serving(app) as port:
        for action in MODEL.http_actions.values():
            if action.method not in ("GET", "PUT", "CONNECT") or not action.rbac_check:
                continue
            target = f"{action.uri}?session_id={session}"
            async with wire(port) as connection:
                await connection.send(f"{action.method} {target} HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
                status = int((await connection.rest()).split()[1])
            expected = 200 if role in MODEL.permissions[f"http/{action.name}"] else 403
            if status != expected:
                wrong.append((action.name, status, expected))
    assert wrong == []
