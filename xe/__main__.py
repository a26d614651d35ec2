"""Arguments in, exit code out: ``xe <command> [parameters]``, or ``python -m xe``."""

import os
import sys
from collections.abc import Sequence

from idl import cli
from xe import connection, options, usage
from xe.errors import ClientError
from xe.files import NamedFiles
from xe.session import Session


class DebugText:
    """Debug text as the user wants it: now, never, or when the command has failed."""

    def __init__(self, wanted: options.DebugOutput) -> None:
        self._wanted = wanted
        self._kept: list[str] = []

    def __call__(self, text: str) -> None:
        if self._wanted is options.DebugOutput.ALWAYS:
            print(text, file=sys.stderr)
        elif self._wanted is options.DebugOutput.ON_FAILURE:
            self._kept.append(text)

    def ended(self, code: int) -> None:
        if code:
            for text in self._kept:
                print(text, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return 1
    except ClientError as error:
        print(error.message, file=sys.stderr)
        if error.usage:
            print(usage.USAGE, end="", file=sys.stderr)
        return 1
    except cli.ProtocolError as error:
        print(f"Unhandled exception\n{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(argv: Sequence[str]) -> int:
    invocation = options.parse(argv, os.environ, _read_text)
    if invocation is options.Information.USAGE:
        print(usage.USAGE, end="", file=sys.stderr)
        return 0
    if isinstance(invocation, options.Information):
        print(usage.VERSION)
        return 0
    for warning in invocation.warnings:
        print(warning, file=sys.stderr)
    return run(invocation)


def run(invocation: options.Invocation) -> int:
    """Sends the command and obeys the server to the end. Raises ClientError, cli.ProtocolError."""
    log = DebugText(invocation.debug)
    code = 1
    try:
        code = _converse(invocation, log)
    finally:
        log.ended(code)
    return code


def _converse(invocation: options.Invocation, log: DebugText) -> int:
    credentials = (f"username={invocation.username}", f"password={_password(invocation)}")
    request = cli.request(
        (*invocation.arguments, *credentials),
        traceparent=invocation.traceparent,
        baggage=os.environ.get("BAGGAGE"),
        terminal=_terminal(),
    )
    where = connection.target(invocation)
    log(f"connecting to {where}")
    directory = os.getcwd()  # noqa: PTH109  (pathlib costs start-up time)
    with connection.connect(where) as stream:
        channel = connection.Channel(stream, request)
        log(f"connected; the server speaks {channel.version.major}.{channel.version.minor}")
        return Session(channel, where, NamedFiles(invocation.arguments, directory), log).run()


def _terminal() -> list[cli.Terminal]:
    """What a person who reads along can be shown; scripts get the original's bytes."""
    shows = []
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb":
        shows.append(cli.Terminal.COLOUR)
    if sys.stderr.isatty():
        shows.append(cli.Terminal.HINTS)
    return shows


def _password(invocation: options.Invocation) -> str:
    """The password given, else asked for where someone can answer; the local socket needs none."""
    if invocation.password is not None:
        return invocation.password
    if invocation.is_local or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return options.DEFAULT_PASSWORD
    from getpass import getpass

    return getpass(f"Password for {invocation.username}@{invocation.server}: ")


def _read_text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
