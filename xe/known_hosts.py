"""Certificates of servers seen before, in ``~/.xe-known-hosts``: trust on first use.

Pools sign their own certificates, so nothing can be checked at the first visit; it is remembered. Another certificate
later is either a renewed one or somebody in between. Scripts go on, as the original's client does; a person at a
terminal is asked before the password is sent.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from xe.errors import ClientError

NAME: Final = ".xe-known-hosts"


class KnownHosts:
    """The file: a line ``host:port fingerprint`` for each server. `ask` puts a question to a person (None: nobody there)."""

    def __init__(self, path: str | None, ask: Callable[[str], bool] | None) -> None:
        self._path = path
        self._ask = ask

    def check(self, server: str, certificate: bytes) -> None:
        """Remembers a new server's certificate (DER). Raises ClientError if a person does not trust a changed one."""
        fingerprint = "SHA256:" + hashlib.sha256(certificate).hexdigest()
        known = self._read()
        before = known.get(server)
        if before == fingerprint:
            return
        if before is not None and self._ask is not None and not self._ask(_warning(server, before, fingerprint)):
            raise ClientError(f"The certificate of {server} was not accepted.")
        if before is None or self._ask is not None:
            self._write(known | {server: fingerprint})

    def _read(self) -> dict[str, str]:
        if self._path is None:
            return {}
        try:
            with open(self._path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                lines = [line.split() for line in file]
        except OSError:
            return {}
        return {words[0]: words[1] for words in lines if len(words) == 2}

    def _write(self, known: dict[str, str]) -> None:
        if self._path is None:
            return
        text = "".join(f"{server} {fingerprint}\n" for server, fingerprint in known.items())
        temporary = f"{self._path}.{os.getpid()}"
        with suppress(OSError):  # a home that cannot be written must not stop a command
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._path)  # noqa: PTH105


def _warning(server: str, before: str, now: str) -> str:
    return (
        f"The certificate of {server} is not the one seen before.\n"
        f"  before: {before}\n  now:    {now}\n"
        "It may have been renewed, or somebody may be listening in."
    )


def of_user() -> KnownHosts:
    """The user's own file, and the user if at a terminal."""
    home = os.environ.get("HOME")
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    return KnownHosts(f"{home}/{NAME}" if home else None, _ask if interactive else None)


def _ask(warning: str) -> bool:
    sys.stderr.write(f"{warning}\nType 'yes' to trust it from now on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
