"""The ``qemu`` driver: libvirt's QEMU driver embedded in this process, real guests without Xen.

Guests are processes of their own that outlive the daemon; libvirt finds them again at the next start through its state
under the root. How a guest ended (power-off or reset) is only in QEMU's own SHUTDOWN event, which libvirt passes on.
"""

import asyncio
import logging
from contextlib import suppress
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
    Disk,
    Domain,
    End,
    Ended,
    Listener,
    Nic,
    Running,
)
from xenopsd.hypervisors.libvirt_driver import LibvirtDriver, translated
from xenopsd.hypervisors.vif_backend import check_bridges

log = logging.getLogger(__name__)

EMULATOR = "/usr/bin/qemu-system-x86_64"
DETACH_TIMEOUT = 30.0
"""Seconds a guest has to let go of a device."""
QEMU_SHUTDOWN: Final = {"guest-shutdown": End.POWEROFF, "guest-reset": End.REBOOT, "guest-panic": End.CRASH}


class ShutdownDetails(msgspec.Struct):
    """What QEMU's SHUTDOWN event carries."""

    reason: str = ""


class Qemu(LibvirtDriver):
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
        super().__init__()
        self._directory = embedding.prepare(root)
        kind = "kvm" if accelerator == "kvm" else "qemu"
        self._machine = Machine(kind, EMULATOR, self._directory)
        self.uri = f"qemu:///embed?root={self._directory}"

    # --- the connection and its events

    async def open(self, listener: Listener) -> None:
        embedding.adopt_orphans(asyncio.get_running_loop())
        await super().open(listener)
        # Asking the emulator what it can do takes seconds the first time; the answer is kept on disk.
        self.background(self._learn_capabilities())

    def register_events(self) -> None:
        super().register_events()
        raw = self.libvirt.raw
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._device_removed, None)
        libvirt_qemu.qemuMonitorEventRegister(raw, None, "SHUTDOWN", self._qemu_shutdown, None, 0)

    async def adopt(self, vm: str) -> None:
        """Take over a domain that an earlier process of ours left running.

        libvirt may still be connecting to its emulator, and tells nobody if it gives the domain up (one that was being
        created when we were killed): a call that needs the domain's job is answered after that.
        """
        try:
            await self.libvirt.call(lambda: self.find(vm).memoryStats())
        except libvirt.libvirtError as error:
            log.warning("the domain of VM %s is lost: %s", vm, error)
            return
        await self.refresh(vm)

    async def _learn_capabilities(self) -> None:
        with suppress(libvirt.libvirtError):
            await self.libvirt.call(self.libvirt.raw.getDomainCapabilities, EMULATOR, None, "pc", self._machine.accelerator)

    async def close(self) -> None:
        if not self.live:
            embedding.drop_alias(self._directory)
        await super().close()

    # libvirt calls these in its own thread.

    def _device_removed(self, _connection: object, domain: Any, alias: str, _opaque: object) -> None:
        self.libvirt.in_loop(self._on_device_removed, domain.name(), alias)

    def _qemu_shutdown(
        self, _connection: object, domain: Any, _event: str, _seconds: int, _micros: int, details: str, _opaque: object
    ) -> None:
        reason = msgspec.json.decode(details or "{}", type=ShutdownDetails).reason
        if reason in QEMU_SHUTDOWN:
            self.libvirt.in_loop(self.listener, Ended(domain.name(), QEMU_SHUTDOWN[reason]))

    # And this runs in our loop.

    def _on_device_removed(self, vm: str, alias: str) -> None:
        live = self.live.get(vm)
        if live is not None and alias in live.detached:
            live.detached[alias].set()

    # --- what is known

    def consoles(self, vm: Vm, domid: int) -> list[Console]:
        serial = Console(protocol="Vt100", path=str(self._machine.serial_socket(domid)))
        vnc = Console(protocol="Rfb", path=str(self._machine.vnc_socket(domid)))
        return [vnc, serial] if domain_xml.has_framebuffer(vm) else [serial]

    # --- a domain's life

    async def launch(self, domain: Domain) -> int:
        check_bridges(domain.nics)
        xml = domain_xml.domain(self._machine, domain)
        await self.begin(domain, lambda: self.libvirt.raw.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))
        return domain.domid

    async def restore(self, domain: Domain, image: Path) -> int:
        check_bridges(domain.nics)
        connection, file = self.libvirt.raw, str(image)
        saved = await self.libvirt.call(lambda: connection.saveImageGetXMLDesc(file, 0))
        xml = domain_xml.as_the_guest_knows_it(domain_xml.domain(self._machine, domain), saved)
        await self.begin(domain, lambda: connection.restoreFlags(file, xml, libvirt.VIR_DOMAIN_SAVE_PAUSED))
        return domain.domid

    async def request_shutdown(self, vm: str) -> None:
        await self.on_domain(vm, lambda domain: domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN))

    def save_to(self, domain: Any, image: str) -> None:
        domain.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_PAUSED)

    # --- devices

    async def plug_disk(self, vm: str, disk: Disk) -> None:
        await self.attach(vm, domain_xml.disk(disk))

    async def unplug_disk(self, vm: str, disk: Disk) -> None:
        await self._detach(vm, "VBD", disk.vbd.id[1], domain_xml.disk_alias(disk))

    async def change_media(self, vm: str, disk: Disk) -> None:
        await self.update(vm, domain_xml.disk(disk), libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE)

    async def plug_nic(self, vm: str, nic: Nic) -> None:
        check_bridges((nic,))
        await self.attach(vm, domain_xml.interface(nic))

    async def unplug_nic(self, vm: str, nic: Nic) -> None:
        await self._detach(vm, "VIF", nic.vif.id[1], domain_xml.interface_alias(nic))

    async def update_nic(self, vm: str, nic: Nic) -> None:
        check_bridges((nic,))
        await self.update(vm, domain_xml.interface(nic), 0)

    async def _detach(self, vm: str, kind: str, device: str, alias: str) -> None:
        live = self.live.get(vm)
        if live is None:
            return
        removed = live.detached[alias] = asyncio.Event()
        try:
            await self.libvirt.call(lambda: self.find(vm).detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE))
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

    async def send_key(self, vm: str, key: str) -> None:
        codes = sysrq.keycodes(key)
        await self.on_domain(
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
        async with translated("statistics"):
            # A domain that is busy with a job has its balloon and blocks left out, rather than making us wait.
            flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
            found = await self.libvirt.call(self.libvirt.raw.getAllDomainStats, wanted, flags)
        counted = []
        for domain, stats in found:
            vm = domain.name()
            live = self.live.get(vm)
            if live is not None and vm in domids:
                counted.append(domain_counters(vm, domids[vm], live.running, stats))
        return counted

    async def host(self) -> HostState:
        version = await self.libvirt.call(self.libvirt.raw.getVersion)
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
