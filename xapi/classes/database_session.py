"""Sessions that read a copy of a pool's database instead of the pool's own: a dump in a file."""

import asyncio
from pathlib import Path

from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.database.xml_form import BadDump, read
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements

LARGEST = 512 << 20


def _load(path: Path) -> Store:
    """:raises BadDump: the file holds no database. :raises OSError: it cannot be read."""
    if path.stat().st_size > LARGEST:
        raise BadDump(f"larger than {LARGEST} bytes")
    store = Store(from_model())
    with path.open("rb") as file:
        _, rows = read(file, store.schema)
    store.replace(rows)
    return store


@implements("session.create_from_db_file")
async def create_from_db_file(ctx: Context, filename: str) -> str:
    """XenAPI: session.create_from_db_file. :raises XenAPIError: COULD_NOT_IMPORT_DATABASE [reason]."""
    path = Path(filename)
    if not path.is_absolute():
        raise error("COULD_NOT_IMPORT_DATABASE", "the path must be absolute")
    try:
        store = await asyncio.to_thread(_load, path)
    except OSError as reason:
        raise error("COULD_NOT_IMPORT_DATABASE", reason.strerror or str(reason)) from None
    except BadDump as reason:
        raise error("COULD_NOT_IMPORT_DATABASE", reason) from None
    return ctx.app.sessions.create_on(store, ctx.origin, ctx.session)
