"""``/audit_log``: who did what, as the host's audit log files say."""

import asyncio
import gzip
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request

OLDEST = 100
_BATCH = 1000
_DATE = re.compile(r"\d{8}T\d\d:\d\d:\d\d")


def _files(log: Path) -> Iterator[Path]:
    """Yield the rotated files, oldest first, then the current one."""
    for number in range(OLDEST, -1, -1):
        yield log.with_name(f"{log.name}.{number}.gz")
        yield log.with_name(f"{log.name}.{number}")
    yield log


def _stamp(line: bytes) -> str:
    """Return a line's time as ``YYYYMMDDThh:mm:ss``, or nothing."""
    text = line[:64].decode("latin-1").replace("-", "")
    found = _DATE.search(text)
    return found.group() if found else ""


def lines_since(log: Path, since: str) -> Iterator[bytes]:
    """Yield the lines whose time is *since* or later; what has no time goes with the line before it."""
    wanted = not since
    for path in _files(log):
        if not path.is_file():
            continue
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                stamp = _stamp(line)
                if since and stamp:
                    wanted = stamp >= since
                if wanted:
                    yield line


@serves("get_audit_log")
async def get_audit_log(ctx: Context, request: Request, reply: Reply) -> str | None:
    since = request.query.get("since", "").replace("-", "")
    found = _DATE.match(since)
    if since and not found:
        raise HttpError(400, "since is not a date (YYYYMMDDThh:mm:ssZ)")
    lines = lines_since(ctx.app.root.under("/var/log/audit.log"), found.group() if found else "")
    await reply.start(200, {"Content-Type": "text/plain", "task-id": ctx.task})
    while batch := await asyncio.to_thread(_take, lines):
        await reply.write(batch)
    return None


def _take(lines: Iterator[bytes]) -> bytes:
    return b"".join(islice(lines, _BATCH))
