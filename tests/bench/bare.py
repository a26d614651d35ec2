"""A bare aiohttp handler on uvloop to compare with: ``python -m tests.bench.bare FILE`` prints its port and serves.

Every POST gets the file's bytes. Runs as a process of its own, until its standard input is closed.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web


async def _serve(body: bytes) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="text/xml")

    application = web.Application()
    application.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(sys.argv[1]).read_bytes()))
