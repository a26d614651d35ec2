"""A xapi without other daemons on a database that stays: ``python -m tests.xapi.database.kill_server ROOT``, to be killed.

Serves its local root socket; says so on its standard output.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from tests.xapi.fixture import make
from xapi.classes.templates import create_default_templates
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.server.context import Services, internal_context
from xapi.server.http import listen_unix

DATABASE = "state.sqlite"


class Nobody:
    """A daemon that has nothing to say."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def answer(*params: Any, **named: Any) -> None:
            pass

        return answer


async def main(root: Path) -> None:
    journal = Journal(root / DATABASE)
    store = Store(from_model(), journal, durable_tables=["task"])
    journal.start()
    app = make(root, store)
    nobody: Any = Nobody()
    app.services = Services(nobody, nobody, nobody, nobody)
    create_default_templates(internal_context(app, "templates"))
    await store.durable()
    async with listen_unix(app, app.root.xapi_socket):
        print("serving", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
