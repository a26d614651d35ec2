"""other_config:perfmon: the XML and its defaults."""

import pytest

from perfmon.variables import BadConfig, Function, Kind, Sense, Variable, parse, parse_for_hosts


def config(**values: str) -> str:
    elements = "".join(f'<{key} value="{value}"/>' for key, value in values.items())
    return f"<config><variable>{elements}</variable></config>"


def one(kind: Kind, **values: str) -> Variable:
    (variable,) = parse(kind, config(**values))
    return variable


def pattern(variable: Variable) -> str | None:
    return variable.pattern.pattern if variable.pattern else None


@pytest.mark.parametrize(
    ("kind", "name", "level", "sense", "function", "regex"),
    [
        (Kind.VM, "cpu_usage", None, Sense.HIGH, Function.AVERAGE, "cpu[0-9]+"),
        (Kind.VM, "network_usage", None, Sense.HIGH, Function.SUM, "vif_[0-9]+_[rt]x"),
        (Kind.VM, "disk_usage", None, Sense.HIGH, Function.SUM, "vbd_(xvd|hd)[a-z]+_(read|write)"),
        (Kind.VM, "fs_usage", 0.9, Sense.HIGH, Function.FS, None),
        (Kind.VM, "log_fs_usage", 0.9, Sense.HIGH, Function.LOG_FS, None),
        (Kind.VM, "mem_usage", 0.95, Sense.HIGH, Function.MEM, None),
        (Kind.VM, "memory_internal_free", None, Sense.LOW, Function.SUM, "memory_internal_free"),
        (Kind.HOST, "cpu_usage", None, Sense.HIGH, Function.AVERAGE, "cpu[0-9]+"),
        (Kind.HOST, "network_usage", None, Sense.HIGH, Function.SUM, "pif_eth[0-9]+_[rt]x"),
        (Kind.HOST, "memory_free_kib", None, Sense.LOW, Function.SUM, "memory_free_kib"),
        (Kind.HOST, "sr_io_throughput_total_0123abcd", None, Sense.HIGH, Function.SUM, "io_throughput_total_0123abcd"),
        (Kind.SR, "physical_utilisation", 0.8, Sense.HIGH, Function.SR, "physical_utilisation|size"),
        (Kind.SR, "sr_io_throughput_total_per_host", None, Sense.HIGH, Function.SUM, None),
    ],
)
def test_defaults(kind: Kind, name: str, level: float | None, sense: Sense, function: Function, regex: str | None) -> None:
    values = {"name": name} | ({} if level else {"alarm_trigger_level": "0.5"})
    variable = one(kind, **values)
    assert (variable.level, variable.sense, variable.function, pattern(variable)) == (level or 0.5, sense, function, regex)
    assert (variable.priority, variable.period_s, variable.inhibit_s) == (3, 60, 3600)


def test_everything_can_be_said() -> None:
    variable = one(
        Kind.VM,
        name="mine",
        alarm_priority="1",
        alarm_trigger_level="7",
        alarm_trigger_sense="low",
        alarm_trigger_period="5",
        alarm_auto_inhibit_period="6",
        consolidation_fn="max",
        rrd_regex="m.*",
    )
    assert (variable.priority, variable.level, variable.sense) == (1, 7.0, Sense.LOW)
    assert (variable.period_s, variable.inhibit_s, variable.function, pattern(variable)) == (5, 6, Function.MAX, "m.*")


def test_an_unknown_sense_is_low() -> None:
    assert one(Kind.VM, name="cpu_usage", alarm_trigger_level="1", alarm_trigger_sense="sideways").sense is Sense.LOW


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        (Kind.VM, "<config>", "not XML"),
        (Kind.VM, config(alarm_trigger_level="1"), "without a name"),
        (Kind.VM, config(name="cpu_usage"), "needs an alarm_trigger_level"),
        (Kind.HOST, config(name="cpu_usage"), "needs an alarm_trigger_level"),
        (Kind.VM, config(name="mine", alarm_trigger_level="1"), "needs an rrd_regex"),
        (Kind.VM, config(name="cpu_usage", alarm_trigger_level="much"), "expected a number"),
        (Kind.VM, config(name="cpu_usage", alarm_trigger_level="1", alarm_priority="high"), "expected a whole number"),
        (Kind.VM, config(name="cpu_usage", alarm_trigger_level="1", consolidation_fn="median"), "there is no 'median'"),
        (Kind.VM, config(name="cpu_usage", alarm_trigger_level="1", rrd_regex="("), "rrd_regex"),
    ],
)
def test_what_is_wrong_is_said(kind: Kind, text: str, complaint: str) -> None:
    with pytest.raises(BadConfig, match=complaint):
        parse(kind, text)


def test_no_text_is_no_variable() -> None:
    assert parse(Kind.VM, " ") == []


def test_an_sr_asks_each_host_for_its_own_traffic() -> None:
    text = config(name="sr_io_throughput_total_per_host", alarm_trigger_level="9")
    (variable,) = parse_for_hosts("0123abcd-0000-0000-0000-000000000000", text)
    assert (variable.name, pattern(variable), variable.level) == (
        "sr_io_throughput_total_0123abcd",
        "io_throughput_total_0123abcd",
        9.0,
    )
    with pytest.raises(BadConfig, match="takes no rrd_regex"):
        parse_for_hosts("u", config(name="sr_io_throughput_total_per_host", alarm_trigger_level="9", rrd_regex="x"))
