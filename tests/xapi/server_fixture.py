"""A xapi in memory: store, sessions, tasks and events, without daemons; and its doors, on sockets of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from idl.config import Config
from idl.paths import Root
from xapi import classes, dbsync
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.server.context import App, Services, internal_context
from xapi.server.events import Events
from xapi.server.http import Door, listen_unix
from xapi.server.sessions import Sessions
from xapi.server.tasks import Tasks
from xapi.server.watch import Watch

PASSWORD = "correct horse"


def make_app(folder: Path) -> App:
    """An app with records of pool, host and control domain, whose root password is PASSWORD."""
    classes.load()
    password = folder / "root-password"
    password.write_text(PASSWORD)
    config = Config({"root-password-file": str(password), "login-failure-delay": "0"})
    app = App(Root(folder), config, Store(from_model()), cast(Services, None))
    app.watch = Watch(app.db)
    app.sessions = Sessions(app)
    app.tasks = Tasks(app)
    app.events = Events(app)
    app.inventory = {
        "INSTALLATION_UUID": "11111111-2222-3333-4444-555555555555",
        "CONTROL_DOMAIN_UUID": "66666666-7777-8888-9999-000000000000",
    }
    dbsync.know_this_host(internal_context(app, "test"))
    return app


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[int]:
    """Serves on the folder's Unix socket and on a free TCP port, which is given; ends what runs at the end."""
    loop = asyncio.get_running_loop()
    async with listen_unix(app, app.root.xapi_socket):
        server = await loop.create_server(lambda: Door(app, local_root=False), "127.0.0.1", 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for job in list(app.jobs):
                job.cancel()
            await asyncio.gather(*app.jobs, return_exceptions=True)
