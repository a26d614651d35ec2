"""From nothing to a serving xapi, in the order that matters, and back down.

The store first, then the local socket (so that daemons and tools can reach us), the facts of this host, storage and
guests brought in line with reality, and only then the network.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import time
from collections.abc import AsyncIterator

from idl.config import Config, read_inventory
from idl.daemon import Daemon
from idl.network import Networking
from idl.rpc import RpcError, Unreachable, client
from idl.rrd import Metrics
from idl.storage import Storage
from idl.xenops import Xenops
from xapi import dbsync, garbage, loading, network_sync, restore
from xapi.classes import (
    certificate,
    host_access,
    host_crashdump,
    login_watch,
    pbd,
    sm,
    templates,
    usb,
    vdi_rows,
    vmss,
    xenops_events,
)
from xapi.classes.allowed_operations import Keeper
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.first_boot import make_local_storage
from xapi.server import http
from xapi.server.context import App, Context, Services, internal_context
from xapi.server.events import Events
from xapi.server.sessions import Sessions
from xapi.server.tasks import Tasks
from xapi.server.watch import Watch

log = logging.getLogger(__name__)

GARBAGE_PERIOD = 30.0
DAEMON_PATIENCE = 60.0
CONNECTIONS = 65536
COLLECT_AFTER = (10_000, 20, 50)
"""Objects more than before, and collections of the younger generation, after which the cycle collector looks again."""


def make_app(daemon: Daemon, store: Store) -> App:
    """Put the parts of a xapi together around a store."""
    root = daemon.root
    services = Services(
        client(Xenops, root.xenopsd_socket),
        client(Storage, root.storage_socket),
        client(Networking, root.networkd_socket),
        client(Metrics, root.rrdd_socket),
    )
    app = App(root, daemon.config, store, services)
    app.watch = Watch(store)
    app.sessions = Sessions(app)
    app.tasks = Tasks(app)
    app.events = Events(app)
    app.inventory = read_inventory(root.inventory)
    return app


def allow_connections(wanted: int) -> None:
    """Raise the limit of open files as far as it is allowed: clients keep connections with waiting calls for days."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        log.info("no more than %d connections are possible: the hard limit of open files", hard)


@contextlib.asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[None]:
    """Run xapi while the block runs."""
    allow_connections(CONNECTIONS)
    loading.load()
    journal = Journal(daemon.root.under("/var/lib/xcp/state.sqlite"))
    store = Store(from_model(), journal, durable_tables=["task"])
    journal.start()
    await restore.take_over(store, daemon.root.under(restore.RESTORE))
    app = make_app(daemon, store)
    # The coordinator's work: it writes what follows from the rows that it owns.
    Keeper(store)
    cookie = daemon.root.under("/var/run/xapi_init_complete.cookie")
    cookie.parent.mkdir(parents=True, exist_ok=True)
    cookie.unlink(missing_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(journal.stop)
        stack.push_async_callback(_stop_jobs, app)
        ctx = internal_context(app, "startup")
        dbsync.forget_the_past(ctx)
        dbsync.know_this_host(ctx)
        templates.create_default_templates(ctx)
        garbage.collect(store)
        await store.durable()
        _spare_the_collector()
        await stack.enter_async_context(http.listen_unix(app, daemon.root.xapi_socket))
        app.spawn(_collect_garbage(app), "garbage collection")
        app.spawn(app.measures.watch_the_loop(), "event loop lag")
        await _meet_the_daemons(ctx)
        await store.durable()
        for address, port in _addresses(daemon.config):
            await stack.enter_async_context(http.listen_tcp(app, address, port))
        app.spawn(login_watch.run(app), "logins")
        cookie.touch()
        yield
        cookie.unlink(missing_ok=True)


def _spare_the_collector() -> None:
    """Have the cycle collector leave alone what is there to stay: going through a large pool's rows takes it 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _addresses(config: Config) -> list[tuple[str, int]]:
    port = config.integer("http-port", 80)
    return [(address.strip(), port) for address in config.text("http-address", "0.0.0.0").split(",")]


async def _meet_the_daemons(ctx: Context) -> None:
    """Bring the records in line with what storage, network, metrics and domain manager know.

    A daemon that does not answer does not keep the API from being served: what it knows is missing until it does.
    """
    guests = xenops_events.connect(ctx.app)
    steps = [
        ("network", network_sync.sync_network(ctx)),
        ("metrics", ctx.services.metrics.set_host(_uuid(ctx, "INSTALLATION_UUID"), _uuid(ctx, "CONTROL_DOMAIN_UUID"))),
        ("hypervisor", dbsync.sync_hypervisor(ctx)),
        ("storage types", sm.register(ctx)),
        ("local storage", make_local_storage(ctx)),
        ("certificate", certificate.sync(ctx)),
        ("crash dumps", host_crashdump.sync(ctx)),
        ("USB devices", usb.scan(ctx, ctx.app.localhost)),
        ("storage", pbd.plug_all(ctx)),
        ("guests", guests.resync()),
    ]
    for name, step in steps:
        try:
            async with asyncio.timeout(DAEMON_PATIENCE):
                await step
        except (RpcError, Unreachable, TimeoutError, XenAPIError) as error:
            log.error("start-up: %s: %s", name, error)
    host_access.watch(ctx)
    ctx.app.spawn(guests.run(), "guest events")
    ctx.app.spawn(vmss.run(ctx.app), "snapshot schedules")


def _uuid(ctx: Context, key: str) -> str:
    return ctx.app.inventory[key]


async def _collect_garbage(app: App) -> None:
    """Drop finished tasks and unused sessions now and then."""
    age: dict[str, float] = {}
    while True:
        await asyncio.sleep(GARBAGE_PERIOD)
        app.tasks.collect_garbage(time.monotonic(), age)
        app.sessions.collect_garbage()
        app.events.heartbeat()
        ctx = internal_context(app, "garbage collection")
        vdi_rows.collect_garbage(ctx)
        garbage.collect(app.db)
        dbsync.still_alive(ctx)


async def _stop_jobs(app: App) -> None:
    for job in list(app.jobs):
        job.cancel()
    await asyncio.gather(*app.jobs, return_exceptions=True)
