"""What a command is: its name and parameters as data, and a function over the context of one run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from idl import cli
from xapi.cli.api import Api, Objects
from xapi.cli.arguments import Arguments
from xapi.cli.audience import NOBODY, Audience
from xapi.cli.failures import CommandFailure
from xapi.cli.printing import Printer


class Client(Protocol):
    """The other end: what a command may ask of it. Whoever serves the connection provides this."""

    async def ask(self) -> str:
        """A line typed by the user."""
        ...

    async def load(self, filename: str) -> bytes | None:
        """The content of a file that the user named; None if it cannot be read."""
        ...

    async def transfer(self, request: cli.HttpGet | cli.HttpPut | cli.HttpConnect) -> bool:
        """Has the client move a file or a console over a connection of its own; whether it managed to."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """One run of one command. `session` is the reference that transfers put into their URLs, `audience` who reads."""

    arguments: Arguments
    api: Api
    printer: Printer
    client: Client
    objects: Objects
    session: str
    audience: Audience = NOBODY


Run: TypeAlias = Callable[[Context], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table of commands. `optional` is only documentation: unknown parameters are not refused."""

    name: str
    run: Run
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    standard: bool = False
    hidden: bool = False
    selects: str = ""
    """``vm``, ``host`` or ``sr`` if the command works on what filters choose."""
    local_session: bool = False
    """Works with a login to this host only, so also where the pool's coordinator cannot be reached."""
    never_forward: bool = False
    """Runs on the host that was asked, not on the pool's coordinator."""


class CommandExit(Exception):
    """Ends a command with an exit code of its own and no further text."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def file_content(ctx: Context, filename: str) -> str:
    """The content of a file of the client. Raises CommandFailure."""
    content = await ctx.client.load(filename)
    if content is None:
        raise CommandFailure(f"File {filename} cannot be read")
    return cli.bytes_to_text(content)


async def confirmed(ctx: Context) -> bool:
    """Asks whether to go on, unless ``--force`` was given."""
    if ctx.arguments.flag("force"):
        return True
    ctx.printer.raw("Type 'yes' to continue")
    answer = await ctx.client.ask()
    if answer.strip().lower() == "yes":
        return True
    ctx.printer.raw(f"Aborted (you typed: '{answer}')")
    return False
