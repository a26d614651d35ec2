"""A XenAPI on a Unix socket for tests of its clients: records by class, ``event.from``, ``message.create``."""

import asyncio
import contextlib
import xmlrpc.client
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Refuse(Exception):
    """Answer this error: code, parameters."""


@dataclass
class FakeXapi:
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    messages: "asyncio.Queue[tuple[str, ...]]" = field(default_factory=asyncio.Queue)
    sessions: list[str] = field(default_factory=list)
    """Originators, in order of login."""
    refuse: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Method -> error to answer."""
    values: dict[str, Any] = field(default_factory=dict)
    """Method -> what to answer, or a function of the parameters (without the session) that gives it."""
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    _log: list[dict[str, Any]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def called(self, method: str, *first_params: Any) -> None:
        """Wait until *method* has been called, with these first parameters after the session."""

        def seen() -> bool:
            return any(name == method and params[: len(first_params)] == first_params for name, params in self.calls)

        async with self._changed:
            await self._changed.wait_for(seen)

    async def put(self, cls: str, ref: str, record: dict[str, Any]) -> None:
        """Write an object, and tell it as an event."""
        self.tables.setdefault(cls, {})[ref] = record
        async with self._changed:
            self._log.append({"class": cls.lower(), "operation": "mod", "ref": ref, "snapshot": record})
            self._changed.notify_all()

    async def answer(self, body: bytes) -> bytes:
        params, method = xmlrpc.client.loads(body)
        assert method is not None
        async with self._changed:
            self.calls.append((method, params[1:]))
            self._changed.notify_all()
        try:
            if method in self.refuse:
                raise Refuse(*self.refuse[method])
            reply: dict[str, Any] = {"Status": "Success", "Value": await self._value(method, params)}
        except Refuse as error:
            reply = {"Status": "Failure", "ErrorDescription": list(error.args)}
        return xmlrpc.client.dumps((reply,), methodresponse=True, allow_none=True).encode()

    async def _value(self, method: str, params: tuple[Any, ...]) -> Any:
        if method in self.values:
            value = self.values[method]
            return value(*params[1:]) if callable(value) else value
        cls, _, verb = method.rpartition(".")
        match verb:
            case "login_with_password":
                self.sessions.append(params[3])
                return f"OpaqueRef:session-{len(self.sessions)}"
            case "get_all_records":
                return self.tables.get(cls, {})
            case "from":
                return await self._events(*params[1:])
            case _ if method == "message.create":
                self.messages.put_nowait(tuple(params[1:]))
                return "OpaqueRef:message"
        return ""

    async def _events(self, classes: list[str], token: str, timeout: float) -> dict[str, Any]:
        if not token:
            everything = [
                {"class": cls.lower(), "operation": "add", "ref": ref, "snapshot": record}
                for cls, table in self.tables.items()
                for ref, record in table.items()
                if cls.lower() in classes
            ]
            return {"token": str(len(self._log)), "events": everything, "valid_ref_counts": {}}
        seen = int(token)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: len(self._log) > seen)
        return {"token": str(len(self._log)), "events": self._log[seen:], "valid_ref_counts": {}}


Answer = Callable[[str, bytes], Awaitable[bytes]]
"""Request target and body -> body of the reply."""


@contextlib.asynccontextmanager
async def http_on(socket: Path, answer: Answer) -> AsyncIterator[None]:
    """Answer plain HTTP requests on a Unix socket while the block runs, one per connection."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What the answer raises ends the connection: not every Python 3.11 does that by itself.
        with contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0)
            body = await answer(head.split(" ")[1], await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    socket.parent.mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_unix_server(accept, socket)
    try:
        yield
    finally:
        server.close()
        socket.unlink()


@contextlib.asynccontextmanager
async def serving(socket: Path, xapi: FakeXapi) -> AsyncIterator[None]:
    """Be xapi on *socket* while the block runs."""

    async def answer(_target: str, body: bytes) -> bytes:
        return await xapi.answer(body)

    async with http_on(socket, answer):
        yield
