"""The store on a real xenstored, through pyxs: requests in a thread of their own, watches in another.

What guests write is read when a watch says so and kept here, so that asking costs nothing. How much a guest can make us
keep is bounded by xenstored's own quota for it. A guest that is out of its quota hurts itself only: we write as dom0.
"""

import asyncio
import errno
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from pyxs import Client
from pyxs._internal import NUL, Packet, next_rq_id  # the checks of execute_command cannot be had without it
from pyxs.exceptions import PyXSError, UnexpectedPacket
from pyxs.helpers import error as pyxs_error

from xenopsd.store import GUEST_PREFIXES, GUEST_WRITABLE, Tree, directory, domain_tree, guest_writable, is_news, outside_tree

log = logging.getLogger(__name__)

T = TypeVar("T")

SOCKETS: Final = ("/run/xenstored/socket", "/var/run/xenstored/socket")
WATCHED: Final = ("attr", "control", "data", "device", "drivers", "feature", "vm-data", "xenserver/attr")
LIBXL_WRITES: Final = ("vm", "domid", "memory/static-max", "memory/target")
"""Keys that are libxl's: it has written them when we come."""
DEEPEST: Final = 8
"""Levels below a watched directory that are read."""


OP_ERROR: Final = 16


class AnyText(Client):  # type: ignore[misc]
    """pyxs refuses empty values and UTF-8, which xenstored takes and guests and VMs' names have."""

    def execute_command(self, op: int, *args: bytes, **kwargs: Any) -> bytes:
        kwargs.update(tx_id=self.tx_id, rq_id=next_rq_id())
        packet = self.router.send(Packet(op, b"".join(args), **kwargs)).get()
        if packet.op == OP_ERROR:
            raise pyxs_error(packet.payload[:-1])
        if packet.op != op:
            raise UnexpectedPacket(packet)
        payload: bytes = packet.payload.rstrip(NUL)
        return payload


class XenStore:
    """The trees of this host's domains in its xenstored."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "xenstore")
        self._seen: dict[int, dict[str, str]] = {}
        self._pending: dict[int, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, changed: Callable[[int], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = changed
        self._client = AnyText(unix_socket_path=next(path for path in SOCKETS if Path(path).exists()))
        await self._run(self._client.connect)
        self._monitor = self._client.monitor()
        threading.Thread(target=self._watch, name="xenstore-watches", daemon=True).start()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._run(self._client.close)
        self._pool.shutdown(wait=False)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._loop.run_in_executor(self._pool, work, *arguments)

    # --- watches

    def _watch(self) -> None:
        # pyxs gives no way to end this; the thread goes with the process.
        for event in self._monitor.wait():
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(self._on_event, event.path.decode(errors="replace"))

    def _on_event(self, path: str) -> None:
        _, _, domid, key = path.removeprefix("/").split("/", 3)
        known = self._pending.get(int(domid))
        if int(domid) not in self._seen or not is_news(key):
            return
        if known is not None:
            known.add(key)
            return
        self._pending[int(domid)] = {key}
        task = asyncio.create_task(self._follow(int(domid)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, domid: int) -> None:
        """Read what changed; what changes meanwhile is read in the next round."""
        while keys := self._pending[domid]:
            self._pending[domid] = set()
            fresh = await self._run(self._read_all, domid, sorted(keys))
            seen = self._seen.get(domid)
            if seen is None:
                break
            before = dict(seen)
            for key in keys:
                for name in [name for name in seen if name == key or name.startswith(f"{key}/")]:
                    del seen[name]
            seen.update(fresh)
            if seen != before:
                self._changed(domid)
        del self._pending[domid]

    def _start_watching(self, domid: int) -> dict[str, str]:
        for name in WATCHED:
            path = f"{directory(domid)}/{name}".encode()
            try:
                self._monitor.watch(path, _token(domid))
            except PyXSError as error:
                if error.args[0] != errno.EEXIST:
                    raise
        return self._read_all(domid, WATCHED)

    def _stop_watching(self, domid: int) -> None:
        for path, token in list(self._monitor.unwatch_queue):
            if token == _token(domid):
                self._quietly(self._monitor.unwatch, path, token)

    # --- reading

    def seen(self, domid: int) -> Mapping[str, str]:
        return self._seen.get(domid, {})

    def _read_all(self, domid: int, keys: "list[str] | tuple[str, ...]") -> dict[str, str]:
        found: dict[str, str] = {}
        for key in keys:
            self._collect(directory(domid), key, found, DEEPEST)
        return {key: value for key, value in found.items() if is_news(key)}

    def _collect(self, home: str, key: str, found: dict[str, str], depth: int) -> None:
        path = f"{home}/{key}".encode()
        try:
            value = self._client.read(path)
            names = self._client.list(path) if depth else []
        except PyXSError as error:
            # It may go while we look.
            if error.args and error.args[0] in (errno.ENOENT, errno.E2BIG):
                return
            raise
        if value or not names:
            found[key] = value.decode(errors="replace")
        for name in names:
            self._collect(home, f"{key}/{name.decode(errors='replace')}", found, depth - 1)

    # --- writing

    async def create(self, tree: Tree) -> None:
        self._seen[tree.domid] = await self._run(self._create, tree)

    async def adopt(self, tree: Tree) -> None:
        self._seen[tree.domid] = await self._run(self._start_watching, tree.domid)

    def _create(self, tree: Tree) -> dict[str, str]:
        home = directory(tree.domid)
        for name in GUEST_WRITABLE:
            self._client.mkdir(f"{home}/{name}".encode())
        for key, value in domain_tree(tree).items():
            if key not in LIBXL_WRITES and not key.startswith("cpu/"):
                self._write(f"{home}/{key}", value)
        for key, value in outside_tree(tree).items():
            self._write(key, value)
        for name in GUEST_WRITABLE:
            self._give(f"{home}/{name}", tree.domid)
        return self._start_watching(tree.domid)

    def _give(self, path: str, domid: int) -> None:
        """Make the guest the owner of a directory and what is in it; others (but dom0) may not look."""
        self._client.set_perms(path.encode(), [f"n{domid}".encode()])
        for name in self._client.list(path.encode()):
            self._give(f"{path}/{name.decode()}", domid)

    async def forget(self, vm: str, domid: int) -> None:
        self._seen.pop(domid, None)
        await self._run(self._forget, vm, domid)

    def _forget(self, vm: str, domid: int) -> None:
        self._stop_watching(domid)
        for path in (directory(domid), f"/vm/{vm}", f"/xapi/{vm}"):
            self._quietly(self._client.delete, path.encode())

    async def set_xsdata(self, domid: int, xsdata: Mapping[str, str]) -> None:
        await self._run(self._set_xsdata, domid, guest_writable(xsdata))

    def _set_xsdata(self, domid: int, keys: Mapping[str, str]) -> None:
        home = directory(domid)
        for prefix in GUEST_PREFIXES:
            self._quietly(self._client.delete, f"{home}/{prefix}".encode())
        self._client.mkdir(f"{home}/vm-data".encode())
        for key, value in keys.items():
            self._write(f"{home}/{key}", value)
        self._give(f"{home}/vm-data", domid)

    async def write(self, domid: int, values: Mapping[str, str]) -> None:
        await self._run(self._write_all, domid, values)

    def _write_all(self, domid: int, values: Mapping[str, str]) -> None:
        for key, value in values.items():
            self._write(f"{directory(domid)}/{key}", value)

    def _write(self, path: str, value: str) -> None:
        self._client.write(path.encode(), value.encode())

    def _quietly(self, work: Callable[..., object], *arguments: object) -> None:
        """Do what may already be done: what it is about is gone."""
        try:
            work(*arguments)
        except PyXSError as error:
            if not error.args or error.args[0] != errno.ENOENT:
                raise


def _token(domid: int) -> bytes:
    return f"xenopsd:domain-{domid}".encode()
