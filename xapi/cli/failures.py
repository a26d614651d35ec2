"""Why a command ends without doing its work. API errors are `xapi.errors.XenAPIError`; these are the CLI's own."""

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


class UnknownCommand(UsageFailure):
    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown command: {name}")


class MissingParameter(UsageFailure):
    def __init__(self, name: str) -> None:
        super().__init__(f"Required parameter not found: {name}")


class UnknownField(Exception):
    """A param-name that the record does not have: an error frame with the code ``Missing parameter``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class LoginRefused(UsageFailure):
    def __init__(self, user: str) -> None:
        super().__init__("Authentication failed" if user else "Username/password must be specified")
