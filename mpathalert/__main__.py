"""``python -m mpathalert --root DIR``: tells the pool when storage paths break or come back.

``/etc/mpathalert.conf``: ``delay`` seconds between alerts (120).
"""

import contextlib
import sys
from collections.abc import AsyncIterator

from idl.daemon import Daemon, background, main
from idl.xenapi_client import keep_session
from mpathalert.service import PathAlerts


@contextlib.asynccontextmanager
async def run(daemon: Daemon) -> AsyncIterator[None]:
    alerts = PathAlerts(daemon.root, daemon.config.number("delay", 120.0))
    async with background(keep_session(daemon.root.xapi_socket, "mpathalert", alerts.run)):
        yield


if __name__ == "__main__":
    sys.exit(main("mpathalert", run, fast_loop=False))
