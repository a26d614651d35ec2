"""Logging in with a name and a password: who that is, what he may do, and a session for him.

Root on the local socket needs no password. Without an external directory everybody whom PAM knows administers the pool;
with one only root is local, and everybody else needs to be a subject of the pool, or in a group that is one.
"""

import asyncio
import logging

from xapi import errors
from xapi.classes import role as role_rows
from xapi.datamodel.roles import Role
from xapi.errors import XenAPIError
from xapi.server.authentication import is_pool_secret, local_user
from xapi.server.context import App, Context, now
from xapi.server.directory import NAME, Directory, Refused, ServiceFailure, Unresolved, suspension
from xapi.server.directory_program import ProgramDirectory, program
from xapi.server.directory_unix import UnixDirectory
from xapi.server.login_attempts import Client

log = logging.getLogger(__name__)

LOGIN = "session.login_with_password"
FAILURE_DELAY = 5.0


def find_directory(app: App, kind: str) -> Directory | None:
    """Return the directory of type *kind*, if this host has what it takes."""
    if kind == "PAM":
        return UnixDirectory()
    path = program(app.root, kind)
    return None if path is None else ProgramDirectory(path)


def directory(app: App) -> Directory | None:
    """Return the directory that this host is connected to, or None.

    :raises XenAPIError: AUTH_UNKNOWN_TYPE, it is of a type that this host does not know (any more).
    """
    kind = app.db.get("host", app.localhost, "external_auth_type")
    if not kind:
        return None
    found = find_directory(app, kind)
    if found is None:
        raise errors.error("AUTH_UNKNOWN_TYPE", kind)
    return found


async def failed(ctx: Context, user: str, error: XenAPIError, originator: str = "") -> XenAPIError:
    """Return *error* after the pause that slows guessing down; the failure is counted for the hourly alert."""
    client = Client(user, ctx.origin.user_agent, originator or ctx.origin.originator, ctx.origin.address)
    ctx.app.attempts.failed(client, now())
    await asyncio.sleep(ctx.app.config.number("login-failure-delay", FAILURE_DELAY))
    return error


def _refused(user: str, reason: str) -> XenAPIError:
    return XenAPIError("SESSION_AUTHENTICATION_FAILED", [user, reason])


def _limit(app: App, field: str) -> int:
    return next((int(row.values[field]) for row in app.db.rows("pool")), 1)


async def _is_local_user(ctx: Context, user: str, password: str) -> bool:
    async with ctx.app.attempts.turn("local", _limit(ctx.app, "local_auth_max_threads")):
        return await local_user(ctx.app, user, password)


async def with_password(ctx: Context, user: str, password: str, originator: str) -> str:
    """Return a new session for *user*.

    :raises XenAPIError: SESSION_AUTHENTICATION_FAILED, SESSION_AUTHORIZATION_FAILED [user; reason], RBAC_PERMISSION_DENIED
        for a subject without roles; all after a pause.
    """
    sessions = ctx.app.sessions
    if ctx.origin.local_root:
        return sessions.create(ctx.origin, superuser=True, user_name=user, originator=originator, parent=ctx.session)
    try:
        external = directory(ctx.app)
        if external is None or user == "root":
            if await _is_local_user(ctx, user, password):
                return sessions.create(ctx.origin, superuser=True, user_name=user, originator=originator, parent=ctx.session)
            if external is None:
                raise _refused(user, "Authentication failure")
        return await _subject_session(ctx, external, user, password, originator)
    except XenAPIError as error:
        raise await failed(ctx, user, error, originator) from error


async def local_with_password(ctx: Context, user: str, password: str) -> str:
    """Return a session that only this process knows. :raises XenAPIError: SESSION_AUTHENTICATION_FAILED, after a pause."""
    if not ctx.origin.local_root and not await _is_local_user(ctx, user, password):
        raise await failed(ctx, user, _refused(user, "Authentication failure"))
    return ctx.app.sessions.create_local()


async def _subject_session(ctx: Context, external: Directory, user: str, password: str, originator: str) -> str:
    try:
        async with ctx.app.attempts.turn("external", _limit(ctx.app, "ext_auth_max_threads")):
            sid = await external.authenticate(user, password)
            information = await external.information(sid)
            memberships = {sid, *await external.groups(sid)}
    except (Refused, Unresolved) as reason:
        raise _refused(user, str(reason) or "Authentication failure") from reason
    except ServiceFailure as reason:
        log.error("the directory cannot be asked: %s", reason)
        raise _refused(user, str(reason)) from reason
    name = information.get(NAME) or user
    barred = suspension(information)
    if barred is not None:
        raise XenAPIError("SESSION_AUTHORIZATION_FAILED", [user, f"{name}: {barred}"])
    subjects = pool_subjects(ctx, memberships)
    if not subjects:
        raise XenAPIError("SESSION_AUTHORIZATION_FAILED", [user, f"{name} ({sid}) has no access to this pool"])
    roles = roles_of(ctx, subjects)
    if not roles:
        raise errors.rbac_permission_denied(LOGIN, f"{name} ({sid}) has no roles in this pool")
    own = [subject for subject in subjects if ctx.db.get("subject", subject, "subject_identifier") == sid]
    return ctx.app.sessions.create(
        ctx.origin,
        superuser=False,
        user_name=name,
        originator=originator,
        subject=(own or subjects)[0],
        user_sid=sid,
        roles=roles,
        parent=ctx.session,
    )


def pool_subjects(ctx: Context, identifiers: set[str]) -> list[str]:
    """Return the pool's subjects among users and groups of the directory."""
    return [row.ref for row in ctx.db.rows("subject") if row.values["subject_identifier"] in identifiers]


def roles_of(ctx: Context, subjects: list[str]) -> frozenset[Role]:
    """Return the roles that *subjects* have together."""
    return frozenset(role_rows.as_role(ref) for subject in subjects for ref in ctx.db.get("subject", subject, "roles"))


async def with_pool_secret(ctx: Context, who: str, secret: str, *, local: bool) -> str:
    """Return a session of the pool itself for a host (*who*: its ref) that shows the pool's *secret*.

    :raises XenAPIError: SESSION_AUTHENTICATION_FAILED [host; "Pool credentials invalid"], after a pause.
    """
    if not is_pool_secret(ctx.app, secret):
        raise await failed(ctx, "", _refused(who, "Pool credentials invalid"))
    if local:
        return ctx.app.sessions.create_local()
    return ctx.app.sessions.create(ctx.origin, superuser=True, pool=True, user_name=who)
