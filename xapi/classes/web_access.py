"""Plain HTTP and HTTPS: whether port 80 is served, and trying whether another service answers."""

import asyncio
import ssl

from xapi import errors
from xapi.classes.every_host import ask_all
from xapi.classes.host import assert_here
from xapi.classes.host_machine import if_installed
from xapi.classes.trust import BUNDLE
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements

FIREWALL = "/usr/bin/firewall-cmd"
POST_TIMEOUT = 30.0
LONGEST_ANSWER = 1 << 20


@implements("host.set_https_only")
async def set_https_only(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: host.set_https_only: connections to port 80 from elsewhere are closed from now on, or served again."""
    assert_here(ctx, self)
    ctx.db.set("host", self, https_only=value)
    await update_firewalld_service_status(ctx)


@implements("pool.set_https_only")
async def set_https_only_everywhere(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: pool.set_https_only."""
    ctx.db.row("pool", self)
    await ask_all(ctx, "set_https_only", value)


@implements("host.update_firewalld_service_status")
async def update_firewalld_service_status(ctx: Context) -> None:
    """XenAPI: host.update_firewalld_service_status: where there is such a firewall."""
    if not ctx.app.root.under(FIREWALL).exists():
        return
    change = "--remove-service=http" if ctx.db.get("host", ctx.app.localhost, "https_only") else "--add-service=http"
    for where in ((), ("--permanent",)):
        await if_installed(ctx, FIREWALL, *where, change)


@implements("pool.send_test_post")
async def send_test_post(ctx: Context, host: str, port: int, body: str) -> str:
    """XenAPI: pool.send_test_post: the answer's body, a megabyte at most.

    :raises XenAPIError: INVALID_VALUE; TLS_CONNECTION_FAILED [host; port] for whatever goes wrong.
    """
    if not host or any(character.isspace() or character in "/\r\n" for character in host):
        raise errors.invalid_value("host", host)
    if not 0 < port < 1 << 16:
        raise errors.invalid_value("port", port)
    data = body.encode()
    head = f"POST / HTTP/1.0\r\nHost: {host}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(POST_TIMEOUT):
            reader, writer = await asyncio.open_connection(host, port, ssl=_trusting(ctx))
            try:
                writer.write(head.encode() + data)
                answer = await reader.read(LONGEST_ANSWER)
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError):
        raise error("TLS_CONNECTION_FAILED", host, port) from None
    return answer.partition(b"\r\n\r\n")[2].decode(errors="replace")


def _trusting(ctx: Context) -> ssl.SSLContext:
    """Return TLS that trusts the authorities of the system and of the pool."""
    made = ssl.create_default_context()
    bundle = ctx.app.root.under(BUNDLE)
    if bundle.is_file():
        made.load_verify_locations(bundle)
    return made
