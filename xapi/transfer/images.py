"""Streams between this process and the storage service: an image's content comes and goes through a Unix socket."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

from idl.paths import short_path
from xapi.server.context import Context

BLOCK = 1 << 20
_DIRECTORY = "/var/run/xapi-transfer"

_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def _rendezvous(ctx: Context) -> AsyncIterator[tuple[Path, "asyncio.Future[_Pair]"]]:
    """Listen on a socket of its own for one connection; gives its path and who connected."""
    path = ctx.app.root.under(_DIRECTORY) / str(uuid.uuid4())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connected: asyncio.Future[_Pair] = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connected.done():
            writer.close()
        else:
            connected.set_result((reader, writer))

    with short_path(path) as name:
        server = await asyncio.start_unix_server(accept, name, limit=BLOCK)
    try:
        yield path, connected
    finally:
        server.close()
        path.unlink(missing_ok=True)
        if connected.done():
            connected.result()[1].transport.abort()
        else:
            connected.cancel()


@contextlib.asynccontextmanager
async def _job(work: Awaitable[None], connected: "asyncio.Future[_Pair]") -> AsyncIterator[tuple[_Pair, "asyncio.Future[None]"]]:
    """Run the storage's side; gives the streams once it has connected. Its error is raised if it fails before."""
    job = asyncio.ensure_future(work)
    try:
        await asyncio.wait((job, connected), return_when=asyncio.FIRST_COMPLETED)
        if not connected.done():
            job.result()
            raise ConnectionError("the storage service finished without connecting")
        yield connected.result(), job
    finally:
        if not job.done():
            job.cancel()
            await asyncio.wait((job,))
        elif not job.cancelled():
            job.exception()  # seen: a reader that stopped early does not care


class ImageReader:
    """An image's content as it is read."""

    def __init__(self, reader: asyncio.StreamReader, job: "asyncio.Future[None]") -> None:
        self._reader = reader
        self._job = job

    async def read(self, limit: int = BLOCK) -> bytes:
        """Return up to *limit* bytes, ``b""`` at the end; the storage's error if it broke off."""
        data = await self._reader.read(limit)
        if not data:
            await self._job
        return data


class ImageWriter:
    """An image's new content as it is written."""

    def __init__(self, streams: _Pair, job: "asyncio.Future[None]") -> None:
        self._reader, self._writer = streams
        self._job = job

    async def write(self, data: bytes) -> None:
        """Write with back-pressure; the storage's error if it gave up."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            await self._job
            raise

    async def finish(self) -> None:
        """Say that this was all, and return when the storage has it."""
        with contextlib.suppress(ConnectionError, OSError):  # it gave up: the job says why
            self._writer.write_eof()
        await self._job


@contextlib.asynccontextmanager
async def read_image(ctx: Context, sr: str, location: str, form: str, base: str = "") -> AsyncIterator[ImageReader]:
    """Read the image at (SR uuid, *location*) as ``raw``, ``qcow2`` or ``vhd``; *base*: location to make a delta against."""
    async with _rendezvous(ctx) as (path, connected):
        work = ctx.services.storage.vdi_export(ctx.dbg, sr, location, form, base, str(path))
        async with _job(work, connected) as ((reader, _), job):
            yield ImageReader(reader, job)


@contextlib.asynccontextmanager
async def write_image(ctx: Context, sr: str, location: str, form: str) -> AsyncIterator[ImageWriter]:
    """Replace an image's content; what was written counts once :meth:`ImageWriter.finish` has returned."""
    async with _rendezvous(ctx) as (path, connected):
        work = ctx.services.storage.vdi_import(ctx.dbg, sr, location, form, str(path))
        async with _job(work, connected) as (streams, job):
            yield ImageWriter(streams, job)


async def copy_content(ctx: Context, source: tuple[str, str], destination: tuple[str, str]) -> None:
    """Write one image's content over another's; places are (SR uuid, location)."""
    async with read_image(ctx, *source, "raw") as reader, write_image(ctx, *destination, "raw") as writer:
        while data := await reader.read():
            await writer.write(data)
        await writer.finish()
