"""The words of measurement: whose metric, what kind, and one reading of it.

Sources and plugins produce :class:`Reading`; the recorder puts them into archives.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf


class Kind(StrEnum):
    """What a raw value means: a level, an amount since the last reading, or a counter that only grows."""

    GAUGE = "GAUGE"
    ABSOLUTE = "ABSOLUTE"
    DERIVE = "DERIVE"


class OwnerKind(StrEnum):
    HOST = "host"
    VM = "vm"
    SR = "sr"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose archive a metric belongs to. The host this daemon serves has an empty uuid: it may not be known yet."""

    kind: OwnerKind
    uuid: str = ""


HOST = Owner(OwnerKind.HOST)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's description. *default*: recorded without being asked for; *inverse*: record 1 - x."""

    name: str
    kind: Kind
    units: str = ""
    min: float = -inf
    max: float = inf
    default: bool = False
    inverse: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A raw value of *metric*, true at *timestamp* (seconds since the epoch)."""

    owner: Owner
    metric: Metric
    value: float
    timestamp: float
