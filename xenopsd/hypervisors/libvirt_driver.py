"""What the drivers on libvirt share: the connection, what is known of each domain, its life, events.

What is known comes from events and is read again when the connection was lost: a domain that went meanwhile is told as
ended for an unknown reason.
"""

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import libvirt

from idl.rpc import RpcError
from idl.xenops import Problem
from xenopsd.hypervisors.base import Changed, Condition, Domain, End, Ended, Hypervisor, Listener, Running
from xenopsd.hypervisors.libvirt_connection import Connection

log = logging.getLogger(__name__)

GONE_TIMEOUT = 15.0
"""Seconds for a destroyed domain to be gone (libvirt kills an emulator after 10)."""

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
OUR_OWN: Final = (libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED, libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED)


@dataclass(slots=True)
class Live:
    """What is known of a domain that has a process."""

    running: Running
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    detached: dict[str, asyncio.Event] = field(default_factory=dict)


@asynccontextmanager
async def translated(vm: str) -> AsyncIterator[None]:
    """Tell libvirt's errors as ours."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise RpcError(Problem.DOMAIN_NOT_BUILT) from error
        raise RpcError(Problem.INTERNAL_ERROR, f"{vm}: {error}") from error


class LibvirtDriver(Hypervisor):
    """A driver for one libvirt connection. Domains are called by their VM's uuid."""

    uri: str

    def __init__(self) -> None:
        self.live: dict[str, Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the connection and its events

    async def open(self, listener: Listener) -> None:
        self.listener = listener
        self.libvirt = Connection(self.uri, self._connected)
        await self.libvirt.open()

    async def _connected(self) -> None:
        self.register_events()
        raw = self.libvirt.raw
        found = await self.libvirt.call(raw.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
        names = {domain.name() for domain in found}
        for vm in [vm for vm in self.live if vm not in names]:
            self.ended(vm, End.UNKNOWN)
        await asyncio.gather(*(self.adopt(domain.name()) for domain in found if not self.is_host(domain)))

    def is_host(self, domain: Any) -> bool:
        """Say whether a domain that libvirt lists is the machine itself."""
        return False

    def register_events(self) -> None:
        """Ask the connection for the events this driver needs."""
        raw = self.libvirt.raw
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)
        raw.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, self._balloon, None)

    async def adopt(self, vm: str) -> None:
        """Take over a domain that runs already."""
        await self.refresh(vm)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.libvirt.close()

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # libvirt calls these in its own thread.

    def _lifecycle(self, _connection: object, domain: Any, event: int, detail: int, _opaque: object) -> None:
        self.libvirt.in_loop(self._on_lifecycle, domain.name(), event, detail)

    def _balloon(self, _connection: object, domain: Any, kib: int, _opaque: object) -> None:
        self.libvirt.in_loop(self._on_balloon, domain.name(), kib)

    # And these run in our loop.

    def _on_lifecycle(self, vm: str, event: int, detail: int) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            self.stopped(vm, detail)
        elif event == libvirt.VIR_DOMAIN_EVENT_CRASHED:
            self.listener(Ended(vm, End.CRASH))
        elif vm in self.live:
            self.background(self.refresh(vm))

    def stopped(self, vm: str, detail: int) -> None:
        """Take note of libvirt's word that a domain is gone, and why."""
        self.ended(vm, None if detail in OUR_OWN else STOPPED.get(detail, End.UNKNOWN))

    def ended(self, vm: str, why: End | None) -> None:
        """Forget a domain; without a reason nobody is told (it lives on elsewhere)."""
        live = self.live.pop(vm, None)
        if live is None:
            return
        live.gone.set()
        for detached in live.detached.values():
            detached.set()
        if why is not None:
            self.listener(Ended(vm, why))

    def _on_balloon(self, vm: str, kib: int) -> None:
        live = self.live.get(vm)
        if live is not None:
            live.running = Running(live.running.condition, kib << 10, live.running.vcpus)
            self.listener(Changed(vm))

    async def refresh(self, vm: str) -> None:
        """Read a domain's volatile facts; the last to ask is the last to write."""
        live = self.live.get(vm)
        async with live.refreshing if live is not None else asyncio.Lock():
            try:
                state, _maximum, current_kib, vcpus, _time = await self.libvirt.call(lambda: self.find(vm).info())
            except libvirt.libvirtError:
                return
            condition = CONDITIONS.get(state)
            if condition is None:
                return
            running = Running(condition, current_kib << 10, vcpus)
            live = self.live.setdefault(vm, Live(running))
            if live.running != running:
                live.running = running
                self.listener(Changed(vm))

    def find(self, vm: str) -> Any:
        """Return libvirt's domain object. May wait for a lock: only ever in the pool."""
        return self.libvirt.raw.lookupByName(vm)

    async def on_domain(self, vm: str, work: Callable[[Any], Any]) -> Any:
        """Run *work* on libvirt's domain object, in the pool."""
        async with translated(vm):
            return await self.libvirt.call(lambda: work(self.find(vm)))

    # --- what is known

    def domains(self) -> dict[str, Running]:
        return {vm: live.running for vm, live in self.live.items()}

    # --- a domain's life

    async def begin(self, domain: Domain, create: Callable[[], Any]) -> Any:
        """Make a domain, which is paused, by *create*; return libvirt's object."""
        vm = domain.vm.id
        try:
            made, seconds = await self.libvirt.call(_timed, create)
        except libvirt.libvirtError as error:
            raise RpcError(Problem.FAILED_TO_START_EMULATOR, vm, domain.vm.name, str(error)) from error
        log.info("VM %s: libvirt made its domain in %.1f ms", vm, seconds * 1000)
        self.live.setdefault(vm, Live(Running(Condition.PAUSED, domain.memory, domain.vm.vcpus)))
        return made

    async def destroy(self, vm: str) -> None:
        try:
            await self.on_domain(vm, lambda domain: domain.destroy())
        except RpcError as error:
            if error.name != Problem.DOMAIN_NOT_BUILT:
                raise
        live = self.live.get(vm)
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
        await self.on_domain(vm, lambda domain: domain.suspend())
        await self.refresh(vm)

    async def unpause(self, vm: str) -> None:
        await self.on_domain(vm, lambda domain: domain.resume())
        await self.refresh(vm)

    async def save(self, vm: str, image: Path) -> None:
        live = self.live.get(vm)
        if live is None:
            raise RpcError(Problem.DOMAIN_NOT_BUILT)
        await self.on_domain(vm, lambda domain: self.save_to(domain, str(image)))
        await self._gone(vm, live)

    @abstractmethod
    def save_to(self, domain: Any, image: str) -> None:
        """Save a domain to a file; called in the pool."""

    # --- adjustments

    async def attach(self, vm: str, xml: str) -> None:
        await self.on_domain(vm, lambda domain: domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE))

    async def update(self, vm: str, xml: str, flags: int = 0) -> None:
        await self.on_domain(vm, lambda domain: domain.updateDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE | flags))

    async def set_vcpus(self, vm: str, vcpus: int) -> None:
        await self.on_domain(vm, lambda domain: domain.setVcpusFlags(vcpus, libvirt.VIR_DOMAIN_AFFECT_LIVE))
        await self.refresh(vm)

    async def set_memory_target(self, vm: str, target: int) -> None:
        await self.on_domain(vm, lambda domain: domain.setMemoryFlags(target >> 10, libvirt.VIR_DOMAIN_AFFECT_LIVE))


def _timed(create: Callable[[], Any]) -> tuple[Any, float]:
    """Return what *create* made and the seconds that were spent in libvirt, and not here."""
    started = time.monotonic()
    made = create()
    return made, time.monotonic() - started
