"""``python -m embedded start|stop|status|clean [--host hostN]``: what ``make run`` and its like do."""

import argparse
import sys

from embedded import lifecycle
from embedded.layout import named
from embedded.progress import StepFailed, say


def main() -> int:
    """Do what the arguments say; 0 when done, 1 with the reason when not, 3 when status finds no host."""
    parser = argparse.ArgumentParser(prog="embedded", description="A whole host in a folder of this checkout.")
    parser.add_argument("action", choices=["start", "stop", "status", "clean"])
    parser.add_argument("--host", type=named, default="host1", help="host1 (default) ... host99")
    arguments = parser.parse_args()
    try:
        match arguments.action:
            case "start":
                lifecycle.start(arguments.host)
            case "stop":
                lifecycle.stop(arguments.host)
            case "clean":
                lifecycle.clean(arguments.host)
            case _:
                return 0 if lifecycle.status(arguments.host) else 3
    except StepFailed as failure:
        say(f"\n{failure.why}\n\nWhat to do: {failure.do}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
