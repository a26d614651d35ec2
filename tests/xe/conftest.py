"""A host in a folder with scripted answers, and the client run against it."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tests.xe.fake_server import Outcome, Run, Script, unix_server, xe


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(script, ..., args=[...]): serves the scripts on the folder's socket and runs ``xe`` there."""

    def go(*scripts: Script, args: list[str], stdin: bytes = b"", env: dict[str, str] | None = None) -> Outcome:
        with unix_server(tmp_path, *scripts):
            return xe(*args, home=tmp_path, stdin=stdin, env={"XAPI_ROOT": str(tmp_path), **(env or {})})

    return go


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
