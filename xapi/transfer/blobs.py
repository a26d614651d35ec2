"""``/blob``: the content of blobs."""

import asyncio
import contextlib
import os
from pathlib import Path

from xapi.classes.blob import content
from xapi.errors import XenAPIError
from xapi.server.context import Context, now
from xapi.server.http_registry import serves
from xapi.server.http_types import BLOCK, HttpError, Reply, Request


def _find(ctx: Context, request: Request) -> str:
    ref, uuid = request.query.get("ref"), request.query.get("uuid")
    if not ref and not uuid:
        raise HttpError(400, "one of the parameters ref and uuid is needed")
    if ref and ctx.db.exists("blob", ref):
        return ref
    for found in ctx.db.where("blob", uuid=uuid) if uuid else ():
        return found
    raise HttpError(404, "there is no such blob")


def _assert_may_read(ctx: Context, request: Request, blob: str) -> None:
    if ctx.db.get("blob", blob, "public") or request.origin.local_root:
        return
    try:
        ctx.app.sessions.check(request.parameter("session_id") or "")
    except XenAPIError as reason:
        raise HttpError(401, "log in first", {"WWW-Authenticate": 'Basic realm="get_blob"'}) from reason


async def send_file(reply: Reply, path: Path, headers: dict[str, str]) -> None:
    """Answer with a file. :raises HttpError: 404."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as reason:
        raise HttpError(404, "there is no such file") from reason
    with file:
        await reply.start(200, {**headers, "Content-Length": str(os.fstat(file.fileno()).st_size)})
        while piece := await asyncio.to_thread(file.read, BLOCK):
            await reply.write(piece)


@serves("get_blob")
async def get_blob(ctx: Context, request: Request, reply: Reply) -> str | None:
    blob = _find(ctx, request)
    _assert_may_read(ctx, request, blob)
    row = ctx.db.row("blob", blob).values
    await send_file(reply, content(ctx.app.root, row["uuid"]), {"Content-Type": row["mime_type"]})
    return None


@serves("put_blob")
async def put_blob(ctx: Context, request: Request, reply: Reply) -> str | None:
    """The new content is there whole or not at all."""
    blob = _find(ctx, request)
    if request.content_length is None:
        raise HttpError(400, "Content-Length is missing")
    target = content(ctx.app.root, ctx.db.get("blob", blob, "uuid"))
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_name(f"{target.name}.tmp")
    await reply.start(200, {"task-id": ctx.task, "Content-Type": "text/plain"})
    size = 0
    try:
        with coming.open("wb") as file:
            while piece := await request.body.read():
                await asyncio.to_thread(file.write, piece)
                size += len(piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        coming.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has become the content
            coming.unlink()
    ctx.db.set("blob", blob, size=size, last_updated=now())
    return None
