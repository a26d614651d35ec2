"""A bare aiohttp handler to compare with: ``python -m tests.bench.bare BYTES`` prints its port and serves.

Runs as a process of its own, until its standard input is closed.
"""

import asyncio
import sys

from aiohttp import web


async def _serve(size: int) -> None:
    body = b"x" * size

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="text/xml")

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
