"""``python -m embedded start|stop|status|clean [--host hostN]``: what ``make run`` and its like do."""

import argparse
import sys
from collections.abc import Callable, Mapping

from embedded import lifecycle
from embedded.layout import Host, first, named
from embedded.progress import StepFailed, say

ACTIONS: Mapping[str, Callable[[Host], None]] = {
    "stop": lifecycle.stop,
    "clean": lifecycle.clean,
}


def count(text: str) -> list[Host]:
    """Return the hosts that ``--hosts N`` means."""
    return first(int(text))


def start(hosts: list[Host], guest: bool) -> None:
    """Start hosts; only the first gets a guest, so that the others can join it."""
    for host in hosts:
        lifecycle.start(host, with_guest=guest and host is hosts[0])
    if len(hosts) > 1:
        say(lifecycle.pool_advice(hosts))


def main() -> int:
    """Do what the arguments say; 0 when done, 1 with the reason when not, 3 when status finds no host."""
    parser = argparse.ArgumentParser(prog="embedded", description="A whole host in a folder of this checkout.")
    parser.add_argument("action", choices=["start", "stop", "status", "clean"])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--host", type=named, default="host1", help="host1 (default) ... host99")
    which.add_argument("--hosts", type=count, metavar="N", help="host1 ... hostN, one after the other")
    parser.add_argument("--no-guest", dest="guest", action="store_false", help="start without the demo guest")
    arguments = parser.parse_args()
    hosts = arguments.hosts or [arguments.host]
    try:
        if arguments.action == "status":
            running = [lifecycle.status(host) for host in hosts]
            return 0 if all(running) else 3
        if arguments.action == "start":
            start(hosts, arguments.guest)
        else:
            for host in hosts:
                ACTIONS[arguments.action](host)
    except StepFailed as failure:
        say(f"\n{failure.why}\n\nWhat to do: {failure.do}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
