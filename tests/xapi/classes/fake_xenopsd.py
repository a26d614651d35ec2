"""A domain manager over plain dicts: no guests, but the states, tasks and updates of a real one."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec

from idl.rpc import RpcError, Unreachable
from idl.tasks import Running, Task, TaskServer
from idl.updates import Updates
from idl.xenops import (
    Changes,
    Console,
    DeviceId,
    Disk,
    DynamicId,
    LocalNetwork,
    Locked,
    Metadata,
    PowerState,
    TaskUpdate,
    Vbd,
    VbdState,
    VbdUpdate,
    Vif,
    VifState,
    VifUpdate,
    Vm,
    VmState,
    VmUpdate,
)


class FakeXenopsd:
    """Implements `idl.xenops.Xenops`. `fail[method]` makes a call's task fail; `dead` makes every call `Unreachable`;
    `hold` keeps tasks from finishing until it is set."""

    def __init__(self) -> None:
        self.vms: dict[str, Vm] = {}
        self.states: dict[str, VmState] = {}
        self.vbds: dict[DeviceId, tuple[Vbd, VbdState]] = {}
        self.vifs: dict[DeviceId, tuple[Vif, VifState]] = {}
        self.updates: Updates[DynamicId] = Updates()
        self.tasks = TaskServer(lambda task: self.updates.add(TaskUpdate(task)))
        self.calls: list[str] = []
        self.fail: dict[str, RpcError] = {}
        self.dead = False
        self.hold: asyncio.Event | None = None
        self._domids = itertools.count(1)
        self._jobs: set[asyncio.Task[None]] = set()

    # -- for tests --

    def die(self) -> None:
        """Go away: waiting and later calls are `Unreachable`, and what only lived in memory is lost."""
        self.dead = True
        self.updates.add(VmUpdate("nobody"))

    def restart(self) -> None:
        self.updates = Updates()
        self.tasks = TaskServer(lambda task: self.updates.add(TaskUpdate(task)))
        self.dead = False

    def guest_ends(self, uuid: str, *, crashed: bool = False) -> None:
        self._set(uuid, power_state=PowerState.HALTED, domids=[], consoles=[], crashed=crashed)

    def guest_reboots(self, uuid: str) -> None:
        self._set(uuid, domids=[next(self._domids)])

    def agent_says(self, uuid: str, **keys: str) -> None:
        self._set(uuid, guest_agent=keys)

    # -- plumbing --

    def _alive(self, name: str) -> None:
        self.calls.append(name)
        if self.dead:
            raise Unreachable("the fake is dead")

    def _set(self, uuid: str, **changes: Any) -> None:
        self.states[uuid] = msgspec.structs.replace(self.states[uuid], **changes)
        self.updates.add(VmUpdate(uuid))

    def _known(self, uuid: str) -> None:
        if uuid not in self.vms:
            raise RpcError("Does_not_exist", "VM", uuid)

    def _task(self, name: str, uuid: str, act: Callable[[], None], *states: PowerState) -> str:
        self._alive(name)
        self._known(uuid)
        task = self.tasks.create(name)
        job = asyncio.create_task(self.tasks.run(task, self._act(task, name, uuid, act, states)))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return task.id

    async def _act(
        self, task: Running, name: str, uuid: str, act: Callable[[], None], states: tuple[PowerState, ...]
    ) -> str | None:
        await asyncio.sleep(0)
        if self.hold is not None:
            task.cancel_point()
            task.on_cancel(self.hold.set)
            await self.hold.wait()
            task.cancel_point()
        if name in self.fail:
            raise self.fail[name]
        found = self.states[uuid].power_state
        if states and found not in states:
            raise RpcError("Bad_power_state", uuid, found.value, states[0].value)
        if name == "VM.suspend":
            # As the real one: the domain is gone before its memory is on the disk, and watchers are told of it.
            self._end(uuid, PowerState.HALTED)
            await asyncio.sleep(0.01)
        act()
        return None

    # -- the interface --

    async def query(self, debug_info: str) -> str:
        return "fake"

    async def task_stat(self, debug_info: str, id: str) -> Task:
        self._alive("Task.stat")
        return self.tasks.stat(id)

    async def task_cancel(self, debug_info: str, id: str) -> None:
        self.tasks.cancel(id)

    async def task_destroy(self, debug_info: str, id: str) -> None:
        self.tasks.destroy(id)

    async def vm_add(self, debug_info: str, vm: Vm) -> str:
        self._alive("VM.add")
        self.vms[vm.id] = vm
        self.states.setdefault(vm.id, VmState(power_state=PowerState.HALTED))
        self.updates.add(VmUpdate(vm.id))
        return vm.id

    async def vm_remove(self, debug_info: str, id: str) -> None:
        self._alive("VM.remove")
        if id not in self.vms:
            return
        found = self.states[id].power_state
        if found in (PowerState.RUNNING, PowerState.PAUSED):
            raise RpcError("Bad_power_state", id, found.value, "Halted")
        del self.vms[id], self.states[id]
        for devices in (self.vbds, self.vifs):
            for device in [known for known in devices if known[0] == id]:
                del devices[device]

    async def vm_stat(self, debug_info: str, id: str) -> tuple[Vm, VmState]:
        self._alive("VM.stat")
        self._known(id)
        return self.vms[id], self.states[id]

    async def vm_list(self, debug_info: str) -> list[tuple[Vm, VmState]]:
        self._alive("VM.list")
        return [(vm, self.states[uuid]) for uuid, vm in self.vms.items()]

    def _devices(self, uuid: str, active: bool) -> None:
        for vbd in [known for known in self.vbds if known[0] == uuid]:
            self.vbds[vbd] = (self.vbds[vbd][0], VbdState(active=active, plugged=active))
        for vif in [known for known in self.vifs if known[0] == uuid]:
            self.vifs[vif] = (self.vifs[vif][0], VifState(active=active, plugged=active))

    def _build(self, uuid: str) -> None:
        vm = self.vms[uuid]
        self._devices(uuid, True)
        self._set(
            uuid,
            power_state=PowerState.PAUSED,
            domids=[next(self._domids)],
            consoles=[Console(protocol="Rfb", path="/vnc"), Console(protocol="Vt100", path="/serial")],
            memory_actual=vm.memory_static_max,
            vcpu_target=vm.vcpus,
            last_start_time=1_700_000_000.0,
            hvm=True,
            domain_type="Domain_HVM",
            crashed=False,
        )

    def _end(self, uuid: str, state: PowerState) -> None:
        self._devices(uuid, False)
        self._set(uuid, power_state=state, domids=[], consoles=[])

    async def vm_start(self, debug_info: str, id: str, force: bool = False) -> str:
        return self._task("VM.start", id, lambda: self._build(id), PowerState.HALTED)

    async def vm_unpause(self, debug_info: str, id: str) -> str:
        return self._task("VM.unpause", id, lambda: self._set(id, power_state=PowerState.RUNNING), PowerState.PAUSED)

    async def vm_pause(self, debug_info: str, id: str) -> str:
        return self._task("VM.pause", id, lambda: self._set(id, power_state=PowerState.PAUSED), PowerState.RUNNING)

    async def vm_shutdown(self, debug_info: str, id: str, delay: float | None = None) -> str:
        name = "VM.shutdown" if delay is None else "VM.clean_shutdown"
        return self._task(name, id, lambda: self._end(id, PowerState.HALTED))

    async def vm_reboot(self, debug_info: str, id: str, delay: float | None = None) -> str:
        return self._task("VM.reboot", id, lambda: self._set(id, domids=[next(self._domids)]))

    async def vm_suspend(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        return self._task("VM.suspend", id, lambda: self._end(id, PowerState.SUSPENDED), PowerState.RUNNING)

    async def vm_resume(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        return self._task("VM.resume", id, lambda: self._build(id))

    async def vm_set_vcpus(self, debug_info: str, id: str, vcpus: int) -> str:
        return self._task("VM.set_vcpus", id, lambda: self._set(id, vcpu_target=vcpus))

    async def vm_set_memory_dynamic_range(self, debug_info: str, id: str, minimum: int, maximum: int) -> str:
        return self._task("VM.set_memory_dynamic_range", id, lambda: self._set(id, memory_actual=maximum))

    async def vm_set_xsdata(self, debug_info: str, id: str, xsdata: dict[str, str]) -> str:
        return self._task("VM.set_xsdata", id, lambda: self._set(id, xsdata_state=xsdata))

    async def vm_send_key(self, debug_info: str, id: str, key: str) -> None:
        self._alive("VM.send_key")
        self.keys = key

    async def vm_export_metadata(self, debug_info: str, id: str) -> Metadata:
        self._alive("VM.export_metadata")
        self._known(id)
        return Metadata(vm=self.vms[id], domains='{"private": true}')

    async def vm_import_metadata(self, debug_info: str, metadata: Metadata) -> str:
        self._alive("VM.import_metadata")
        self.imported = metadata
        uuid = await self.vm_add(debug_info, metadata.vm)
        for vbd in metadata.vbds:
            await self.vbd_add(debug_info, vbd)
        for vif in metadata.vifs:
            await self.vif_add(debug_info, vif)
        return uuid

    async def vbd_add(self, debug_info: str, vbd: Vbd) -> DeviceId:
        self._alive("VBD.add")
        self.vbds[vbd.id] = (vbd, VbdState(active=False, plugged=False))
        return vbd.id

    async def vbd_remove(self, debug_info: str, id: DeviceId) -> None:
        self.vbds.pop(id, None)

    def _plug_vbd(self, id: DeviceId, active: bool) -> None:
        self.vbds[id] = (self.vbds[id][0], VbdState(active=active, plugged=active))
        self.updates.add(VbdUpdate(id))

    def _plug_vif(self, id: DeviceId, active: bool) -> None:
        self.vifs[id] = (self.vifs[id][0], VifState(active=active, plugged=active))
        self.updates.add(VifUpdate(id))

    async def vbd_plug(self, debug_info: str, id: DeviceId) -> str:
        return self._task("VBD.plug", id[0], lambda: self._plug_vbd(id, True))

    async def vbd_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        return self._task("VBD.unplug", id[0], lambda: self._plug_vbd(id, False))

    async def vbd_insert(self, debug_info: str, id: DeviceId, disk: Disk) -> str:
        return self._task("VBD.insert", id[0], lambda: None)

    async def vbd_eject(self, debug_info: str, id: DeviceId) -> str:
        return self._task("VBD.eject", id[0], lambda: None)

    async def vbd_list(self, debug_info: str, vm: str) -> list[tuple[Vbd, VbdState]]:
        self._alive("VBD.list")
        return [entry for device, entry in self.vbds.items() if device[0] == vm]

    async def vif_add(self, debug_info: str, vif: Vif) -> DeviceId:
        self._alive("VIF.add")
        self.vifs[vif.id] = (vif, VifState(active=False, plugged=False))
        return vif.id

    async def vif_remove(self, debug_info: str, id: DeviceId) -> None:
        self.vifs.pop(id, None)

    async def vif_plug(self, debug_info: str, id: DeviceId) -> str:
        return self._task("VIF.plug", id[0], lambda: self._plug_vif(id, True))

    async def vif_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        return self._task("VIF.unplug", id[0], lambda: self._plug_vif(id, False))

    async def vif_move(self, debug_info: str, id: DeviceId, network: LocalNetwork) -> str:
        self.moved = network
        return self._task("VIF.move", id[0], lambda: None)

    async def vif_set_locking_mode(self, debug_info: str, id: DeviceId, locking_mode: Locked | str) -> str:
        self.locked = locking_mode
        return self._task("VIF.set_locking_mode", id[0], lambda: None)

    async def vif_list(self, debug_info: str, vm: str) -> list[tuple[Vif, VifState]]:
        self._alive("VIF.list")
        return [entry for device, entry in self.vifs.items() if device[0] == vm]

    async def updates_get(self, debug_info: str, last_id: int = 0, timeout: float | None = None) -> Changes:
        if self.dead:
            await asyncio.sleep(0.005)
            raise Unreachable("the fake is dead")
        mine = self.updates
        barriers, ids, last = await mine.get(last_id, timeout)
        if self.dead or mine is not self.updates:
            raise Unreachable("the fake died")
        return Changes(barriers, ids, last)

    async def updates_last_id(self, debug_info: str) -> int:
        return self.updates.last_id
