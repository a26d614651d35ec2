"""What every daemon's start-up shares: arguments, logging, signals, readiness.

A daemon gives :func:`main` one coroutine function that starts it and returns an async context manager's
body; the rest (where the root is, how to stop) is the same everywhere.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idl.config import Config
from idl.paths import Root

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Stopping:
    """How a daemon ends itself: it stops in order, then the process has the given exit status."""

    def __init__(self) -> None:
        self.status = 0
        self.requested = asyncio.Event()

    def stop(self, status: int = 0) -> None:
        self.status = status
        self.requested.set()


@dataclass(frozen=True, slots=True)
class Daemon:
    """What a daemon knows when it starts."""

    name: str
    root: Root
    config: Config
    stopping: Stopping = field(default_factory=Stopping)


Body = Callable[[Daemon], AbstractAsyncContextManager[None]]


def notify_ready() -> None:
    """Tell systemd, if it started us, that the service is ready (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"READY=1", target)


async def _run(daemon: Daemon, body: Body) -> None:
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, daemon.stopping.requested.set)
    async with body(daemon):
        logging.getLogger(daemon.name).info("ready (root %s, pid %d)", daemon.root.path, os.getpid())
        notify_ready()
        await daemon.stopping.requested.wait()
    logging.getLogger(daemon.name).info("stopped")


def main(name: str, body: Body, argv: list[str] | None = None, *, fast_loop: bool = True) -> int:
    """Run daemon *name* until SIGTERM or SIGINT; *body* is entered at start and left at stop.

    Arguments: ``--root DIR`` (default ``/``), ``--log-level``. Configuration: ``/etc/<name>.conf``. *fast_loop*: use
    uvloop; a daemon that mostly waits does without it and its memory, and one in which a C library forks daemons of its
    own must: libuv's fork handler closes file descriptors that such a library has reused meanwhile.
    """
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--root", type=Path, default=Path("/"), help="directory that holds the host (default: /)")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    args = parser.parse_args(argv)
    logging.basicConfig(level=args.log_level, format=LOG_FORMAT, stream=sys.stderr)
    root = Root(args.root.resolve())
    daemon = Daemon(name, root, Config.load(root, name))
    if fast_loop:
        _use_uvloop()
    asyncio.run(_run(daemon, body))
    return daemon.stopping.status


def _use_uvloop() -> None:
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()


@contextlib.asynccontextmanager
async def background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *coroutines* as tasks while the block runs; they are cancelled and joined when it ends.

    One that fails stops the daemon: whoever supervises it starts a whole one again.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    for task in tasks:
        task.add_done_callback(_stop_if_failed)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stop_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logging.getLogger(__name__).critical("%s failed; stopping", task.get_coro(), exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)
