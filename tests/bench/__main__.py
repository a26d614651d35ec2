"""Measure a running host: ``python -m tests.bench [--url URL] [--root DIR] [--json FILE] [PIECE ...]``."""

import argparse
import subprocess
import sys
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path

import XenAPI

from tests.bench import api, daemons, figures
from tests.bench.figures import Figure
from tests.bench.throughput import NotMeasured

Piece = Callable[[], list[Figure]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description="Measure a running host.")
    parser.add_argument("--url", default="http://127.0.0.1:8080/")
    parser.add_argument("--root", type=Path, default=Path("var/host1"))
    parser.add_argument("--user", default="root")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"))
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a round of load")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds to watch the idle daemons")
    parser.add_argument("--vms", type=int, default=1000, help="VMs for get_all_records")
    parser.add_argument("--rounds", type=int, default=20, help="repetitions of events and of starts")
    parser.add_argument("pieces", nargs="*", help="idle, calls, events, start, records (default: all)")
    return parser.parse_args()


def _measure(pieces: Mapping[str, Piece]) -> tuple[list[Figure], bool]:
    """Run the pieces; one that fails is a line of its own and does not keep the others."""
    found: list[Figure] = []
    complete = True
    for name, piece in pieces.items():
        print(f"measuring {name} ..", file=sys.stderr, flush=True)
        try:
            found += piece()
        except (NotMeasured, XenAPI.Failure, xmlrpc.client.Error, OSError, subprocess.TimeoutExpired) as error:
            complete = False
            found.append(Figure(name=name, value=None, unit="", note=f"not measured: {error}"))
    return found, complete


def main() -> int:
    args = _arguments()
    password = (args.root / "root-password").read_text().strip()
    with api.session(args.url, args.user, password) as opened:
        pieces: dict[str, Piece] = {
            "idle": lambda: daemons.idle(args.root, args.idle),
            "calls": lambda: api.small_calls(opened, args.url, args.seconds),
            "events": lambda: api.event_latency(opened, args.url, args.rounds),
            "start": lambda: api.start_overhead(opened, args.root, args.rounds),
            "records": lambda: api.many_records(opened, args.url, args.seconds, args.vms),
        }
        unknown = set(args.pieces) - pieces.keys()
        if unknown:
            print(f"no such piece: {', '.join(sorted(unknown))}", file=sys.stderr)
            return 2
        found, complete = _measure({name: piece for name, piece in pieces.items() if not args.pieces or name in args.pieces})
    print(figures.table(found))
    args.json.parent.mkdir(parents=True, exist_ok=True)
    figures.write(args.json, found)
    print(f"written to {args.json}", file=sys.stderr)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
