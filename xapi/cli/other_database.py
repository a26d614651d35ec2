"""Reading from another database than the pool's: ``database:vdi-uuid=`` and ``database:filename=``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from xapi.cli.api import Objects
from xapi.cli.command import Context
from xapi.cli.failures import CommandFailure

PREFIX: Final = "database:"
OF_A_DISK: Final = "database:vdi-uuid"
OF_A_FILE: Final = "database:filename"


@asynccontextmanager
async def opened(ctx: Context) -> AsyncIterator[Context]:
    """The same run against the database that the command line names, or against the pool's if it names none.

    Raises CommandFailure if it names two, XenAPIError if it cannot be opened.
    """
    session = await _session(ctx)
    if session is None:
        yield ctx
        return
    other = ctx.api.under(session)
    try:
        yield replace(ctx, api=other, objects=Objects(other))
    finally:
        await other.call("session.logout")


async def _session(ctx: Context) -> str | None:
    """A session in the other database."""
    vdi, filename = ctx.arguments.get(OF_A_DISK), ctx.arguments.get(OF_A_FILE)
    if vdi is not None and filename is not None:
        raise CommandFailure(f"Give either {OF_A_DISK}= or {OF_A_FILE}=")
    if vdi is not None:
        of_disk: str = await ctx.api.call("VDI.open_database", await ctx.api.call("VDI.get_by_uuid", vdi))
        return of_disk
    if filename is not None:
        of_file: str = await ctx.api.call("session.create_from_db_file", filename)
        return of_file
    return None
