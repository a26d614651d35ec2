"""``/export_raw_vdi`` and ``/import_raw_vdi``: whole images over HTTP."""

import contextlib
from collections.abc import AsyncIterator

from idl.rpc import RpcError
from xapi import errors
from xapi.classes import vdi as images
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request
from xapi.transfer.bodies import UNKNOWN_LENGTH, Format, Source, chunked, open_ended, plain, vhd
from xapi.transfer.images import read_image, write_image

GIB = 1 << 30
LARGEST_VHD = 2040 * GIB
_TYPES = {
    Format.RAW: ("application/octet-stream", "raw"),
    Format.VHD: ("application/vhd", "vhd"),
    Format.QCOW2: ("application/x-qemu-disk", "qcow2"),
}


def find(ctx: Context, cls: str, name: str) -> str:
    """Return the row that a ref or a uuid names. :raises RowMissing, UuidMissing: there is none."""
    return name if ctx.db.exists(cls, name) else ctx.db.by_uuid(cls, name)


def _format(request: Request) -> Format:
    text = request.parameter("format") or Format.RAW
    try:
        return Format(text)
    except ValueError:
        raise HttpError(404, f"Unknown format {text}") from None


def _refused(ctx: Context, status: int, reason: XenAPIError) -> HttpError:
    """Fail the task with a XenAPI error and answer with an HTTP status."""
    if ctx.has_task:
        ctx.app.tasks.fail(ctx.task, reason)
    return HttpError(status, str(reason))


@serves("get_export_raw_vdi")
async def export_raw_vdi(ctx: Context, request: Request, reply: Reply) -> str | None:
    """Query: ``vdi`` (ref or uuid), ``format``, ``base`` (an older image to make a delta against)."""
    form = _format(request)
    name = request.parameter("vdi")
    if not name:
        raise _refused(ctx, 400, XenAPIError("VDI_MISSING", ["", ""]))
    vdi = find(ctx, "VDI", name)
    size = ctx.db.get("VDI", vdi, "virtual_size")
    if form is Format.VHD and size > LARGEST_VHD:
        raise errors.error("VDI_TOO_LARGE", vdi, LARGEST_VHD)
    older = request.parameter("base")
    base = ctx.db.get("VDI", find(ctx, "VDI", older), "location") if older else ""
    content_type, extension = _TYPES[form]
    headers = {
        "task-id": ctx.task,
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{ctx.db.get("VDI", vdi, "uuid")}.{extension}"',
    }
    if form is Format.RAW:
        headers["Content-Length"] = str(size)
    async with images.hold_reading(ctx, vdi) as (sr, location), read_image(ctx, sr, location, form, base) as stream:
        # The first piece comes before the head: what cannot be read at all is then an error and not half an answer.
        piece = await stream.read()
        await reply.start(200, headers)
        sent = 0
        while piece:
            await reply.write(piece)
            sent += len(piece)
            ctx.progress(min(0.99, sent / size) if size else 0.99)
            piece = await stream.read()
    return None


@serves("put_import_raw_vdi")
async def import_raw_vdi(ctx: Context, request: Request, reply: Reply) -> str | None:
    """Query or cookie: ``vdi``, or ``sr_id``/``sr_uuid`` for a new image; ``format``; ``chunked`` (its presence counts).

    The task's result is the image. The answer's head comes before the body is read.
    """
    form = _format(request)
    name = request.parameter("vdi")
    if name:
        vdi = find(ctx, "VDI", name)
        await _receive(ctx, request, reply, vdi, form)
    else:
        async with _new_image(ctx, request, form) as vdi:
            await _receive(ctx, request, reply, vdi, form)
    return f"<value>{vdi}</value>"


@contextlib.asynccontextmanager
async def _new_image(ctx: Context, request: Request, form: Format) -> AsyncIterator[str]:
    """Make an image as large as the body; it is destroyed if the block fails."""
    ref, identity = request.parameter("sr_id"), request.parameter("sr_uuid")
    if not ref and not identity:
        raise _refused(ctx, 400, XenAPIError("VDI_MISSING", ["", ""]))
    sr = find(ctx, "SR", ref or identity or NULL_REF)
    size = request.content_length
    if form is not Format.RAW or size is None or request.parameter("chunked") is not None:
        raise _refused(
            ctx, 400, errors.internal_error("only raw content of known length can become a new VDI: make the VDI first")
        )
    vdi = await images.create(ctx, {"SR": sr, "virtual_size": size, "name_label": "Imported VDI", "type": "user"})
    try:
        yield vdi
    except BaseException:
        await images.destroy(ctx, vdi)
        raise


async def _receive(ctx: Context, request: Request, reply: Reply, vdi: str, form: Format) -> None:
    body = _body(ctx, request, vdi, form)
    async with _no_room(), images.hold_writing(ctx, vdi) as (sr, location), write_image(ctx, sr, location, form) as stream:
        if request.headers.get("expect", "").lower() == "100-continue":
            await reply.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reply.start(200, {"task-id": ctx.task, "Content-Type": "text/plain"})
        expected = request.content_length or ctx.db.get("VDI", vdi, "virtual_size") or 1
        received = 0
        async for piece in body:
            await stream.write(piece)
            received += len(piece)
            ctx.progress(min(0.99, received / expected))
        await stream.finish()
        await images.content_replaced(ctx, vdi)


@contextlib.asynccontextmanager
async def _no_room() -> AsyncIterator[None]:
    """Storage that fills up under an upload is, to who sends it, a device that fails."""
    try:
        yield
    except RpcError as reason:
        if reason.name != "Backend_error" or reason.params[0] != "SR_BACKEND_FAILURE_44":
            raise
        raise XenAPIError("VDI_IO_ERROR", ["Device I/O errors", *map(str, reason.params[1])]) from reason


def _body(ctx: Context, request: Request, vdi: str, form: Format) -> AsyncIterator[bytes]:
    """Return what is to be written, by format and by what the client said of its length."""
    source: Source = request.body
    if form is Format.VHD:
        return vhd(source)
    if form is Format.QCOW2:
        return plain(source)
    if request.parameter("chunked") is not None:
        return chunked(source)
    size, length = ctx.db.get("VDI", vdi, "virtual_size"), request.content_length
    if length is not None and length >= UNKNOWN_LENGTH:
        return open_ended(source, size)
    if length is not None and length > size:
        raise errors.error("VDI_TOO_SMALL", vdi, length)
    return plain(source)
