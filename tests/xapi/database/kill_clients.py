"""Clients that write without mercy: ``python -m tests.xapi.database.kill_clients SOCKET NAME``.

Together they make some 200 writes a second: clones (several rows each), single fields, destructions. Each line of standard
output is JSON: what is about to be asked (``ask``) or has been acknowledged (``done``). Ends when the server goes away.
"""

import asyncio
import itertools
import json
import sys
from typing import Any

CLIENTS = 8
WRITES_A_SECOND = 200
ROUND = 3.5
"""Writes in a client's round: a clone, two fields, a destruction in every other round."""


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.session = ""

    async def call(self, method: str, *params: Any) -> Any:
        given = [self.session, *params] if self.session else list(params)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": given}).encode()
        self._writer.write(b"POST /jsonrpc HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        reply = json.loads(await self._reader.readexactly(length))
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]


def say(word: str, *facts: str) -> None:
    print(json.dumps([word, *facts]), flush=True)


async def write(socket: str, name: str) -> None:
    client = Client(*await asyncio.open_unix_connection(socket))
    client.session = await client.call("session.login_with_password", "root", "", "1.0", name)
    templates = await client.call("VM.get_all_records_where", 'field "is_default_template" = "true"')
    template = next(ref for ref, record in templates.items() if record["name_label"] == "Other install media")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in itertools.count():
        label = f"{name}-{number}"
        vm = await client.call("VM.clone", template, label)
        say("cloned", vm, label)
        await client.call("VM.set_name_description", vm, label)
        await client.call("VM.add_to_other_config", vm, "mark", label)
        say("marked", vm, label)
        if number % 2:
            say("destroying", vm)
            await client.call("VM.destroy", vm)
            say("destroyed", vm)
        await asyncio.sleep(began + (number + 1) * ROUND * CLIENTS / WRITES_A_SECOND - loop.time())


async def main(socket: str, name: str) -> None:
    clients = [write(socket, f"{name}-{number}") for number in range(CLIENTS)]
    for outcome in await asyncio.gather(*clients, return_exceptions=True):
        if not isinstance(outcome, ConnectionError | asyncio.IncompleteReadError):
            raise SystemExit(f"a client failed: {outcome!r}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
