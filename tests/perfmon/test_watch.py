"""Which objects are watched, and what survives a new configuration."""

from perfmon.alarms import LocalUsage
from perfmon.report import Owner, Report, parse
from perfmon.service import configured_objects
from perfmon.variables import Kind
from perfmon.watch import Configured, Watch

USAGE = LocalUsage(0.0, 0.0, 0.0)


def variable(**values: str) -> str:
    elements = "".join(f'<{key} value="{value}"/>' for key, value in values.items())
    return f"<config><variable>{elements}</variable></config>"


XML = variable(name="cpu_usage", alarm_trigger_level="0.5", alarm_trigger_period="120")
PER_HOST = variable(name="sr_io_throughput_total_per_host", alarm_trigger_level="5")
VM = Configured(Kind.VM, "vm-1", XML)


def cpu(*rows: float) -> Report:
    return Report(100, {Owner("vm", "vm-1"): {"cpu0": 0}}, [(value,) for value in rows])


def test_an_objects_rows_are_fed_oldest_first_and_raise_its_class_of_alarm() -> None:
    watch = Watch()
    watch.configure([VM], now_s=0.0)
    (alarm,) = watch.feed(cpu(0.1, 0.9, 0.8), USAGE, 60, now_s=0.0)
    assert (alarm.kind, alarm.uuid, alarm.priority) == (Kind.VM, "vm-1", 3)
    assert alarm.body.startswith("value: 0.800000\n")


def test_objects_without_metrics_are_left_alone() -> None:
    watch = Watch()
    watch.configure([VM], now_s=0.0)
    assert watch.feed(Report(1, {}, [(0.9,)]), USAGE, 60, 0.0) == []


def test_the_same_configuration_keeps_a_triggers_state() -> None:
    watch = Watch()
    watch.configure([VM], 0.0)
    assert watch.feed(cpu(0.9), USAGE, 60, 0.0) == []
    watch.configure([VM], 0.0)
    assert len(watch.feed(cpu(0.9), USAGE, 60, 0.0)) == 1


def test_a_bad_configuration_leaves_the_previous_one() -> None:
    watch = Watch()
    watch.configure([VM], 0.0)
    watch.configure([Configured(Kind.VM, "vm-1", "<config>")], 0.0)
    assert len(watch.feed(cpu(0.9, 0.9), USAGE, 60, 0.0)) == 1


def test_what_is_no_longer_configured_is_forgotten() -> None:
    watch = Watch()
    watch.configure([VM], 0.0)
    watch.configure([], 0.0)
    assert watch.is_empty


def test_a_hosts_own_variable_wins_over_what_its_sr_asks() -> None:
    own = PER_HOST.replace("per_host", "0123abcd").replace('"5"', '"7"')
    watch = Watch()
    host = Configured(Kind.HOST, "h", own, srs=(("0123abcd-x", PER_HOST),))
    watch.configure([host], 0.0)
    report = Report(1, {Owner("host", "h"): {"io_throughput_total_0123abcd": 0}}, [(6.0,)])
    assert watch.feed(report, USAGE, 60, 0.0) == []
    watch.configure([Configured(Kind.HOST, "h", "", srs=host.srs)], 0.0)
    assert [alarm.kind for alarm in watch.feed(report, USAGE, 60, 0.0)] == [Kind.HOST]


def test_records_are_picked_by_their_key_and_srs_by_their_attachment() -> None:
    def record(uuid: str, text: str = "") -> dict[str, object]:
        return {"uuid": uuid, "other_config": {"perfmon": text} if text else {}}

    hosts = {"h1": record("host-1"), "h2": record("host-2")}
    srs = {"s1": record("sr-1", PER_HOST), "s2": record("sr-2")}
    pbds = [
        {"SR": "s1", "host": "h1", "currently_attached": True},
        {"SR": "s1", "host": "h2", "currently_attached": False},
        {"SR": "s2", "host": "h2", "currently_attached": True},
    ]
    assert configured_objects(hosts, [record("vm-1", XML), record("vm-2")], srs, pbds) == [
        VM,
        Configured(Kind.SR, "sr-1", PER_HOST),
        Configured(Kind.HOST, "host-1", "", (("sr-1", PER_HOST),)),
    ]


def test_a_report_is_read() -> None:
    text = b"""<xport><meta><start>1</start><step>60</step><end>180</end><rows>2</rows><columns>2</columns>
        <legend><entry>AVERAGE:vm:vm-1:cpu0</entry><entry>AVERAGE:host:h:pif_eth0_rx</entry></legend></meta>
        <data><row><t>180</t><v>0.2</v><v>NaN</v></row><row><t>120</t><v>0.1</v></row></data></xport>"""
    report = parse(text)
    assert report.end_s == 180
    assert [report.values(Owner("vm", "vm-1"), row) for row in report.rows] == [{"cpu0": 0.1}, {"cpu0": 0.2}]
    assert report.values(Owner("host", "h"), report.rows[0]) == {"pif_eth0_rx": 0.0}
