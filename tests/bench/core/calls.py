"""Small calls: reads beside a bare handler, durable writes, logins."""

import statistics
from typing import Any

from tests.bench.core.host import PASSWORD, SECRET, BenchHost
from tests.bench.core.wire import Protocol, request, xml
from tests.bench.figures import Figure
from tests.bench.generator import NIL, load
from tests.bench.throughput import against_bare

CONNECTIONS = 16
PROTOCOLS: tuple[Protocol, ...] = ("XML", "JSON")


def small_calls(host: BenchHost, api: Any, seconds: float, rounds: int) -> list[Figure]:
    """`VM.get_power_state`: session and role checked, dispatched like any other call."""
    vm = api.xenapi.VM.get_all()[0]
    figures = []
    for fresh, least in ((False, 1.0), (True, 0.7)):
        for protocol in PROTOCOLS:
            call = request(protocol, "VM.get_power_state", api._session, vm, keep_alive=not fresh)
            before = host.usage().cpu_seconds
            pair = against_bare(host.address, call, seconds=seconds, connections=CONNECTIONS, fresh=fresh, rounds=rounds)
            cpu = (host.usage().cpu_seconds - before) / sum(round_.calls for round_ in pair.ours)
            how = "a connection per call" if fresh else f"{CONNECTIONS} connections"
            note = f"{pair.rate:,.0f}/s, {cpu * 1e6:.0f} us of our CPU each"
            name = f"small call, {protocol}, {how}"
            figures.append(Figure(name=name, value=pair.rate_ratio, unit="x bare", least=least, note=note))
    return figures


def durable_writes(host: BenchHost, api: Any, seconds: float, rounds: int) -> list[Figure]:
    """`VM.set_name_description` over 16 connections, each answered when it is on disk; every connection its own VM."""
    vms = api.xenapi.VM.get_all()[: CONNECTIONS * 8]
    scripts = [[xml("VM.set_name_description", api._session, vm, f"text {n}")] for n in range(2) for vm in vms]
    rounds_ = [load(host.address, scripts, connections=CONNECTIONS, seconds=seconds) for _ in range(rounds)]
    rate = statistics.median(round_.per_second for round_ in rounds_)
    waited = statistics.median(round_.median_ms for round_ in rounds_)
    return [Figure(name="durable single-field writes", value=rate, unit="1/s", least=2000, note=f"median {waited:.2f} ms each")]


def logins(host: BenchHost, seconds: float, rounds: int) -> list[Figure]:
    """Login and logout, over the local root socket, with a password over TCP, and with the pool's secret."""
    kinds = (
        ("local root", str(host.root.xapi_socket), xml("session.login_with_password", "root", "", "2.21", "bench"), 1.5),
        ("pool", host.address, xml("session.slave_login", NIL, SECRET), 1.5),
        ("password over TCP", host.address, xml("session.login_with_password", "root", PASSWORD, "2.21", "bench"), None),
    )
    figures = []
    for name, address, login, limit in kinds:
        rounds_ = [load(address, [[login, xml("session.logout", NIL)]], connections=1, seconds=seconds) for _ in range(rounds)]
        spent = statistics.median(sum(step.median_ms for step in round_.steps) for round_ in rounds_)
        figures.append(Figure(name=f"login + logout, {name}", value=spent, unit="ms", limit=limit))
    return figures
