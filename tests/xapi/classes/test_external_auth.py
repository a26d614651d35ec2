"""Users of an external directory: a sample directory program, the pool connected to it, what its users may do and how long."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.test_login import call, log_in
from tests.xapi.fixture import make, serving
from xapi.classes import login_watch
from xapi.classes import role as roles
from xapi.server.context import App, internal_context, wire_date
from xapi.server.directory import ServiceFailure
from xapi.server.directory_program import PLACE, ProgramDirectory

SAMPLE = f"""#!{sys.executable}
# A directory in a JSON file beside this program: subjects by identifier.
import json, pathlib, sys

place = pathlib.Path(__file__).with_name("people.json")
people = json.loads(place.read_text())
method, given = sys.argv[1], json.load(sys.stdin)

def fail(error, message, kind=""):
    print(json.dumps({{"error": error, "message": message, "kind": kind}}))
    sys.exit()

def named(name):
    for sid, person in people.items():
        if person["name"] == name:
            return sid
    fail("unresolved", name)

def subject():
    return people[given["identifier"]] if given["identifier"] in people else fail("unresolved", given["identifier"])

if people.get("broken"):
    sys.exit("the directory is on fire")
elif method == "authenticate":
    sid = named(given["user"])
    result = sid if people[sid]["password"] == given["password"] else fail("refused", "wrong password")
elif method == "identifier":
    result = named(given["name"])
elif method == "information":
    result = {{"subject-name": subject()["name"], **subject().get("information", {{}})}}
elif method == "groups":
    result = subject().get("groups", [])
elif method == "enable":
    if given["config"].get("pass") != "join me":
        fail("service", "these are not the administrator's", "WRONG_CREDENTIALS")
    result = {{"domain": given["service"], "user": given["config"]["user"]}}
elif method == "disable":
    if given["config"].get("pass") == "wrong":
        fail("service", "not known here", "PERMISSION_DENIED")
    result = None
else:
    result = None
print(json.dumps({{"result": result}}))
"""
PEOPLE: dict[str, Any] = {
    "S-ann": {"name": "ann", "password": "a", "groups": ["S-admins", "S-staff"]},
    "S-bob": {"name": "bob", "password": "b", "groups": ["S-staff"], "information": {"subject-account-locked": "true"}},
    "S-eve": {"name": "eve", "password": "e", "groups": []},
    "S-admins": {"name": "admins", "password": ""},
    "S-staff": {"name": "staff", "password": ""},
}
JOIN = {"user": "administrator", "pass": "join me"}


def people(app: App, known: dict[str, Any]) -> None:
    (app.root.under(PLACE) / "people.json").write_text(json.dumps(known))


@pytest.fixture
async def app(tmp_path: Path) -> App:
    app = make(tmp_path)
    program = app.root.under(PLACE) / "SAMPLE"
    program.parent.mkdir(parents=True)
    program.write_text(SAMPLE)
    program.chmod(0o755)
    people(app, PEOPLE)
    return app


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with serving(app) as number:
        yield number


def pool(app: App) -> str:
    return app.db.refs("pool")[0]


@pytest.fixture
async def root(app: App, port: int) -> str:
    """Root's session in a pool that is connected to the sample directory."""
    session: str = await log_in(port)
    assert await call(port, "pool.enable_external_auth", session, pool(app), JOIN, "example.org", "SAMPLE") == ""
    return session


async def add(port: int, root: str, identifier: str, role: str | None) -> str:
    subject: str = await call(port, "subject.create", root, {"subject_identifier": identifier, "other_config": {}})
    await call(port, "subject.remove_from_roles", root, subject, roles.ref_of("pool-admin"))
    if role is not None:
        await call(port, "subject.add_to_roles", root, subject, roles.ref_of(role))
    return subject


# Connecting


async def test_what_is_kept_of_the_settings_has_no_password(app: App, root: str) -> None:
    host = app.db.record("host", app.localhost)
    assert (host["external_auth_type"], host["external_auth_service_name"]) == ("SAMPLE", "example.org")
    assert host["external_auth_configuration"] == {"domain": "example.org", "user": "administrator"}


async def test_a_directory_that_refuses_says_why(app: App, port: int) -> None:
    session, bad = await log_in(port), {"user": "x", "pass": "y"}
    reason = "these are not the administrator's"
    assert await call(port, "host.enable_external_auth", session, app.localhost, bad, "example.org", "SAMPLE") == [
        "AUTH_ENABLE_FAILED_WRONG_CREDENTIALS", reason,
    ]  # fmt: skip
    assert await call(port, "pool.enable_external_auth", session, pool(app), bad, "example.org", "SAMPLE") == [
        "POOL_AUTH_ENABLE_FAILED_WRONG_CREDENTIALS", app.localhost, reason,
    ]  # fmt: skip
    assert app.db.get("host", app.localhost, "external_auth_type") == ""


@pytest.mark.parametrize("kind", ["", "NONE", "..", "people.json", "a/b", "x" * 5000])
async def test_a_type_that_is_not_there_is_unknown(app: App, port: int, kind: str) -> None:
    session = await log_in(port)
    assert await call(port, "pool.enable_external_auth", session, pool(app), {}, "s", kind) == ["AUTH_UNKNOWN_TYPE", kind]


async def test_a_pool_has_one_directory(app: App, port: int, root: str) -> None:
    again = (JOIN, "other.org", "SAMPLE")
    assert await call(port, "pool.enable_external_auth", root, pool(app), *again) == ["POOL_AUTH_ALREADY_ENABLED", app.localhost]
    refusal = await call(port, "host.enable_external_auth", root, app.localhost, *again)
    assert refusal == ["AUTH_ALREADY_ENABLED", "SAMPLE", "example.org"]


async def test_two_hosts_of_one_name_are_refused(app: App, port: int) -> None:
    app.db.create("host", hostname=app.db.get("host", app.localhost, "hostname"))
    session = await log_in(port)
    refusal = await call(port, "pool.enable_external_auth", session, pool(app), JOIN, "s", "SAMPLE")
    assert refusal[0] == "POOL_AUTH_ENABLE_FAILED_DUPLICATE_HOSTNAME"


async def test_when_one_host_fails_the_others_are_disconnected_again(app: App, port: int) -> None:
    # This test has no second host to reach: that one fails.
    app.db.create("host", hostname="elsewhere")
    session = await log_in(port)
    refusal = await call(port, "pool.enable_external_auth", session, pool(app), JOIN, "s", "SAMPLE")
    assert refusal[0] == "POOL_AUTH_ENABLE_FAILED"
    assert app.db.get("host", app.localhost, "external_auth_type") == ""


# Logging in


async def test_a_subject_logs_in_with_its_roles(app: App, port: int, root: str) -> None:
    subject = await add(port, root, "S-ann", "vm-operator")
    session = await log_in(port, "ann", "a")
    record = app.db.record("session", session)
    assert (record["subject"], record["auth_user_sid"], record["auth_user_name"]) == (subject, "S-ann", "ann")
    assert record["is_local_superuser"] is False and "vm.start" in record["rbac_permissions"]
    assert (await call(port, "host.disable", session, app.localhost, True))[0] == "RBAC_PERMISSION_DENIED"


async def test_the_roles_of_all_its_groups_count_together(app: App, port: int, root: str) -> None:
    group = await add(port, root, "S-admins", "vm-admin")
    await add(port, root, "S-staff", "read-only")
    session = await log_in(port, "ann", "a")
    assert app.db.get("session", session, "subject") == group
    assert {"vm.create", "vm.get_record"} <= set(app.db.get("session", session, "rbac_permissions"))


@pytest.mark.parametrize(
    ("user", "password", "code", "reason"),
    [
        ("ann", "no", "SESSION_AUTHENTICATION_FAILED", "wrong password"),
        ("zoe", "z", "SESSION_AUTHENTICATION_FAILED", "zoe"),
        ("bob", "b", "SESSION_AUTHORIZATION_FAILED", "bob: the account is locked"),
        ("eve", "e", "SESSION_AUTHORIZATION_FAILED", "eve (S-eve) has no access to this pool"),
    ],
)
async def test_who_may_not_is_told_why(port: int, root: str, user: str, password: str, code: str, reason: str) -> None:
    await add(port, root, "S-staff", "read-only")
    assert await log_in(port, user, password) == [code, user, reason]


async def test_a_subject_without_roles_cannot_log_in(port: int, root: str) -> None:
    await add(port, root, "S-ann", None)
    refusal = await log_in(port, "ann", "a")
    assert refusal == ["RBAC_PERMISSION_DENIED", "session.login_with_password", "ann (S-ann) has no roles in this pool"]


async def test_root_stays_local(app: App, port: int, root: str) -> None:
    assert app.db.get("session", await log_in(port), "is_local_superuser") is True


async def test_a_directory_on_fire_lets_nobody_in_but_root(app: App, port: int, root: str) -> None:
    await add(port, root, "S-ann", "read-only")
    people(app, {"broken": True})
    refusal = await log_in(port, "ann", "a")
    assert refusal[0] == "SESSION_AUTHENTICATION_FAILED" and "on fire" in refusal[2]
    assert (await log_in(port)).startswith("OpaqueRef:")


# Asking it


async def test_clients_ask_the_directory(port: int, root: str) -> None:
    assert await call(port, "auth.get_subject_identifier", root, "ann") == "S-ann"
    assert await call(port, "auth.get_subject_information_from_identifier", root, "S-ann") == {"subject-name": "ann"}
    assert await call(port, "auth.get_group_membership", root, "S-ann") == ["S-admins", "S-staff"]
    assert await call(port, "auth.get_subject_identifier", root, "zoe") == ["SUBJECT_CANNOT_BE_RESOLVED"]


async def test_without_one_there_is_nobody_to_ask(port: int) -> None:
    assert await call(port, "auth.get_subject_identifier", await log_in(port), "ann") == ["AUTH_IS_DISABLED"]


async def test_a_program_that_answers_nonsense_is_a_failure_of_the_service(app: App) -> None:
    for text in ("#!/bin/sh\necho hello\n", "#!/bin/sh\necho '{\"result\": 5}'\n", "#!/nowhere\n"):
        program = app.root.under(PLACE) / "ODD"
        program.write_text(text)
        program.chmod(0o755)
        with pytest.raises(ServiceFailure):
            await ProgramDirectory(program).groups("S-ann")


# As time goes by


async def test_sessions_end_when_their_users_could_not_log_in_any_more(app: App, port: int, root: str) -> None:
    ctx = internal_context(app, "test")
    await add(port, root, "S-admins", "vm-admin")
    session = await log_in(port, "ann", "a")
    people(app, {key: value for key, value in PEOPLE.items() if key != "S-ann"})
    await login_watch.revalidate_sessions(ctx)
    assert app.db.exists("session", session), "looked at too early"
    app.db.set("session", session, validation_time=wire_date(0.0))
    await login_watch.revalidate_sessions(ctx)
    assert not app.db.exists("session", session) and app.db.exists("session", root)


@pytest.mark.parametrize("change", [{"groups": []}, {"information": {"subject-account-disabled": "true"}}])
async def test_leaving_a_group_or_being_locked_out_ends_them_too(app: App, port: int, root: str, change: dict[str, Any]) -> None:
    await add(port, root, "S-admins", "vm-admin")
    session = await log_in(port, "ann", "a")
    await login_watch.revalidate_sessions(internal_context(app, "test"), every=True)
    assert app.db.exists("session", session)
    people(app, PEOPLE | {"S-ann": PEOPLE["S-ann"] | change})
    await login_watch.revalidate_sessions(internal_context(app, "test"), every=True)
    assert not app.db.exists("session", session)


async def test_a_directory_that_is_away_ends_no_session(app: App, port: int, root: str) -> None:
    await add(port, root, "S-ann", "vm-admin")
    session = await log_in(port, "ann", "a")
    people(app, {"broken": True})
    with pytest.raises(ServiceFailure):
        await login_watch.revalidate_sessions(internal_context(app, "test"), every=True)
    assert app.db.exists("session", session)


async def test_what_is_known_of_subjects_is_refreshed(app: App, port: int, root: str) -> None:
    subject, gone = await add(port, root, "S-ann", "read-only"), await add(port, root, "S-gone", "read-only")
    await login_watch.refresh_subjects(internal_context(app, "test"))
    assert app.db.get("subject", subject, "other_config") == {"subject-name": "ann"}
    assert app.db.exists("subject", gone)


async def test_disconnecting_logs_everybody_out_but_root_even_if_the_directory_objects(app: App, port: int, root: str) -> None:
    await add(port, root, "S-ann", "vm-admin")
    session = await log_in(port, "ann", "a")
    refusal = await call(port, "pool.disable_external_auth", root, pool(app), {"pass": "wrong"})
    assert refusal == ["POOL_AUTH_DISABLE_FAILED_PERMISSION_DENIED", app.localhost, "not known here"]
    assert app.db.get("host", app.localhost, "external_auth_type") == ""
    assert not app.db.exists("session", session) and app.db.exists("session", root)
    assert (await log_in(port, "ann", "a"))[0] == "SESSION_AUTHENTICATION_FAILED"


async def test_hosts_with_different_directories_raise_an_alert(app: App, port: int, root: str) -> None:
    await call(port, "pool.detect_nonhomogeneous_external_auth", root, pool(app))
    assert app.db.count("message") == 0
    app.db.create("host", external_auth_type="AD")
    await call(port, "pool.detect_nonhomogeneous_external_auth", root, pool(app))
    assert [row.values["name"] for row in app.db.rows("message")] == ["EXTAUTH_IN_POOL_IS_NON_HOMOGENEOUS"]
