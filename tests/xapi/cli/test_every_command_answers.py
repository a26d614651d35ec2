"""Every command over the real protocol against the real API: whatever it is given, it ends with an answer.

An answer is a result, a message of its own or an API error; never an exception that nobody expected, and never a wait
without end. The daemons are stand-ins, the model is whole: an object of every class exists.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.vm_pool import Daemon, Pool
from tests.xapi.cli.test_every_command import MORE, WORDS
from tests.xapi.cli.thin_client import Talk, talk
from xapi.cli.command import Command
from xapi.cli.commands import COMMANDS
from xapi.cli.records import CLASSES
from xapi.database.schema import from_model
from xapi.datamodel import MODEL
from xapi.server.http import listen_unix

NOT_RUN = {
    "event-wait": "waits for an event by design (test_whole.py has it)",
    "host-shutdown-agent": "ends the server under test",
}
OWN_EXIT_CODES = {"host-ha-xapi-healthcheck": {2, 3}}
INTERNAL = "The server could not do this because of an error of its own."
LISTS_DEVICES = {"interface_get_all_status", "bridge_get_all"}
DAEMON_IS_AWAY = "a daemon of this host is not answering"
TABLES = sorted(from_model().keys() & MODEL.classes.keys())
PATIENCE = 30.0
TOGETHER = 8


def uuid_of(cls: str) -> str:
    """The uuid of the one object of a class that these tests make."""
    return f"aaaaaaaa-0000-4000-8000-{sorted(MODEL.classes).index(cls):012}"


@dataclass
class Everything:
    """A pool with an object of every class, and what went wrong so far."""

    pool: Pool
    complaints: list[str] = field(default_factory=list)

    def furnish(self) -> None:
        """Makes what is missing: commands destroy some of it."""
        db = self.pool.db
        for cls in TABLES:
            if not db.where(cls, uuid=uuid_of(cls)):
                db.create(cls, uuid=uuid_of(cls))

    async def check(self, lines: list[str]) -> None:
        how = Talk()
        try:
            await talk(self.pool.app, lines, how, patience=PATIENCE)
        except (TimeoutError, EOFError) as error:
            self.complaints.append(f"{lines}: {error!r} after {how.frames}")
            return
        if how.code not in {0, 1} | OWN_EXIT_CODES.get(lines[0], set()):
            self.complaints.append(f"{lines}: exit code {how.code}")
        if INTERNAL in how.err and DAEMON_IS_AWAY not in how.err:
            self.complaints.append(f"{lines}: {how.err}")


class QuietNetwork(Daemon):
    """A networking service that finds no devices."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return _no_devices if name in LISTS_DEVICES else super().__getattr__(name)


async def _no_devices(*_: object) -> list[str]:
    return []


@pytest.fixture
async def everything(tmp_path: Path) -> AsyncIterator[Everything]:
    pool = Pool(tmp_path, network=QuietNetwork())
    await pool.start()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listen_unix(pool.app, pool.app.root.xapi_socket))
        yield Everything(pool)
    await pool.stop()


def nothing(command: Command) -> list[str]:
    return []


def nonsense(command: Command) -> list[str]:
    """Every required parameter, none of which means anything."""
    return [f"{parameter}={WORDS.get(parameter, '1')}" for parameter in command.required] + MORE.get(command.name, [])


def forced_on_real_objects(command: Command) -> list[str]:
    """Every parameter that help shows, pointed at objects that exist, with all the leave that a user can give."""
    shown = [*command.required, *(() if _are_filters(command) else command.optional)]
    given = [f"{name}k=1" if name.endswith(":") else f"{name}={_real(command, name)}" for name in shown if name]
    return [*given, *(["--multiple"] if command.selects else []), "--force"]


def _are_filters(command: Command) -> bool:
    return command.name.endswith(("-list", "-param-set"))


def _real(command: Command, parameter: str) -> str:
    if parameter == "uuid":
        own = max((name for name in CLASSES if command.name.startswith(name + "-")), key=len, default="vm")
        return uuid_of(CLASSES[own].record.cls)
    named = re.fullmatch(r"(.+)-uuids?", parameter)
    if named:
        words = (named[1], named[1].rpartition("-")[2])
        return uuid_of(next((CLASSES[word].record.cls for word in words if word in CLASSES), "VDI"))
    return WORDS.get(parameter, "1")


@pytest.mark.parametrize("way", [nothing, nonsense, forced_on_real_objects])
async def test_every_command_ends_with_an_answer(
    everything: Everything, way: Callable[[Command], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    limit = asyncio.Semaphore(TOGETHER)

    async def check(lines: list[str]) -> None:
        async with limit:
            everything.furnish()
            await everything.check(lines)

    with caplog.at_level(logging.ERROR):
        await asyncio.gather(*(check([name, *way(COMMANDS[name])]) for name in sorted(COMMANDS) if name not in NOT_RUN))
    unexpected = [f"{record.getMessage()}: {record.exc_info[1]!r}" for record in caplog.records if record.exc_info]
    assert not everything.complaints + unexpected, "\n".join(everything.complaints + unexpected)
