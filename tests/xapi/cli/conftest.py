"""A xapi in this process, and the real ``xe`` as a process of its own against it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.xapi import fixture
from xapi.server.context import App
from xapi.server.http import listen_unix

PATIENCE = 60.0
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a script sees: the exit code, and both streams in the order in which they were written."""

    code: int
    text: str

    @property
    def word(self) -> str:
        """The text of a command that succeeded, blanks at its ends not counted."""
        assert self.code == 0, self.text
        return self.text.strip()


@dataclass
class House:
    """The server, and how to call it."""

    app: App
    port: int
    folder: Path

    async def start(self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "xe", *arguments,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(REPOSITORY),
                 "XAPI_ROOT": str(self.folder)},
            stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def xe(self, *arguments: str, stdin: bytes | None = None) -> Outcome:
        process = await self.start(*arguments, stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE)
        return await ended(process, stdin)

    async def over_tcp(self, *arguments: str, password: str = fixture.PASSWORD) -> Outcome:
        return await self.xe(*arguments, "-s", "localhost", "-p", str(self.port), "--nossl", "-u", "root", "-pw", password)


async def ended(process: asyncio.subprocess.Process, stdin: bytes | None = None) -> Outcome:
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate(stdin)
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode())


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    app = fixture.make(tmp_path)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listen_unix(app, app.root.xapi_socket))
        port = await stack.enter_async_context(fixture.serving(app))
        yield House(app, port, tmp_path)


Wait = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until(house: House) -> Wait:
    """Waits until something holds; it is asked again at every change of the database."""

    async def wait(condition: Callable[[], bool]) -> None:
        changed = asyncio.Event()
        house.app.db.listen(lambda table, ref: changed.set())
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await changed.wait()
                changed.clear()

    return wait
