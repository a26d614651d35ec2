"""Why a command ends without doing its work. API errors are `xapi.errors.XenAPIError`; these are the CLI's own."""

from collections.abc import Collection
from typing import Final

USAGE_HINT: Final = "For usage run: 'xe help'"


class CommandFailure(Exception):
    """Wrong use found by a command, or a value that does not parse: printed as ``Error: <text>``."""


class UsageFailure(Exception):
    """Found before anything was done: printed as it is, followed by the usage hint."""


class SyntaxFailure(UsageFailure):
    """The arguments cannot be read at all. The original prints no reason; scripts match the bare text."""

    def __init__(self) -> None:
        super().__init__("Syntax error: ")


class Misspelt(Exception):
    """A word that is not known where only certain ones are: people are told which was probably meant."""

    word: str
    known: Collection[str]
    question = "Did you mean '{}'?"


class UnknownCommand(UsageFailure, Misspelt):
    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        super().__init__(f"Unknown command: {name}")
        self.word, self.known = name, known


class MissingParameter(UsageFailure, Misspelt):
    """`given` are the parameters that there are: one of them may be the missing one, misspelt."""

    question = "Did you mean it by '{}'?"

    def __init__(self, name: str, given: Collection[str] = ()) -> None:
        super().__init__(f"Required parameter not found: {name}")
        self.word, self.known = name, given


class UnknownFilter(CommandFailure, Misspelt):
    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(f"Unknown field '{name}'")
        self.word, self.known = name, known


class UnknownField(Misspelt):
    """A param-name that the record does not have: an error frame with the code ``Missing parameter``."""

    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.word, self.known = name, known


class LoginRefused(UsageFailure):
    def __init__(self, user: str) -> None:
        super().__init__("Authentication failed" if user else "Username/password must be specified")
