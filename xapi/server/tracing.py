"""Traces of calls: what observers (class Observer) asked for, as Zipkin spans in files or posted to a collector.

Without an observer that is enabled a call costs one look at an empty tuple. Of the components only xapi traces so far.
"""

import asyncio
import contextlib
import logging
import re
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from xapi.server.context import App, Context

log = logging.getLogger(__name__)

BUGTOOL = "bugtool"
FILE = "/var/log/dt/zipkinv2/json/xapi.ndjson"
LARGEST_FILE = 16 << 20
MOST_WAITING = 10_000
EXPORT_PERIOD = 5.0
POST_TIMEOUT = 20.0
_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class _Observer:
    name: str
    attributes: Mapping[str, str]
    endpoints: tuple[str, ...]


class Tracer:
    """The traces of one xapi."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._observers: tuple[_Observer, ...] | None = None
        self._waiting: list[dict[str, Any]] = []
        self._export: asyncio.Task[None] | None = None
        app.db.listen(self._on_change)

    def _on_change(self, table: str, ref: str) -> None:
        if table == "Observer":
            self._observers = None

    def observers(self) -> tuple[_Observer, ...]:
        """Return who wants to know of this host's calls; usually nobody."""
        if self._observers is None:
            here = self._app.localhost
            rows = [row.values for row in self._app.db.rows("Observer") if row.values["enabled"]]
            self._observers = tuple(
                _Observer(row["name_label"], row["attributes"], tuple(row["endpoints"]))
                for row in rows
                if (not row["hosts"] or here in row["hosts"]) and (not row["components"] or "xapi" in row["components"])
            )
        return self._observers

    @contextlib.contextmanager
    def span(self, observers: tuple[_Observer, ...], ctx: "Context", name: str) -> Iterator[None]:
        """Trace what the block does as *name*, as part of the caller's trace if it keeps one."""
        began, error = time.time(), ""
        try:
            yield
        except BaseException as reason:
            error = str(getattr(reason, "code", type(reason).__name__))
            raise
        finally:
            self._note(observers, ctx, name, began, error)

    def _note(self, observers: tuple[_Observer, ...], ctx: "Context", name: str, began: float, error: str) -> None:
        parent = _PARENT.fullmatch(ctx.traceparent)
        span: dict[str, Any] = {
            "id": secrets.token_hex(8),
            "traceId": parent[1] if parent else secrets.token_hex(16),
            "name": name,
            "timestamp": int(began * 1e6),
            "duration": max(1, int((time.time() - began) * 1e6)),
            "kind": "SERVER",
            "localEndpoint": {"serviceName": "xapi"},
        } | ({"parentId": parent[2]} if parent else {})
        tags = {"http.user_agent": ctx.origin.user_agent, "net.peer.ip": ctx.origin.address} | ({"error": error} if error else {})
        for observer in observers:
            tagged = span | {"tags": {"xs.observer.name": observer.name, **tags, **observer.attributes}}
            self._waiting += [{"endpoint": endpoint, "span": tagged} for endpoint in observer.endpoints]
        del self._waiting[:-MOST_WAITING]
        if self._export is None or self._export.done():
            self._export = self._app.spawn(self._later(), "export of traces")

    async def _later(self) -> None:
        while self._waiting:
            await asyncio.sleep(EXPORT_PERIOD)
            await self.export()

    async def export(self) -> None:
        """Send what waits to where it belongs. What a collector does not take is dropped, and the log says so."""
        waiting, self._waiting = self._waiting, []
        by_endpoint: dict[str, list[dict[str, Any]]] = {}
        for entry in waiting:
            by_endpoint.setdefault(entry["endpoint"], []).append(entry["span"])
        for endpoint, spans in by_endpoint.items():
            try:
                if endpoint == BUGTOOL:
                    await asyncio.to_thread(self._append, spans)
                else:
                    await _post(endpoint, msgspec.json.encode(spans))
            except (OSError, TimeoutError) as reason:
                log.warning("%d traces could not be sent to %s: %s", len(spans), endpoint, reason)

    def _append(self, spans: list[dict[str, Any]]) -> None:
        path = self._app.root.under(FILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LARGEST_FILE:
            path.replace(path.with_name(path.name + ".1"))
        with path.open("ab") as file:
            file.write(msgspec.json.encode(spans) + b"\n")


async def _post(url: str, body: bytes) -> None:
    """POST *body* to a collector. :raises OSError: it cannot be reached, or refuses."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    head = (
        f"POST {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(POST_TIMEOUT):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls)
        try:
            writer.write(head.encode() + body)
            status = (await reader.readline()).split()
        finally:
            writer.close()
    if len(status) < 2 or not status[1].startswith(b"2"):
        raise OSError(f"it answered {status[1].decode(errors='replace') if len(status) > 1 else 'nothing'}")
