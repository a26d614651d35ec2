"""Another pool, over the network: what ``vm-migrate`` asks of the place where a VM is to go.

One JSON-RPC call is one connection: these are few, and far apart.
"""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from xapi.datamodel import MODEL
from xapi.errors import XenAPIError, error

CONNECT_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 600.0
MAX_ANSWER: Final = 256 * 1024 * 1024
_ids: Final = itertools.count(1)


class OtherPool:
    """Provides `xapi.cli.api.Api` under a session of that pool."""

    def __init__(self, address: str, session: str = "") -> None:
        """`address`: a name or IP address, or a URL (``http://host:port`` without TLS)."""
        self._address = address
        self._session = session

    @property
    def session(self) -> str:
        return self._session

    @property
    def url(self) -> str:
        """Where that pool's coordinator is reached."""
        return self._address if "://" in self._address else f"https://{self._address}"

    def under(self, session: str) -> "OtherPool":
        return OtherPool(self._address, session)

    async def call(self, method: str, *params: object) -> Any:
        """Raises XenAPIError: that pool's, or CANNOT_CONTACT_HOST."""
        given = [self._session, *params] if MODEL.messages[method].needs_session else [*params]
        request = {"jsonrpc": "2.0", "method": method, "params": given, "id": next(_ids)}
        try:
            answer = json.loads(await self._post(json.dumps(request).encode()))
        except (OSError, TimeoutError, ValueError, EOFError) as reason:
            raise error("CANNOT_CONTACT_HOST", self._address) from reason
        if answer.get("error"):
            raise XenAPIError(answer["error"]["message"], answer["error"].get("data") or [])
        return answer["result"]

    async def _post(self, body: bytes) -> bytes:
        parts = urlsplit(self.url)
        tls = _tls() if parts.scheme == "https" else None
        async with asyncio.timeout(CONNECT_SECONDS):
            port = parts.port or (443 if tls else 80)
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls, limit=MAX_ANSWER)
        try:
            head = f"POST /jsonrpc HTTP/1.0\r\nHost: {parts.hostname}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            async with asyncio.timeout(ANSWER_SECONDS):
                received = await reader.read(-1)
        finally:
            writer.close()
        status, _, content = received.partition(b"\r\n\r\n")
        if status.split(b" ")[1:2] != [b"200"]:
            raise ValueError("not a XenAPI server")
        return content


def _tls() -> ssl.SSLContext:
    # Pools sign their own certificates, and another pool's are not known here.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def logged_in(address: str, user: str, password: str) -> AsyncIterator[OtherPool]:
    """That pool under a session that ends with the block. Raises XenAPIError."""
    door = OtherPool(address)
    pool = door.under(await door.call("session.login_with_password", user, password, MODEL.api_version, "cli"))
    try:
        yield pool
    finally:
        with suppress(XenAPIError):  # what went wrong before is the better message
            await pool.call("session.logout")
