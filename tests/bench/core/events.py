"""`event.from`: how long after a write's call the waiting clients have its event, and the first fill of a cache."""

import http.client
import statistics
import time
import xmlrpc.client
from typing import Any

from tests.bench.core.host import BenchHost
from tests.bench.core.wire import Protocol, request
from tests.bench.figures import Figure
from tests.bench.generator import load, parked, settle


class _Writer:
    """Writes over a connection that is open already."""

    def __init__(self, host: BenchHost, session: str, vm: str) -> None:
        self._connection = http.client.HTTPConnection(host.address, timeout=60)
        self._session, self._vm = session, vm
        self._number = 0
        self.write()

    def write(self) -> float:
        """Change the VM; return when the call was made."""
        self._number += 1
        params = (self._session, self._vm, f"change {time.monotonic()} {self._number}")
        body = xmlrpc.client.dumps(params, "VM.set_name_description").encode()
        begun = time.monotonic()
        self._connection.request("POST", "/", body, {"Content-Type": "text/xml"})
        self._connection.getresponse().read()
        return begun


def _delays(
    host: BenchHost, api: Any, writer: _Writer, classes: list[str], clients: int, protocol: Protocol = "XML"
) -> list[float]:
    """Return the milliseconds from one write's call to each client's answer, in order."""
    token = getattr(api.xenapi.event, "from")(["pool"], "", 0.0)["token"]
    call = request(protocol, "event.from", api._session, classes, token, 60.0)
    with parked(host.address, [[call]] * clients, connections=clients) as finish:
        settle()
        written = writer.write()
        return sorted((ended - written) * 1000 for ended in finish().steps[0].ended)


def one_change(host: BenchHost, api: Any, rounds: int) -> list[Figure]:
    """One write, delivered to 1, to 100 clients that follow VMs, to 50 that follow everything."""
    writer = _Writer(host, api._session, api.xenapi.VM.get_all()[7])
    one = [_delays(host, api, writer, ["VM", "task"], 1)[0] for _ in range(rounds)]
    hundred = [_delays(host, api, writer, ["VM", "task"], 100) for _ in range(rounds)]
    fifty = [_delays(host, api, writer, ["*"], 50) for _ in range(rounds)]
    in_json = [_delays(host, api, writer, ["*"], 50, "JSON") for _ in range(rounds)]
    first = statistics.median(delays[0] for delays in hundred)
    half = statistics.median(statistics.median(delays) for delays in hundred)
    last = statistics.median(delays[-1] for delays in hundred)
    worst = f"worst of {rounds}: {max(delays[-1] for delays in hundred):.1f} ms"
    everything = statistics.median(delays[-1] for delays in fifty)
    json = f"JSON: {statistics.median(delays[-1] for delays in in_json):.1f} ms"
    half_note = f"half have it after {half:.1f} ms"
    return [
        Figure(name="event to one client", value=statistics.median(one), unit="ms", limit=2.0, note="from the write's call"),
        Figure(name="event to the first of 100 clients", value=first, unit="ms", limit=2.0, note=half_note),
        Figure(name="event to the last of 100 clients", value=last, unit="ms", limit=30.0, note=worst),
        Figure(name="event to the last of 50 on *", value=everything, unit="ms", limit=10.0, note=json),
    ]


def first_fill(host: BenchHost, api: Any, protocol: Protocol, rounds: int) -> list[Figure]:
    """The whole database through `event.from` with an empty token: the first after a start, and later ones."""
    call = request(protocol, "event.from", api._session, ["*"], "", 30.0)
    first = load(host.address, [[call]], connections=1)
    later = load(host.address, [[call]] * rounds, connections=1)
    size = f"{first.bytes / 1e6:.0f} MB"
    name = f'event.from "", {protocol}'
    return [
        Figure(name=f"{name}, first after start", value=first.median_ms / 1000, unit="s", limit=0.5, note=size),
        Figure(name=name, value=later.median_ms / 1000, unit="s", limit=0.5, note=size),
    ]
