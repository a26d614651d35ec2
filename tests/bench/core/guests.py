"""VMs made, copied, started and stopped; the simulator stands for the hypervisor."""

import statistics
from itertools import pairwise
from typing import Any

from tests.bench.core.host import HOST_UUID, BenchHost
from tests.bench.core.wire import xml
from tests.bench.figures import Figure
from tests.bench.generator import NIL, Load, load

PREFIX = "bench-"
NEW_VMS = 5000
CREATORS = 8
STARTERS = 8
MIB = 1 << 20


def _record(name: str, affinity: str = "OpaqueRef:NULL") -> dict[str, Any]:
    return {
        "name_label": name, "name_description": "", "user_version": "1", "is_a_template": False, "affinity": affinity,
        "memory_static_max": str(16 * MIB), "memory_dynamic_max": str(16 * MIB), "memory_dynamic_min": str(16 * MIB),
        "memory_static_min": str(16 * MIB), "VCPUs_params": {}, "VCPUs_max": "1", "VCPUs_at_startup": "1",
        "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
        "PV_bootloader": "", "PV_kernel": "", "PV_ramdisk": "", "PV_args": "", "PV_bootloader_args": "", "PV_legacy_args": "",
        "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "cdn"}, "platform": {"nx": "true", "acpi": "1"},
        "PCI_bus": "", "other_config": {}, "recommendations": "", "xenstore_data": {},
    }  # fmt: skip


def creation(host: BenchHost, api: Any) -> list[Figure]:
    """5,000 VMs, each with an empty CD drive and an interface, by 8 clients: the slowest stretch of 500 counts."""
    network = api.xenapi.network.create({"name_label": "bench", "name_description": "", "other_config": {}, "MTU": "1500"})
    session = api._session
    vbd = {
        "VM": NIL, "VDI": "OpaqueRef:NULL", "userdevice": "3", "bootable": False, "mode": "RO", "type": "CD", "empty": True,
        "unpluggable": True, "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
    }  # fmt: skip
    vif = {
        "device": "0", "network": network, "VM": NIL, "MAC": "", "MTU": "1500", "other_config": {}, "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }  # fmt: skip
    devices = [xml("VBD.create", session, vbd), xml("VIF.create", session, vif)]
    scripts = [[xml("VM.create", session, _record(f"{PREFIX}new {number}")), *devices] for number in range(NEW_VMS)]
    with host.cpu() as spent:
        made = load(host.address, scripts, connections=CREATORS)
        cpu = spent(NEW_VMS)
    stretches = _rates(made, 500)
    note = f"of 500 each, first {stretches[0]:,.0f}/s, last {stretches[-1]:,.0f}/s, all {made.per_second:,.0f}/s; {cpu}"
    return [Figure(name="VM + VBD + VIF created, slowest stretch", value=min(stretches), unit="VMs/s", least=500, note=note)]


def _rates(made: Load, stretch: int) -> list[float]:
    """Return finished scripts per second of each *stretch* of them."""
    ends = sorted(made.steps[-1].ended)
    marks = [made.begun, *ends[stretch - 1 :: stretch]]
    return [stretch / (after - before) for before, after in pairwise(marks)]


def _diskless_template(api: Any) -> str:
    """Make a template without devices, small enough to start a hundred guests of it, on the host that is there."""
    here = api.xenapi.host.get_by_uuid(HOST_UUID)
    vm = api.xenapi.VM.create(_record(f"{PREFIX}template", affinity=here))
    api.xenapi.VM.set_is_a_template(vm, True)
    return str(vm)


def clones(host: BenchHost, api: Any, rounds: int) -> list[Figure]:
    template = _diskless_template(api)
    scripts = [[xml("VM.clone", api._session, template, f"{PREFIX}clone {number}")] for number in range(50 * rounds)]
    with host.cpu() as spent:
        done = load(host.address, scripts, connections=1)
        cpu = spent(done.calls)
    return [Figure(name="VM.clone of a diskless template", value=done.median_ms, unit="ms", limit=3.0, note=cpu)]


def starts(host: BenchHost, api: Any, count: int) -> list[Figure]:
    """VM.start and hard_shutdown: one client, then 8 at once."""
    template = _diskless_template(api)
    session = api._session
    vms = [api.xenapi.VM.clone(template, f"{PREFIX}guest {number}") for number in range(count)]
    for vm in vms:
        api.xenapi.VM.set_is_a_template(vm, False)
    start = [[xml("VM.start", session, vm, False, False)] for vm in vms]
    stop = [[xml("VM.hard_shutdown", session, vm)] for vm in vms]
    with host.cpu() as spent:
        serial = load(host.address, start, connections=1)
        cpu = spent(count)
    serial_stop = load(host.address, stop, connections=1)
    rates = []
    for _ in range(3):
        rates.append(load(host.address, start, connections=STARTERS).per_second)
        load(host.address, stop, connections=STARTERS)
    return [
        Figure(name="VM.start on the simulator", value=serial.median_ms, unit="ms", limit=15.0, note=cpu),
        Figure(name="VM.hard_shutdown on the simulator", value=serial_stop.median_ms, unit="ms"),
        Figure(name=f"VM.start, {STARTERS} clients", value=statistics.median(rates), unit="1/s", least=100),
    ]
