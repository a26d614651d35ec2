"""The :class:`idl.xenops.Xenops` interface: each method reads, or hands an operation to the scheduler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from idl.daemon import Daemon
from idl.rpc import RpcError, client, serve
from idl.storage import Storage
from idl.tasks import Task
from idl.updates import Updates
from idl.xenops import (
    Changes,
    DeviceId,
    Disk,
    DomainCounters,
    DynamicId,
    HostState,
    LocalNetwork,
    Locked,
    Metadata,
    PowerState,
    Problem,
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
    Xenops,
)
from xenopsd import devices, hypervisors, operations, status
from xenopsd.ballooning import Ballooning, LiveHost
from xenopsd.context import Context
from xenopsd.datapath import Datapaths
from xenopsd.domains import Domains
from xenopsd.hypervisors.base import Capability, require
from xenopsd.memory import Memory
from xenopsd.scheduler import Scheduler
from xenopsd.state import Private, Records, ensure_component

LIVE = (PowerState.RUNNING, PowerState.PAUSED)
WORKERS = 4


class Service:
    """What the socket answers."""

    def __init__(self, ctx: Context, scheduler: Scheduler, updates: Updates[DynamicId]) -> None:
        self._ctx = ctx
        self._scheduler = scheduler
        self._updates = updates

    async def query(self, debug_info: str) -> str:
        return f"xenopsd 0.1 ({self._ctx.hypervisor.name})"

    async def host_stat(self, debug_info: str) -> HostState:
        return await self._ctx.hypervisor.host()

    async def host_get_counters(self, debug_info: str) -> list[DomainCounters]:
        domids = {entry.vm.id: entry.private.domid for entry in self._ctx.records if entry.private.domid is not None}
        return await self._ctx.hypervisor.counters(domids)

    # --- tasks

    async def task_stat(self, debug_info: str, id: str) -> Task:
        return self._scheduler.tasks.stat(id)

    async def task_cancel(self, debug_info: str, id: str) -> None:
        self._scheduler.tasks.cancel(id)

    async def task_destroy(self, debug_info: str, id: str) -> None:
        self._scheduler.tasks.destroy(id)

    async def task_list(self, debug_info: str) -> list[Task]:
        return self._scheduler.tasks.list()

    # --- VMs

    async def vm_add(self, debug_info: str, vm: Vm) -> str:
        self._ctx.records.put_vm(msgspec.structs.replace(vm, id=ensure_component(vm.id)))
        self._updates.add(VmUpdate(vm.id))
        return vm.id

    async def vm_remove(self, debug_info: str, id: str) -> None:
        if self._ctx.records.find(id) is None:
            return
        remove = operations.in_states((operations.VmRemove(id),), PowerState.HALTED, PowerState.SUSPENDED)
        await self._scheduler.carry_out(debug_info, id, remove)

    async def vm_stat(self, debug_info: str, id: str) -> tuple[Vm, VmState]:
        entry = self._ctx.records.get(id)
        return entry.vm, status.vm_state(self._ctx, entry)

    async def vm_list(self, debug_info: str) -> list[tuple[Vm, VmState]]:
        return [(entry.vm, status.vm_state(self._ctx, entry)) for entry in self._ctx.records]

    async def vm_start(self, debug_info: str, id: str, force: bool = False) -> str:
        return self._scheduler.submit(debug_info, id, operations.start())

    async def vm_unpause(self, debug_info: str, id: str) -> str:
        return self._scheduler.submit(debug_info, id, operations.unpause())

    async def vm_pause(self, debug_info: str, id: str) -> str:
        return self._scheduler.submit(debug_info, id, operations.pause())

    async def vm_shutdown(self, debug_info: str, id: str, delay: float | None = None) -> str:
        return self._scheduler.submit(debug_info, id, operations.poweroff(delay))

    async def vm_reboot(self, debug_info: str, id: str, delay: float | None = None) -> str:
        return self._scheduler.submit(debug_info, id, operations.reboot(delay))

    async def vm_suspend(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        return self._scheduler.submit(debug_info, id, operations.suspend(suspend_vdi))

    async def vm_resume(self, debug_info: str, id: str, suspend_vdi: Disk) -> str:
        return self._scheduler.submit(debug_info, id, operations.resume(suspend_vdi))

    async def vm_set_vcpus(self, debug_info: str, id: str, vcpus: int) -> str:
        return self._scheduler.submit(debug_info, id, operations.in_states((operations.VmSetVcpus(id, vcpus),)))

    async def vm_set_memory_dynamic_range(self, debug_info: str, id: str, minimum: int, maximum: int) -> str:
        change = operations.VmSetMemoryRange(id, minimum, maximum)
        return self._scheduler.submit(debug_info, id, operations.in_states((change,)))

    async def vm_set_xsdata(self, debug_info: str, id: str, xsdata: dict[str, str]) -> str:
        change = operations.VmSetXsdata(id, tuple(xsdata.items()))
        return self._scheduler.submit(debug_info, id, operations.in_states((change,)))

    async def vm_send_key(self, debug_info: str, id: str, key: str) -> None:
        require(self._ctx.hypervisor.capabilities, [Capability.SYSRQ])
        self._ctx.records.get(id)
        await self._ctx.hypervisor.send_key(id, key)

    async def vm_export_metadata(self, debug_info: str, id: str) -> Metadata:
        entry = self._ctx.records.get(id)
        return Metadata(
            vm=entry.vm,
            vbds=list(entry.vbds.values()),
            vifs=list(entry.vifs.values()),
            domains=msgspec.json.encode(entry.private).decode(),
        )

    async def vm_import_metadata(self, debug_info: str, metadata: Metadata) -> str:
        vm = metadata.vm.id
        await self.vm_add(debug_info, metadata.vm)
        for vbd in metadata.vbds:
            await self.vbd_add(debug_info, vbd)
        for vif in metadata.vifs:
            await self.vif_add(debug_info, vif)
        if metadata.domains is not None and self._ctx.records.get(vm).private.domid is None:
            # Only what is true wherever the VM is: domain ids and attachments are another host's.
            theirs = msgspec.json.decode(metadata.domains, type=Private)
            self._ctx.records.put_private(vm, suspended=theirs.suspended, start_time=theirs.start_time)
        return vm

    # --- disks

    async def vbd_add(self, debug_info: str, vbd: Vbd) -> DeviceId:
        vm, device = vbd.id
        entry = self._ctx.records.get(vm)
        ensure_component(device)
        if device in entry.private.plugged_vbds:
            raise RpcError(Problem.DEVICE_IS_CONNECTED)
        if vbd.position is None and devices.position_of(device) is None:
            others = [other for other in entry.vbds.values() if other.id != vbd.id]
            vbd = msgspec.structs.replace(vbd, position=devices.first_free(others))
        devices.position(vbd)
        self._ctx.records.put_vbd(vbd)
        self._updates.add(VbdUpdate(vbd.id))
        return vbd.id

    async def vbd_remove(self, debug_info: str, id: DeviceId) -> None:
        if id[1] in self._ctx.records.get(id[0]).private.plugged_vbds:
            raise RpcError(Problem.DEVICE_IS_CONNECTED)
        self._ctx.records.remove_vbd(id)
        self._updates.add(VbdUpdate(id))

    async def vbd_plug(self, debug_info: str, id: DeviceId) -> str:
        self._ctx.records.get(id[0]).vbd(id[1])
        return self._scheduler.submit(debug_info, id[0], operations.vbd_hotplug(*id))

    async def vbd_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        self._ctx.records.get(id[0]).vbd(id[1])
        return self._scheduler.submit(debug_info, id[0], operations.vbd_hotunplug(*id, force=force))

    async def vbd_insert(self, debug_info: str, id: DeviceId, disk: Disk) -> str:
        self._ctx.records.get(id[0]).vbd(id[1])
        insert = operations.in_states((operations.VbdInsert(*id, disk),), *LIVE)
        return self._scheduler.submit(debug_info, id[0], insert)

    async def vbd_eject(self, debug_info: str, id: DeviceId) -> str:
        self._ctx.records.get(id[0]).vbd(id[1])
        return self._scheduler.submit(debug_info, id[0], operations.vbd_eject(*id))

    async def vbd_stat(self, debug_info: str, id: DeviceId) -> tuple[Vbd, VbdState]:
        entry = self._ctx.records.get(id[0])
        return entry.vbd(id[1]), status.vbd_state(entry, id[1])

    async def vbd_list(self, debug_info: str, vm: str) -> list[tuple[Vbd, VbdState]]:
        entry = self._ctx.records.get(vm)
        return [(vbd, status.vbd_state(entry, device)) for device, vbd in entry.vbds.items()]

    # --- interfaces

    async def vif_add(self, debug_info: str, vif: Vif) -> DeviceId:
        vm, device = vif.id
        if ensure_component(device) in self._ctx.records.get(vm).private.plugged_vifs:
            raise RpcError(Problem.DEVICE_IS_CONNECTED)
        self._ctx.records.put_vif(vif)
        self._updates.add(VifUpdate(vif.id))
        return vif.id

    async def vif_remove(self, debug_info: str, id: DeviceId) -> None:
        if id[1] in self._ctx.records.get(id[0]).private.plugged_vifs:
            raise RpcError(Problem.DEVICE_IS_CONNECTED)
        self._ctx.records.remove_vif(id)
        self._updates.add(VifUpdate(id))

    async def vif_plug(self, debug_info: str, id: DeviceId) -> str:
        return self._submit_vif(debug_info, id, operations.vif_hotplug(*id))

    async def vif_unplug(self, debug_info: str, id: DeviceId, force: bool = False) -> str:
        return self._submit_vif(debug_info, id, operations.vif_hotunplug(*id, force=force))

    async def vif_move(self, debug_info: str, id: DeviceId, network: LocalNetwork) -> str:
        return self._submit_vif(debug_info, id, operations.in_states((operations.VifMove(*id, network),)))

    async def vif_set_carrier(self, debug_info: str, id: DeviceId, carrier: bool) -> str:
        return self._submit_vif(debug_info, id, operations.in_states((operations.VifSetCarrier(*id, carrier),)))

    async def vif_set_locking_mode(
        self, debug_info: str, id: DeviceId, locking_mode: Literal["Unlocked", "Disabled"] | Locked
    ) -> str:
        return self._submit_vif(debug_info, id, operations.in_states((operations.VifSetLockingMode(*id, locking_mode),)))

    def _submit_vif(self, debug_info: str, id: DeviceId, planner: operations.Planner) -> str:
        self._ctx.records.get(id[0]).vif(id[1])
        return self._scheduler.submit(debug_info, id[0], planner)

    async def vif_stat(self, debug_info: str, id: DeviceId) -> tuple[Vif, VifState]:
        entry = self._ctx.records.get(id[0])
        return entry.vif(id[1]), status.vif_state(self._ctx, entry, id[1])

    async def vif_list(self, debug_info: str, vm: str) -> list[tuple[Vif, VifState]]:
        entry = self._ctx.records.get(vm)
        return [(vif, status.vif_state(self._ctx, entry, device)) for device, vif in entry.vifs.items()]

    # --- updates

    async def updates_get(self, debug_info: str, last_id: int = 0, timeout: float | None = None) -> Changes:
        return Changes(*await self._updates.get(last_id, timeout))

    async def updates_last_id(self, debug_info: str) -> int:
        return self._updates.last_id

    async def updates_inject_barrier(self, debug_info: str, vm_id: str, id: int) -> None:
        self._updates.inject_barrier(id, lambda changed: _belongs(changed, vm_id))

    async def updates_remove_barrier(self, debug_info: str, id: int) -> None:
        self._updates.remove_barrier(id)

    async def updates_refresh_vm(self, debug_info: str, id: str) -> None:
        self._scheduler.refresh(id)


def _belongs(changed: DynamicId, vm: str) -> bool:
    match changed:
        case VmUpdate(id):
            return id == vm
        case VbdUpdate(id) | VifUpdate(id):
            return id[0] == vm
        case TaskUpdate():
            return False


@asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[None]:
    """Start the daemon: adopt the domains that run, then answer."""
    hypervisor = hypervisors.choose(daemon.root, daemon.config)
    updates: Updates[DynamicId] = Updates()
    records, store = Records(daemon.root.run / "xenopsd" / hypervisor.name), hypervisor.make_store()
    balloons = Capability.BALLOONING in hypervisor.capabilities
    ctx = Context(
        records=records,
        domains=Domains(),
        hypervisor=hypervisor,
        datapaths=Datapaths(client(Storage, daemon.root.storage_socket), hypervisor.opens),
        store=store,
        ballooning=Ballooning(Memory(LiveHost(records, hypervisor, store)) if balloons else None),
        scratch=daemon.root.under("/var/lib/xenopsd/suspend"),
        notify=updates.add,
    )
    workers = daemon.config.integer("worker-pool-size", WORKERS)
    scheduler = Scheduler(ctx, updates, workers, daemon.config.number("restart-pause", operations.RESTART_PAUSE))
    await ctx.store.open(scheduler.on_guest)
    await hypervisor.open(scheduler.on_event)
    try:
        await scheduler.reconcile()
        async with serve(daemon.root.xenopsd_socket, (Xenops, Service(ctx, scheduler, updates))):
            yield
    finally:
        await scheduler.close()
        await ctx.ballooning.close()
        await hypervisor.close()
        await ctx.store.close()
