"""The ``simulator`` driver: domains that are only entries in a table, for tests of scale and of the rest of the daemon.

What a guest would do by itself is done through :meth:`Simulator.end`. The table is kept in a file, so that domains
outlive the daemon here too.
"""

import asyncio
from pathlib import Path

import msgspec

from idl.paths import Root
from idl.rpc import RpcError
from idl.xenops import BlockCounters, Console, DomainCounters, HostState, NetCounters, Problem, Vm
from xenopsd.hypervisors import machine_facts
from xenopsd.hypervisors.base import (
    Capability,
    Changed,
    Condition,
    Disk,
    Domain,
    End,
    Ended,
    Hypervisor,
    Listener,
    Nic,
    Running,
)


class Simulated(msgspec.Struct):
    """One domain: paused or not, its memory and vCPUs, the devices plugged."""

    paused: bool
    memory: int
    vcpus: int
    disks: list[str]
    nics: list[str]


class Simulator(Hypervisor):
    name = "simulator"
    capabilities = frozenset(
        {
            Capability.SUSPEND,
            Capability.DISK_HOTPLUG,
            Capability.NIC_HOTPLUG,
            Capability.VCPU_HOTPLUG,
            Capability.MEMORY_TARGET,
            Capability.SYSRQ,
        }
    )

    def __init__(self, root: Root) -> None:
        self._file = root.under("/var/lib/xenopsd/simulator.json")
        self._table: dict[str, Simulated] = {}

    async def open(self, listener: Listener) -> None:
        self._listener = listener
        if self._file.exists():
            self._table = msgspec.json.decode(self._file.read_bytes(), type=dict[str, Simulated])

    async def close(self) -> None:
        pass

    def _keep(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self._table))
        fresh.replace(self._file)

    def _get(self, vm: str) -> Simulated:
        try:
            return self._table[vm]
        except KeyError:
            raise RpcError(Problem.DOMAIN_NOT_BUILT) from None

    def domains(self) -> dict[str, Running]:
        return {
            vm: Running(Condition.PAUSED if domain.paused else Condition.RUNNING, domain.memory, domain.vcpus)
            for vm, domain in self._table.items()
        }

    def consoles(self, vm: Vm, domid: int) -> list[Console]:
        return []

    def end(self, vm: str, why: End) -> None:
        """Do as if the guest (or its process) ended."""
        if self._table.pop(vm, None) is not None:
            self._keep()
            self._listener(Ended(vm, why))

    async def launch(self, domain: Domain) -> int:
        if domain.vm.id in self._table:
            raise RpcError(Problem.ALREADY_EXISTS, "domain", domain.vm.id)
        self._table[domain.vm.id] = Simulated(
            paused=True,
            memory=domain.memory,
            vcpus=domain.vm.vcpus,
            disks=[disk.vbd.id[1] for disk in domain.disks],
            nics=[nic.vif.id[1] for nic in domain.nics],
        )
        self._keep()
        return domain.domid

    async def destroy(self, vm: str) -> None:
        self.end(vm, End.UNKNOWN)

    async def pause(self, vm: str) -> None:
        self._set_paused(vm, True)

    async def unpause(self, vm: str) -> None:
        self._set_paused(vm, False)

    def _set_paused(self, vm: str, paused: bool) -> None:
        self._get(vm).paused = paused
        self._keep()
        self._listener(Changed(vm))

    async def request_shutdown(self, vm: str) -> None:
        self._get(vm)
        asyncio.get_running_loop().call_soon(self.end, vm, End.POWEROFF)

    async def save(self, vm: str, image: Path) -> None:
        image.write_bytes(msgspec.json.encode(self._get(vm)).ljust(512))
        del self._table[vm]
        self._keep()

    async def restore(self, domain: Domain, image: Path) -> int:
        # The disk it comes from may be longer than what was saved.
        text = image.read_bytes().rstrip(b"\0")
        self._table[domain.vm.id] = msgspec.json.decode(text, type=Simulated)
        self._set_paused(domain.vm.id, True)
        return domain.domid

    async def plug_disk(self, vm: str, disk: Disk) -> None:
        self._get(vm).disks.append(disk.vbd.id[1])
        self._keep()

    async def unplug_disk(self, vm: str, disk: Disk) -> None:
        self._get(vm).disks.remove(disk.vbd.id[1])
        self._keep()

    async def change_media(self, vm: str, disk: Disk) -> None:
        self._get(vm)

    async def plug_nic(self, vm: str, nic: Nic) -> None:
        self._get(vm).nics.append(nic.vif.id[1])
        self._keep()

    async def unplug_nic(self, vm: str, nic: Nic) -> None:
        self._get(vm).nics.remove(nic.vif.id[1])
        self._keep()

    async def update_nic(self, vm: str, nic: Nic) -> None:
        self._get(vm)

    async def set_vcpus(self, vm: str, vcpus: int) -> None:
        self._get(vm).vcpus = vcpus
        self._keep()

    async def set_memory_target(self, vm: str, target: int) -> None:
        self._get(vm).memory = target
        self._keep()
        self._listener(Changed(vm))

    async def send_key(self, vm: str, key: str) -> None:
        self._get(vm)

    async def counters(self, domids: dict[str, int]) -> list[DomainCounters]:
        return [
            DomainCounters(
                id=vm,
                domid=domids[vm],
                vcpu_seconds=[0.0] * domain.vcpus,
                memory=domain.memory,
                memory_target=domain.memory,
                blocks=[
                    BlockCounters(device=disk, read_bytes=0, write_bytes=0, read_requests=0, write_requests=0)
                    for disk in domain.disks
                ],
                nets=[NetCounters(device=nic, rx_bytes=0, tx_bytes=0) for nic in domain.nics],
            )
            for vm, domain in self._table.items()
            if vm in domids
        ]

    async def host(self) -> HostState:
        total, free = machine_facts.read_memory()
        return HostState(
            hypervisor=self.name,
            hypervisor_version="1",
            capabilities=sorted(self.capabilities),
            cpu=machine_facts.read_cpu(),
            total_memory=total,
            free_memory=free,
        )
