"""The load generator: ``python -m tests.bench.load URL SECONDS CONNECTIONS < body`` posts the body again and again.

Runs as a process of its own. Each connection is kept alive and carries one request at a time. Prints JSON:
``{"calls", "seconds", "median_ms", "bytes"}``. An answer that is not a success ends it with an error.
"""

import asyncio
import json
import statistics
import sys
import time
from urllib.parse import urlsplit


class Refused(Exception):
    """The server answered something else than a success."""


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise Refused(head.decode("latin-1"))
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    body = b""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return body


async def _connection(host: str, port: int, request: bytes, until: float, spent: list[float]) -> int:
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    size = 0
    while time.monotonic() < until:
        begin = time.perf_counter()
        writer.write(request)
        body = await _read(reader)
        spent.append(time.perf_counter() - begin)
        size = len(body)
        if b"Failure" in body[:400]:
            raise Refused(body[:400].decode("latin-1"))
    writer.close()
    return size


async def _run(url: str, seconds: float, connections: int, body: bytes) -> dict[str, float]:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    head = f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    spent: list[float] = []
    begin = time.monotonic()
    tasks = [_connection(host, port, head.encode() + body, begin + seconds, spent) for _ in range(connections)]
    sizes = await asyncio.gather(*tasks)
    return {
        "calls": len(spent),
        "seconds": time.monotonic() - begin,
        "median_ms": statistics.median(spent) * 1000,
        "bytes": max(sizes),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read()))))
