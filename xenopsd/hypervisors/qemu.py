"""The ``qemu`` driver: libvirt's QEMU driver embedded in this process, real guests without Xen.

Guests are processes of their own that outlive the daemon; libvirt finds them again at the next start through its state
under the root. How a guest ended (power-off or reset) is only in QEMU's own SHUTDOWN event, which libvirt passes on.
"""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import libvirt
import libvirt_qemu
import msgspec

from idl.paths import Root
from idl.rpc import RpcError
from idl.xenops import BlockCounters, Console, DomainCounters, HostState, NetCounters, Problem, Vm
from xenopsd import devices, domain_xml
from xenopsd.domain_xml import Machine
from xenopsd.hypervisors import embedding, machine_facts, sysrq
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
from xenopsd.hypervisors.libvirt_connection import Connection

log = logging.getLogger(__name__)

EMULATOR = "/usr/bin/qemu-system-x86_64"
DETACH_TIMEOUT = 30.0
"""Seconds a guest has to let go of a device."""
GONE_TIMEOUT = 15.0
"""Seconds for a destroyed domain to be gone (libvirt kills its process after 10)."""

CONDITIONS: Final = {
    libvirt.VIR_DOMAIN_RUNNING: Condition.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Condition.RUNNING,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Condition.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Condition.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: Condition.DYING,
    libvirt.VIR_DOMAIN_CRASHED: Condition.DYING,
}

STOPPED: Final = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: End.POWEROFF,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: End.CRASH,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: End.KILLED,
}
"""libvirt's reasons for a domain that is gone; the others are our own doing."""

QEMU_SHUTDOWN: Final = {"guest-shutdown": End.POWEROFF, "guest-reset": End.REBOOT, "guest-panic": End.CRASH}


class ShutdownDetails(msgspec.Struct):
    """What QEMU's SHUTDOWN event carries."""

    reason: str = ""


@dataclass(slots=True)
class Live:
    """What is known of a domain that has a process."""

    running: Running
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    detached: dict[str, asyncio.Event] = field(default_factory=dict)


@asynccontextmanager
async def _translated(vm: str) -> AsyncIterator[None]:
    """Tell libvirt's errors as ours."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise RpcError(Problem.DOMAIN_NOT_BUILT) from error
        raise RpcError(Problem.INTERNAL_ERROR, f"{vm}: {error}") from error


class Qemu(Hypervisor):
    name = "qemu"
    capabilities = frozenset(
        {
            Capability.GUESTS,
            Capability.CONSOLES,
            Capability.SUSPEND,
            Capability.DISK_HOTPLUG,
            Capability.NIC_HOTPLUG,
            Capability.VCPU_HOTPLUG,
            Capability.MEMORY_TARGET,
            Capability.SYSRQ,
        }
    )

    def __init__(self, root: Root, accelerator: str) -> None:
        """*accelerator*: ``tcg`` or ``kvm``."""
        self._directory = embedding.prepare(root)
        kind = "kvm" if accelerator == "kvm" else "qemu"
        self._machine = Machine(kind, EMULATOR, self._directory)
        self._live: dict[str, Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the connection and its events

    async def open(self, listener: Listener) -> None:
        self._listener = listener
        embedding.adopt_orphans(asyncio.get_running_loop())
        self._libvirt = Connection(f"qemu:///embed?root={self._directory}")
        await self._libvirt.open()
        raw = self._libvirt.raw
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, self._balloon, None)
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._device_removed, None)
        libvirt_qemu.qemuMonitorEventRegister(raw, None, "SHUTDOWN", self._qemu_shutdown, None, 0)
        found = await self._libvirt.call(raw.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        await asyncio.gather(*(self._adopt(domain.name()) for domain in found))
        # Asking the emulator what it can do takes seconds the first time; the answer is kept on disk.
        self._background(self._learn_capabilities())

    async def _adopt(self, vm: str) -> None:
        """Take over a domain that an earlier process of ours left running.

        libvirt may still be connecting to its emulator, and tells nobody if it gives the domain up (one that was being
        created when we were killed): a call that needs the domain's job is answered after that.
        """
        try:
            await self._libvirt.call(lambda: self._find(vm).memoryStats())
        except libvirt.libvirtError as error:
            log.warning("the domain of VM %s is lost: %s", vm, error)
            return
        await self._refresh(vm)

    async def _learn_capabilities(self) -> None:
        with suppress(libvirt.libvirtError):
            await self._libvirt.call(self._libvirt.raw.getDomainCapabilities, EMULATOR, None, "pc", self._machine.accelerator)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._live:
            embedding.drop_alias(self._directory)
        await self._libvirt.close()

    def _background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # libvirt calls these in its own thread.

    def _lifecycle(self, _connection: object, domain: Any, event: int, detail: int, _opaque: object) -> None:
        self._libvirt.in_loop(self._on_lifecycle, domain.name(), event, detail)

    def _balloon(self, _connection: object, domain: Any, kib: int, _opaque: object) -> None:
        self._libvirt.in_loop(self._on_balloon, domain.name(), kib)

    def _device_removed(self, _connection: object, domain: Any, alias: str, _opaque: object) -> None:
        self._libvirt.in_loop(self._on_device_removed, domain.name(), alias)

    def _qemu_shutdown(
        self, _connection: object, domain: Any, _event: str, _seconds: int, _micros: int, details: str, _opaque: object
    ) -> None:
        reason = msgspec.json.decode(details or "{}", type=ShutdownDetails).reason
        if reason in QEMU_SHUTDOWN:
            self._libvirt.in_loop(self._listener, Ended(domain.name(), QEMU_SHUTDOWN[reason]))

    # And these run in our loop.

    def _on_lifecycle(self, vm: str, event: int, detail: int) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            live = self._live.pop(vm, None)
            if live is not None:
                live.gone.set()
                for detached in live.detached.values():
                    detached.set()
                if detail != libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED:
                    self._listener(Ended(vm, STOPPED.get(detail, End.UNKNOWN)))
        elif event == libvirt.VIR_DOMAIN_EVENT_CRASHED:
            self._listener(Ended(vm, End.CRASH))
        elif vm in self._live:
            self._background(self._refresh(vm))

    def _on_balloon(self, vm: str, kib: int) -> None:
        live = self._live.get(vm)
        if live is not None:
            live.running = Running(live.running.condition, kib << 10, live.running.vcpus)
            self._listener(Changed(vm))

    def _on_device_removed(self, vm: str, alias: str) -> None:
        live = self._live.get(vm)
        if live is not None and alias in live.detached:
            live.detached[alias].set()

    async def _refresh(self, vm: str) -> None:
        """Read a domain's volatile facts; the last to ask is the last to write."""
        live = self._live.get(vm)
        async with live.refreshing if live is not None else asyncio.Lock():
            try:
                state, _maximum, current_kib, vcpus, _time = await self._libvirt.call(lambda: self._find(vm).info())
            except libvirt.libvirtError:
                return
            condition = CONDITIONS.get(state)
            if condition is None:
                return
            running = Running(condition, current_kib << 10, vcpus)
            live = self._live.setdefault(vm, Live(running))
            if live.running != running:
                live.running = running
                self._listener(Changed(vm))

    def _find(self, vm: str) -> Any:
        # May wait for a lock: only ever in the pool.
        return self._libvirt.raw.lookupByName(vm)

    async def _on_domain(self, vm: str, work: Callable[[Any], Any]) -> Any:
        """Run *work* on libvirt's domain object, in the pool."""
        async with _translated(vm):
            return await self._libvirt.call(lambda: work(self._find(vm)))

    # --- what is known

    def domains(self) -> dict[str, Running]:
        return {vm: live.running for vm, live in self._live.items()}

    def consoles(self, vm: Vm, domid: int) -> list[Console]:
        serial = Console(protocol="Vt100", path=str(self._machine.serial_socket(domid)))
        vnc = Console(protocol="Rfb", path=str(self._machine.vnc_socket(domid)))
        return [vnc, serial] if domain_xml.has_framebuffer(vm) else [serial]

    # --- a domain's life

    async def launch(self, domain: Domain) -> None:
        _check_bridges(domain.nics)
        xml = domain_xml.domain(self._machine, domain)
        await self._begin(domain, lambda: self._libvirt.raw.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))

    async def restore(self, domain: Domain, image: Path) -> None:
        _check_bridges(domain.nics)
        connection, file = self._libvirt.raw, str(image)
        saved = await self._libvirt.call(lambda: connection.saveImageGetXMLDesc(file, 0))
        xml = domain_xml.as_the_guest_knows_it(domain_xml.domain(self._machine, domain), saved)
        await self._begin(domain, lambda: connection.restoreFlags(file, xml, libvirt.VIR_DOMAIN_SAVE_PAUSED))

    async def _begin(self, domain: Domain, create: Callable[[], Any]) -> None:
        vm = domain.vm.id
        try:
            spent = await self._libvirt.call(_timed, create)
        except libvirt.libvirtError as error:
            raise RpcError(Problem.FAILED_TO_START_EMULATOR, vm, domain.vm.name, str(error)) from error
        log.info("VM %s: libvirt made its domain in %.1f ms", vm, spent * 1000)
        memory = min(domain.vm.memory_dynamic_max, domain.vm.memory_static_max)
        self._live.setdefault(vm, Live(Running(Condition.PAUSED, memory, domain.vm.vcpus)))

    async def destroy(self, vm: str) -> None:
        try:
            await self._on_domain(vm, lambda domain: domain.destroy())
        except RpcError as error:
            if error.name != Problem.DOMAIN_NOT_BUILT:
                raise
        live = self._live.get(vm)
        if live is not None:
            await self._gone(vm, live)

    async def _gone(self, vm: str, live: Live) -> None:
        """Wait for libvirt's word that the domain is gone, so that it is not taken for the end of a later one."""
        try:
            async with asyncio.timeout(GONE_TIMEOUT):
                await live.gone.wait()
        except TimeoutError:
            raise RpcError(Problem.INTERNAL_ERROR, f"the emulator of {vm} does not end") from None

    async def pause(self, vm: str) -> None:
        await self._on_domain(vm, lambda domain: domain.suspend())
        await self._refresh(vm)

    async def unpause(self, vm: str) -> None:
        await self._on_domain(vm, lambda domain: domain.resume())
        await self._refresh(vm)

    async def request_shutdown(self, vm: str) -> None:
        await self._on_domain(vm, lambda domain: domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN))

    async def save(self, vm: str, image: Path) -> None:
        live = self._live.get(vm)
        if live is None:
            raise RpcError(Problem.DOMAIN_NOT_BUILT)
        await self._on_domain(vm, lambda domain: domain.saveFlags(str(image), None, libvirt.VIR_DOMAIN_SAVE_PAUSED))
        await self._gone(vm, live)

    # --- devices

    async def plug_disk(self, vm: str, disk: Disk) -> None:
        await self._attach(vm, domain_xml.disk(disk))

    async def unplug_disk(self, vm: str, disk: Disk) -> None:
        await self._detach(vm, "VBD", disk.vbd.id[1], domain_xml.disk_alias(disk))

    async def change_media(self, vm: str, disk: Disk) -> None:
        await self._update(vm, domain_xml.disk(disk), libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE)

    async def plug_nic(self, vm: str, nic: Nic) -> None:
        _check_bridges((nic,))
        await self._attach(vm, domain_xml.interface(nic))

    async def unplug_nic(self, vm: str, nic: Nic) -> None:
        await self._detach(vm, "VIF", nic.vif.id[1], domain_xml.interface_alias(nic))

    async def update_nic(self, vm: str, nic: Nic) -> None:
        _check_bridges((nic,))
        await self._update(vm, domain_xml.interface(nic), 0)

    async def _attach(self, vm: str, xml: str) -> None:
        await self._on_domain(vm, lambda domain: domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE))

    async def _update(self, vm: str, xml: str, flags: int) -> None:
        await self._on_domain(vm, lambda domain: domain.updateDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE | flags))

    async def _detach(self, vm: str, kind: str, device: str, alias: str) -> None:
        live = self._live.get(vm)
        if live is None:
            return
        removed = live.detached[alias] = asyncio.Event()
        try:
            await self._libvirt.call(lambda: self._find(vm).detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE))
            async with asyncio.timeout(DETACH_TIMEOUT):
                await removed.wait()
        except TimeoutError:
            message = f"the guest did not let go of it within {DETACH_TIMEOUT:.0f} s"
            raise RpcError(Problem.DEVICE_DETACH_REJECTED, kind, device, message) from None
        except libvirt.libvirtError as error:
            if error.get_error_code() not in (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_NO_DOMAIN):
                raise RpcError(Problem.DEVICE_DETACH_REJECTED, kind, device, str(error)) from error
        finally:
            del live.detached[alias]

    # --- adjustments

    async def set_vcpus(self, vm: str, vcpus: int) -> None:
        await self._on_domain(vm, lambda domain: domain.setVcpusFlags(vcpus, libvirt.VIR_DOMAIN_AFFECT_LIVE))
        await self._refresh(vm)

    async def set_memory_target(self, vm: str, target: int) -> None:
        await self._on_domain(vm, lambda domain: domain.setMemoryFlags(target >> 10, libvirt.VIR_DOMAIN_AFFECT_LIVE))

    async def send_key(self, vm: str, key: str) -> None:
        codes = sysrq.keycodes(key)
        await self._on_domain(
            vm, lambda domain: domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, sysrq.HOLD_MS, codes, len(codes), 0)
        )

    # --- measurements

    async def counters(self, domids: dict[str, int]) -> list[DomainCounters]:
        wanted = (
            libvirt.VIR_DOMAIN_STATS_VCPU
            | libvirt.VIR_DOMAIN_STATS_BALLOON
            | libvirt.VIR_DOMAIN_STATS_BLOCK
            | libvirt.VIR_DOMAIN_STATS_INTERFACE
        )
        async with _translated("statistics"):
            # A domain that is busy with a job has its balloon and blocks left out, rather than making us wait.
            flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
            found = await self._libvirt.call(self._libvirt.raw.getAllDomainStats, wanted, flags)
        counted = []
        for domain, stats in found:
            vm = domain.name()
            live = self._live.get(vm)
            if live is not None and vm in domids:
                counted.append(domain_counters(vm, domids[vm], live.running, stats))
        return counted

    async def host(self) -> HostState:
        version = await self._libvirt.call(self._libvirt.raw.getVersion)
        total, free = machine_facts.read_memory()
        return HostState(
            hypervisor=self.name,
            hypervisor_version=f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}",
            hypervisor_capabilities=["hvm-3.0-x86_64"],
            capabilities=sorted(self.capabilities),
            cpu=machine_facts.read_cpu(),
            total_memory=total,
            free_memory=free,
        )


def _timed(create: Callable[[], Any]) -> float:
    """Return the seconds that *create* took: what is spent in libvirt, and not here."""
    started = time.monotonic()
    create()
    return time.monotonic() - started


def _check_bridges(nics: tuple[Nic, ...]) -> None:
    """Raise ``Does_not_exist`` for the first missing bridge: libvirt's own words for that are obscure."""
    for nic in nics:
        try:
            socket.if_nametoindex(nic.vif.backend.bridge)
        except OSError:
            raise RpcError(Problem.DOES_NOT_EXIST, "bridge", nic.vif.backend.bridge) from None


def domain_counters(vm: str, domid: int, running: Running, stats: dict[str, int | str]) -> DomainCounters:
    """Return a domain's counters from libvirt's statistics (names as in ``virConnectGetAllDomainStats``)."""

    def number(key: str) -> int:
        return int(stats.get(key, 0))

    # libvirt's names: vda is xvda, vif3.0 is VIF 0; its figures for a tap device are the guest's point of view.
    blocks = [
        BlockCounters(
            device=f"xvd{devices.letters(devices.position_of(str(stats[f'block.{n}.name'])) or 0)}",
            read_bytes=number(f"block.{n}.rd.bytes"),
            write_bytes=number(f"block.{n}.wr.bytes"),
            read_requests=number(f"block.{n}.rd.reqs"),
            write_requests=number(f"block.{n}.wr.reqs"),
            read_ns=number(f"block.{n}.rd.times"),
            write_ns=number(f"block.{n}.wr.times"),
        )
        for n in range(number("block.count"))
    ]
    nets = [
        NetCounters(
            device=str(stats[f"net.{n}.name"]).rpartition(".")[2],
            rx_bytes=number(f"net.{n}.rx.bytes"),
            tx_bytes=number(f"net.{n}.tx.bytes"),
            rx_errors=number(f"net.{n}.rx.errs"),
            tx_errors=number(f"net.{n}.tx.errs"),
        )
        for n in range(number("net.count"))
        if f"net.{n}.name" in stats
    ]
    return DomainCounters(
        id=vm,
        domid=domid,
        vcpu_seconds=[number(f"vcpu.{n}.time") / 1e9 for n in range(number("vcpu.current"))],
        memory=number("balloon.current") << 10 or running.memory_actual,
        memory_target=number("balloon.current") << 10 or running.memory_actual,
        memory_free=number("balloon.unused") << 10 if "balloon.unused" in stats else None,
        blocks=blocks,
        nets=nets,
    )
