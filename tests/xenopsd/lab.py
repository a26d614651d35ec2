"""A host for tests: xenopsd and the storage service as real processes under a root of their own.

xenopsd runs in a network namespace with one bridge, ``xenbr0``, so nothing of the machine's network is touched. Under
Xen (the tests then run in its dom0) guests' interfaces are the kernel's own, so there the bridge is made for real.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedded.guest_image.build import GuestImage
from idl import tasks
from idl.paths import Root
from idl.rpc import client
from idl.storage import Nbd, Storage, VdiInfo, nbd_socket
from idl.xenops import (
    DynamicId,
    Hvm,
    HvmInfo,
    LocalNetwork,
    PowerState,
    Vbd,
    VdiDisk,
    Vif,
    Vm,
    VmState,
    Xenops,
)
from tests.xenopsd.xen_guest import XenGuest

MIB = 1 << 20
SECONDS = 300.0
"""What a guest in software emulation may need on a busy machine."""
BRIDGE = "xenbr0"

IN_NAMESPACE = [
    "unshare", "--net", "sh", "-c",
    f'ip link set lo up && ip link add {BRIDGE} type bridge && ip link set {BRIDGE} up && exec "$@"', "sh",
]  # fmt: skip


class Lab:
    """The processes of one host; tests talk to them through :meth:`session`."""

    def __init__(self, root: Root, driver: str, settings: str = "") -> None:
        self.root = root
        self.driver = driver
        conf = root.under("/etc/xenopsd.conf")
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text(f"hypervisor = {driver}\naccelerator = tcg\nrestart-pause = 0.2\n{settings}")
        self.log = (root.path / "daemons.log").open("ab")
        self.guest: XenGuest | None = None
        if driver == "xen":
            _have_bridge()
        self.sm = self._spawn("sm")
        self.start()

    def _spawn(self, name: str, *prefix: str) -> "subprocess.Popen[bytes]":
        command = [*prefix, sys.executable, "-m", name, "--root", str(self.root.path), "--log-level", "DEBUG"]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def start(self) -> None:
        # exec all the way: the daemon has the process id of what was spawned.
        self.xenopsd = self._spawn("xenopsd", *([] if self.driver == "xen" else IN_NAMESPACE))

    def kill(self) -> None:
        self.xenopsd.kill()
        self.xenopsd.wait()

    def stop(self) -> None:
        for process in (self.xenopsd, self.sm):
            process.terminate()
        for process in (self.xenopsd, self.sm):
            process.wait(30)
        self.log.close()

    def emulators(self) -> list[int]:
        """Return the emulators' process ids."""
        return [
            int(file.read_text())
            for file in self.root.under("/var/lib/xenopsd/embed/run/qemu").glob("*.pid")
            if file.name != "driver.pid" and file.read_text().strip()
        ]

    @asynccontextmanager
    async def session(self) -> "AsyncIterator[Session]":
        xenops, storage = client(Xenops, self.root.xenopsd_socket, 30), client(Storage, self.root.storage_socket, 30)
        session = Session(self, xenops, storage)
        try:
            yield session
        finally:
            for vm in list(session.made):
                await session.discard(vm)
            xenops.close()  # type: ignore[attr-defined]
            storage.close()  # type: ignore[attr-defined]


def _have_bridge() -> None:
    if not Path(f"/sys/class/net/{BRIDGE}").exists():
        subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)


@contextmanager
def lab(driver: str, settings: str = "") -> Iterator[Lab]:
    """Have a host while the block runs."""
    directory = Path(tempfile.mkdtemp(prefix="xo-"))
    running = Lab(Root(directory), driver, settings)
    try:
        yield running
    finally:
        running.stop()
        for pid in running.emulators():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(directory)


@dataclass
class Session:
    """One test's view of a host."""

    lab: Lab
    xenops: Xenops
    storage: Storage
    made: list[str] = field(default_factory=list)
    sr: str = ""

    async def finish(self, task: str) -> None:
        """Wait for a task's end; raises its error."""
        last = 0
        while True:
            stat = await self.xenops.task_stat("test", task)
            if not isinstance(stat.state, tasks.Pending):
                break
            last = (await self.xenops.updates_get("test", last, SECONDS)).last_id
        await self.xenops.task_destroy("test", task)
        tasks.outcome(stat)

    async def restart_xenopsd(self) -> None:
        """Kill xenopsd and start it again; returns when it answers."""
        self.lab.kill()
        self.xenops.close()  # type: ignore[attr-defined]
        self.lab.start()
        await self.xenops.query("test")

    async def state(self, vm: str) -> VmState:
        return (await self.xenops.vm_stat("test", vm))[1]

    async def until(self, vm: str, *wanted: PowerState, domid_not: int | None = None) -> VmState:
        """Wait for updates until the VM is in one of the states (with another domain than *domid_not*)."""
        last = 0
        async with asyncio.timeout(SECONDS):
            while True:
                changes = await self.xenops.updates_get("test", last)
                last = changes.last_id
                state = await self.state(vm)
                if state.power_state in wanted and (domid_not is None or state.domids not in ([], [domid_not])):
                    return state

    async def new_vm(self, **settings: object) -> str:
        vm = str(uuid.uuid4())
        fields: dict[str, object] = {
            "id": vm,
            "name": "test guest",
            "ty": self.lab.guest.pv() if self.lab.guest else Hvm(HvmInfo(boot_order="c")),
            "memory_static_max": 192 * MIB,
            "memory_dynamic_max": 192 * MIB,
            "memory_dynamic_min": 192 * MIB,
            "vcpu_max": 1,
            "vcpus": 1,
        }
        await self.xenops.vm_add("test", Vm(**(fields | settings)))  # type: ignore[arg-type]
        self.made.append(vm)
        return vm

    async def new_sr(self) -> str:
        if not self.sr:
            self.sr = str(uuid.uuid4())
            config = await self.storage.sr_create("test", self.sr, "file", "local", "", {"location": f"/srv/{self.sr}"}, 0)
            await self.storage.sr_attach("test", self.sr, "file", config)
        return self.sr

    async def new_disk(self, content: Path | None = None, size: int = 16 * MIB) -> VdiDisk:
        sr = await self.new_sr()
        size = max(size, content.stat().st_size if content else 0)
        vdi = (await self.storage.vdi_create("test", sr, VdiInfo(vdi="", virtual_size=size))).vdi
        if content is not None:
            await self._fill(sr, vdi, content)
        return VdiDisk(f"{sr}/{vdi}")

    async def _fill(self, sr: str, vdi: str, content: Path) -> None:
        backend = await self.storage.vdi_attach3("test", "test", sr, vdi, "0", True)
        await self.storage.vdi_activate3("test", "test", sr, vdi, "0")
        (nbd,) = backend.implementations
        assert isinstance(nbd, Nbd)
        socket, export = nbd_socket(nbd.uri)
        target = f"driver=nbd,server.type=unix,server.path={socket},export={export}"
        command = ["qemu-img", "convert", "-n", "-f", "raw", "--target-image-opts", str(content), target]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
        await self.storage.dp_destroy2("test", "test", sr, vdi, "0", False)

    async def add_disk(self, vm: str, disk: VdiDisk | None, device: str = "xvda", **fields: object) -> tuple[str, str]:
        return await self.xenops.vbd_add("test", Vbd(id=(vm, device), backend=disk, **fields))  # type: ignore[arg-type]

    async def add_nic(self, vm: str, position: int = 0, bridge: str = BRIDGE) -> tuple[str, str]:
        mac = f"52:54:00:{vm[0:2]}:{vm[2:4]}:{position:02x}"
        vif = Vif(id=(vm, str(position)), position=position, mac=mac, backend=LocalNetwork(bridge))
        return await self.xenops.vif_add("test", vif)

    async def agent_says(self, vm: str, key: str) -> str:
        """Wait until the guest has written a key of its store."""
        last = 0
        async with asyncio.timeout(SECONDS):
            while key not in (state := await self.state(vm)).guest_agent:
                last = (await self.xenops.updates_get("test", last)).last_id
        return state.guest_agent[key]

    async def demo_vm(self, image: GuestImage, **settings: object) -> str:
        """Return a VM that boots the demo guest from a disk of its own."""
        vm = await self.new_vm(**settings)
        await self.add_disk(vm, await self.new_disk(image.raw), bootable=True)
        return vm

    async def run(self, vm: str) -> VmState:
        await self.finish(await self.xenops.vm_start("test", vm))
        await self.finish(await self.xenops.vm_unpause("test", vm))
        return await self.state(vm)

    @asynccontextmanager
    async def serial(self, vm: str) -> "AsyncIterator[Serial]":
        path = next(console.path for console in (await self.state(vm)).consoles if console.protocol == "Vt100")
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            yield Serial(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    async def changed(self, since: int) -> list[DynamicId]:
        return (await self.xenops.updates_get("test", since, 0)).ids

    async def discard(self, vm: str) -> None:
        await self.finish(await self.xenops.vm_shutdown("test", vm))
        await self.xenops.vm_remove("test", vm)
        self.made.remove(vm)


@dataclass
class Serial:
    """The guest's serial console."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: bytes = b""

    async def expect(self, text: bytes) -> bytes:
        """Read until *text* comes; return what came before it."""
        async with asyncio.timeout(SECONDS):
            while text not in self.seen:
                chunk = await self.reader.read(4096)
                assert chunk, f"console closed; saw {self.seen[-300:]!r}"
                self.seen += chunk
        before, _, self.seen = self.seen.partition(text)
        return before

    async def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\n")
        await self.writer.drain()

    async def ready(self) -> None:
        # Only the shell's prompt says that it listens.
        await self.expect(b"demo guest ready")
        await self.expect(b"demo# ")

    async def ask(self, command: str) -> str:
        """Run a shell command in the guest and return its output."""
        # The echo of the command must not look like its answer.
        await self.say(f"A==; echo $A$A; {command}; echo '>'$A")
        await self.expect(b"\r\n==\r\n")
        lines = (await self.expect(b">=")).decode(errors="replace").split("\r\n")
        return "\n".join(line for line in lines if not line.startswith("counter ")).strip()

    async def counter(self) -> int:
        await self.expect(b"counter ")
        return int(await self.expect(b"\r\n"))
