"""Logging in and out, every way there is; who is told what when it fails; when sessions end by themselves."""

import base64
import json
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.xapi.fixture import PASSWORD, make, serving, wire
from xapi.classes import login_watch
from xapi.classes import role as roles
from xapi.database.schema import NULL_REF
from xapi.server.context import App, Context, Origin, internal_context, wire_date
from xapi.server.sessions import MOST_ANONYMOUS, MOST_NAMED


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


async def call(port: int, method: str, *params: object, more: str = "") -> Any:
    """Call a message; a failure comes back as its ErrorDescription."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    async with wire(port) as connection:
        reply = json.loads(await connection.post(body, "/jsonrpc", more))
    return reply["result"] if "result" in reply else [reply["error"]["message"], *reply["error"]["data"]]


async def log_in(port: int, user: str = "root", password: str = PASSWORD, originator: str = "test") -> Any:
    return await call(port, "session.login_with_password", user, password, "1.1", originator)


# With a password


async def test_a_session_tells_who_it_is(app: App, port: int) -> None:
    session = await log_in(port)
    record = await call(port, "session.get_record", session, session)
    assert (record["auth_user_name"], record["is_local_superuser"], record["pool"]) == ("root", True, False)
    assert (record["originator"], record["this_host"], record["this_user"]) == ("test", app.localhost, NULL_REF)
    assert record["subject"] == record["parent"] == NULL_REF and record["client_certificate"] is False
    assert record["last_active"] <= wire_date(time.time()) and record["validation_time"] <= wire_date(time.time())
    assert await call(port, "session.get_by_uuid", session, record["uuid"]) == session


async def test_version_and_originator_may_be_left_out(app: App, port: int) -> None:
    session = await call(port, "session.login_with_password", "root", PASSWORD)
    assert app.db.get("session", session, "originator") == ""
    session = await call(port, "session.login_with_password", "root", PASSWORD, "a", more="originator: a tool\r\n")
    assert app.db.get("session", session, "originator") == "a tool"


async def test_a_wrong_password_names_the_user_and_the_reason(port: int) -> None:
    assert await log_in(port, password="wrong") == ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"]
    assert (await log_in(port, user="nobody"))[:2] == ["SESSION_AUTHENTICATION_FAILED", "nobody"]


async def test_a_failure_is_answered_after_a_pause(tmp_path: Path) -> None:
    app = make(tmp_path)
    app.config = type(app.config)({"root-password-file": app.config.text("root-password-file", ""), "login-failure-delay": "0.3"})
    async with serving(app) as port:
        began = time.monotonic()
        await log_in(port, password="wrong")
        assert time.monotonic() - began >= 0.3


async def test_local_root_needs_no_password(app: App) -> None:
    async with serving(app, local_root=True) as port:
        session = await log_in(port, "root", "")
        assert app.db.get("session", session, "is_local_superuser") is True


async def test_logging_out_ends_the_session(port: int) -> None:
    session = await log_in(port)
    assert await call(port, "session.logout", session) == ""
    assert await call(port, "session.get_this_host", session, session) == ["SESSION_INVALID", session]


async def test_basic_authentication_makes_a_session_for_the_request(app: App, port: int) -> None:
    seen: list[str] = []
    app.db.listen(
        lambda table, ref: (
            seen.append(app.db.get("session", ref, "originator"))
            if table == "session" and app.db.exists("session", ref)
            else None
        )
    )
    word = base64.b64encode(f"root:{PASSWORD}".encode()).decode()
    async with wire(port) as connection:
        await connection.send(f"GET /audit_log HTTP/1.0\r\nAuthorization: Basic {word}\r\n\r\n".encode())
        assert b" 200 " in (await connection.rest()).split(b"\r\n")[0]
    assert "IPv4 127.0.0.1 using Basic auth" in seen and app.db.refs("session") == []


# With the pool's secret


async def test_the_pools_secret_opens_a_pool_session(app: App, port: int) -> None:
    session = await call(port, "session.slave_login", app.localhost, "secret")
    record = app.db.record("session", session)
    assert record["pool"] is True and record["auth_user_name"] == app.localhost
    for wrong in ("", "secre", "secret "):
        refusal = await call(port, "session.slave_login", app.localhost, wrong)
        assert refusal == ["SESSION_AUTHENTICATION_FAILED", app.localhost, "Pool credentials invalid"]


# Local sessions


@pytest.mark.parametrize(
    "way", [("session.slave_local_login", "secret"), ("session.slave_local_login_with_password", "root", PASSWORD)]
)
async def test_a_local_session_is_known_to_this_process_only(app: App, port: int, way: tuple[str, ...]) -> None:
    session = await call(port, *way)
    assert app.db.refs("session") == [] and app.sessions.is_local(session)
    assert await call(port, "host.is_in_emergency_mode", session) is False
    assert await call(port, "session.get_record", session, session) == ["HANDLE_INVALID", "session", session]
    assert await call(port, "session.local_logout", session) == ""
    assert await call(port, "host.is_in_emergency_mode", session) == ["SESSION_INVALID", session]


async def test_a_local_session_needs_secret_or_password(port: int) -> None:
    assert (await call(port, "session.slave_local_login", "no"))[0] == "SESSION_AUTHENTICATION_FAILED"
    assert (await call(port, "session.slave_local_login_with_password", "root", "no"))[0] == "SESSION_AUTHENTICATION_FAILED"


# How many, how long


def sessions(app: App, count: int, **more: Any) -> list[str]:
    return [app.sessions.create(Origin(), superuser=True, **more) for _ in range(count)]


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ({"originator": "one tool", "user_name": "root"}, MOST_NAMED),
        ({"originator": "x", "user_name": "ann"}, MOST_NAMED),
        ({"user_name": "root"}, MOST_ANONYMOUS),
        ({"pool": True}, MOST_ANONYMOUS),
    ],
)
async def test_a_careless_client_loses_its_oldest_sessions_and_nobody_elses(app: App, more: dict[str, Any], most: int) -> None:
    other = sessions(app, 1, originator="somebody else", user_name="root")
    mine = sessions(app, most + 3, **more)
    assert [ref for ref in mine if not app.db.exists("session", ref)] == mine[:3]
    assert app.db.exists("session", other[0])


async def test_local_sessions_have_a_limit_too(app: App) -> None:
    mine = [app.sessions.create_local() for _ in range(MOST_ANONYMOUS + 2)]
    assert [ref for ref in mine if not app.sessions.is_local(ref)] == mine[:2]


async def test_a_session_whose_work_goes_on_is_spared_and_so_is_its_child(app: App) -> None:
    parent = sessions(app, 1, user_name="root")[0]
    child = sessions(app, 1, user_name="root", parent=parent)[0]
    app.db.create("task", status="pending", session=parent)
    later = sessions(app, MOST_ANONYMOUS, user_name="root")
    assert app.db.exists("session", parent) and app.db.exists("session", child)
    assert [ref for ref in later if not app.db.exists("session", ref)] == later[:2]


async def test_an_idle_session_ends_after_a_day_unless_it_works(app: App) -> None:
    idle, works, fresh = sessions(app, 3, user_name="root")
    local = app.sessions.create_local()
    app.db.create("task", status="pending", session=works)
    for session in (idle, works, local):
        app.sessions._last_used[session] -= 86401
    app.sessions.collect_garbage()
    assert [app.db.exists("session", ref) for ref in (idle, works, fresh)] == [False, True, True]
    assert not app.sessions.is_local(local)
    assert app.db.get("session", works, "last_active") < wire_date(time.time() - 86000)


# The password


async def test_a_superuser_changes_roots_password(port: int) -> None:
    session = await log_in(port)
    assert await call(port, "session.change_password", session, "not looked at", "new one") == ""
    assert (await log_in(port))[0] == "SESSION_AUTHENTICATION_FAILED"
    assert (await log_in(port, password="new one")).startswith("OpaqueRef:")
    assert (await call(port, "session.change_password", session, "", "two\nlines"))[0] == "CHANGE_PASSWORD_REJECTED"


PAM = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from idl.config import Config
    from tests.xapi.fixture import make
    from xapi.errors import XenAPIError
    from xapi.server.context import Context, Origin
    from xapi.server.dispatch import call

    async def attempt(app, user, password):
        try:
            return (await call(Context(app, Origin()), "session.login_with_password", [user, password])).value
        except XenAPIError as error:
            return error.code

    async def main():
        app = make(Path(sys.argv[1]))
        app.config = Config({"login-failure-delay": "0"})
        root = app.sessions.create(Origin(), superuser=True)
        await call(Context(app, Origin()), "session.change_password", [root, "", "pw for the test"])
        assert (await attempt(app, "root", "pw for the test")).startswith("OpaqueRef:")
        assert await attempt(app, "root", "wrong") == "SESSION_AUTHENTICATION_FAILED"
        # Ordinary accounts of the machine are nobody here, as long as no directory gives them a role.
        assert await attempt(app, "ann", "anns own") == "SESSION_AUTHENTICATION_FAILED"
        assert await attempt(app, "locked", "anns own") == "SESSION_AUTHENTICATION_FAILED"
        # The directory "PAM": everybody but root is a subject with a role, or in a group that is one.
        from xapi.classes import role
        from xapi.server.dispatch import call_as
        ctx = Context(app, Origin(local_root=True), root)
        await call_as(ctx, "pool.enable_external_auth", app.db.refs("pool")[0], {}, "this machine", "PAM")
        assert await attempt(app, "ann", "anns own") == "SESSION_AUTHORIZATION_FAILED"
        group = await call_as(ctx, "auth.get_subject_identifier", "toolstack")
        assert group == "g4242"
        subject = await call_as(ctx, "subject.create", {"subject_identifier": group, "other_config": {}})
        session = await attempt(app, "ann", "anns own")
        record = app.db.record("session", session)
        assert (record["auth_user_name"], record["auth_user_sid"], record["subject"]) == ("ann", "u4243", subject), record
        information = await call_as(ctx, "auth.get_subject_information_from_identifier", "u4243")
        assert information["subject-name"] == "ann" and information["subject-is-group"] == "false"
        assert "g4242" in await call_as(ctx, "auth.get_group_membership", "u4243")
        assert (await attempt(app, "root", "pw for the test")).startswith("OpaqueRef:")
        print("held")

    asyncio.run(main())
""")
PRIVATE = """
set -e
cp -a /etc/. "$1"
cp systemd/pam.d/xapi "$1/pam.d/xapi"
mount --bind "$1" /etc
groupadd --gid 4242 toolstack
useradd --no-create-home --uid 4243 --groups toolstack ann
useradd --no-create-home --uid 4244 locked
printf 'ann:anns own\\nlocked:anns own\\n' | chpasswd
usermod --lock locked
exec "$2" -c "$3" "$4"
"""


def test_pam_is_asked_on_an_installed_host(tmp_path: Path) -> None:
    """The real PAM with our service file and real accounts, in a mount namespace with an /etc of its own."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("mount namespaces need root")
    etc, root = tmp_path / "etc", tmp_path / "host"
    etc.mkdir()
    root.mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE, "sh", etc, sys.executable, PAM, root],
        check=False, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.strip() == "held", done.stdout + done.stderr


# What failed is told every hour


async def test_failed_logins_are_told_in_one_alert(app: App, port: int) -> None:
    for user, agent, times in (("ann", "tool/1", 4), ("bob", "tool/1", 3), ("eve<x>", "", 2), ("joe", "", 1)):
        for _ in range(times):
            await call(port, "session.login_with_password", user, "no", more=f"user-agent: {agent}\r\n" if agent else "")
    ctx = internal_context(app, "test")
    login_watch.report_failures(ctx)
    login_watch.report_failures(ctx)
    (message,) = [row.values for row in app.db.rows("message")]
    assert (message["name"], message["cls"], message["priority"]) == ("FAILED_LOGIN_ATTEMPTS", "Pool", 3)
    assert message["obj_uuid"] == app.db.get("pool", app.db.refs("pool")[0], "uuid")
    body = ElementTree.fromstring(message["body"])
    assert body.findtext("total") == "10"
    named = [(known.findtext("username"), known.findtext("useragent"), known.findtext("number")) for known in body.iter("known")]
    assert named == [("ann", "tool/1", "4"), ("bob", "tool/1", "3"), ("eve<x>", None, "2")]
    assert all(known.findtext("ip") == "127.0.0.1" and known.findtext("date") for known in body.iter("known"))


async def test_no_failure_is_no_alert(app: App) -> None:
    login_watch.report_failures(internal_context(app, "test"))
    assert app.db.count("message") == 0


# Roles of those who log in


async def test_friends_of_the_rbac_permissions(app: App, port: int) -> None:
    root = await log_in(port)
    subject = await call(port, "subject.create", root, {"subject_identifier": "S-9", "other_config": {}})
    for ref in app.db.get("subject", subject, "roles"):
        await call(port, "subject.remove_from_roles", root, subject, ref)
    await call(port, "subject.add_to_roles", root, subject, roles.ref_of("vm-operator"))
    names = set(await call(port, "subject.get_permissions_name_label", root, subject))
    assert names == set(await call(port, "role.get_permissions_name_label", root, roles.ref_of("vm-operator")))
    session = app.sessions.create(
        Origin(), superuser=False, user_sid="S-9", subject=subject, roles=frozenset({roles.as_role(roles.ref_of("vm-operator"))})
    )
    assert set(await call(port, "session.get_rbac_permissions", session, session)) == names
    assert await call(port, "session.get_all_subject_identifiers", root) == ["S-9"]
    assert await call(port, "session.logout_subject_identifier", root, "S-9") == ""
    assert await call(port, "session.get_subject", session, session) == ["SESSION_INVALID", session]
    assert (await call(port, "session.get_this_host", root, root)) == app.localhost


async def test_changing_the_password_is_for_superusers(app: App, port: int) -> None:
    session = app.sessions.create(
        Origin(), superuser=False, user_sid="S-9", roles=frozenset({roles.as_role(roles.ref_of("pool-admin"))})
    )
    refusal = await call(port, "session.change_password", session, "", "x")
    assert refusal[0] in ("USER_IS_NOT_LOCAL_SUPERUSER", "RBAC_PERMISSION_DENIED")


async def test_a_context_without_a_session_needs_one(app: App, port: int) -> None:
    assert (await call(port, "VM.get_all", NULL_REF))[0] == "SESSION_INVALID"
    assert (await call(port, "VM.get_all", ""))[0] == "SESSION_INVALID"
    assert Context(app, Origin()).session == NULL_REF
