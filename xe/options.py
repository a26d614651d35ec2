"""From arguments, environment and ``~/.xe`` to one `Invocation`: which server, as whom, and what to send.

Pure: files are read through the function passed in. Connection options may stand anywhere among the arguments, as
switches or as ``name=value``; they are taken out, and everything else is passed on untouched and in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from xe.errors import ClientError

DEFAULT_SERVER: Final = "127.0.0.1"
DEFAULT_USERNAME: Final = "root"
DEFAULT_PASSWORD: Final = "null"

_SWITCHES: Final = {
    "-s": "server",
    "-h": "server",
    "-p": "port",
    "-u": "username",
    "-pw": "password",
    "-pwf": "passwordfile",
    "--traceparent": "traceparent",
}
_FLAGS: Final = {"--nossl": "nossl", "--debug": "debug", "--debug-on-fail": "debugonfail"}
_NAMES: Final = frozenset(_SWITCHES.values()) | frozenset(_FLAGS.values())


class Information(Enum):
    """What is answered without a server."""

    USAGE = "usage"
    VERSION = "version"


_INFORMATION: Final = {
    "-help": Information.USAGE,
    "--help": Information.USAGE,
    "-version": Information.VERSION,
}


class DebugOutput(Enum):
    NEVER = "never"
    ALWAYS = "always"
    ON_FAILURE = "on failure"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the client. `arguments` is what the server gets, credentials not included."""

    arguments: tuple[str, ...]
    server: str = DEFAULT_SERVER
    port: int | None = None
    username: str = DEFAULT_USERNAME
    password: str | None = None
    tls: bool = True
    debug: DebugOutput = DebugOutput.NEVER
    traceparent: str | None = None
    root: str | None = None
    """The root directory of a host that lives in a folder (XAPI_ROOT)."""
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_local(self) -> bool:
        """Only the literal default means this machine; even ``localhost`` is a server like any other."""
        return self.server == DEFAULT_SERVER


ReadFile = Callable[[str], str]
"""The text of a file; raises OSError."""


def parse(argv: Sequence[str], environ: Mapping[str, str], read_file: ReadFile) -> Invocation | Information:
    """What the user wants. `argv` is without the program's name. Raises ClientError."""
    own = _Collected()
    for argument in argv:
        if argument in _INFORMATION:
            return _INFORMATION[argument]
    own.take(argv, read_file)
    extra = _Collected()
    extra.take(split_extra(environ.get("XE_EXTRA_ARGS", "")), read_file)
    rc, warnings = _rc_arguments(environ, read_file)
    home = _Collected()
    home.take(rc, read_file)
    arguments = (*own.rest, *extra.rest, *home.rest)
    if not arguments:
        return Information.USAGE
    for argument in arguments:
        _require_one_line(argument, argument)
    values = home.values | extra.values
    if "TRACEPARENT" in environ:
        values["traceparent"] = environ["TRACEPARENT"]
    values |= own.values
    for name in ("username", "password"):
        _require_one_line(values.get(name, ""), name)
    return _finish(arguments, values, environ.get("XAPI_ROOT"), warnings)


def _require_one_line(text: str, called: str) -> None:
    """The protocol separates arguments by line breaks: the rest of a value would become a parameter of its own."""
    if "\n" in text:
        shown = called.replace("\n", "\\n")
        raise ClientError(f"Error: xe cannot send line breaks: {shown}")


class _Collected:
    """One source of arguments, sorted into connection values and the rest."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.rest: list[str] = []

    def take(self, arguments: Sequence[str], read_file: ReadFile) -> None:
        pending = list(arguments)
        while pending:
            argument = pending.pop(0)
            name, equals, value = argument.partition("=")
            if argument in _FLAGS:
                self.values[_FLAGS[argument]] = "true"
            elif argument in _SWITCHES and pending:
                self._set(_SWITCHES[argument], pending.pop(0), read_file)
            elif equals and name in _NAMES:
                self._set(name, value, read_file)
            else:
                self.rest.append(argument)

    def _set(self, name: str, value: str, read_file: ReadFile) -> None:
        if name == "passwordfile":
            self.values["username"], self.values["password"] = _credentials(value, read_file)
        else:
            self.values[name] = value


def _credentials(path: str, read_file: ReadFile) -> tuple[str, str]:
    try:
        lines = read_file(path).split("\n")
    except OSError as error:
        raise ClientError(f"Error: password file {path}: {error.strerror}") from error
    if len(lines) < 2:
        raise ClientError(f"Error: password file {path}: expected the user name on line 1 and the password on line 2")
    return lines[0].removesuffix("\r"), lines[1].removesuffix("\r")


def split_extra(text: str) -> list[str]:
    """The arguments in XE_EXTRA_ARGS: separated by commas, ``\\,`` is a comma, every other backslash is dropped."""
    items = [""]
    escaped = False
    for character in text:
        if character == "\\":
            escaped = True
            continue
        if character == "," and not escaped:
            items.append("")
        else:
            items[-1] += character
        escaped = False
    return [item for item in items if item]


def _rc_arguments(environ: Mapping[str, str], read_file: ReadFile) -> tuple[list[str], tuple[str, ...]]:
    """The lines of ``~/.xe``; the whole file is ignored, with a warning, if one of them is not ``name=value``."""
    home = environ.get("HOME")
    if not home:
        return [], ()
    path = f"{home}/.xe"
    try:
        lines = [line.strip() for line in read_file(path).splitlines()]
    except OSError:
        return [], ()
    lines = [line for line in lines if line]
    bad = [line for line in lines if "=" not in line]
    if bad:
        return [], (f"Warning: ignoring {path}: the line '{bad[0]}' is not of the form name=value",)
    return lines, ()


def _finish(arguments: tuple[str, ...], values: Mapping[str, str], root: str | None, warnings: tuple[str, ...]) -> Invocation:
    return Invocation(
        arguments=arguments,
        server=values.get("server", DEFAULT_SERVER),
        port=_port(values["port"]) if "port" in values else None,
        username=values.get("username", DEFAULT_USERNAME),
        password=values.get("password"),
        tls=not _exact_bool("nossl", values.get("nossl", "false")),
        debug=_debug(values),
        traceparent=values.get("traceparent") or None,
        root=root or None,
        warnings=warnings,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise ClientError(f"Error: port number '{text}' is not between 0 and 65535", usage=True)


def _exact_bool(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ClientError(f"Error: {name} must be true or false, not '{text}'", usage=True)
    return text == "true"


def _debug(values: Mapping[str, str]) -> DebugOutput:
    if values.get("debug") == "true":
        return DebugOutput.ALWAYS
    if values.get("debugonfail") == "true":
        return DebugOutput.ON_FAILURE
    return DebugOutput.NEVER
