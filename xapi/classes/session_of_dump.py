"""XenAPI class session: one that reads a dumped database instead of ours."""

import asyncio
from pathlib import Path

from xapi import errors, restore
from xapi.database.xml_form import BadDump
from xapi.datamodel.roles import READ_ONLY
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("session.create_from_db_file")
async def create_from_db_file(ctx: Context, filename: str) -> str:
    """XenAPI: session.create_from_db_file: read-only, until it is logged out.

    :raises XenAPIError: INVALID_VALUE, it cannot be read; RESTORE_INCOMPATIBLE_VERSION.
    """
    try:
        store = await asyncio.to_thread(restore.load, Path(filename))
    except (OSError, BadDump) as reason:
        raise errors.invalid_value("filename", reason) from reason
    session = ctx.app.sessions.create(
        ctx.origin, superuser=False, originator=ctx.origin.originator, roles=frozenset({READ_ONLY}), parent=ctx.session
    )
    ctx.app.sessions.other_databases[session] = store
    return session
