"""Readings from what the kernel and xenopsd say."""

from pathlib import Path

import pytest

from idl.xenops import BlockCounters, DomainCounters, NetCounters
from rrdd.metric import HOST, Kind, Reading
from rrdd.sources import cpu, load, memory, network
from rrdd.sources.control_domain import ControlDomainSource
from rrdd.sources.guests import GuestSource

STAT = """\
cpu  300 0 100 1500 100 0 0 0 0 0
cpu0 100 0 50 900 50 0 0 0 0 0
cpu1 200 0 50 600 50 0 0 0 0 0
intr 5
procs_running 4
"""
MEMINFO = "MemTotal:       2000000 kB\nMemFree:         100000 kB\nMemAvailable:    500000 kB\n"
NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0
  eth0: 1000 9 3 0 0 0 0 0 2000 9 4 0 0 0 0 0
  eth1:10 9 0 0 0 0 0 0 20 9 0 0 0 0 0 0
eth0.25: 7 9 0 0 0 0 0 0 8 9 0 0 0 0 0 0
vif1.0: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0
xenbr0: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0
"""
VM = "f0d3c7c1-9a6a-4b8e-8f0e-000000000001"


def named(readings: list[Reading]) -> dict[str, float]:
    return {reading.metric.name: reading.value for reading in readings}


def domain(domid: int = 1, seconds: float = 4.0, blocks: list[BlockCounters] | None = None) -> DomainCounters:
    return DomainCounters(
        id=VM,
        domid=domid,
        vcpu_seconds=[seconds, seconds / 2],
        memory=1 << 20,
        memory_target=2 << 20,
        blocks=blocks or [],
        nets=[NetCounters(device="0", rx_bytes=11, tx_bytes=22)],
    )


def block(requests: int, nanoseconds: int) -> BlockCounters:
    return BlockCounters(
        device="xvda", read_bytes=1 << 20, write_bytes=3 << 20, read_requests=requests, write_requests=7, read_ns=nanoseconds
    )


def test_cpu_is_idle_time_turned_round() -> None:
    times = cpu.parse(STAT)
    readings = cpu.readings(times, 9.0)
    assert named(readings) == {"cpu0": 9.5, "cpu1": 6.5, "cpu_avg": 8.0, "hostload": 1.5}
    first = readings[0]
    assert (first.owner, first.metric.kind, first.metric.inverse, first.metric.default) == (HOST, Kind.DERIVE, True, True)
    assert times.busy == 4.0


def test_load_and_memory() -> None:
    assert named(load.readings("0.42 0.10 0.05 1/99 1234\n", 9.0)) == {"loadavg": 0.42}
    found = named(memory.readings(memory.parse(MEMINFO), 9.0))
    assert found == {"memory_total_kib": 2000000, "memory_free_kib": 500000}


def test_network_counts_physical_interfaces_and_each_once_in_the_aggregate() -> None:
    readings = network.readings(network.parse(NET_DEV), 9.0)
    found = named(readings)
    assert found["pif_eth0_rx"] == 1000 and found["pif_eth0_tx"] == 2000
    assert found["pif_eth0_rx_errors"] == 3 and found["pif_eth0_tx_errors"] == 4
    assert found["pif_eth0.25_rx"] == 7
    assert found["pif_aggr_rx"] == 1010 and found["pif_aggr_tx"] == 2020
    assert not [name for name in found if "lo" in name or "vif" in name or "xenbr" in name]
    assert {reading.metric.default for reading in readings if "errors" in reading.metric.name} == {False}


def test_no_physical_interface_is_no_aggregate() -> None:
    assert network.readings(network.parse("a\nb\n lo: " + "1 " * 16), 9.0) == []


def test_this_machine_can_be_read() -> None:
    assert cpu.parse(Path("/proc/stat").read_text()).idle
    assert memory.parse(Path("/proc/meminfo").read_text()).total_kib > 0
    network.parse(Path("/proc/net/dev").read_text())


def test_a_guest() -> None:
    found = named(GuestSource().readings([domain(blocks=[block(5, 0)])], 9.0))
    assert found["cpu0"] == 4.0 and found["cpu1"] == 2.0 and found["cpu_usage"] == 3.0
    assert found["memory"] == 1 << 20 and found["memory_target"] == 2 << 20
    assert found["vif_0_rx"] == 11 and found["vif_0_tx"] == 22
    assert found["vbd_xvda_read"] == 1 << 20 and found["vbd_xvda_iops_total"] == 12
    assert found["vbd_xvda_io_throughput_total"] == 4.0
    assert found["running_domains"] == 1 and found["running_vcpus"] == 2
    assert "memory_internal_free" not in found and "vbd_xvda_read_latency" not in found


def test_latency_is_of_the_requests_since_the_last_look() -> None:
    source = GuestSource()
    source.readings([domain(blocks=[block(10, 1_000_000)])], 9.0)
    found = named(source.readings([domain(blocks=[block(14, 9_000_000)])], 14.0))
    assert found["vbd_xvda_read_latency"] == 2000
    assert "vbd_xvda_write_latency" not in found
    assert "vbd_xvda_read_latency" not in named(source.readings([domain(blocks=[block(14, 9_000_000)])], 19.0))
    assert "vbd_xvda_read_latency" not in named(source.readings([domain(domid=2, blocks=[block(20, 99_000_000)])], 24.0))


@pytest.mark.parametrize(
    ("guests", "expected"),
    [
        pytest.param([domain(1, 4.0), domain(2, 2.0)], 0.0, id="less what guests used, new ones too"),
        pytest.param([domain(1, 0.0)], 0.9, id="a guest that did nothing"),
        pytest.param([], 0.9, id="a guest that ended takes nothing along"),
        pytest.param([domain(1, 100.0)], 0.0, id="never below zero"),
    ],
)
def test_the_control_domain_is_the_host_without_its_guests(guests: list[DomainCounters], expected: float) -> None:
    source = ControlDomainSource()
    free = memory.Memory(total_kib=4096, available_kib=1000)
    source.readings("dom0", cpu.CpuTimes({0: 0.0, 1: 0.0}, 100.0, 1), free, [domain(1, 0.0)], 10.0)
    found = named(source.readings("dom0", cpu.CpuTimes({0: 0.0, 1: 0.0}, 109.0, 1), free, guests, 15.0))
    assert found["cpu_usage"] == pytest.approx(expected)
    assert found["memory_internal_free"] == 1000
    assert found["memory"] == 4096 * 1024 - (len(guests) << 20)


def test_without_xenopsd_the_control_domain_s_share_is_unknown() -> None:
    source = ControlDomainSource()
    free = memory.Memory(total_kib=4096, available_kib=1000)
    assert source.readings("dom0", cpu.CpuTimes({0: 0.0}, 1.0, 1), free, None, 10.0) == []
