"""What the server has to say about a VM while a command works on it: alerts, shown on standard error."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from xapi.cli import values
from xapi.cli.command import Context
from xapi.cli.records.model import Subject
from xapi.errors import XenAPIError

Act: TypeAlias = Callable[[Subject], Awaitable[Any]]

SHOWN_BELOW: Final = "5"
"""Alerts with this priority number or a higher one are not worth a line, unless ``message-priority=`` says so."""


def telling(ctx: Context, act: Act) -> Act:
    """The same, followed by the alerts about the VM that came up meanwhile."""

    async def told(vm: Subject) -> Any:
        since = time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime())
        try:
            return await act(vm)
        finally:
            if not ctx.printer.is_minimal:
                await _tell(ctx, str(vm.record["uuid"]), since)

    return told


async def _tell(ctx: Context, uuid: str, since: str) -> None:
    limit = values.integer("message-priority", ctx.arguments.text("message-priority", SHOWN_BELOW))
    with suppress(XenAPIError):  # the command's own outcome is what counts
        found = (await ctx.api.call("message.get", "VM", uuid, since)).values()
        for message in sorted(found, key=lambda message: str(message["timestamp"])):
            if message["priority"] < limit:
                ctx.printer.note(line(message))


def line(message: dict[str, Any]) -> str:
    """The text for one alert, with the empty line after it. Pure."""
    return f"Message: time={message['timestamp']} priority={message['priority']} name='{message['name']}'\n"
