"""When a variable's values become an alarm: consolidation, and the trigger that counts bad time (pure)."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from perfmon.variables import Function, Sense, Variable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalUsage:
    """What is measured in the control domain itself, as fractions."""

    filesystem: float
    log_filesystem: float
    memory: float


def consolidate(variable: Variable, metrics: Mapping[str, float], usage: LocalUsage) -> float:
    """Return a variable's value from an owner's metrics at one moment."""
    pattern = variable.pattern
    names = sorted(name for name in metrics if pattern is not None and pattern.fullmatch(name))
    values = [metrics[name] for name in names]
    match variable.function:
        case Function.SUM:
            return math.fsum(values)
        case Function.AVERAGE:
            return math.fsum(values) / len(values) if values else 0.0
        case Function.MAX:
            return max(values, default=0.0)
        case Function.FS:
            return usage.filesystem
        case Function.LOG_FS:
            return usage.log_filesystem
        case Function.MEM:
            return usage.memory
        case Function.SR:
            # In the order of their names: physical_utilisation, size.
            return values[0] / values[1] if len(values) == 2 and values[1] else 0.0


@dataclass(slots=True)
class Trigger:
    """Counts down the time a variable has been bad without a break; alarms are a given time apart."""

    variable: Variable
    left_s: int
    last_alarm_s: float

    @classmethod
    def armed(cls, variable: Variable, now_s: float) -> "Trigger":
        """A fresh trigger: its first alarm does not wait."""
        return cls(variable, variable.period_s, now_s - variable.inhibit_s)

    def feed(self, value: float, step_s: int, now_s: float) -> bool:
        """Take the value of *step_s* seconds; return whether an alarm is to be raised now."""
        if not self._is_bad(value):
            self.left_s = self.variable.period_s
            return False
        self.left_s -= step_s
        if self.left_s > 0:
            return False
        self.left_s = self.variable.period_s
        if now_s - self.last_alarm_s < self.variable.inhibit_s:
            return False
        self.last_alarm_s = now_s
        return True

    def _is_bad(self, value: float) -> bool:
        return value > self.variable.level if self.variable.sense is Sense.HIGH else value < self.variable.level


def alarm_body(variable: Variable, value: float) -> str:
    """Return the message's body; clients take the first line and the XML apart."""
    return f"value: {value:f}\nconfig:\n{variable.xml}"
