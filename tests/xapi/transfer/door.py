"""The real door on its local socket, and clients for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.xapi.storage_house import House
from xapi.server import http


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@contextlib.asynccontextmanager
async def serving(house: House) -> AsyncIterator[None]:
    """Serve a house's app on its local root socket while the block runs."""
    try:
        async with http.listen_unix(house.app, house.app.root.xapi_socket):
            yield
    finally:
        jobs = list(house.app.jobs)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


async def fetch(house: House, method: str, target: str, body: bytes | None = b"", **headers: str) -> Answer:
    """Send one request and read the answer to the end of the connection. Without a *body* its length is not told either."""
    reader, writer = await asyncio.open_unix_connection(str(house.app.root.xapi_socket))
    try:
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"Content-Length: {len(body)}\r\n" if method == "PUT" and body is not None else ""
        writer.write(f"{method} {target} HTTP/1.1\r\n{length}{told}Connection: close\r\n\r\n".encode() + (body or b""))
        status, found = await read_head(reader)
        return Answer(status, found, await reader.read())
    finally:
        writer.close()


async def curl(house: House, *arguments: str) -> bytes:
    """Run curl against the local socket; an HTTP error fails the test."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--fail", "--max-time", "30", "--unix-socket", str(house.app.root.xapi_socket), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output
