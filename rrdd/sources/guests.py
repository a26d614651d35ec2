"""Guests' metrics, from the counters xenopsd reads at the hypervisor.

Latencies are means over the requests of the last interval: with no request, or a hypervisor that does not time them,
there is none.
"""

import functools
from collections.abc import Sequence
from math import inf

from idl.xenops import BlockCounters, DomainCounters, NetCounters
from rrdd.metric import HOST, Kind, Metric, Owner, OwnerKind, Reading

MIB = 1 << 20


@functools.cache
def _metric(name: str, kind: Kind, units: str, description: str, maximum: float = inf, default: bool = True) -> Metric:
    return Metric(name, kind, units, 0.0, maximum, default=default, description=description)


def _fraction(name: str, description: str) -> Metric:
    return _metric(name, Kind.DERIVE, "(fraction)", description, 1.0)


class GuestSource:
    """Turns counters into readings; remembers the last ones for what is a ratio of two counters."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], BlockCounters] = {}

    def readings(self, domains: Sequence[DomainCounters], now: float) -> list[Reading]:
        """Return all metrics of all *domains*, and of the host how many there are."""
        found: list[Reading] = []
        blocks: dict[tuple[int, str], BlockCounters] = {}
        for domain in domains:
            owner = Owner(OwnerKind.VM, domain.id)
            values = [*_processor(domain), *_memory(domain)]
            for net in domain.nets:
                values += _net(net)
            for block in domain.blocks:
                key = (domain.domid, block.device)
                values += [*_block(block), *_latency(block, self._last.get(key))]
                blocks[key] = block
            found += [Reading(owner, metric, value, now) for metric, value in values]
        self._last = blocks
        vcpus = sum(len(domain.vcpu_seconds) for domain in domains)
        running = _metric("running_domains", Kind.GAUGE, "count", "Guests that run")
        found.append(Reading(HOST, running, len(domains), now))
        found.append(Reading(HOST, _metric("running_vcpus", Kind.GAUGE, "count", "vCPUs of guests that run"), vcpus, now))
        return found


Values = list[tuple[Metric, float]]


def _processor(domain: DomainCounters) -> Values:
    seconds = domain.vcpu_seconds
    values: Values = [(_fraction(f"cpu{n}", f"Usage of vCPU {n}"), value) for n, value in enumerate(seconds)]
    if seconds:
        values.append((_fraction("cpu_usage", "Usage of all vCPUs together"), sum(seconds) / len(seconds)))
    return values


def _memory(domain: DomainCounters) -> Values:
    values: Values = [
        (_metric("memory", Kind.GAUGE, "B", "Memory of the VM"), domain.memory),
        (_metric("memory_target", Kind.GAUGE, "B", "Memory the VM should have"), domain.memory_target),
    ]
    if domain.memory_free is not None:
        free = _metric("memory_internal_free", Kind.GAUGE, "KiB", "Free memory as the guest sees it")
        values.append((free, domain.memory_free / 1024))
    return values


def _net(net: NetCounters) -> Values:
    name = f"vif_{net.device}"
    return [
        (_metric(f"{name}_rx", Kind.DERIVE, "B/s", "Received by the guest"), net.rx_bytes),
        (_metric(f"{name}_tx", Kind.DERIVE, "B/s", "Sent by the guest"), net.tx_bytes),
        (_metric(f"{name}_rx_errors", Kind.DERIVE, "err/s", "Receive errors", default=False), net.rx_errors),
        (_metric(f"{name}_tx_errors", Kind.DERIVE, "err/s", "Send errors", default=False), net.tx_errors),
    ]


def _block(block: BlockCounters) -> Values:
    name = f"vbd_{block.device}"
    ways = (
        ("read", block.read_bytes, block.read_requests),
        ("write", block.write_bytes, block.write_requests),
        ("total", block.read_bytes + block.write_bytes, block.read_requests + block.write_requests),
    )
    values: Values = []
    for way, size, requests in ways:
        if way != "total":
            values.append((_metric(f"{name}_{way}", Kind.DERIVE, "B/s", f"Bytes of {way} requests"), size))
        values.append((_metric(f"{name}_iops_{way}", Kind.DERIVE, "requests/s", f"Requests ({way})"), requests))
        throughput = _metric(f"{name}_io_throughput_{way}", Kind.DERIVE, "MiB/s", f"Throughput ({way})")
        values.append((throughput, size / MIB))
    return values


def _latency(block: BlockCounters, last: BlockCounters | None) -> Values:
    if last is None:
        return []
    name = f"vbd_{block.device}"
    ways = (
        ("read", block.read_ns - last.read_ns, block.read_requests - last.read_requests),
        ("write", block.write_ns - last.write_ns, block.write_requests - last.write_requests),
    )
    return [
        (_metric(f"{name}_{way}_latency", Kind.GAUGE, "us", f"Mean time of a {way} request"), spent / requests / 1000)
        for way, spent, requests in ways
        if requests > 0 and spent > 0
    ]
