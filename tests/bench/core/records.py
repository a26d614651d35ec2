"""Bulk reads: all records of 5,000 VMs beside the same bytes from a static handler, and searches for a few of them."""

import statistics
from typing import Any

from tests.bench.core.host import BenchHost
from tests.bench.core.stock import NEEDLE
from tests.bench.core.wire import Protocol, request, xml
from tests.bench.figures import Figure
from tests.bench.generator import load
from tests.bench.throughput import answer_to, bare

ONE_PERCENT = 50


def all_records(host: BenchHost, api: Any, protocol: Protocol, rounds: int) -> list[Figure]:
    """`VM.get_all_records`, unchanged and after one row in a hundred has changed, in turn with the static handler."""
    call = request(protocol, "VM.get_all_records", api._session)
    vms = api.xenapi.VM.get_all()
    cold = load(host.address, [[call]], connections=1).median_ms
    ratios: dict[bool, list[float]] = {False: [], True: []}
    spent: dict[bool, list[float]] = {False: [], True: []}
    body = answer_to(host.address, call)
    with bare(body) as other:
        load(other, [[call]] * 3, connections=1)
        for number in range(rounds):
            static = load(other, [[call]] * 3, connections=1).median_ms
            unchanged = load(host.address, [[call]] * 3, connections=1).median_ms
            some = vms[number * ONE_PERCENT % len(vms) :][:ONE_PERCENT]
            touch = [[xml("VM.set_name_description", api._session, vm, f"seen {number}")] for vm in some]
            load(host.address, touch, connections=4)
            changed = load(host.address, [[call]], connections=1).median_ms
            for which, time in ((False, unchanged), (True, changed)):
                ratios[which].append(time / static)
                spent[which].append(time)
    figures = []
    for which, limit, name in ((False, 3.0, "unchanged"), (True, 5.0, "1 % changed")):
        note = f"{statistics.median(spent[which]):.0f} ms, {len(body) / 1e6:.0f} MB; the first of all {cold:.0f} ms"
        ratio = statistics.median(ratios[which])
        whole = f"VM.get_all_records, {protocol}, {name}"
        figures.append(Figure(name=whole, value=ratio, unit="x static", limit=limit, note=note))
    return figures


def searches(host: BenchHost, api: Any, rounds: int) -> list[Figure]:
    """`get_all_records_where` with few hits: by name, by uuid, by an enum."""
    vm = api.xenapi.VM.get_by_name_label(NEEDLE)[0]
    # One Paused VM among thousands Running and Halted would need a guest; a template is as rare by another enum.
    expressions = {
        "name": f'field "name__label" = "{NEEDLE}"',
        "uuid": f'field "uuid" = "{api.xenapi.VM.get_uuid(vm)}"',
        "enum": 'field "power_state" = "Suspended"',
        "bool": 'field "is_control_domain" = "true"',
    }
    figures = []
    for name, expression in expressions.items():
        scripts = [[xml("VM.get_all_records_where", api._session, expression)]] * (20 * rounds)
        spent = load(host.address, scripts, connections=1).median_ms
        figures.append(Figure(name=f"get_all_records_where, {name}", value=spent, unit="ms", limit=3.0))
    return figures
