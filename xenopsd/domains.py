"""How the present domains ended, and who waits for that.

The hypervisor tells each end once or twice (a guest's reset, then the domain's death): the first telling counts, until
the domain is forgotten.
"""

import asyncio

from xenopsd.hypervisors.base import End


class Ending:
    """One domain's end: a reason, once there is one."""

    def __init__(self) -> None:
        self.why: End | None = None
        self._event = asyncio.Event()

    def tell(self, why: End) -> None:
        if self.why is None:
            self.why = why
        self._event.set()

    def wake(self) -> None:
        """Let waiters go without an end (they were cancelled)."""
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class Domains:
    """The volatile facts of VMs' domains that no record keeps."""

    def __init__(self) -> None:
        self._endings: dict[str, Ending] = {}
        self._rebooting: set[str] = set()

    def begin(self, vm: str) -> None:
        """A new domain: no end is known of it."""
        self._endings[vm] = Ending()

    def ending(self, vm: str) -> Ending:
        return self._endings.setdefault(vm, Ending())

    def ended(self, vm: str) -> End | None:
        ending = self._endings.get(vm)
        return ending.why if ending else None

    def forget(self, vm: str) -> None:
        self._endings.pop(vm, None)

    def set_rebooting(self, vm: str, rebooting: bool) -> None:
        if rebooting:
            self._rebooting.add(vm)
        else:
            self._rebooting.discard(vm)

    def is_rebooting(self, vm: str) -> bool:
        return vm in self._rebooting
