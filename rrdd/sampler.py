"""One look at the world: the kernel's files, xenopsd's counters and the plugins' files, as readings.

A source that fails is absent this time; the others are not held up by it.
"""

import logging
from asyncio import timeout
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time

from idl.rpc import RpcError, Unreachable
from idl.xenops import DomainCounters, Xenops
from rrdd.metric import Reading
from rrdd.plugins import Plugins
from rrdd.sources import cpu, load, memory, network
from rrdd.sources.control_domain import ControlDomainSource
from rrdd.sources.guests import GuestSource

log = logging.getLogger(__name__)

XENOPSD_LIMIT = 2.0
"""Seconds xenopsd has to answer: metrics of the host go on without it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """*domids*: of the domains that run, by VM uuid; None if xenopsd did not say."""

    now: float
    readings: list[Reading]
    domids: dict[str, int] | None


class Sampler:
    def __init__(self, xenopsd: Xenops, plugins: Plugins, proc: Path = Path("/proc")) -> None:
        self._xenopsd = xenopsd
        self._plugins = plugins
        self._proc = proc
        self._guests = GuestSource()
        self._control_domain = ControlDomainSource()
        self._was_reachable = True

    async def sample(self, control_domain: str) -> Sample:
        """Read everything once. *control_domain*: its uuid, empty if not known yet."""
        now = time()
        readings = self._plugins.poll()
        times = cpu.parse((self._proc / "stat").read_text())
        free = memory.parse((self._proc / "meminfo").read_text())
        readings += cpu.readings(times, now)
        readings += memory.readings(free, now)
        readings += self._each(load.readings, "loadavg", now)
        readings += self._each(lambda text, at: network.readings(network.parse(text), at), "net/dev", now)
        domains = await self._domains()
        if domains is not None:
            readings += self._guests.readings(domains, time())
        if control_domain:
            readings += self._control_domain.readings(control_domain, times, free, domains, now)
        domids = None if domains is None else {domain.id: domain.domid for domain in domains}
        return Sample(now, readings, domids)

    def _each(self, parse: Callable[[str, float], list[Reading]], file: str, now: float) -> list[Reading]:
        try:
            return parse((self._proc / file).read_text(), now)
        except (OSError, ValueError, IndexError) as error:
            log.warning("%s: %s", self._proc / file, error)
            return []

    async def _domains(self) -> list[DomainCounters] | None:
        try:
            async with timeout(XENOPSD_LIMIT):
                domains = await self._xenopsd.host_get_counters("rrdd")
        except (Unreachable, RpcError, TimeoutError) as error:
            if self._was_reachable:
                log.warning("guests' metrics pause, xenopsd does not answer: %r", error)
            self._was_reachable = False
            return None
        if not self._was_reachable:
            log.info("xenopsd answers again")
        self._was_reachable = True
        return domains
