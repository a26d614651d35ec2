"""A one-host pool in memory for the tests of VMs: a store, fakes of the other daemons, rows to work on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.xapi.classes.fake_xenopsd import FakeXenopsd
from tests.xapi.storage_house import House
from xapi.classes import vbd, vif, xenops_events
from xapi.classes import vm as vms
from xapi.database.schema import NULL_REF
from xapi.datamodel import MODEL, default_value
from xapi.planning.memory import MIB
from xapi.server.context import Context, Origin

GIB = 1024 * MIB


class Daemon:
    """Takes any call and answers nothing; remembers what was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> None:
            self.calls.append((name, args))

        return call


def arguments(cls: str, **given: Any) -> dict[str, Any]:
    """Return what a constructor gets: the given fields, defaults for the others."""
    return {entry.name: default_value(entry) for entry in MODEL.classes[cls].constructor_fields} | given


class Pool(House):
    """One host with 16 GiB, one SR, one network."""

    def __init__(self, root: Path, network: Daemon | None = None) -> None:
        self.xenops = FakeXenopsd()
        self.network_daemon, self.metrics = network or Daemon(), Daemon()
        super().__init__(root, xenops=self.xenops, network=self.network_daemon, metrics=self.metrics)
        metrics = self.db.create("host_metrics", memory_total=16 * GIB, live=True)
        self.db.set("host", self.host, address="192.0.2.1", metrics=metrics, virtual_hardware_platform_versions=[0, 1, 2])
        self.network = self.db.create("network", bridge="xapi0", MTU=1500, managed=True)

    async def start(self) -> None:
        await self.furnish()
        self.db.set("pool", self.pool, suspend_image_SR=self.sr, default_SR=self.sr)
        await self.meet_xenopsd()

    async def meet_xenopsd(self) -> None:
        """What a xapi does with the domain manager when it starts."""
        updates = xenops_events.connect(self.app)
        await updates.resync()
        self.app.spawn(updates.run(), "updates")

    async def stop(self) -> None:
        for job in list(self.app.jobs):
            job.cancel()
        await asyncio.gather(*self.app.jobs, return_exceptions=True)

    def ctx(self, name: str = "test") -> Context:
        """Return a call's context with a task of its own."""
        ctx = Context(self.app, Origin(local_root=True), name=name)
        ctx.task = self.app.tasks.create(ctx, name)
        return ctx

    async def vm(self, **given: Any) -> str:
        fields = {
            "name_label": "guest",
            "affinity": NULL_REF,
            "memory_static_min": 128 * MIB,
            "memory_dynamic_min": 256 * MIB,
            "memory_dynamic_max": 256 * MIB,
            "memory_static_max": 256 * MIB,
            "VCPUs_max": 2,
            "VCPUs_at_startup": 1,
            "HVM_boot_policy": "BIOS order",
            "actions_after_shutdown": "destroy",
            "actions_after_reboot": "restart",
            "actions_after_crash": "destroy",
        }
        return await vms.create(self.ctx("VM.create"), arguments("VM", **fields | given))

    async def vbd(self, vm: str, vdi: str, **given: Any) -> str:
        fields = {
            "VM": vm,
            "VDI": vdi,
            "userdevice": "autodetect",
            "bootable": True,
            "mode": "RW",
            "type": "Disk",
            "empty": False,
        }
        return await vbd.create(self.ctx("VBD.create"), arguments("VBD", **fields | given))

    async def vif(self, vm: str, **given: Any) -> str:
        fields = {"VM": vm, "network": self.network, "device": "autodetect", "MAC": "", "MTU": 1500}
        return await vif.create(self.ctx("VIF.create"), arguments("VIF", **fields | given))

    def state(self, vm: str) -> str:
        return str(self.db.get("VM", vm, "power_state"))

    def uuid(self, vm: str) -> str:
        return str(self.db.get("VM", vm, "uuid"))

    def messages(self) -> list[str]:
        return [row.values["name"] for row in self.db.rows("message")]

    async def becomes(self, vm: str, state: str) -> None:
        """Wait for the VM to be seen in a power state."""
        await self.app.watch.until(vm, lambda: self.state(vm) == state, 5)
