"""The ``xen`` driver: guests of the Xen hypervisor this machine runs under, through libvirtd's libxl driver.

Guests live in Xen, not in libvirtd or here: both may be restarted under them. libvirt does not tell a reboot from a
power-off, so domains are configured to be kept after a reboot, and whether one is still there when it has ended says
which it was. The next domain is always our own doing.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import libvirt
import msgspec

from idl.paths import Root
from idl.rpc import RpcError
from idl.xenops import Console, DomainCounters, HostState, Problem, Pv, Vif, Vm
from xenopsd import bootloader, xen_domain_xml
from xenopsd.hypervisors import machine_facts, vif_backend, xen_save_file, xen_statistics
from xenopsd.hypervisors.base import (
    BlockDevice,
    Capability,
    Changed,
    Condition,
    Disk,
    Domain,
    End,
    Ended,
    Listener,
    Nic,
    RawFile,
    Running,
)
from xenopsd.hypervisors.console_relay import ConsoleRelays
from xenopsd.hypervisors.libvirt_driver import LibvirtDriver, Live, translated
from xenopsd.hypervisors.xen_facts import Facts, read_facts
from xenopsd.store import Store
from xenopsd.xen_domain_xml import Machine

log = logging.getLogger(__name__)

EMULATOR: Final = "/usr/libexec/xen-qemu-system-i386"
OVMF: Final = "/usr/share/ovmf/OVMF.fd"
XEN_CAPABILITIES: Final = Path("/sys/hypervisor/properties/capabilities")
ENDED_BY_ITSELF: Final = (libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED)


class Xen(LibvirtDriver):
    name = "xen"
    opens = (BlockDevice, RawFile)
    uri = "xen:///system"

    def __init__(self, root: Root) -> None:
        super().__init__()
        self.capabilities = frozenset(set(Capability) - {Capability.ADDRESS_LOCKING})
        self._machine = Machine(EMULATOR, OVMF, vif_backend.is_openvswitch)
        self._facts: dict[str, Facts] = {}
        self._relays = ConsoleRelays(root.under("/var/run/xenopsd"), self._tty)
        self._boot_files = root.under("/var/run/xenopsd/boot")
        self._store: Store | None = None

    def make_store(self) -> Store:
        from xenopsd.xen_store import XenStore

        self._store = XenStore()
        return self._store

    # --- the connection and its events

    async def open(self, listener: Listener) -> None:
        await asyncio.to_thread(bootloader.clean, self._boot_files)
        await super().open(listener)

    async def close(self) -> None:
        await self._relays.close()
        await super().close()

    def is_host(self, domain: Any) -> bool:
        return bool(domain.ID() == 0)

    async def adopt(self, vm: str) -> None:
        try:
            state, facts = await self.libvirt.call(lambda: _look(self.find(vm)))
        except libvirt.libvirtError:
            return
        self._facts[vm] = facts
        await self._relays.serve(vm, facts.domid)
        if state == libvirt.VIR_DOMAIN_SHUTOFF:
            # It ended while nobody listened, and was kept.
            self.live.setdefault(vm, Live(Running(Condition.DYING, 0, 0)))
            self.listener(Ended(vm, facts.end_of_kept()))
        else:
            await self.refresh(vm)

    def stopped(self, vm: str, detail: int) -> None:
        if detail in ENDED_BY_ITSELF:
            self.background(self._ended_by_itself(vm, detail))
        else:
            super().stopped(vm, detail)

    async def _ended_by_itself(self, vm: str, detail: int) -> None:
        crashed = detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED
        try:
            kept = await self.libvirt.call(lambda: self.find(vm).isActive())
        except libvirt.libvirtError:
            kept = False
        live, facts = self.live.get(vm), self._facts.get(vm)
        if kept and live is not None and facts is not None:
            live.running = Running(Condition.DYING, live.running.memory_actual, live.running.vcpus)
            self.listener(Ended(vm, End.CRASH if crashed else facts.end_of_kept()))
        else:
            self.ended(vm, End.CRASH if crashed else End.POWEROFF)

    def ended(self, vm: str, why: End | None) -> None:
        self._facts.pop(vm, None)
        self._relays.stop(vm)
        super().ended(vm, why)

    # --- what is known

    def consoles(self, vm: Vm, domid: int) -> list[Console]:
        facts = self._facts.get(vm.id)
        if facts is None:
            return []
        found = [Console(protocol="Vt100", path=str(self._relays.path(facts.domid)))]
        return [Console(protocol="Rfb", port=facts.vnc_port), *found] if facts.vnc_port else found

    async def _tty(self, vm: str) -> str:
        facts = await self.on_domain(vm, lambda domain: read_facts(domain.XMLDesc()))
        tty: str = facts.tty
        return tty

    def interface_name(self, domid: int, vif: Vif) -> str:
        facts = self._facts.get(vif.id[0])
        name = facts.interfaces.get(vif.mac.lower()) if facts else None
        return name or super().interface_name(domid, vif)

    def can_migrate(self, vm: Vm) -> bool:
        # Log-dirty mode of a PV guest needs shadow paging, which Debian's Xen is built without.
        return not isinstance(vm.ty, Pv)

    async def _learn(self, vm: str) -> Facts:
        _state, self._facts[vm] = await self.on_domain(vm, _look)
        return self._facts[vm]

    # --- a domain's life

    async def launch(self, domain: Domain) -> int:
        boot = await bootloader.boot_files(domain, self._boot_files)
        try:
            vif_backend.check_bridges(domain.nics)
            xml = xen_domain_xml.domain(self._machine, domain, boot.direct)
            await self.begin(domain, lambda: self.libvirt.raw.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))
        finally:
            boot.remove()
        return await self._complete(domain)

    async def restore(self, domain: Domain, image: Path) -> int:
        vif_backend.check_bridges(domain.nics)
        # What the guest began with is in the image, and its kernel's files need not be there any more.
        saved = await asyncio.to_thread(xen_save_file.read_xml, image)
        xml = xen_domain_xml.domain(self._machine, domain, xen_domain_xml.boot_of(saved))
        await asyncio.to_thread(xen_save_file.replace_xml, image, xml)
        connection, file = self.libvirt.raw, str(image)
        await self.begin(domain, lambda: connection.restoreFlags(file, None, libvirt.VIR_DOMAIN_SAVE_PAUSED))
        return await self._complete(domain)

    async def _complete(self, domain: Domain) -> int:
        """Do to a new domain what libvirt's XML cannot say."""
        vm = domain.vm.id
        try:
            facts = await self._learn(vm)
            priority = domain.vm.scheduler_params.priority
            if priority is not None:
                values = {"weight": priority[0], "cap": priority[1]}
                await self.on_domain(vm, lambda found: found.setSchedulerParameters(values))
            for nic in domain.nics:
                if not vif_backend.is_plain(nic.vif):
                    await vif_backend.apply(self.interface_name(facts.domid, nic.vif), nic.vif)
            await self._relays.serve(vm, facts.domid)
        except BaseException:
            await self.destroy(vm)
            raise
        return facts.domid

    async def request_shutdown(self, vm: str) -> None:
        # A guest without paravirtual drivers has a power button.
        flags = libvirt.VIR_DOMAIN_SHUTDOWN_PARAVIRT | libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        await self.on_domain(vm, lambda domain: domain.shutdownFlags(flags))

    def save_to(self, domain: Any, image: str) -> None:
        domain.saveFlags(image, None, 0)

    # --- devices

    def _known(self, vm: str) -> Facts:
        try:
            return self._facts[vm]
        except KeyError:
            raise RpcError(Problem.DOMAIN_NOT_BUILT) from None

    async def plug_disk(self, vm: str, disk: Disk) -> None:
        facts = self._known(vm)
        if xen_domain_xml.is_there(facts.hvm, disk):
            await self.attach(vm, xen_domain_xml.disk(facts.hvm, disk))
            await self._learn(vm)

    async def unplug_disk(self, vm: str, disk: Disk) -> None:
        facts = self._known(vm)
        if xen_domain_xml.target(facts.hvm, disk)[0] in facts.disks:
            await self._detach(vm, "VBD", disk.vbd.id[1], xen_domain_xml.disk(facts.hvm, disk))

    async def change_media(self, vm: str, disk: Disk) -> None:
        facts = self._known(vm)
        if facts.hvm:
            await self.update(vm, xen_domain_xml.disk(True, disk), libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE)
        elif disk.source is None:
            await self.unplug_disk(vm, disk)
        else:
            await self.plug_disk(vm, disk)

    async def plug_nic(self, vm: str, nic: Nic) -> None:
        vif_backend.check_bridges((nic,))
        await self.attach(vm, xen_domain_xml.interface(self._machine, nic))
        facts = await self._learn(vm)
        if not vif_backend.is_plain(nic.vif):
            await vif_backend.apply(self.interface_name(facts.domid, nic.vif), nic.vif)

    async def unplug_nic(self, vm: str, nic: Nic) -> None:
        if nic.vif.mac.lower() in self._known(vm).interfaces:
            await self._detach(vm, "VIF", nic.vif.id[1], xen_domain_xml.interface(self._machine, nic))

    async def update_nic(self, vm: str, nic: Nic) -> None:
        vif_backend.check_bridges((nic,))
        await vif_backend.apply(self.interface_name(self._known(vm).domid, nic.vif), nic.vif)

    async def _detach(self, vm: str, kind: str, device: str, xml: str) -> None:
        try:
            await self.libvirt.call(lambda: self.find(vm).detachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE))
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise RpcError(Problem.DEVICE_DETACH_REJECTED, kind, device, str(error)) from error
            return
        await self._learn(vm)

    # --- adjustments

    async def memory(self) -> tuple[int, dict[str, int]]:
        def read() -> tuple[int, dict[str, int]]:
            sizes = {}
            for vm in list(self.live):
                with suppress(libvirt.libvirtError):
                    sizes[vm] = self.find(vm).info()[2] << 10
            return self.libvirt.raw.getFreeMemory(), sizes

        async with translated("memory"):
            free, sizes = await self.libvirt.call(read)
        for vm, size in sizes.items():
            live = self.live.get(vm)
            if live is not None and live.running.memory_actual != size:
                live.running = Running(live.running.condition, size, live.running.vcpus)
                self.listener(Changed(vm))
        return free, sizes

    async def send_key(self, vm: str, key: str) -> None:
        assert self._store is not None
        await self._store.write(self._known(vm).domid, {"control/sysrq": key})

    # --- measurements

    async def counters(self, domids: dict[str, int]) -> list[DomainCounters]:
        found = {vm: (self.live[vm].running, facts) for vm, facts in self._facts.items() if vm in domids and vm in self.live}
        async with translated("statistics"):
            seconds = await self.libvirt.call(lambda: {vm: _vcpu_seconds(self.find(vm)) for vm in found})
        return [
            xen_statistics.counters(vm, domids[vm], seconds[vm], running, facts)
            for vm, (running, facts) in found.items()
            if seconds[vm]
        ]

    async def host(self) -> HostState:
        raw = self.libvirt.raw
        async with translated("the host"):
            version, info, free = await self.libvirt.call(lambda: (raw.getVersion(), raw.getInfo(), raw.getFreeMemory()))
        abilities = XEN_CAPABILITIES.read_text().split()
        cpu = msgspec.structs.replace(machine_facts.read_cpu(), cpu_count=info[2], socket_count=info[4] * info[5])
        return HostState(
            hypervisor=self.name,
            hypervisor_version=f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}",
            hypervisor_capabilities=abilities,
            capabilities=sorted(self.capabilities),
            cpu=cpu,
            total_memory=info[1] << 20,
            free_memory=free,
            hvm=any(ability.startswith("hvm") for ability in abilities),
        )


def _look(domain: Any) -> tuple[int, Facts]:
    return domain.info()[0], read_facts(domain.XMLDesc())


def _vcpu_seconds(domain: Any) -> list[float]:
    try:
        return [vcpu[2] / 1e9 for vcpu in domain.vcpus()[0]]
    except libvirt.libvirtError:
        return []
