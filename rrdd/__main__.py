"""Start the metrics daemon: ``python -m rrdd --root DIR``."""

import contextlib
import sys
from collections.abc import AsyncIterator

from idl.daemon import Daemon, background, main
from idl.rpc import client, serve
from idl.rrd import Metrics
from idl.xenops import Xenops
from rrdd.monitor import Monitor
from rrdd.plugins import Plugins
from rrdd.recorder import Recorder
from rrdd.sampler import Sampler
from rrdd.service import MetricsService
from rrdd.store import IdentityFile, Store
from rrdd.web import Documents


@contextlib.asynccontextmanager
async def run(daemon: Daemon) -> AsyncIterator[None]:
    root = daemon.root
    plugins = Plugins(root.under("/dev/shm/metrics"))
    plugins.directory.mkdir(parents=True, exist_ok=True)
    # xenopsd being away must not hold up the host's metrics: one attempt per cycle.
    sampler = Sampler(client(Xenops, root.xenopsd_socket, patience=0.0), plugins)
    monitor = Monitor(sampler, Recorder(), Store(root), IdentityFile(root))
    service = MetricsService(monitor, plugins)
    async with serve(root.rrdd_socket, (Metrics, service), http=Documents(monitor).handle):
        async with background(monitor.run(), monitor.run_saves()):
            yield
        await monitor.save_all()


if __name__ == "__main__":
    sys.exit(main("rrdd", run))
