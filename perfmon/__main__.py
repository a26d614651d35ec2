"""``python -m perfmon --root DIR``: raises ALARM messages for metrics that other_config:perfmon asks to watch."""

import contextlib
import sys
from collections.abc import AsyncIterator

from idl.daemon import Daemon, background, main
from idl.xenapi_client import keep_session
from perfmon.commands import listening
from perfmon.service import Perfmon, Timing


@contextlib.asynccontextmanager
async def run(daemon: Daemon) -> AsyncIterator[None]:
    async with listening(daemon.root) as commands:
        perfmon = Perfmon(daemon.root, Timing.read(daemon.config), commands)
        async with background(keep_session(daemon.root.xapi_socket, "xen-api-scripts-perfmon", perfmon.run)):
            yield


if __name__ == "__main__":
    sys.exit(main("perfmon", run, fast_loop=False))
