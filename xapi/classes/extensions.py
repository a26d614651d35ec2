"""API extensions: executables in dom0 that answer messages of their own; and messages of the model that are answered so.

An extension is given the call as JSON-RPC or XML-RPC on stdin and prints the answer in the same form.
"""

import json
import xmlrpc.client
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from xapi import errors
from xapi.classes.command import output
from xapi.classes.host import assert_here
from xapi.classes.plugins import installed
from xapi.datamodel import MODEL
from xapi.datamodel.model import Impl
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.registry import extends, implements

DIRECTORY = "/etc/xapi.d/extensions"
TIMEOUT = 86400.0


@implements("host.has_extension")
async def has_extension(ctx: Context, host: str, name: str) -> bool:
    """XenAPI: host.has_extension."""
    assert_here(ctx, host)
    return installed(ctx, DIRECTORY, name) is not None


@implements("pool.has_extension")
async def pool_has_extension(ctx: Context, self: str, name: str) -> bool:
    """XenAPI: pool.has_extension: on every host."""
    ctx.db.row("pool", self)
    return installed(ctx, DIRECTORY, name) is not None


def _path(ctx: Context, name: str) -> Path:
    path = installed(ctx, DIRECTORY, name)
    if path is None:
        raise errors.message_method_unknown(name)
    return path


@implements("host.call_extension")
async def call_extension(ctx: Context, host: str, call: str) -> str:
    """XenAPI: host.call_extension: *call* is a JSON-RPC call; its ``method`` names the extension.

    :raises XenAPIError: MESSAGE_METHOD_UNKNOWN, EXTENSION_PROTOCOL_FAILURE, or what the extension answers.
    """
    assert_here(ctx, host)
    try:
        asked = json.loads(call)
        name, params = str(asked["method"]), list(asked.get("params", []))
    except (ValueError, KeyError, TypeError) as reason:
        raise errors.invalid_value("call", reason) from reason
    return str(await run(ctx, name, params))


async def run(ctx: Context, name: str, params: list[Any]) -> Any:
    """Run an extension and return its value. :raises XenAPIError: as `call_extension`."""
    path = _path(ctx, name)
    request = xmlrpc.client.dumps(tuple(params), name, allow_none=True).encode()
    code, out, err = await output(str(path), "--xmlrpc", timeout=TIMEOUT, stdin=request)
    if code != 0:
        raise XenAPIError("EXTENSION_PROTOCOL_FAILURE", [name, f"exit {code}", err.strip()])
    try:
        (answer,), _ = xmlrpc.client.loads(out)
    except (xmlrpc.client.Fault, xmlrpc.client.ResponseError, ExpatError, ValueError) as reason:
        raise XenAPIError("EXTENSION_PROTOCOL_FAILURE", [name, str(reason), err.strip()]) from reason
    match answer:
        case {"Status": "Success", "Value": value}:
            return value
        case {"Status": "Failure", "ErrorDescription": [str(error), *details]}:
            raise XenAPIError(error, [str(detail) for detail in details])
    raise XenAPIError("EXTENSION_PROTOCOL_FAILURE", [name, "the answer has no Status", ""])


@extends
def unknown_message(ctx: Context, name: str) -> Callable[[list[Any]], Awaitable[Any]] | None:
    """Have an extension answer a message of its name."""
    if installed(ctx, DIRECTORY, name) is None:
        return None
    return lambda params: run(ctx, name, params)


def _forwarded(script: str) -> Callable[..., Awaitable[Any]]:
    async def call(ctx: Context, *params: Any) -> Any:
        return await run(ctx, script, [ctx.session, *params])

    return call


for _message in MODEL.messages.values():
    if _message.impl is Impl.HOST_EXTENSION and _message.forward_to is not None:
        implements(_message.wire_name)(_forwarded(_message.forward_to))
