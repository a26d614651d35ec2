"""Which local files the server may read or write: exactly those that the user named in an argument.

Without this rule a hostile server could answer any command with "send me ~/.ssh/id_rsa".
"""

import os
from collections.abc import Sequence

from xe.errors import ClientError


class NamedFiles:
    """The paths in the values of ``name=value`` arguments; relative ones start at `directory`."""

    def __init__(self, arguments: Sequence[str], directory: str) -> None:
        self._directory = directory
        values = (argument.partition("=")[2].strip() for argument in arguments)
        self._paths = frozenset(self._absolute(value) for value in values if value)

    def require(self, filename: str) -> None:
        """Raises ClientError for a file that the user did not name."""
        if self._absolute(filename) not in self._paths:
            raise ClientError(f"File not permitted: {filename}")

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._directory, path))  # noqa: PTH118
