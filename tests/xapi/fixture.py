"""A xapi in memory for tests: its store, a host and a pool, and a door on a port or socket of the test's own."""

import asyncio
import xmlrpc.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from idl.config import Config
from idl.daemon import Daemon
from idl.paths import Root
from xapi import dbsync, loading
from xapi.classes.allowed_operations import Keeper
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.server.context import App, internal_context
from xapi.server.http import Door
from xapi.startup import make_app

PASSWORD = "correct horse"
HOST_UUID = "11111111-2222-3333-4444-555555555555"
DOM0_UUID = "66666666-7777-8888-9999-000000000000"


def make(root: Path, store: Store | None = None) -> App:
    """Return an app with pool, host and dom0 records; its daemons are not there."""
    loading.load()
    place = Root(root)
    place.inventory.parent.mkdir(parents=True, exist_ok=True)
    place.inventory.write_text(f"INSTALLATION_UUID='{HOST_UUID}'\nCONTROL_DOMAIN_UUID='{DOM0_UUID}'\n")
    place.pool_secret.parent.mkdir(parents=True, exist_ok=True)
    place.pool_secret.write_text("secret")
    password = root / "root-password"
    password.write_text(PASSWORD)
    config = Config({"root-password-file": str(password), "login-failure-delay": "0"})
    app = make_app(Daemon("xapi", place, config), store or Store(from_model()))
    Keeper(app.db)
    dbsync.know_this_host(internal_context(app, "test"))
    return app


class Wire:
    """A raw connection to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> tuple[bytes, bytes]:
        """Return (head, body) of the next reply with a Content-Length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return head, await self.reader.readexactly(length)

    async def post(self, body: bytes, path: str = "/", more: str = "") -> bytes:
        """POST *body* and return the reply's body."""
        await self.send(f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
        return (await self.reply())[1]

    async def rest(self) -> bytes:
        return await self.reader.read()


@asynccontextmanager
async def serving(app: App, local_root: bool = False) -> AsyncIterator[int]:
    """Serve *app* on a free loopback port (as if it were the local root socket, if asked) and give the port."""
    server = await asyncio.get_running_loop().create_server(lambda: Door(app, local_root), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for job in list(app.jobs):
            job.cancel()
        await asyncio.gather(*app.jobs, return_exceptions=True)


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def xml_call(name: str, *params: Any) -> bytes:
    """Return the body of an XML-RPC call, as the standard library writes it."""
    return xmlrpc.client.dumps(params, name).encode()
