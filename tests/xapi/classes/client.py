"""A local superuser's calls of a xapi in memory, through the real dispatch; a refusal is its ErrorDescription."""

from pathlib import Path
from typing import Any

from tests.xapi.fixture import make
from xapi.errors import XenAPIError
from xapi.server.context import App, Context, Origin, internal_context
from xapi.server.dispatch import call_as


class Client:
    """``await client("VM.start", vm, …)``: the native result, or the error as a list."""

    def __init__(self, root: Path, app: App | None = None) -> None:
        self.app = app or make(root)
        self.db = self.app.db
        self.host = self.app.localhost
        self.pool = self.db.refs("pool")[0]
        self.root = self.app.root
        self.ctx: Context = internal_context(self.app, "test")
        self.ctx.session = self.app.sessions.create(Origin(local_root=True), superuser=True)

    async def __call__(self, name: str, *params: Any) -> Any:
        try:
            return await call_as(self.ctx, name, *params)
        except XenAPIError as reason:
            return reason.description

    def vm(self, **fields: Any) -> str:
        return self.db.create("VM", power_state="Halted", **fields)
