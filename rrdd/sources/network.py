"""Traffic of the host's network interfaces, from ``/proc/net/dev`` of the network namespace the daemon runs in.

(``/sys/class/net`` shows the namespace it was mounted in, which need not be ours.) A PIF is what is left without the
loopback, guests' ends, bridges and their ports made by software.
"""

import functools
import re
from dataclasses import dataclass

from rrdd.metric import HOST, Kind, Metric, Reading

_NOT_PIF = re.compile(r"lo$|vif|tap|vnet|xenbr|xapi|virbr|br\d|ovs-|ovsbr|docker|ifb|sit\d|tunl\d|gre|erspan|ip6|teql")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Totals of an interface since it exists."""

    device: str
    rx_bytes: int
    rx_errors: int
    tx_bytes: int
    tx_errors: int


def parse(dev: str) -> list[Traffic]:
    """Read ``/proc/net/dev``, PIFs only."""
    found = []
    for line in dev.splitlines()[2:]:
        device, _, counters = line.partition(":")
        device = device.strip()
        if not _NOT_PIF.match(device):
            field = [int(word) for word in counters.split()]
            found.append(Traffic(device, field[0], field[2], field[8], field[10]))
    return found


@functools.cache
def _metric(name: str, units: str, default: bool, description: str) -> Metric:
    return Metric(name, Kind.DERIVE, units, 0.0, default=default, description=description)


def readings(interfaces: list[Traffic], now: float) -> list[Reading]:
    """Return ``pif_<device>_rx/_tx/_rx_errors/_tx_errors`` and ``pif_aggr_rx/_tx``."""
    found = []
    for pif in interfaces:
        found += [
            Reading(HOST, _metric(f"pif_{pif.device}_rx", "B/s", True, f"Received on {pif.device}"), pif.rx_bytes, now),
            Reading(HOST, _metric(f"pif_{pif.device}_tx", "B/s", True, f"Sent on {pif.device}"), pif.tx_bytes, now),
            Reading(HOST, _metric(f"pif_{pif.device}_rx_errors", "err/s", False, "Receive errors"), pif.rx_errors, now),
            Reading(HOST, _metric(f"pif_{pif.device}_tx_errors", "err/s", False, "Send errors"), pif.tx_errors, now),
        ]
    # VLANs and bonds carry what their devices carry already.
    base = [pif for pif in interfaces if "." not in pif.device and not pif.device.startswith("bond")]
    if base:
        rx, tx = sum(pif.rx_bytes for pif in base), sum(pif.tx_bytes for pif in base)
        found.append(Reading(HOST, _metric("pif_aggr_rx", "B/s", True, "Received on all physical interfaces"), rx, now))
        found.append(Reading(HOST, _metric("pif_aggr_tx", "B/s", True, "Sent on all physical interfaces"), tx, now))
    return found
