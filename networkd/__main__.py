"""``python -m networkd --root DIR``: the host's networking daemon, in the network namespace it is started in."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from idl.daemon import Daemon, main
from idl.network import Networking
from idl.rpc import serve
from networkd.backends import choose
from networkd.config import DATABASE, Store, load
from networkd.dhcp import Clients
from networkd.host import Host
from networkd.service import Service


@contextlib.asynccontextmanager
async def run(daemon: Daemon) -> AsyncIterator[None]:
    path = daemon.root.under(DATABASE)
    host = Host(daemon.root, choose(daemon.root), Clients(daemon.root))
    desired = load(path)
    if desired is None:
        desired = await asyncio.to_thread(host.first_boot)
    service = Service(host, Store(path, desired))
    with contextlib.closing(service):
        # Before anybody is answered: the management interface must be up when others start.
        await service.restore()
        async with serve(daemon.root.networkd_socket, (Networking, service)):
            yield


if __name__ == "__main__":
    sys.exit(main("networkd", run, fast_loop=False))
