"""A storage service of its own for each test: the real daemon, real images, real qemu-storage-daemon processes."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from idl.paths import Root
from idl.rpc import client
from idl.storage import Backend, Nbd, Storage, VdiInfo, nbd_socket

MIB = 1 << 20


@pytest.fixture
def root() -> Iterator[Root]:
    """A host's root with a short name: socket paths hang under it."""
    directory = Path(tempfile.mkdtemp(prefix="sm-"))
    yield Root(directory)
    for pid_file in directory.glob("var/run/nonpersistent/sm/dp/*/pid"):
        _end(pid_file)
    shutil.rmtree(directory, ignore_errors=True)


def _end(pid_file: Path) -> None:
    """End a storage daemon that a test left; only one that runs in this test's directory."""
    try:
        pid = int(pid_file.read_text())
        pidfd = os.pidfd_open(pid)
    except (OSError, ValueError):
        return
    if b"qemu-storage-daemon" in Path(f"/proc/{pid}/cmdline").read_bytes():
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)


@dataclass
class Host:
    """One running storage service and its client."""

    root: Root
    storage: Storage
    process: subprocess.Popen[bytes] | None = None
    sr: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def directory(self) -> Path:
        """Where the SR's images are."""
        return self.root.under("/srv/disks")

    def start(self) -> None:
        command = [sys.executable, "-m", "sm", "--root", str(self.root.path)]
        self.process = subprocess.Popen(command)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.storage.close()  # type: ignore[attr-defined]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    async def restart(self) -> None:
        self.kill()
        self.start()
        await self.storage.query("test")

    async def new_sr(self) -> None:
        config = await self.storage.sr_create("test", self.sr, "file", "local", "disks", {"location": "/srv/disks"}, 0)
        await self.storage.sr_attach("test", self.sr, "file", config)

    async def new_vdi(self, size: int = 16 * MIB, **fields: object) -> str:
        info = VdiInfo(vdi="", virtual_size=size, name_label="disk", **fields)  # type: ignore[arg-type]
        return (await self.storage.vdi_create("test", self.sr, info)).vdi

    async def plug(self, vdi: str, dp: str = "vbd/1/xvda", vm: str = "1", read_write: bool = True) -> "Disk":
        backend = await self.storage.vdi_attach3("test", dp, self.sr, vdi, vm, read_write)
        await self.storage.vdi_activate3("test", dp, self.sr, vdi, vm)
        return Disk.of(backend)

    async def unplug(self, vdi: str, dp: str = "vbd/1/xvda", vm: str = "1") -> None:
        await self.storage.vdi_deactivate("test", dp, self.sr, vdi, vm)
        await self.storage.vdi_detach("test", dp, self.sr, vdi, vm)

    async def pattern(self, vdi: str) -> list[int]:
        """The first byte of each of the disk's first four MiB."""
        disk = await self.plug(vdi, dp="reader", read_write=False)
        try:
            return [await disk.byte_at(mib * MIB) for mib in range(4)]
        finally:
            await self.unplug(vdi, dp="reader")

    async def info(self, vdi: str) -> VdiInfo:
        return await self.storage.vdi_stat("test", self.sr, vdi)

    async def snapshot(self, vdi: str) -> str:
        return (await self.storage.vdi_snapshot("test", self.sr, VdiInfo(vdi=vdi, name_label="snap"))).vdi

    async def clone(self, vdi: str) -> str:
        return (await self.storage.vdi_clone("test", self.sr, VdiInfo(vdi=vdi, name_label="clone"))).vdi

    def images(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir() if path.suffix in (".qcow2", ".raw"))


@dataclass(frozen=True)
class Disk:
    """A served disk as a guest sees it."""

    uri: str

    @classmethod
    def of(cls, backend: Backend) -> "Disk":
        (implementation,) = backend.implementations
        assert isinstance(implementation, Nbd)
        path, name = nbd_socket(implementation.uri)
        return cls(f"nbd+unix:///{quote(name)}?socket={path}")

    async def fill(self, mib: int, byte: int) -> None:
        """Write one MiB of *byte* at *mib* MiB."""
        await self._io(f"write -P {byte} {mib}M 1M", "flush")

    async def byte_at(self, offset: int) -> int:
        return int((await self._io(f"read -v {offset} 16", writable=False)).split()[1], 16)

    async def _io(self, *commands: str, writable: bool = True) -> str:
        arguments = [] if writable else ["-r"]
        arguments += [part for command in commands for part in ("-c", command)]
        process = await asyncio.create_subprocess_exec(
            "qemu-io", "-f", "raw", *arguments, self.uri,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output = (await process.communicate())[0].decode()
        if process.returncode or "failed" in output or "error" in output.lower():
            raise OSError(output)
        return output


@pytest.fixture
async def host(root: Root) -> AsyncIterator[Host]:
    """A running service with one attached file SR."""
    machine = Host(root, client(Storage, root.storage_socket, patience=30))
    machine.start()
    try:
        await machine.new_sr()
        yield machine
    finally:
        machine.storage.close()  # type: ignore[attr-defined]
        machine.stop()
