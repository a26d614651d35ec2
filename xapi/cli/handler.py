"""``POST /cli``: from a client's connection to a command's exit code.

Reads the arguments, shakes hands, looks the command up, logs in, runs it, tells what went wrong. Nothing here knows a
command or a class.
"""

import contextlib
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

from idl import cli
from xapi.cli import command_log, failure_report, forwarding, help_texts, progress_line, suggestions
from xapi.cli.api import Objects
from xapi.cli.arguments import Arguments, parse
from xapi.cli.audience import Audience, of_request
from xapi.cli.command import Command, CommandExit
from xapi.cli.command import Context as Run
from xapi.cli.commands import COMMANDS
from xapi.cli.connection import ClientGone, Connection
from xapi.cli.failures import CommandFailure, LoginRefused, Misspelt, UnknownCommand, UnknownField, UsageFailure
from xapi.cli.printing import Printer
from xapi.cli.selectors import SeveralFailed
from xapi.cli.values import require_text
from xapi.datamodel import MODEL, NULL_REF
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.dispatch import as_api_error, call_as, call_under, inside
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request

log = logging.getLogger(__name__)


@serves("post_cli")
async def serve(ctx: Context, request: Request, reply: Reply) -> None:
    """Runs one command. :raises HttpError: 400, 413 in place of the handshake."""
    if request.content_length is None:
        raise HttpError(400, "Content-Length is missing")
    asked = cli.parse_request(await request.body.read_all(cli.MAX_BODY))
    if forwarding.belongs_elsewhere(ctx, COMMANDS.get(asked.arguments[0] if asked.arguments else "")):
        return await forwarding.forward(ctx, asked, reply)
    audience = of_request(request.headers)
    connection = Connection(*await reply.take_over())
    ctx.name = "cli"
    try:
        async with connection.greeted():
            connection.say(cli.Exit(await _exit_code(ctx, asked, connection, audience)))
    except (cli.ProtocolError, TimeoutError) as error:
        raise ConnectionError(f"not a thin CLI client: {error}") from error


async def _exit_code(ctx: Context, asked: cli.Request, connection: Connection, audience: Audience) -> int:
    try:
        await _run(ctx, asked, connection, audience)
    except ClientGone:
        raise
    except CommandExit as end:
        return end.code
    except (XenAPIError, CommandFailure, UsageFailure, UnknownField, SeveralFailed) as failure:
        _tell(ctx, asked, connection, failure)
        if audience.hints and isinstance(failure, Misspelt):
            _hint(connection, failure)
        return 1
    except Exception as failure:  # the top of a request
        _tell(ctx, asked, connection, as_api_error(ctx, failure))
        return 1
    return 0


def _tell(ctx: Context, asked: cli.Request, connection: Connection, failure: Exception) -> None:
    for frame in failure_report.frames(failure, lambda param: _name_of(ctx, param)):
        connection.say(frame)
    if "--trace" in asked.arguments or "trace=true" in asked.arguments:
        lines = "".join(traceback.format_tb(failure.__traceback__))
        connection.say(cli.PrintStderr(f"Raised {failure}\nBacktrace:\n{lines}\n"))


def _hint(connection: Connection, failure: Misspelt) -> None:
    meant = suggestions.nearest(failure.word, failure.known)
    if meant is not None:
        connection.say(cli.PrintStderr(failure.question.format(meant) + "\n"))


def _name_of(ctx: Context, param: str) -> str:
    table = ctx.db.table_of(param)
    if table is None:
        return param
    record = ctx.db.record(table, param)
    return f"{record['uuid']} ({record['name_label']})" if "name_label" in record else str(record["uuid"])


async def _run(ctx: Context, asked: cli.Request, connection: Connection, audience: Audience) -> None:
    """Raises the failures of commands."""
    arguments = parse(asked.arguments)
    command_log.note(arguments)
    printer = Printer(connection.say, minimal=arguments.minimal, colour=audience.colour)
    if arguments.command == help_texts.NAME:
        help_texts.show(arguments, printer, COMMANDS)
    else:
        command = COMMANDS.get(arguments.command)
        if command is None:
            raise UnknownCommand(arguments.command, COMMANDS)
        for name in command.required:
            arguments.required(name)
        async with _logged_in(ctx, asked, arguments, command):
            api = _LocalApi(ctx, connection, shows_progress=audience.hints and not arguments.minimal)
            await command.run(Run(arguments, api, printer, connection, Objects(api), ctx.session, audience))
    printer.finish()


class _LocalApi:
    """Calls into this process, under the command's session."""

    def __init__(self, ctx: Context, connection: Connection, *, shows_progress: bool = False) -> None:
        self._ctx = ctx
        self._connection = connection
        self._shows_progress = shows_progress

    async def call(self, method: str, *params: object) -> Any:
        """A call outlives its client, but waiting for events does not: nobody is there to be told.

        Raises CommandFailure for bytes that are no text: names of the client's files may be such, values may not.
        """
        for param in params:
            require_text(param)
        inner = inside(self._ctx)
        answer = call_under(inner, self._ctx.session, method, *params)
        if method == "event.from":
            return await self._connection.unless_gone(answer)
        if not self._shows_progress:
            return await answer
        return await progress_line.shown(answer, lambda: _progress(inner), self._connection.say)

    def under(self, session: str) -> "_LocalApi":
        return _LocalApi(Context(self._ctx.app, self._ctx.origin, session, name=self._ctx.name), self._connection)


def _progress(call: Context) -> float:
    """How far a call is, between 0 and 1."""
    return float(call.db.get("task", call.task, "progress")) if call.has_task and call.db.exists("task", call.task) else 0.0


@contextlib.asynccontextmanager
async def _logged_in(ctx: Context, asked: cli.Request, arguments: Arguments, command: Command) -> AsyncIterator[None]:
    """A session for the block: the one that came with a forwarded command, else one that ends with it."""
    if asked.session is not None:
        ctx.app.sessions.check(asked.session)
        ctx.session = asked.session
        yield
        return
    ctx.session = await _login(ctx, arguments, local=command.local_session)
    try:
        yield
    finally:
        session, ctx.session = ctx.session, NULL_REF
        ctx.app.sessions.destroy(session)


async def _login(ctx: Context, arguments: Arguments, *, local: bool) -> str:
    user, password = arguments.text("username"), arguments.text("password")
    try:
        if local:
            session: str = await call_as(ctx, "session.slave_local_login_with_password", user, password)
        else:
            session = await call_as(ctx, "session.login_with_password", user, password, MODEL.api_version, "cli")
    except XenAPIError as error:
        if error.code == "SESSION_AUTHENTICATION_FAILED":
            raise LoginRefused(user) from error
        raise
    return session
