"""The attached disks of this host: who holds each, and the process that serves it.

Attaching records the hold and gives the address; activating the first datapath opens the images and starts the
:class:`~sm.storage_daemon.StorageDaemon`; deactivating the last ends it. Every change is made first and written down
second, so a restart finds a state that can be reached again: :meth:`Datapaths.restore` takes over what still runs, restarts what
should and ends what should not. The callers hold the disk's lock.
"""

import asyncio
import contextlib
import hashlib
import logging
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from idl.rpc import RpcError
from idl.storage import AttachInfo, Backend, BlockDevice, File, Implementation, Nbd
from sm import automaton, errors, records
from sm.automaton import Dp, Level, superstate
from sm.drivers.base import Image, Opened
from sm.kernel_nbd import Devices, device
from sm.locks import KeyedLocks
from sm.storage_daemon import NBD_SOCKET, StorageDaemon, node_name

log = logging.getLogger(__name__)

STATE = "state.json"
OWN = "sm/"
"""Prefix of the service's own datapaths; nobody else will ever let go of them."""
MAX_DEATHS = 5
"""So many deaths of a disk's process within :data:`DEATH_WINDOW` seconds, then it is left for dead."""
DEATH_WINDOW = 60.0

Open = Callable[[str, str], Awaitable[Opened | None]]


def is_guest(vm: str) -> bool:
    """Say whether a disk attached for *vm* is a guest's; ``0`` is this host, and the service itself has no name."""
    return vm not in ("", "0")


class State(msgspec.Struct):
    """What is written down about one attached disk."""

    sr: str
    vdi: str
    dps: dict[str, Dp] = {}
    data: bool = True
    """False for a disk without data (no process serves it)."""
    device: int | None = None
    """The kernel's NBD device that is this disk while it is activated, on hosts whose guests need one."""


class Datapath:
    """One disk of this host that is attached or about to be."""

    def __init__(
        self,
        state: State,
        directory: Path,
        open_disk: Open,
        died: Callable[["Datapath"], None],
        devices: Devices | None,
        free_device: Callable[[], int],
    ) -> None:
        self.state = state
        self.opening = False
        self._devices = devices
        self._free_device = free_device
        self._directory = directory
        self._open = open_disk
        self._died = died
        self._daemon: StorageDaemon | None = None
        self._deaths: list[float] = []

    @property
    def key(self) -> tuple[str, str]:
        return self.state.sr, self.state.vdi

    @property
    def running(self) -> bool:
        return self._daemon is not None and self._daemon.running

    @property
    def writing(self) -> bool:
        return superstate(self.state.dps).read_write

    @property
    def backend(self) -> Backend:
        if not self.state.data:
            return Backend(implementations=[File("/dev/null")])
        found: list[Implementation] = [Nbd(f"nbd:unix:{self.socket}:exportname={self.state.vdi}")]
        if self.state.device is not None:
            found.append(BlockDevice(device(self.state.device)))
        return Backend(implementations=found)

    @property
    def socket(self) -> Path:
        return self._directory / NBD_SOCKET

    async def attach(self, dp: str, vm: str, read_write: bool, sharable: bool) -> Backend:
        """:raises RpcError: ``Illegal_transition``; ``VDI_IN_USE``: somebody else writes; what opening the disk raises."""
        dps = automaton.attach(self.state.dps, dp, vm, read_write)
        if dps is self.state.dps:
            return self.backend
        if read_write and not sharable and automaton.other_writer(dps, dp):
            raise errors.vdi_in_use(self.state.vdi, "attach")
        opened = await self._open(*self.key)
        if read_write and opened is not None and not opened.writable:
            raise errors.backend("VDI_READONLY", self.state.vdi)
        self.state.data = opened is not None
        if self._devices is not None and self.state.device is None and opened is not None and is_guest(vm):
            self.state.device = self._free_device()
        self._save(dps)
        return self.backend

    async def activate(self, dp: str) -> None:
        dps = automaton.activate(self.state.dps, dp)
        if self.state.data and not self.running:
            await self._start()
        self._save(dps)

    async def deactivate(self, dp: str) -> None:
        dps = automaton.deactivate(self.state.dps, dp)
        if superstate(dps).level is not Level.ACTIVATED:
            await self._stop()
        self._save(dps)

    def detach(self, dp: str) -> None:
        self._save(automaton.detach(self.state.dps, dp))

    async def restore(self) -> None:
        """Make the process what the state says, whatever happened since it was written."""
        self._daemon = StorageDaemon(self._directory, self.state.vdi, lambda: self._died(self))
        found = await self._daemon.find()
        wanted = superstate(self.state.dps).level is Level.ACTIVATED and self.state.data
        if not wanted:
            await self._stop()
        elif not found or await self._daemon.exported_node() is None:
            # Only the process: the kernel's device may be a running guest's disk, whose requests wait.
            await self._end_process()
            await self._start()
        else:
            await self._finish_snapshot()
            if self._devices is not None and self.state.device is not None and not self._devices.connected(self.state.device):
                await self._connect_device()

    async def revive(self, now: float) -> None:
        """Start the process again after it died."""
        if self.running or superstate(self.state.dps).level is not Level.ACTIVATED:
            return
        self._deaths = [*(death for death in self._deaths if now - death < DEATH_WINDOW), now]
        if len(self._deaths) > MAX_DEATHS:
            log.error("storage daemon of %s died %d times, giving up", self.key, len(self._deaths))
            return
        log.warning("storage daemon of %s died, starting it again", self.key)
        await self._start()

    async def switch(self, overlay: Image) -> None:
        if self.running:
            assert self._daemon is not None
            await self._daemon.switch(overlay)

    async def resize(self, size: int) -> None:
        assert self._daemon is not None
        await self._daemon.resize(size)
        await self._connect_device()

    async def commit(self, node: Image, parent: Image) -> None:
        assert self._daemon is not None
        await self._daemon.commit(node, parent)

    async def release(self) -> None:
        """Let go of the process: the service stops, the disk stays served."""
        if self._daemon is not None:
            await self._daemon.release()

    async def _start(self) -> None:
        # From here on the collector leaves the images alone; opening ends what it does to them now.
        self.opening = True
        try:
            opened = await self._open(*self.key)
            if opened is None:
                return
            self._daemon = StorageDaemon(self._directory, self.state.vdi, lambda: self._died(self))
            await self._daemon.start(opened.chain, self.writing)
            try:
                await self._connect_device()
            except BaseException:
                await self._end_process()
                raise
        finally:
            self.opening = False

    async def _connect_device(self) -> None:
        """Make the kernel's device this disk, or let it go on with the disk's present process and size."""
        if self._devices is not None and self.state.device is not None:
            await self._devices.connect(self.state.device, self.socket, self.state.vdi)

    async def _stop(self) -> None:
        if self._devices is not None and self.state.device is not None:
            await self._devices.disconnect(self.state.device)
        await self._end_process()

    async def _end_process(self) -> None:
        if self._daemon is not None:
            await self._daemon.stop()
            self._daemon = None

    async def _finish_snapshot(self) -> None:
        """A snapshot was cut short after the record named the overlay and before the process wrote to it: do the switch."""
        opened = await self._open(*self.key)
        if opened is None or self._daemon is None or not self.writing:
            return
        exported = await self._daemon.exported_node()
        names = [node_name(image.path) for image in opened.chain]
        if len(names) > 1 and names[-1] != exported and names[-2] == exported:
            log.info("finishing the interrupted snapshot of %s", self.key)
            await self._daemon.switch(opened.chain[-1])

    def _save(self, dps: Mapping[str, Dp]) -> None:
        self.state.dps = dict(dps)
        if not dps:
            self.state.device = None
            shutil.rmtree(self._directory, ignore_errors=True)
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        records.write_atomically(self._directory / STATE, msgspec.json.encode(self.state))


class Datapaths:
    """Every attached disk of this host."""

    def __init__(self, directory: Path, open_disk: Open, locks: KeyedLocks, devices: Devices | None = None) -> None:
        self._devices = devices
        self._directory = directory
        self._open = open_disk
        self._locks = locks
        self._paths: dict[tuple[str, str], Datapath] = {}
        self._revivals: set[asyncio.Task[None]] = set()

    async def restore(self) -> None:
        """Read what an earlier life wrote down and reconcile each disk with reality; bad ones are logged and kept."""
        for file in sorted(self._directory.glob(f"*/{STATE}")):
            state = msgspec.json.decode(file.read_bytes(), type=State)
            state.dps = {name: dp for name, dp in state.dps.items() if not name.startswith(OWN)}
            path = self._make(state)
            try:
                await path.restore()
            except RpcError as error:
                log.error("disk %s cannot be served: %s", path.key, error)
            if not state.dps:
                path.detach("")
                del self._paths[path.key]

    def at(self, sr: str, vdi: str) -> Datapath:
        return self._paths.get((sr, vdi)) or self._make(State(sr, vdi))

    def attached(self, sr: str, vdi: str) -> bool:
        return (sr, vdi) in self._paths and bool(self._paths[sr, vdi].state.dps)

    def forget_idle(self, sr: str, vdi: str) -> None:
        """Drop the entry of a disk nobody holds."""
        if not self.attached(sr, vdi):
            self._paths.pop((sr, vdi), None)

    def held_in(self, sr: str) -> list[str]:
        return [path.state.vdi for path in self._paths.values() if path.state.sr == sr and path.state.dps]

    def holds(self) -> list[AttachInfo]:
        return [
            AttachInfo(
                sr=path.state.sr,
                vdi=path.state.vdi,
                dp=name,
                vm=dp.vm,
                read_write=dp.read_write,
                activated=dp.activated,
                backend=path.backend,
            )
            for path in self._paths.values()
            for name, dp in path.state.dps.items()
        ]

    def attachments(self, sr: str) -> "SrAttachments":
        return SrAttachments(self, sr)

    def open_disks(self, sr: str) -> dict[str, bool]:
        return {
            path.state.vdi: path.writing
            for path in self._paths.values()
            if path.state.sr == sr and (path.running or path.opening)
        }

    @contextlib.asynccontextmanager
    async def borrow(self, sr: str, vdi: str, read_write: bool) -> AsyncIterator[Path]:
        """Attach and activate a disk for the service's own use; gives the NBD socket (export name: *vdi*)."""
        dp = f"{OWN}{uuid.uuid4()}"
        async with self._locks.hold((sr, vdi)):
            path = self.at(sr, vdi)
            try:
                await path.attach(dp, "", read_write, sharable=False)
                await path.activate(dp)
            except BaseException:
                await self._give_back(path, dp)
                raise
        try:
            yield path.socket
        finally:
            async with self._locks.hold((sr, vdi)):
                await self._give_back(path, dp)

    async def _give_back(self, path: Datapath, dp: str) -> None:
        await path.deactivate(dp)
        path.detach(dp)
        self.forget_idle(*path.key)

    async def release(self) -> None:
        for task in self._revivals:
            task.cancel()
        await asyncio.gather(*self._revivals, return_exceptions=True)
        for path in self._paths.values():
            await path.release()

    def _make(self, state: State) -> Datapath:
        # A short name: with the host's root in front it has to fit a Unix socket address.
        short = hashlib.sha256(f"{state.sr}/{state.vdi}".encode()).hexdigest()[:12]
        path = Datapath(state, self._directory / short, self._open, self._on_death, self._devices, self._free_device)
        self._paths[path.key] = path
        return path

    def _free_device(self) -> int:
        assert self._devices is not None
        return self._devices.free(path.state.device for path in self._paths.values() if path.state.device is not None)

    def _on_death(self, path: Datapath) -> None:
        task = asyncio.create_task(self._revive(path))
        self._revivals.add(task)
        task.add_done_callback(self._revivals.discard)

    async def _revive(self, path: Datapath) -> None:
        async with self._locks.hold(path.key):
            try:
                await path.revive(asyncio.get_running_loop().time())
            except RpcError as error:
                log.error("disk %s cannot be served any more: %s", path.key, error)


class SrAttachments:
    """The collector's view of one SR's attached disks."""

    def __init__(self, datapaths: Datapaths, sr: str) -> None:
        self._datapaths = datapaths
        self._sr = sr

    def open_disks(self) -> Mapping[str, bool]:
        return self._datapaths.open_disks(self._sr)

    def live(self, vdi: str) -> Datapath:
        return self._datapaths.at(self._sr, vdi)
