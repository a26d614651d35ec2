"""``/pool/xmldbdump``: the pool's database out, and another one in."""

import asyncio
import contextlib
from pathlib import Path

from xapi import restore
from xapi.classes.host_power import restart_agent
from xapi.database.xml_form import BadDump
from xapi.errors import internal_error
from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import BLOCK, HttpError, Reply, Request

LARGEST = 1 << 30
"""Bytes of a database that is taken: a hundred times that of a large pool."""


@serves("get_pool_xml_db_sync")
async def dump(ctx: Context, request: Request, reply: Reply) -> None:
    """The database at the moment of the request; the store goes on being written meanwhile."""
    picture = restore.picture(ctx.db)
    await reply.start(200, {"Content-Type": "text/xml", "Cache-Control": "no-cache, no-store", "task-id": ctx.task})
    waiting: list[str] = []
    size = 0
    for piece in picture.text():
        waiting.append(piece)
        size += len(piece)
        if size > BLOCK:
            await reply.write("".join(waiting).encode())
            waiting, size = [], 0
            # A fast reader never makes a write wait: let others have their turn.
            await asyncio.sleep(0)
    await reply.write("".join(waiting).encode())


@serves("put_pool_xml_db_sync")
async def restore_dump(ctx: Context, request: Request, reply: Reply) -> None:
    """Check a database; unless it is a dry run, take it in the place of ours: the toolstack restarts with it.

    The original restarts the whole machine; here guests go on if the database knows them.
    """
    if request.content_length is None:
        raise HttpError(400, "Content-Length is missing")
    if request.content_length > LARGEST:
        raise HttpError(413, f"a database has no more than {LARGEST} bytes")
    await reply.start(200, {"Content-Type": "text/plain", "task-id": ctx.task})
    target = ctx.app.root.under(restore.RESTORE)
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_name(target.name + ".upload")
    try:
        await _receive(request, coming)
        # Millions of attributes: in a thread, so that others are served.
        found = await asyncio.to_thread(restore.load, coming)
    except BadDump as reason:
        raise internal_error(f"the database cannot be read: {reason}") from reason
    finally:
        with contextlib.suppress(FileNotFoundError):
            coming.unlink()
    try:
        restore.adopt(found, restore.this_machine(ctx.db, ctx.app.localhost, ctx.app.inventory))
    except BadDump as reason:
        raise internal_error(str(reason)) from reason
    if request.query.get("dry_run", "").lower() in ("true", "1", "yes"):
        return
    await asyncio.to_thread(restore.write, found, target)
    await restart_agent(ctx, ctx.app.localhost)


async def _receive(request: Request, path: Path) -> None:
    path.touch(mode=0o600)
    with path.open("wb") as file:
        while piece := await request.body.read():
            await asyncio.to_thread(file.write, piece)
