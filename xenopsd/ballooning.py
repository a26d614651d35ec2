"""The host's memory as the policy in ``memory.py`` sees it: from records, hypervisor and store; and when it is applied."""

import asyncio
import logging
from typing import Final

from idl.xenops import Vm
from xenopsd.hypervisors.base import Hypervisor
from xenopsd.memory import Guest, Memory
from xenopsd.state import Records
from xenopsd.store import Store

log = logging.getLogger(__name__)

FEATURE: Final = "control/feature-balloon"
"""What a guest writes that gives and takes memory when asked."""


class LiveHost:
    """The guests that run here; their sizes without what Xen counts in addition."""

    def __init__(self, records: Records, hypervisor: Hypervisor, store: Store) -> None:
        self._records = records
        self._hypervisor = hypervisor
        self._store = store
        self._offsets: dict[int, int] = {}

    async def look(self) -> tuple[int, list[Guest]]:
        free, actual = await self._hypervisor.memory()
        found = []
        for entry in self._records:
            vm, private = entry.vm, entry.private
            if private.domid is None or vm.id not in actual:
                continue
            can_balloon = FEATURE in self._store.seen(private.domid)
            target, size = private.memory_target >> 10, actual[vm.id] >> 10
            if can_balloon:
                # On its first sight it has what it was built with, which is its target and something for Xen.
                size -= self._offsets.setdefault(private.domid, size - target)
            most = min(vm.memory_dynamic_max, vm.memory_static_max) >> 10
            least = min(vm.memory_dynamic_min >> 10, most)
            found.append(Guest(vm.id, size, target, least, most, can_balloon=can_balloon))
        return free >> 10, found

    async def ask(self, guest: str, target: int) -> None:
        await self._hypervisor.set_memory_target(guest, target << 10)
        self._records.put_private(guest, memory_target=target << 10)


class Ballooning:
    """Room for new domains, and the guests' share of what others left. Does nothing where it cannot be done."""

    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory
        self._again = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        return self._memory is not None

    async def reserve(self, vm: Vm) -> int:
        """Make room for a domain; return the bytes it starts with. :raises RpcError: as :meth:`Memory.reserve`."""
        if self._memory is None:
            return min(vm.memory_dynamic_max, vm.memory_static_max)
        return await self._memory.reserve(vm)

    def release(self, vm: str) -> None:
        if self._memory is not None:
            self._memory.release(vm)

    def balance_later(self) -> None:
        """Share out anew what is free, in the background; asked for again meanwhile it is done once more."""
        if self._memory is None:
            return
        self._again.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._balance(self._memory))

    async def _balance(self, memory: Memory) -> None:
        while self._again.is_set():
            self._again.clear()
            await memory.balance()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
