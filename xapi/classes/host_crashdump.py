"""XenAPI class host_crashdump: what is left of a host's own crashes, a directory each under ``/var/crash``."""

import asyncio
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from xapi import errors
from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.server.context import Context, wire_date
from xapi.server.registry import implements

DIRECTORY = "/var/crash"
TIMEOUT = 3600.0
_NAME = re.compile(r"\d{8}-?\d{6}(-\S+)?", re.ASCII)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


def _when(name: str) -> str:
    """Return the date that a dump's directory is named by (``YYYYMMDD-hhmmss-…``, the host's time taken as UTC)."""
    digits = name.replace("-", "", 1)[:14]
    try:
        return wire_date(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return wire_date(0)


async def sync(ctx: Context) -> None:
    """Bring this host's records in line with its directory."""
    directory, host, db = ctx.app.root.under(DIRECTORY), ctx.app.localhost, ctx.db
    there = (
        {path.name: path for path in directory.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)}
        if directory.is_dir()
        else {}
    )
    for ref in list(db.get("host", host, "crashdumps")):
        if db.get("host_crashdump", ref, "filename") in there:
            del there[db.get("host_crashdump", ref, "filename")]
        else:
            db.destroy("host_crashdump", ref)
    for name, path in there.items():
        size = await asyncio.to_thread(_size, path)
        db.create("host_crashdump", host=host, filename=name, timestamp=_when(name), size=size)


def _path(ctx: Context, ref: str) -> Path:
    row = ctx.db.row("host_crashdump", ref).values
    assert_here(ctx, row["host"])
    if not _NAME.fullmatch(row["filename"]) or "/" in row["filename"]:
        raise errors.internal_error(f"{row['filename']!r} is no crash dump's directory")
    return ctx.app.root.under(DIRECTORY) / str(row["filename"])


@implements("host_crashdump.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: host_crashdump.destroy."""
    await asyncio.to_thread(shutil.rmtree, _path(ctx, self), ignore_errors=True)
    ctx.db.destroy("host_crashdump", self)


@implements("host_crashdump.upload")
async def upload(ctx: Context, self: str, url: str, options: dict[str, str]) -> None:
    """XenAPI: host_crashdump.upload: a ``.tar.gz`` is PUT at *url*; option ``http_proxy`` names a proxy.

    :raises XenAPIError: INVALID_VALUE for what is no URL, INTERNAL_ERROR if it does not get there.
    """
    if not re.fullmatch(r"(https?|ftp)://[^\s]+", url):
        raise errors.invalid_value("url", url)
    path = _path(ctx, self)
    proxy = ["--proxy", options["http_proxy"]] if options.get("http_proxy") else []
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory) / f"{path.name}.tar.gz"
        await checked("tar", "-czf", str(archive), "-C", str(path.parent), path.name, timeout=TIMEOUT)
        await checked(
            "curl", "--fail", "--silent", "--show-error", *proxy, "--upload-file", str(archive), "--", url, timeout=TIMEOUT
        )
