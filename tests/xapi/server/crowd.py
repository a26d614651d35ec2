"""Clients by the thousand, in a process of their own: ``python -m tests.xapi.server.crowd PORT SESSION``.

Reads one command a line from standard input, answers each with one line: ``idle N`` opens connections that say nothing but
one call, ``drip N`` some that send a byte of a head now and then, ``park N`` calls of event.from that wait for a change of VMs,
``token T`` gives these their token, ``woken`` waits until every one of them has its answer, ``leave`` closes all.
"""

import asyncio
import json
import resource
import sys
from typing import Any


class Crowd:
    def __init__(self, port: int, session: str) -> None:
        self._port, self._session = port, session
        self._all: list[asyncio.StreamWriter] = []
        self._dripping: list[asyncio.Task[None]] = []
        self._parked: list[asyncio.StreamReader] = []
        self._token = ""

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._all.append(writer)
        return reader, writer

    async def do(self, word: str, argument: str) -> str:
        match word:
            case "token":
                self._token = argument
            case "idle":
                for _ in range(int(argument)):
                    await self._idle()
            case "drip":
                for _ in range(int(argument)):
                    self._dripping.append(asyncio.create_task(self._drip(*await self._open())))
            case "park":
                for _ in range(int(argument)):
                    self._parked.append(await self._park())
            case "woken":
                return str(sum([await self._woken(reader) for reader in self._parked]))
            case "leave":
                for task in self._dripping:
                    task.cancel()
                for writer in self._all:
                    writer.close()
        return "done"

    async def _idle(self) -> None:
        reader, writer = await self._open()
        body = b"<methodCall><methodName>system.isAlive</methodName></methodCall>"
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await reader.readuntil(b"</methodResponse>")

    async def _drip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nX: ")
        while not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.5)

    async def _park(self) -> asyncio.StreamReader:
        reader, writer = await self._open()
        params: list[Any] = [self._session, ["vm"], self._token, 600.0]
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "event.from", "params": params}).encode()
        writer.write(b"POST /jsonrpc HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return reader

    @staticmethod
    async def _woken(reader: asyncio.StreamReader) -> int:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        events = json.loads(await reader.readexactly(length))["result"]["events"]
        return int(bool(events))


async def main(port: int, session: str) -> None:
    crowd = Crowd(port, session)
    while line := await asyncio.to_thread(sys.stdin.readline):
        word, _, argument = line.strip().partition(" ")
        print(await crowd.do(word, argument), flush=True)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
