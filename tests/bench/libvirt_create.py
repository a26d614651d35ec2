"""What libvirt itself needs: ``python -m tests.bench.libvirt_create ROUNDS`` prints the median seconds of a create.

A paused domain of 128 MiB without devices, by the embedded driver in a folder of its own: the floor under VM.start.
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import libvirt

DOMAIN = """<domain type='qemu'><name>bench</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><devices/></domain>"""


def _events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def measure(rounds: int) -> float:
    """Return the median seconds of creating the domain paused."""
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_events, daemon=True).start()
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "etc", "qemu.conf")
        configuration.parent.mkdir()
        # Nothing of the machine's own libvirt, such as its log daemon, is wanted.
        configuration.write_text('stdio_handler = "file"\nsecurity_driver = "none"\nuser = "root"\ngroup = "root"\n')
        connection = libvirt.open(f"qemu:///embed?root={folder}")
        for _ in range(rounds):
            begin = time.perf_counter()
            domain = connection.createXML(DOMAIN, libvirt.VIR_DOMAIN_START_PAUSED)
            spent.append(time.perf_counter() - begin)
            domain.destroy()
        connection.close()
    return statistics.median(spent)


if __name__ == "__main__":
    print(measure(int(sys.argv[1])))
