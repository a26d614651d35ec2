"""The loop: read the configuration now and then, fetch the metrics since last time, raise the alarms."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from idl.config import Config, ConfigError
from idl.paths import Root
from idl.xenapi_client import Failure, Session, Unavailable, request
from perfmon import report
from perfmon.commands import Command
from perfmon.local_usage import measure
from perfmon.variables import SR_THROUGHPUT_PER_HOST, Kind
from perfmon.watch import Alarm, Configured, Watch

log = logging.getLogger(__name__)

KEY = "perfmon"


@dataclass(frozen=True, slots=True)
class Timing:
    """``/etc/perfmon.conf``: interval, rrdstep (5 or 60), config_update_period, interval_percent_dither."""

    interval_s: float
    step_s: int
    config_period_s: float
    dither_percent: float

    @classmethod
    def read(cls, config: Config) -> "Timing":
        """:raises ConfigError: a value that cannot be used."""
        step = config.integer("rrdstep", 60)
        if step not in (5, 60):
            raise ConfigError(f"rrdstep: expected 5 or 60, found {step}")
        return cls(
            config.number("interval", 300.0),
            step,
            config.number("config_update_period", 1800.0),
            config.number("interval_percent_dither", 5.0),
        )


def _text(record: Mapping[str, Any]) -> str:
    return str(record.get("other_config", {}).get(KEY, ""))


def configured_objects(
    hosts: Mapping[str, Mapping[str, Any]],
    vms: Iterable[Mapping[str, Any]],
    srs: Mapping[str, Mapping[str, Any]],
    pbds: Iterable[Mapping[str, Any]],
) -> list[Configured]:
    """Pick out what has a ``perfmon`` key (records as XenAPI gives them); pure."""
    attached: dict[str, list[tuple[str, str]]] = {}
    for pbd in pbds:
        sr = srs.get(str(pbd["SR"]))
        if sr is not None and SR_THROUGHPUT_PER_HOST in _text(sr) and pbd["currently_attached"]:
            attached.setdefault(str(pbd["host"]), []).append((str(sr["uuid"]), _text(sr)))
    found = [Configured(Kind.VM, str(vm["uuid"]), _text(vm)) for vm in vms if _text(vm)]
    found += [Configured(Kind.SR, str(sr["uuid"]), _text(sr)) for sr in srs.values() if _text(sr)]
    for ref, host in hosts.items():
        asked = tuple(sorted(attached.get(ref, [])))
        if _text(host) or asked:
            found.append(Configured(Kind.HOST, str(host["uuid"]), _text(host), asked))
    return found


@dataclass(slots=True)
class Perfmon:
    root: Root
    timing: Timing
    commands: "asyncio.Queue[Command]"
    watch: Watch = field(default_factory=Watch)
    _next_start_s: int | None = None
    _configured_s: float | None = None

    async def run(self, session: Session) -> None:
        """Work with one session until it fails; what is watched, and since when, outlives it."""
        while True:
            await self.once(session)
            if await self._pause() is Command.REFRESH:
                self._configured_s = None

    async def once(self, session: Session) -> None:
        """Do one round.

        :raises Failure, Unavailable: the session is of no more use.
        """
        now = time.time()
        if self._configured_s is None or now - self._configured_s >= self.timing.config_period_s:
            self.watch.configure(await _read_configuration(session), now)
            self._configured_s = now
        if self.watch.is_empty:
            self._next_start_s = None
            return
        found = await self._fetch(now)
        if found is None:
            return
        self._next_start_s = found.end_s + 1
        for alarm in self.watch.feed(found, measure(self.root.path), self.timing.step_s, now):
            await _raise_alarm(session, alarm)

    async def _fetch(self, now: float) -> report.Report | None:
        start = self._next_start_s if self._next_start_s is not None else int(now - self.timing.interval_s)
        query = [("start", start), ("cf", "AVERAGE"), ("interval", self.timing.step_s), ("host", "true")]
        query += [("sr_uuid", uuid) for uuid in self.watch.uuids(Kind.SR)]
        try:
            status, body = await request(self.root.rrdd_socket, "GET", f"/rrd_updates?{urlencode(query)}")
            if status == 200:
                return report.parse(body)
            log.warning("rrdd answered with status %d; metrics are asked for again next time", status)
        except (Unavailable, report.BadReport) as error:
            log.warning("no metrics this time: %s", error)
        return None

    async def _pause(self) -> Command | None:
        """Wait for the next round, or for a command. The dither keeps a pool's hosts from asking all at once."""
        length = self.timing.interval_s * random.uniform(1.0, 1.0 + self.timing.dither_percent / 100)
        try:
            async with asyncio.timeout(length):
                command = await self.commands.get()
        except TimeoutError:
            return None
        if command is Command.DEBUG_MEM:
            _say_memory()
        return command


async def _read_configuration(session: Session) -> list[Configured]:
    hosts, vms, srs, pbds = [await session.records(cls) for cls in ("host", "VM", "SR", "PBD")]
    return configured_objects(hosts, vms.values(), srs, pbds.values())


async def _raise_alarm(session: Session, alarm: Alarm) -> None:
    log.info("alarm for %s %s: %s", alarm.kind, alarm.uuid, alarm.body.splitlines()[0])
    try:
        await session.call("message.create", "ALARM", alarm.priority, alarm.kind.value, alarm.uuid, alarm.body)
    except Failure as error:
        if error.code != "UUID_INVALID":
            raise
        log.info("%s %s is gone", alarm.kind, alarm.uuid)


def _say_memory() -> None:
    import resource

    log.info("memory: at most %d KiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
