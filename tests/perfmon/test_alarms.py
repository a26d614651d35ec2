"""From metrics to a value, and from values over time to an alarm."""

import math

import pytest

from perfmon.alarms import LocalUsage, Trigger, alarm_body, consolidate
from perfmon.local_usage import measure, memory_used
from perfmon.variables import Kind, Variable, parse

USAGE = LocalUsage(filesystem=0.1, log_filesystem=math.nan, memory=0.3)


def variable(**values: str) -> Variable:
    elements = "".join(f'<{key} value="{value}"/>' for key, value in values.items())
    (found,) = parse(Kind.VM, f"<config><variable>{elements}</variable></config>")
    return found


def with_function(function: str) -> Variable:
    return variable(name="x", alarm_trigger_level="0.5", rrd_regex="cpu.", consolidation_fn=function)


@pytest.mark.parametrize(
    ("function", "metrics", "value"),
    [
        ("sum", {"cpu0": 1.0, "cpu1": 2.0, "cpu10": 50.0, "vif": 9.0}, 3.0),
        ("average", {"cpu0": 1.0, "cpu1": 2.0}, 1.5),
        ("average", {}, 0.0),
        ("max", {"cpu0": 1.0, "cpu1": 2.0}, 2.0),
        ("max", {}, 0.0),
        ("get_percent_fs_usage", {}, 0.1),
        ("get_percent_mem_usage", {}, 0.3),
        ("get_percent_sr_usage", {"cpu1": 4.0, "cpu0": 1.0}, 0.25),
        ("get_percent_sr_usage", {"cpu1": 4.0}, 0.0),
    ],
)
def test_consolidation(function: str, metrics: dict[str, float], value: float) -> None:
    assert consolidate(with_function(function), metrics, USAGE) == value


CPU = {"name": "cpu_usage", "alarm_trigger_level": "0.5", "alarm_trigger_period": "120", "alarm_auto_inhibit_period": "600"}


@pytest.mark.parametrize(
    ("sense", "values", "alarms"),
    [
        # One row is a minute; the period is two.
        ("high", [0.6, 0.6], [False, True]),
        ("high", [0.6, 0.4, 0.6, 0.6], [False, False, False, True]),
        ("high", [0.5] * 4, [False] * 4),
        ("high", [math.nan] * 4, [False] * 4),
        ("low", [0.4, 0.4], [False, True]),
        ("low", [0.6] * 3, [False] * 3),
        # The next alarm keeps its distance of ten minutes from the last.
        ("high", [0.9] * 14, [n in (1, 11) for n in range(14)]),
    ],
)
def test_a_trigger_needs_bad_values_without_a_break(sense: str, values: list[float], alarms: list[bool]) -> None:
    trigger = Trigger.armed(variable(**CPU, alarm_trigger_sense=sense), now_s=1000.0)
    assert [trigger.feed(value, 60, 1000.0 + 60 * n) for n, value in enumerate(values)] == alarms


def test_the_body_is_what_clients_parse() -> None:
    body = alarm_body(variable(name="cpu_usage", alarm_trigger_level="0.5"), 1.5)
    assert body == (
        'value: 1.500000\nconfig:\n<variable>\n\t<name value="cpu_usage"/>\n\t<alarm_trigger_level value="0.5"/>\n</variable>\n'
    )


def test_memory_counts_swap_and_leaves_caches_out() -> None:
    text = "MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 100 kB\nCached: 100 kB\nSwapTotal: 200 kB\nSwapFree: 100 kB\n"
    assert memory_used(text) == 0.6


def test_this_machine_can_be_measured(tmp_path: pytest.TempPathFactory) -> None:
    usage = measure(tmp_path)  # type: ignore[arg-type]
    assert 0.0 <= usage.filesystem <= 1.0
    assert math.isnan(usage.log_filesystem)
    assert usage.memory > 0.0
