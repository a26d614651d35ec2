"""XenAPI plugins: executables in dom0 that are given an XML-RPC call and print its answer."""

import asyncio
import os
import xmlrpc.client
from pathlib import Path
from xml.parsers.expat import ExpatError

from xapi.errors import XenAPIError
from xapi.server.context import Context

TIMEOUT = 86400.0
LONGEST_NAME = 255
"""Bytes, of a file."""


def installed(ctx: Context, directory: str, name: str) -> Path | None:
    """Return the file *name* in a host directory, if it is there, may be run and lies in it."""
    if not 0 < len(name.encode()) <= LONGEST_NAME or "/" in name or "\0" in name or name.startswith("."):
        return None
    path = ctx.app.root.under(directory) / name
    return path if path.is_file() and os.access(path, os.X_OK) else None


async def run(ctx: Context, path: Path, fn: str, args: dict[str, str]) -> str:
    """Run plugin *path*, function *fn*, under a session of its own and return its result.

    :raises XenAPIError: XENAPI_PLUGIN_FAILURE, or the code and parameters that the plugin answered.
    """
    session = ctx.app.sessions.create(ctx.origin, superuser=True, originator="plugin")
    call = xmlrpc.client.dumps((session, args), fn)
    try:
        process = await asyncio.create_subprocess_exec(
            str(path),
            call,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                out, err = await process.communicate()
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
    finally:
        ctx.app.sessions.destroy(session)
    return _result(out, err.decode(errors="replace"), process.returncode)


def _result(out: bytes, err: str, code: int | None) -> str:
    """Read what a plugin printed: a response with a string, or a struct with Status as XenAPI answers."""
    if code != 0:
        raise XenAPIError("XENAPI_PLUGIN_FAILURE", [f"non-zero exit {code}", out.decode(errors="replace"), err])
    try:
        (answer,), _ = xmlrpc.client.loads(out)
    except xmlrpc.client.Fault as fault:
        raise XenAPIError("XENAPI_PLUGIN_FAILURE", [str(fault.faultCode), fault.faultString, err]) from fault
    except (ExpatError, ValueError, xmlrpc.client.ResponseError) as reason:
        raise XenAPIError("XENAPI_PLUGIN_FAILURE", ["unparsable answer", str(reason), err]) from reason
    match answer:
        case {"Status": "Success", "Value": value}:
            return str(value)
        case {"Status": "Failure", "ErrorDescription": [str(name), *params]}:
            raise XenAPIError(name, [str(param) for param in params])
        case value:
            return str(value)
