"""XenAPI class session: logging in and out."""

from pathlib import Path

from xapi import errors
from xapi.classes import login
from xapi.classes.command import output
from xapi.database.schema import NULL_REF
from xapi.server.context import Context
from xapi.server.registry import implements

CHPASSWD_TIMEOUT = 20.0


@implements("session.login_with_password")
async def login_with_password(ctx: Context, uname: str, pwd: str, version: str, originator: str) -> str:
    """XenAPI: session.login_with_password. On the local root socket the password is not looked at.

    :raises XenAPIError: SESSION_AUTHENTICATION_FAILED [user; reason] and others, after a pause.
    """
    return await login.with_password(ctx, uname, pwd, originator or ctx.origin.originator)


@implements("session.slave_login")
async def slave_login(ctx: Context, host: str, psecret: str) -> str:
    """XenAPI: session.slave_login: another host of the pool, which shows the pool's secret."""
    return await login.with_pool_secret(ctx, host, psecret, local=False)


@implements("session.slave_local_login")
async def slave_local_login(ctx: Context, psecret: str) -> str:
    """XenAPI: session.slave_local_login: valid on this host only, also in emergency mode."""
    return await login.with_pool_secret(ctx, "", psecret, local=True)


@implements("session.slave_local_login_with_password")
async def slave_local_login_with_password(ctx: Context, uname: str, pwd: str) -> str:
    """XenAPI: session.slave_local_login_with_password: as `slave_local_login`."""
    return await login.local_with_password(ctx, uname, pwd)


@implements("session.logout", "session.local_logout")
async def logout(ctx: Context) -> None:
    """XenAPI: session.logout, session.local_logout."""
    ctx.app.sessions.destroy(ctx.session)


@implements("session.get_all_subject_identifiers")
async def get_all_subject_identifiers(ctx: Context) -> list[str]:
    """XenAPI: session.get_all_subject_identifiers: of everybody logged in through an external directory."""
    found = {row.values["auth_user_sid"] for row in ctx.db.rows("session") if not row.values["is_local_superuser"]}
    return sorted(found - {""})


@implements("session.logout_subject_identifier")
async def logout_subject_identifier(ctx: Context, subject_identifier: str) -> None:
    """XenAPI: session.logout_subject_identifier."""
    for session in ctx.db.where("session", auth_user_sid=subject_identifier, is_local_superuser=False):
        if session not in (ctx.session, NULL_REF):
            ctx.app.sessions.destroy(session)


@implements("session.change_password")
async def change_password(ctx: Context, old_pwd: str, new_pwd: str) -> None:
    """XenAPI: session.change_password: root's, by a local superuser; the old one is not asked for.

    :raises XenAPIError: USER_IS_NOT_LOCAL_SUPERUSER, CHANGE_PASSWORD_REJECTED [reason].
    """
    if not ctx.app.sessions.is_superuser(ctx.session):
        raise errors.user_is_not_local_superuser("only the local superuser may change the password")
    file = ctx.app.config.text("root-password-file", "")
    if not new_pwd or "\n" in new_pwd:
        raise errors.error("CHANGE_PASSWORD_REJECTED", "the password must be one line and not empty")
    if not file:
        code, _, err = await output("chpasswd", timeout=CHPASSWD_TIMEOUT, stdin=f"root:{new_pwd}\n".encode())
        if code != 0:
            raise errors.error("CHANGE_PASSWORD_REJECTED", err.strip())
        return
    path = Path(file)
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_text(new_pwd + "\n")
    fresh.rename(path)
