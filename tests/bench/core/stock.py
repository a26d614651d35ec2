"""What is in the pool that is measured: 5,000 VMs with records as big as real ones, their disks, 64 hosts.

Written by the store itself into its database file while xapi is not running.
"""

import asyncio
import random
import uuid
from pathlib import Path

from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store

VMS = 5000
HOSTS = 64
GIB = 1 << 30
NEEDLE = "bench-needle"
"""The name of the one VM that is looked for."""

_OPERATIONS = [
    "changing_dynamic_range", "migrate_send", "pool_migrate", "changing_VCPUs_live", "suspend", "hard_reboot", "hard_shutdown",
    "clean_reboot", "clean_shutdown", "pause", "checkpoint", "snapshot",
]  # fmt: skip
_LIMITS = (
    '<restrictions><restriction field="memory-static-max" max="137438953472" /><restriction field="vcpus-max" max="32" />'
    '<restriction property="number-of-vbds" max="255" /><restriction property="number-of-vifs" max="7" /></restrictions>'
)


def _other_config(number: int) -> dict[str, str]:
    return {
        "auto_poweron": "true",
        "base_template_name": "Debian Bookworm 12",
        "mac_seed": str(uuid.uuid4()),
        "install-methods": "cdrom,nfs,http,ftp",
        "folder": f"/customers/site {number % 7}/row {number % 50}",
        "XenCenter.CustomFields.owner": f"department {number % 40}",
        "xo:backup:schedule": str(uuid.uuid4()),
    }


_PLATFORM = {
    "timeoffset": "0", "videoram": "8", "hpet": "true", "acpi_laptop_slate": "0", "secureboot": "false", "viridian": "false",
    "apic": "true", "device_id": "0001", "cores-per-socket": "2", "vga": "std", "nx": "true", "pae": "true", "acpi": "1",
    "device-model": "qemu-upstream-compat",
}  # fmt: skip


def _vm(store: Store, number: int, hosts: list[str]) -> str:
    # Half of them run, on hosts that are not this one: nothing here has to know their domains.
    on = hosts[number % len(hosts)] if number % 2 else "OpaqueRef:NULL"
    metrics = store.create("VM_metrics", VCPUs_number=2, memory_actual=4 * GIB, state=["running"] if number % 2 else [])
    return store.create(
        "VM",
        name_label=NEEDLE if number == 4321 else f"web server {number} of customer {number % 321}",
        name_description=f"made from a template on 2026-01-{number % 28 + 1:02d} for the shop & its back office",
        power_state="Running" if number % 2 else "Halted",
        allowed_operations=list(_OPERATIONS),
        is_a_template=False,
        domain_type="hvm",
        resident_on=on,
        affinity=hosts[number % len(hosts)],
        memory_static_max=4 * GIB,
        memory_static_min=GIB,
        memory_dynamic_max=4 * GIB,
        memory_dynamic_min=4 * GIB,
        memory_target=4 * GIB,
        VCPUs_max=2,
        VCPUs_at_startup=2,
        HVM_boot_policy="BIOS order",
        HVM_boot_params={"order": "cdn", "firmware": "bios"},
        platform=dict(_PLATFORM),
        other_config=_other_config(number),
        recommendations=_LIMITS,
        xenstore_data={"vm-data": "", "vm-data/ip": f"10.0.{number >> 8}.{number & 255}", "vm-data/name": f"web{number}"},
        tags=[f"site {number % 7}", "production"],
        blocked_operations={"destroy": "true"} if number % 3 == 0 else {},
        metrics=metrics,
    )


def _stock(store: Store, vms: int) -> None:
    random.seed(1)
    hosts = []
    for number in range(HOSTS - 1):
        metrics = store.create("host_metrics", live=True, memory_total=512 * GIB, memory_free=128 * GIB)
        software = {"product_version": "8.3.0", "xapi": "26.22", "product_brand": "XCP-ng", "platform_version": "3.4.0"}
        hosts.append(
            store.create(
                "host", name_label=f"host{number}", hostname=f"host{number}", address=f"10.1.0.{number + 1}",
                metrics=metrics, software_version=software, enabled=True,
            )
        )  # fmt: skip
    repositories = [store.create("SR", name_label=f"storage {number}", type="nfs", shared=True) for number in range(8)]
    for number in range(vms):
        vm = _vm(store, number, hosts)
        for device in range(2):
            disk = store.create(
                "VDI", name_label=f"disk {device} of {number}", name_description="", SR=repositories[number % 8],
                virtual_size=32 * GIB, physical_utilisation=number << 20, type="user" if device else "system",
                location=str(uuid.uuid4()), sm_config={"image-format": "qcow2", "vhd-parent": str(uuid.uuid4())},
            )  # fmt: skip
            store.create(
                "VBD", VM=vm, VDI=disk, userdevice=str(device), device=f"xvd{'ab'[device]}", mode="RW", type="Disk",
                bootable=device == 0, currently_attached=bool(number % 2), allowed_operations=["attach", "unpause", "pause"],
            )  # fmt: skip


def fill(database: Path, vms: int = VMS) -> None:
    """Add the stock to a database file that no xapi has open."""

    async def work() -> None:
        journal = Journal(database)
        store = Store(from_model(), journal)
        journal.start()
        _stock(store, vms)
        await store.durable()
        await journal.stop()

    asyncio.run(work())
