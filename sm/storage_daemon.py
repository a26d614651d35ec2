"""One ``qemu-storage-daemon`` process: opens a chain of images and exports the disk over NBD.

The process is in its own session and outlives this service; everything needed to find it again (pid file, QMP and NBD
sockets) is in one directory. Its end is noticed through a pidfd, which becomes readable.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from qemu.qmp import EventListener, ExecuteError, QMPClient, QMPError

from idl.paths import short_path
from idl.rpc import RpcError
from sm.drivers.base import Image
from sm.errors import Fault, failure, no_space

log = logging.getLogger(__name__)
# It tells every closed connection as news.
logging.getLogger("qemu.qmp").setLevel(logging.WARNING)

PATIENCE = 60.0
"""Seconds a command that moves no bulk data may take."""
EXPORT = "disk"
NBD_SOCKET = "nbd"
LOG = "log"
"""What the process complains about, for people."""


def node_name(path: Path) -> str:
    """The name of an image inside the daemon: short, and the same whenever it is opened."""
    return "n" + hashlib.sha256(os.fsencode(path)).hexdigest()[:24]


def blockdev(image: Image, backing: str | None, read_only: bool, direct: bool) -> dict[str, Any]:
    """``blockdev-add`` arguments for one image over the already added node *backing*."""
    options: dict[str, Any] = {
        "driver": image.format.value,
        "node-name": node_name(image.path),
        "read-only": read_only,
        "discard": "unmap",
        "detect-zeroes": "off" if read_only else "unmap",
        "cache": {"direct": direct},
        "file": {
            "driver": "file",
            "filename": str(image.path),
            "aio": "threads",
            "discard": "unmap",
            "cache": {"direct": direct},
        },
    }
    if image.format.value == "qcow2":
        # Never what the image's header says: the chain is ours to decide.
        options["backing"] = backing
    return options


def supports_direct(path: Path) -> bool:
    """Whether the file system takes O_DIRECT (tmpfs does not)."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True


class StorageDaemon:
    """A running (or to be started) qemu-storage-daemon in *directory*, which exports the disk as *name*."""

    def __init__(self, directory: Path, name: str, died: Callable[[], None]) -> None:
        self._directory = directory
        self._name = name
        self._died = died
        self._qmp: QMPClient | None = None
        self._pidfd = -1
        self._gone = asyncio.Event()
        self._gone.set()
        self._stopping = False

    @property
    def running(self) -> bool:
        return not self._gone.is_set()

    async def start(self, chain: Sequence[Image], writable: bool) -> None:
        """Start the process, open *chain* and export its last image.

        :raises RpcError: ``SR_BACKEND_FAILURE_46``; nothing runs then.
        """
        self._stopping = False
        await self._spawn()
        try:
            await self._connect()
            backing = None
            for image in chain:
                read_only = not writable or image is not chain[-1]
                await self._add(image, backing, read_only)
                backing = node_name(image.path)
            await self._export(node_name(chain[-1].path), writable)
        except BaseException:
            await self.stop()
            raise

    async def find(self) -> bool:
        """Take over a process started by an earlier life of this service; False if there is none."""
        try:
            await self._connect()
        except (OSError, ValueError, QMPError, TimeoutError) as error:
            log.info("no storage daemon to take over in %s: %s", self._directory, error)
            self._kill_leftover()
            return False
        return True

    async def exported_node(self) -> str | None:
        """The node the guest writes to now, or None without an export."""
        exports = await self._execute("query-block-exports")
        return next((str(export["node-name"]) for export in exports if export["id"] == EXPORT), None)

    async def switch(self, overlay: Image) -> None:
        """Put the empty image *overlay* over the exported node; the guest writes to it from now on.

        Doing it again changes nothing.
        """
        node = await self.exported_node()
        name = node_name(overlay.path)
        if node == name:
            return
        await self._add(overlay, None, read_only=False)
        try:
            await self._execute("blockdev-snapshot", {"node": node, "overlay": name})
        except RpcError:
            await self._execute("blockdev-del", {"node-name": name})
            raise

    async def resize(self, size: int) -> None:
        """Grow the disk. NBD cannot tell a client a new size: the export is renewed, clients reconnect and see it."""
        node = await self.exported_node()
        assert node is not None
        with self._events("BLOCK_EXPORT_DELETED") as events:
            await self._execute("block-export-del", {"id": EXPORT, "mode": "hard"})
            async with asyncio.timeout(PATIENCE):
                await events.get()
        try:
            await self._execute("block_resize", {"node-name": node, "size": size})
        finally:
            await self._export(node, writable=True)

    async def commit(self, node: Image, parent: Image) -> None:
        """Write *node*, which is not the exported one, into *parent*, and drop it from the chain.

        A cancelled call cancels the job; the disk reads the same at every moment.
        """
        top = await self.exported_node()
        name = node_name(node.path)
        arguments = {
            "job-id": "commit",
            "device": top,
            "top-node": name,
            "base-node": node_name(parent.path),
            "backing-file": parent.path.name,
        }
        with self._events("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED") as events:
            await self._execute("block-commit", arguments)
            try:
                end = await events.get()
            except asyncio.CancelledError:
                with contextlib.suppress(RpcError):
                    await self._execute("block-job-cancel", {"device": "commit"})
                    await events.get()
                raise
        outcome = cast(dict[str, object], end["data"])
        if end["event"] != "BLOCK_JOB_COMPLETED" or "error" in outcome:
            raise _failed("block-commit", str(outcome.get("error", "cancelled")))
        with contextlib.suppress(RpcError):
            await self._execute("blockdev-del", {"node-name": name})

    async def stop(self) -> None:
        """Flush, close and end the process; returns when it is gone. Nothing running is no error."""
        self._stopping = True
        if self._qmp is not None and self.running:
            with contextlib.suppress(RpcError):
                await self._execute("quit")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._gone.wait()
        except TimeoutError:
            log.warning("storage daemon in %s does not end, killing it", self._directory)
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            await self._gone.wait()
        await self.release()

    async def release(self) -> None:
        """Let go of the process without ending it."""
        self._forget_process()
        if self._qmp is not None:
            client, self._qmp = self._qmp, None
            with contextlib.suppress(QMPError, EOFError, OSError):
                await client.disconnect()

    async def _spawn(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for stale in ("qmp", NBD_SOCKET, "pid"):
            (self._directory / stale).unlink(missing_ok=True)
        mark = self._mark()
        with (self._directory / LOG).open("wb") as complaints:
            # Relative socket paths: a Unix socket address holds 107 bytes, and a host's root may be deep.
            process = await asyncio.create_subprocess_exec(
                "qemu-storage-daemon", "--daemonize", "--pidfile", "pid",
                "--chardev", f"socket,id={mark},path=qmp,server=on,wait=off", "--monitor", f"chardev={mark}",
                "--nbd-server", f"addr.type=unix,addr.path={NBD_SOCKET},max-connections=0",
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=complaints.fileno(),
            )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            raise _failed("qemu-storage-daemon", "it did not start in time") from None
        if status:
            raise _failed("qemu-storage-daemon", (self._directory / LOG).read_text(errors="replace"))

    async def _connect(self) -> None:
        pid = int((self._directory / "pid").read_text())
        client = QMPClient(self._name)
        with short_path(self._directory / "qmp") as address:
            async with asyncio.timeout(PATIENCE):
                await client.connect(address)
        self._qmp = client
        self._pidfd = os.pidfd_open(pid)
        self._gone.clear()
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)

    def _ended(self) -> None:
        self._forget_process()
        if not self._stopping:
            self._died()

    def _forget_process(self) -> None:
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self._gone.set()

    def _kill_leftover(self) -> None:
        """End a process that holds the images but does not answer."""
        try:
            pid = int((self._directory / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return
        if self._mark().encode() in command:
            log.warning("killing storage daemon %d, which does not answer", pid)
            os.kill(pid, signal.SIGKILL)

    def _mark(self) -> str:
        """A word on the process's command line that tells it from a process that got its pid later."""
        return f"at-{hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:16]}"

    async def _add(self, image: Image, backing: str | None, read_only: bool) -> None:
        direct = supports_direct(image.path)
        await self._execute("blockdev-add", blockdev(image, backing, read_only, direct))

    async def _export(self, node: str, writable: bool) -> None:
        arguments = {"type": "nbd", "id": EXPORT, "node-name": node, "name": self._name, "writable": writable}
        await self._execute("block-export-add", arguments)

    async def _execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        if self._qmp is None:
            raise _failed(command, "the storage daemon is not running")
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._qmp.execute(command, dict(arguments) if arguments else None)
        except ExecuteError as error:
            raise _failed(command, str(error)) from error
        except (QMPError, EOFError, OSError, TimeoutError) as error:
            raise _failed(command, f"{type(error).__name__}: {error}") from error

    @contextlib.contextmanager
    def _events(self, *names: str) -> Iterator[EventListener]:
        assert self._qmp is not None
        with self._qmp.listener(names) as listener:
            yield listener


def _failed(command: str, detail: str) -> RpcError:
    if "No space left on device" in detail:
        return no_space(detail)
    return failure(Fault.VDI_UNAVAILABLE, f"The VDI is not available: {command} failed", detail)
