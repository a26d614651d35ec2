"""What is looked after while people are logged in: failed logins reported, sessions and subjects of an external directory
compared with what the directory says now.
"""

import asyncio
import logging
import random
import time

from xapi.classes import login
from xapi.classes.message import send
from xapi.errors import XenAPIError
from xapi.server.context import App, Context, internal_context, now, wire_date
from xapi.server.directory import NAME, Directory, DirectoryError, Unresolved, suspension

log = logging.getLogger(__name__)

ALERT_PERIOD = 3600.0
REVALIDATION_PERIOD = 300.0
SUBJECTS_PERIOD = 900.0
VALID_FOR = 1800.0
SPREAD = 600.0
"""A session is asked about every `VALID_FOR` seconds and up to this many more, so that not all are asked about at once."""
START_PERIOD = 300.0
START_ALERT = 120.0


async def run(app: App) -> None:
    """Do all of it until cancelled."""
    config = app.config
    ctx = internal_context(app, "logins")
    async with asyncio.TaskGroup() as group:
        group.create_task(_start_directory(ctx))
        group.create_task(_every(config.number("failed-login-alert-freq", ALERT_PERIOD), ctx, "failures"))
        group.create_task(_every(config.number("session_revalidation_interval", REVALIDATION_PERIOD), ctx, "sessions"))
        group.create_task(_every(config.number("update_all_subjects_interval", SUBJECTS_PERIOD), ctx, "subjects"))


async def _every(seconds: float, ctx: Context, what: str) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            match what:
                case "failures":
                    report_failures(ctx)
                case "sessions":
                    await revalidate_sessions(ctx)
                case "subjects":
                    await refresh_subjects(ctx)
        except (DirectoryError, XenAPIError) as reason:
            log.warning("the directory cannot be asked about %s: %s", what, reason)


async def _start_directory(ctx: Context) -> None:
    """Tell the directory's program that the toolstack has started; until it takes that, again and again."""
    began, told = time.monotonic(), False
    while True:
        try:
            external = login.directory(ctx.app)
            if external is not None:
                await external.start()
            return
        except (DirectoryError, XenAPIError) as reason:
            log.warning("the directory does not start: %s", reason)
        if not told and time.monotonic() - began > START_ALERT:
            alert(ctx, "EXTAUTH_INIT_IN_HOST_FAILED", "the external directory of this host does not start", cls="Host")
            told = True
        await asyncio.sleep(START_ALERT if not told else START_PERIOD)


def alert(ctx: Context, name: str, body: str, cls: str = "Pool") -> None:
    """Send an alert about the pool, or about this host (*cls* ``Host``)."""
    ref = ctx.app.localhost if cls == "Host" else ctx.db.refs("pool")[0]
    send(ctx, name, cls=cls, uuid=ctx.db.get(cls.lower(), ref, "uuid"), body=body)


def report_failures(ctx: Context) -> None:
    """Send the alert about the logins that failed since the last one, if there were any."""
    failures = ctx.app.attempts.take()
    if failures.total:
        alert(ctx, "FAILED_LOGIN_ATTEMPTS", failures.body())


def _external(ctx: Context) -> list[str]:
    rows = ctx.db.rows("session")
    return [row.ref for row in rows if not row.values["is_local_superuser"] and not row.values["client_certificate"]]


async def revalidate_sessions(ctx: Context, *, every: bool = False) -> None:
    """End sessions of users who could not log in any more; those that were looked at lately only with *every*.

    :raises DirectoryError: the directory cannot be asked; its sessions stay.
    """
    external = login.directory(ctx.app)
    for session in _external(ctx):
        if not ctx.db.exists("session", session):
            continue
        values = ctx.db.record("session", session)
        # Wire dates of one zone and form compare as text.
        due = values["validation_time"] < wire_date(time.time() - VALID_FOR - random.uniform(0, SPREAD))
        if not (every or due):
            continue
        why = await _barred(ctx, external, values["auth_user_sid"])
        if why is None:
            if ctx.db.exists("session", session):
                ctx.db.set("session", session, validation_time=now())
        else:
            log.info("a session of %s ends: %s", values["auth_user_name"], why)
            ctx.app.sessions.destroy(session)


async def _barred(ctx: Context, external: Directory | None, sid: str) -> str | None:
    """Return why a user may not be logged in, or None."""
    if external is None:
        return "external authentication is disabled"
    try:
        why = suspension(await external.information(sid))
        groups = await external.groups(sid)
    except Unresolved:
        return "the directory does not know the user any more"
    if why is None and not login.pool_subjects(ctx, {sid, *groups}):
        return "neither the user nor a group of his is a subject of the pool"
    return why


async def refresh_subjects(ctx: Context) -> None:
    """Write what the directory says now about the pool's subjects; those that it does not know stay as they are.

    :raises DirectoryError: the directory cannot be asked.
    """
    external = login.directory(ctx.app)
    if external is None:
        return
    for row in ctx.db.rows("subject"):
        try:
            information = await external.information(row.values["subject_identifier"])
        except Unresolved:
            log.warning("the directory does not know %s any more", row.values["other_config"].get(NAME, row.ref))
            continue
        if ctx.db.exists("subject", row.ref):
            ctx.db.set("subject", row.ref, other_config=information)
