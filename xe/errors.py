"""Why the client gives up: each error is one message on standard error and exit code 1."""


class ClientError(Exception):
    """Ends the client. `usage` adds the usage text, for mistakes on the command line or a wrong port."""

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.usage = usage


class ConnectFailed(ClientError):
    """The operating system refused a connection."""

    def __init__(self, error: OSError, call: str = "connect", argument: str = "") -> None:
        super().__init__(f"Error: {error.strerror or error} (calling {call} {argument})")


class ConnectionLost(ClientError):
    """The server went away in the middle of a command."""

    def __init__(self) -> None:
        super().__init__("Lost connection to the server.")


class TransferFailed(Exception):
    """A file could not be read, created or moved; the server is told `Failed` and the client exits with 1."""
