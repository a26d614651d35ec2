"""Bytes over HTTP with Basic authentication, as scripts with curl move them."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from embedded.layout import HTTP_PORT
from tests.e2e.embedded_host import EmbeddedHost

TRANSFER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def basic(host: EmbeddedHost) -> dict[str, str]:
    """Return the header of Basic authentication."""
    token = base64.b64encode(f"root:{host.password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def request(
    host: EmbeddedHost,
    verb: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Make one request; *headers* None means Basic authentication as root."""
    connection = http.client.HTTPConnection(host.layout.address, HTTP_PORT, timeout=TRANSFER_SECONDS)
    target = f"{path}?{urlencode(query)}" if query else path
    try:
        connection.request(verb, target, body, dict(basic(host) if headers is None else headers))
        reply = connection.getresponse()
        return Answer(reply.status, reply.headers, reply.read())
    finally:
        connection.close()


def get(host: EmbeddedHost, path: str, /, **query: str) -> Answer:
    answer = request(host, "GET", path, query=query)
    assert answer.status == 200, f"{path}: {answer.status} {answer.body[:500]!r}"
    return answer


def import_disk(host: EmbeddedHost, vdi: str, body: bytes, form: str = "raw", **query: str) -> Answer:
    """Make *body* (in format *form*) the content of *vdi* (ref or uuid)."""
    return request(host, "PUT", "/import_raw_vdi", body, query={"vdi": vdi, "format": form, **query})


def export_disk(host: EmbeddedHost, vdi: str, form: str = "raw") -> bytes:
    return get(host, "/export_raw_vdi", vdi=vdi, format=form).body


def imported(host: EmbeddedHost, vdi: str, file: Path, form: str) -> None:
    answer = import_disk(host, vdi, file.read_bytes(), form)
    assert answer.status == 200, f"/import_raw_vdi: {answer.status} {answer.body[:500]!r}"
