"""``python -m tests.lab up|down|status|image``: what ``make lab`` and its like do.

``up`` boots hosts and leaves them running in ``var/lab`` for a person; ``down`` ends and removes them.
"""

import argparse
import sys
from pathlib import Path

from embedded.layout import CHECKOUT
from embedded.progress import Step, StepFailed, say
from tests.lab import qemu
from tests.lab.image import image
from tests.lab.machine import LabFailed, Machine, left_up, machines

FOLDER = CHECKOUT / "var" / "lab"


def up(folder: Path, count: int) -> None:
    """Boot *count* hosts unless some run already; print how to reach them."""
    running = [machine for machine in left_up(folder) if machine.pid() is not None]
    if not running:
        down(folder)
        running = machines(folder, image(), count)
        for machine in running:
            machine.start(tied=False)
        for machine in running:
            with Step(f"{machine.hardware.name} boots"):
                machine.wait_until_up()
    for machine in running:
        describe(machine)


def down(folder: Path) -> None:
    """End the hosts and throw their disks away."""
    for machine in left_up(folder):
        machine.remove()
        say(f"{machine.hardware.name} is gone")


def describe(machine: Machine) -> None:
    say(f"\n{machine.hardware.name} ({machine.hardware.address} on eth1; {'up' if machine.pid() else 'not running'})")
    say(f"  shell    {machine.ssh_line()}")
    say(f"  console  {machine.folder / qemu.CONSOLE_LOG}")
    say(f"  XenAPI   https://127.0.0.1:{machine.port(qemu.HTTPS)}  http://127.0.0.1:{machine.port(qemu.HTTP)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.lab", description="Real Xen hosts in software emulation.")
    parser.add_argument("action", choices=["up", "down", "status", "image"])
    parser.add_argument("--hosts", type=int, choices=(1, 2), default=1, help="how many hosts (default: 1)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they live (default: var/lab)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    try:
        match arguments.action:
            case "up":
                up(folder, arguments.hosts)
            case "down":
                down(folder)
            case "image":
                say(str(image().folder))
            case _:
                for machine in left_up(folder):
                    describe(machine)
    except StepFailed as failure:
        say(f"\n{failure.why}\n\nWhat to do: {failure.do}")
        return 1
    except LabFailed as failure:
        say(f"\n{failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
