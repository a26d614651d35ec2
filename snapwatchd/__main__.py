"""``python -m snapwatchd --root DIR``: quiesced snapshots for guests with a VSS provider, asked for through xenstore."""

import contextlib
import logging
import sys
from collections.abc import AsyncIterator

from idl.daemon import Daemon, background, main
from snapwatchd import store

log = logging.getLogger("snapwatchd")


@contextlib.asynccontextmanager
async def run(daemon: Daemon) -> AsyncIterator[None]:
    if not store.is_present():
        log.info("this host has no xenstore: no guest can ask for snapshots, nothing to do")
        yield
        return
    from snapwatchd.service import Watcher

    xenstore = store.Xenstore()
    with contextlib.closing(xenstore):
        xenstore.open()
        async with background(Watcher(daemon.root, xenstore).run()):
            yield


if __name__ == "__main__":
    sys.exit(main("snapwatchd", run, fast_loop=False))
