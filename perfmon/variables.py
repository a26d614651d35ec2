"""The ``perfmon`` key of other_config: XML that names variables to watch, decoded with the defaults of each kind (pure)."""

import re
import xml.dom.minidom
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from xml.parsers.expat import ExpatError


class Kind(StrEnum):
    """What a variable is watched on; the text is the class of the alert."""

    VM = "VM"
    HOST = "Host"
    SR = "SR"


class Sense(StrEnum):
    HIGH = "high"
    LOW = "low"


class Function(StrEnum):
    """How the values of all matching metrics become one."""

    SUM = "sum"
    AVERAGE = "average"
    MAX = "max"
    FS = "get_percent_fs_usage"
    LOG_FS = "get_percent_log_fs_usage"
    MEM = "get_percent_mem_usage"
    SR = "get_percent_sr_usage"


class BadConfig(ValueError):
    """The XML cannot be used; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    priority: int
    level: float
    sense: Sense
    period_s: int
    inhibit_s: int
    function: Function
    pattern: re.Pattern[str] | None
    """Matches the names of the metrics; None: no metric is needed."""
    xml: str
    """The ``<variable>`` element, printed; part of the alert's body."""


NOTHING = ""
"""A pattern that stands for "no metric"."""
SR_THROUGHPUT = "sr_io_throughput_total_"
SR_THROUGHPUT_PER_HOST = "sr_io_throughput_total_per_host"
PRIORITY, PERIOD_S, INHIBIT_S = 3, 60, 3600

LEVELS: Mapping[tuple[Kind, str], float] = {
    (Kind.VM, "fs_usage"): 0.9,
    (Kind.VM, "log_fs_usage"): 0.9,
    (Kind.VM, "mem_usage"): 0.95,
    (Kind.SR, "physical_utilisation"): 0.8,
}
LOW_BY_DEFAULT = {(Kind.VM, "memory_internal_free"), (Kind.HOST, "memory_free_kib")}
FUNCTIONS: Mapping[tuple[Kind, str], Function] = {
    (Kind.VM, "cpu_usage"): Function.AVERAGE,
    (Kind.VM, "fs_usage"): Function.FS,
    (Kind.VM, "log_fs_usage"): Function.LOG_FS,
    (Kind.VM, "mem_usage"): Function.MEM,
    (Kind.HOST, "cpu_usage"): Function.AVERAGE,
    (Kind.SR, "physical_utilisation"): Function.SR,
}
PATTERNS: Mapping[tuple[Kind, str], str] = {
    (Kind.VM, "cpu_usage"): r"cpu[0-9]+",
    (Kind.VM, "network_usage"): r"vif_[0-9]+_[rt]x",
    (Kind.VM, "disk_usage"): r"vbd_(xvd|hd)[a-z]+_(read|write)",
    (Kind.VM, "fs_usage"): NOTHING,
    (Kind.VM, "log_fs_usage"): NOTHING,
    (Kind.VM, "mem_usage"): NOTHING,
    (Kind.VM, "memory_internal_free"): r"memory_internal_free",
    (Kind.HOST, "cpu_usage"): r"cpu[0-9]+",
    (Kind.HOST, "network_usage"): r"pif_eth[0-9]+_[rt]x",
    (Kind.HOST, "memory_free_kib"): r"memory_free_kib",
    (Kind.SR, "physical_utilisation"): r"physical_utilisation|size",
    (Kind.SR, SR_THROUGHPUT_PER_HOST): NOTHING,
}


def parse(kind: Kind, text: str) -> list[Variable]:
    """Decode a whole ``<config>``.

    :raises BadConfig: not XML, or a variable that lacks something or holds what cannot be understood.
    """
    if not text.strip():
        return []
    return [_variable(kind, element) for element in _elements(text)]


def parse_for_hosts(sr_uuid: str, text: str) -> list[Variable]:
    """Decode what an SR's config asks of each host that it is attached to: the host's own traffic with this SR.

    :raises BadConfig: as :func:`parse`, or a metric is given (it follows from the SR).
    """
    found = []
    for element in _elements(text) if text.strip() else []:
        if _values(element).get("name") != SR_THROUGHPUT_PER_HOST:
            continue
        if "rrd_regex" in _values(element):
            raise BadConfig(f"{SR_THROUGHPUT_PER_HOST} takes no rrd_regex")
        for child in element.getElementsByTagName("name"):
            child.setAttribute("value", SR_THROUGHPUT + sr_uuid[:8])
        found.append(_variable(Kind.HOST, element))
    return found


def _elements(text: str) -> list[xml.dom.minidom.Element]:
    try:
        document = xml.dom.minidom.parseString(text)
    except (ExpatError, ValueError) as error:
        raise BadConfig(f"not XML: {error}") from error
    return list(document.getElementsByTagName("variable"))


def _values(element: xml.dom.minidom.Element) -> dict[str, str]:
    children = [child for child in element.childNodes if isinstance(child, xml.dom.minidom.Element)]
    return {child.tagName: child.getAttribute("value") for child in children}


def _variable(kind: Kind, element: xml.dom.minidom.Element) -> Variable:
    given = _values(element)
    name = given.get("name")
    if not name:
        raise BadConfig("a variable without a name")
    default_sense = Sense.LOW if (kind, name) in LOW_BY_DEFAULT else Sense.HIGH
    return Variable(
        name=name,
        priority=_whole(given, "alarm_priority", PRIORITY),
        level=_level(kind, name, given),
        sense=Sense.HIGH if given.get("alarm_trigger_sense", default_sense) == Sense.HIGH else Sense.LOW,
        period_s=_whole(given, "alarm_trigger_period", PERIOD_S),
        inhibit_s=_whole(given, "alarm_auto_inhibit_period", INHIBIT_S),
        function=_function(kind, name, given),
        pattern=_pattern(kind, name, given),
        xml=element.toprettyxml(),
    )


def _whole(given: Mapping[str, str], key: str, default: int) -> int:
    try:
        return int(given.get(key, default))
    except ValueError:
        raise BadConfig(f"{key}: expected a whole number, found {given[key]!r}") from None


def _level(kind: Kind, name: str, given: Mapping[str, str]) -> float:
    text = given.get("alarm_trigger_level")
    if text is None:
        try:
            return LEVELS[kind, name]
        except KeyError:
            raise BadConfig(f"{name} needs an alarm_trigger_level") from None
    try:
        return float(text)
    except ValueError:
        raise BadConfig(f"alarm_trigger_level: expected a number, found {text!r}") from None


def _function(kind: Kind, name: str, given: Mapping[str, str]) -> Function:
    text = given.get("consolidation_fn", FUNCTIONS.get((kind, name), Function.SUM))
    try:
        return Function(text)
    except ValueError:
        raise BadConfig(f"consolidation_fn: there is no {text!r}, only {', '.join(Function)}") from None


def _pattern(kind: Kind, name: str, given: Mapping[str, str]) -> re.Pattern[str] | None:
    text = given.get("rrd_regex", PATTERNS.get((kind, name)))
    if text is None and kind is Kind.HOST and re.fullmatch(SR_THROUGHPUT + "[0-9a-f]{8}", name):
        # The host's metric has no prefix; the variable's says what it is about.
        text = name.removeprefix("sr_")
    if text is None:
        raise BadConfig(f"{name} needs an rrd_regex")
    if text == NOTHING:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise BadConfig(f"rrd_regex {text!r}: {error}") from error
