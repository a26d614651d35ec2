"""Who may do what: sessions of subjects at the real door, and what the audit log keeps of it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import PASSWORD, make, serving, wire
from xapi.classes import role as roles
from xapi.classes.subject import roles_of
from xapi.datamodel import MODEL
from xapi.datamodel.roles import Role, allowed_roles
from xapi.server.context import App, Origin, internal_context
from xapi.server.sessions import Group, group_of, permissions_of


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


class Client:
    """Calls messages with one session; a failure comes back as its ErrorDescription."""

    def __init__(self, port: int, session: str) -> None:
        self._port, self.session = port, session

    async def __call__(self, method: str, *params: object) -> Any:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [self.session, *params]}
        async with wire(self._port) as connection:
            reply = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc"))
        return reply["result"] if "result" in reply else [reply["error"]["message"], *reply["error"]["data"]]


Login = Callable[..., Client]


@pytest.fixture
def login(app: App, port: int) -> Login:
    """Logs somebody in with roles; without any: the local superuser."""

    def make(*given: Role, sid: str = "S-1-5-21", name: str = "someone") -> Client:
        superuser = not given
        who = "root" if superuser else name
        return Client(
            port,
            app.sessions.create(
                Origin(), superuser=superuser, user_name=who, user_sid="" if superuser else sid, roles=frozenset(given)
            ),
        )

    return make


def vm(app: App) -> str:
    return app.db.create("VM", name_label="guest", power_state="Halted")


def audit_lines(app: App) -> list[str]:
    file = app.root.under("/var/log/audit.log")
    return file.read_text().splitlines() if file.exists() else []


async def test_a_reader_reads_and_is_refused_every_write(app: App, login: Login) -> None:
    guest, reader = vm(app), login(Role.READ_ONLY)
    assert await reader("VM.get_name_label", guest) == "guest"
    assert await reader("VM.set_name_label", guest, "mine") == [
        "RBAC_PERMISSION_DENIED", "vm.set_name_label", "No permission in user session",
    ]  # fmt: skip
    assert await reader("Async.pool.sync_database") == [
        "RBAC_PERMISSION_DENIED", "pool.sync_database", "No permission in user session",
    ]  # fmt: skip
    assert app.db.get("VM", guest, "name_label") == "guest"


async def test_a_guarded_map_key_has_a_permission_of_its_own(app: App, login: Login) -> None:
    guest, operator = vm(app), login(Role.VM_OPERATOR)
    assert (await operator("VM.add_to_other_config", guest, "anything", "1"))[1] == "vm.add_to_other_config"
    assert await operator("VM.add_to_other_config", guest, "folder", "/mine") == ""
    assert await operator("VM.add_to_other_config", guest, "XenCenter.CustomFields.owner", "me") == ""
    # The key's permission replaces the message's: an administrator of guests may not pass devices through.
    admin = login(Role.VM_ADMIN)
    assert (await admin("VM.add_to_other_config", guest, "pci", "0/0000:00:01.0"))[:2] == [
        "RBAC_PERMISSION_DENIED", "vm.add_to_other_config/key:pci",
    ]  # fmt: skip


async def test_several_roles_permit_what_any_of_them_permits(app: App, login: Login) -> None:
    guest = vm(app)
    both = login(Role.READ_ONLY, Role.VM_ADMIN)
    assert await both("VM.set_name_label", guest, "ours") == ""


async def test_local_root_only_is_refused_to_the_pools_administrator(login: Login) -> None:
    local_only = next(m for m in MODEL.messages.values() if m.role is Role.LOCAL_ROOT and m.needs_session and not m.params)
    answer = await login(Role.POOL_ADMIN)(local_only.wire_name)
    assert answer[0] in ("RBAC_PERMISSION_DENIED", "INTERNAL_ERROR", "MESSAGE_REMOVED")


async def test_a_session_tells_its_permissions(login: Login) -> None:
    reader = login(Role.READ_ONLY)
    told = await reader("session.get_rbac_permissions", reader.session)
    assert set(told) == {name for name, allowed in MODEL.permissions.items() if Role.READ_ONLY in allowed}
    assert "vm.get_record" in told and "vm.start" not in told
    root = login()
    assert await root("session.get_rbac_permissions", root.session) == []


async def test_every_message_is_decided_by_the_role_table(login: Login) -> None:
    """Each role, asked for every permission: what `permissions_of` says is what the model demands."""
    for role in MODEL.roles:
        mine = set(permissions_of(frozenset({role})))
        for name, demand in MODEL.demands.items():
            assert (name in mine) == (role in allowed_roles(demand.role, demand.role_extra)), (role, name)


# Tasks


async def test_tasks_are_ended_by_their_owner_or_by_who_may_end_any(app: App, login: Login) -> None:
    alice, alice_again = login(Role.VM_ADMIN, sid="S-1"), login(Role.VM_ADMIN, sid="S-1")
    mallory, operator = login(Role.VM_ADMIN, sid="S-2"), login(Role.POOL_OPERATOR, sid="S-3")
    first, second, third = [await alice("task.create", "mine", "") for _ in range(3)]
    refused = ["RBAC_PERMISSION_DENIED", "task.destroy/any", "No permission in user session"]
    assert await mallory("task.destroy", first) == refused
    assert await mallory("task.cancel", first) == refused
    assert await alice("task.destroy", first) == ""
    assert await alice_again("task.cancel", second) == ""
    assert await operator("task.destroy", third) == ""


async def test_a_superusers_task_is_not_a_subjects(login: Login) -> None:
    task = await login()("task.create", "root's", "")
    assert (await login(Role.VM_ADMIN, sid="")("task.destroy", task))[0] == "RBAC_PERMISSION_DENIED"


# Roles and subjects


async def test_roles_and_permissions_are_objects(login: Login) -> None:
    call = login(Role.READ_ONLY)
    records = await call("role.get_all_records")
    by_name = {record["name_label"]: (ref, record) for ref, record in records.items()}
    assert {role.value for role in MODEL.roles} <= by_name.keys() and len(records) == 2366
    ref, operator = by_name["pool-operator"]
    assert ref == f"OpaqueRef:{operator['uuid']}"
    assert set(operator["subroles"]) == {roles.ref_of(name) for name in await call("role.get_permissions_name_label", ref)}
    start = by_name["vm.start"][0]
    assert await call("role.get_permissions", start) == [start]
    may_start = await call("role.get_by_permission", start)
    assert may_start == await call("role.get_by_permission_name_label", "VM.start")
    assert {records[role]["name_label"] for role in may_start} == {r.value for r in MODEL.permissions["vm.start"]}
    assert await call("role.get_by_uuid", operator["uuid"]) == ref
    assert await call("role.get_by_name_label", "read-only") == [by_name["read-only"][0]]
    assert await call("role.get_name_label", ref) == "pool-operator"
    assert await call("role.get_record", "OpaqueRef:none") == ["HANDLE_INVALID", "role", "OpaqueRef:none"]
    only_roles = await call("role.get_all_records_where", "subroles<>[]")
    assert {record["name_label"] for record in only_roles.values()} == {role.value for role in MODEL.roles}
    assert await call("role.get_all_where", 'field "name__label" = "vm-admin"') == [by_name["vm-admin"][0]]


async def test_the_administrators_role_is_the_one_that_clients_know(login: Login) -> None:
    assert await login()("role.get_by_name_label", "pool-admin") == ["OpaqueRef:0165f154-ba3e-034e-6b27-5d271af109ba"]


async def test_a_subjects_life(app: App, login: Login) -> None:
    call = login()
    subject = await call("subject.create", {"subject_identifier": "S-1-5-7", "other_config": {"subject-name": "ann"}})
    assert await call("subject.create", {"subject_identifier": "S-1-5-7", "other_config": {}}) == ["SUBJECT_ALREADY_EXISTS"]
    assert roles_of(internal_context(app, "test"), subject) == {Role.POOL_ADMIN}
    reader, admin = roles.ref_of("read-only"), roles.ref_of("pool-admin")
    assert await call("subject.add_to_roles", subject, reader) == ""
    assert await call("subject.add_to_roles", subject, reader) == ["ROLE_ALREADY_EXISTS"]
    assert await call("subject.add_to_roles", subject, roles.ref_of("vm.start")) == ["ROLE_NOT_FOUND"]
    assert await call("subject.remove_from_roles", subject, admin) == ""
    assert await call("subject.remove_from_roles", subject, admin) == ["ROLE_NOT_FOUND"]
    assert await call("subject.get_roles", subject) == [reader]
    names = await call("subject.get_permissions_name_label", subject)
    assert set(names) == set(permissions_of(frozenset({Role.READ_ONLY})))
    session = app.sessions.create(Origin(), superuser=False, subject=subject, roles=frozenset({Role.READ_ONLY}))
    assert await call("subject.destroy", subject) == ""
    assert (await Client(call._port, session)("VM.get_all"))[0] == "SESSION_INVALID"


# HTTP


async def http(port: int, target: str, headers: str = "") -> int:
    async with wire(port) as connection:
        await connection.send(f"GET {target} HTTP/1.0\r\n{headers}\r\n".encode())
        return int((await connection.rest()).split()[1])


async def test_handlers_ask_for_their_own_permission(app: App, port: int, login: Login) -> None:
    reader, operator = login(Role.READ_ONLY), login(Role.VM_OPERATOR)
    assert await http(port, f"/export_raw_vdi?session_id={reader.session}&vdi=OpaqueRef:none") == 403
    assert await http(port, f"/audit_log?session_id={operator.session}") == 200
    assert await http(port, "/audit_log") == 401
    basic = base64.b64encode(f"root:{PASSWORD}".encode()).decode()
    assert await http(port, "/audit_log", f"Authorization: Basic {basic}\r\n") == 200


# The audit log


async def test_what_is_changed_and_what_is_refused_is_logged(app: App, login: Login) -> None:
    guest = vm(app)
    uuid = app.db.get("VM", guest, "uuid")
    admin = login(Role.VM_ADMIN, sid="S-1-5-8", name="DOMAIN\\ann")
    await admin("VM.set_name_label", guest, "it's")
    await admin("VM.get_record", guest)
    await admin("VM.set_name_label", "OpaqueRef:none", "x")
    await admin("pool.sync_database")
    done, failed, refused = audit_lines(app)
    assert done.startswith("[20") and "|audit|" in done
    assert "'S-1-5-8' 'DOMAIN\\\\ann' 'ALLOWED' 'OK' 'API' 'VM.set_name_label'" in done
    assert f"(('self' 'guest' '{uuid}' '{guest}') ('value' 'it\\'s' '' ''))" in done
    assert "'ALLOWED' 'ERROR:HANDLE_INVALID: VM, OpaqueRef:none' 'API'" in failed
    assert "'DENIED' 'ERROR:RBAC_PERMISSION_DENIED: pool.sync_database' 'API' 'pool.sync_database' ()" in refused
    assert not any(admin.session in line for line in (done, failed, refused))


async def test_secrets_are_not_logged(app: App, login: Login) -> None:
    root = login()
    await root("secret.create", {"value": "hunter2", "other_config": {}})
    secret = next(app.db.rows("secret")).ref
    await root("secret.set_value", secret, "hunter2")
    await root("pool.add_to_other_config", app.db.refs("pool")[0], "proxy_password", "hunter2")
    await root("pool.set_other_config", app.db.refs("pool")[0], {"cifspassword": "hunter2", "seen": "yes"})
    lines = audit_lines(app)
    assert len(lines) == 4 and "seen: yes" in lines[3]
    assert not any("hunter2" in line for line in lines)


async def test_an_asynchronous_call_is_logged_when_it_ends(app: App, login: Login) -> None:
    root = login()
    task = await root("Async.pool.sync_database")
    async with asyncio.timeout(10):
        while await root("task.get_status", task) == "pending":
            pass
    assert ["'pool.sync_database'" in line for line in audit_lines(app)] == [True]


@pytest.mark.parametrize(
    ("originator", "user", "pool", "kind"),
    [
        ("xo", "root", False, "originator"),
        ("xo", "ann", False, "user"),
        ("", "root", False, "anonymous"),
        ("", "", False, "anonymous"),
        ("xo", "root", True, "pool"),
    ],
)
def test_sessions_are_limited_by_group(originator: str, user: str, pool: bool, kind: str) -> None:
    assert group_of(originator, user, pool).kind == kind


async def test_a_careless_client_logs_only_itself_out(app: App) -> None:
    other = app.sessions.create(Origin(), superuser=True, user_name="root", originator="other")
    limit = Group(*group_of("careless", "root", False)).most
    made = [app.sessions.create(Origin(), superuser=True, user_name="root", originator="careless") for _ in range(limit + 1)]
    assert not app.db.exists("session", made[0])
    assert all(app.db.exists("session", ref) for ref in [other, *made[1:]])
