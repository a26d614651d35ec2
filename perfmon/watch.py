"""What is watched: the configured objects with their triggers, fed with reports (pure but for the log).

An object whose new configuration cannot be understood keeps its previous one; one whose configuration did not change
keeps the state of its triggers.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfmon.alarms import LocalUsage, Trigger, alarm_body, consolidate
from perfmon.report import Owner, Report
from perfmon.variables import BadConfig, Kind, Variable, parse, parse_for_hosts

log = logging.getLogger(__name__)

OWNER_KINDS = {Kind.VM: "vm", Kind.HOST: "host", Kind.SR: "sr"}


@dataclass(frozen=True, slots=True)
class Configured:
    """An object and its ``perfmon`` text; for a host also those of the SRs attached to it (uuid -> text)."""

    kind: Kind
    uuid: str
    text: str
    srs: tuple[tuple[str, str], ...] = ()

    @property
    def owner(self) -> Owner:
        return Owner(OWNER_KINDS[self.kind], self.uuid)


@dataclass(frozen=True, slots=True)
class Alarm:
    kind: Kind
    uuid: str
    priority: int
    body: str


@dataclass(slots=True)
class _Monitor:
    configured: Configured
    triggers: list[Trigger]


def variables_of(configured: Configured) -> list[Variable]:
    """Return what an object's configuration asks for; a host's own variables win over those its SRs ask of it.

    :raises BadConfig:
    """
    own = parse(configured.kind, configured.text)
    names = {variable.name for variable in own}
    asked = [variable for uuid, text in configured.srs for variable in parse_for_hosts(uuid, text)]
    return own + [variable for variable in asked if variable.name not in names]


@dataclass(slots=True)
class Watch:
    """All monitors of this host's daemon."""

    _monitors: dict[Owner, _Monitor] = field(default_factory=dict)

    def configure(self, objects: Iterable[Configured], now_s: float) -> None:
        """Take over the present configuration of every object that has one."""
        before, self._monitors = self._monitors, {}
        for configured in objects:
            known = before.get(configured.owner)
            if known is not None and known.configured == configured:
                self._monitors[configured.owner] = known
                continue
            try:
                triggers = [Trigger.armed(variable, now_s) for variable in variables_of(configured)]
            except BadConfig as error:
                log.warning("perfmon configuration of %s %s: %s", configured.kind, configured.uuid, error)
                if known is not None:
                    self._monitors[configured.owner] = known
                continue
            if triggers:
                self._monitors[configured.owner] = _Monitor(configured, triggers)

    @property
    def is_empty(self) -> bool:
        return not self._monitors

    def uuids(self, kind: Kind) -> list[str]:
        return sorted(owner.uuid for owner in self._monitors if owner.kind == OWNER_KINDS[kind])

    def feed(self, report: Report, usage: LocalUsage, step_s: int, now_s: float) -> list[Alarm]:
        """Evaluate every row of *report* for the objects in it; return the alarms to raise."""
        alarms = []
        for owner, monitor in self._monitors.items():
            if owner not in report.columns:
                continue
            for row in report.rows:
                metrics = report.values(owner, row)
                for trigger in monitor.triggers:
                    value = consolidate(trigger.variable, metrics, usage)
                    if trigger.feed(value, step_s, now_s):
                        body = alarm_body(trigger.variable, value)
                        alarms.append(Alarm(monitor.configured.kind, owner.uuid, trigger.variable.priority, body))
        return alarms
