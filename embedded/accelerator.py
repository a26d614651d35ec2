"""Whether this machine's KVM runs a guest at all: by running one.

/dev/kvm may exist and still not get a kernel past its first instructions (nested or emulated machines), so
the demo guest's kernel is started alone: it must say hello before the time is over.
"""

import subprocess
from enum import StrEnum
from pathlib import Path

from embedded.progress import Step

PROBE_SECONDS = 15.0
GREETING = b"Linux version"


class Accelerator(StrEnum):
    """What executes the guests' instructions; the values are QEMU's names."""

    KVM = "kvm"
    TCG = "tcg"


def probe(kernel: Path, device: Path = Path("/dev/kvm")) -> Accelerator:
    """Return KVM if *kernel* starts on it, else TCG (software emulation)."""
    with Step("Hardware virtualisation (KVM)") as step:
        if not device.exists():
            step.done("not on this machine: guests run in software emulation")
            return Accelerator.TCG
        step.doing("trying")
        if GREETING in start(kernel, Accelerator.KVM):
            step.done("works")
            return Accelerator.KVM
        step.done("is there but does not run a kernel: guests run in software emulation")
        return Accelerator.TCG


def start(kernel: Path, accelerator: Accelerator) -> bytes:
    """Start *kernel* with nothing else; return what it printed until it gave up or the time was over."""
    # fmt: off
    command = [
        "qemu-system-x86_64", "-accel", accelerator, "-machine", "pc", "-m", "128", "-nodefaults",
        "-display", "none", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1",
    ]
    # fmt: on
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        return error.stdout or b""
    return result.stdout
