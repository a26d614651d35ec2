"""Counters of a domain's devices, as Xen's backends keep them in sysfs."""

from contextlib import suppress
from pathlib import Path

from idl.xenops import BlockCounters, DomainCounters, NetCounters
from xenopsd import devices, xen_domain_xml
from xenopsd.hypervisors.base import Running
from xenopsd.hypervisors.xen_facts import Facts

BACKENDS = Path("/sys/bus/xen-backend/devices")
INTERFACES = Path("/sys/class/net")
SECTOR = 512


def counters(vm: str, domid: int, vcpu_seconds: list[float], running: Running, facts: Facts) -> DomainCounters:
    """Return a domain's counters; a device without a backend in this kernel counts nothing."""
    return DomainCounters(
        id=vm,
        domid=domid,
        vcpu_seconds=vcpu_seconds,
        memory=running.memory_actual,
        memory_target=running.memory_actual,
        blocks=[_block(facts.domid, name) for name in sorted(facts.disks)],
        nets=[_net(name) for name in sorted(facts.interfaces.values())],
    )


def _block(domid: int, name: str) -> BlockCounters:
    directory = BACKENDS / f"vbd-{domid}-{xen_domain_xml.devid(name)}" / "statistics"
    position = devices.position_of(name) or 0
    return BlockCounters(
        device=f"xvd{devices.letters(position)}",
        read_bytes=_number(directory / "rd_sect") * SECTOR,
        write_bytes=_number(directory / "wr_sect") * SECTOR,
        read_requests=_number(directory / "rd_req"),
        write_requests=_number(directory / "wr_req"),
    )


def _net(name: str) -> NetCounters:
    # What the host's end sends is what the guest receives.
    directory = INTERFACES / name / "statistics"
    return NetCounters(
        device=name.rpartition(".")[2],
        rx_bytes=_number(directory / "tx_bytes"),
        tx_bytes=_number(directory / "rx_bytes"),
        rx_errors=_number(directory / "tx_errors"),
        tx_errors=_number(directory / "rx_errors"),
    )


def _number(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return 0
