"""Bringing the records of this host in line with reality at start-up."""

import os
import platform
import socket
import time
from pathlib import Path

from idl.xenops import HostState
from xapi.classes import host as hosts
from xapi.classes.host_settings import IQN_FILE, initiator_name, timezone
from xapi.datamodel import MODEL
from xapi.server.context import Context, now

XAPI_VERSION = "26.22.0"


def forget_the_past(ctx: Context) -> None:
    """Drop what cannot have survived: tasks in flight fail."""
    ctx.app.tasks.fail_those_in_flight()


def know_this_host(ctx: Context) -> None:
    """Make sure that pool, host, host metrics and dom0 have records, and that they are up to date."""
    inventory = ctx.app.inventory
    host = _host(ctx, inventory)
    ctx.app.localhost = host
    pool = ctx.db.refs("pool")
    if not pool:
        ctx.db.create("pool", master=host, name_label="", coordinator_bias=True)
    else:
        ctx.db.set("pool", pool[0], master=host)
    _control_domain(ctx, host, inventory)
    hosts.update_allowed_operations(ctx, host)
    still_alive(ctx)


def still_alive(ctx: Context) -> None:
    """Say that this host is up."""
    metrics = ctx.db.get("host", ctx.app.localhost, "metrics")
    ctx.db.set("host_metrics", metrics, live=True, last_updated=now())


def _software(inventory: dict[str, str]) -> dict[str, str]:
    return {
        "product_version": inventory.get("PRODUCT_VERSION", ""),
        "product_version_text": inventory.get("PRODUCT_VERSION", ""),
        "product_version_text_short": inventory.get("PRODUCT_VERSION", ""),
        "product_brand": inventory.get("PRODUCT_BRAND", ""),
        "platform_name": inventory.get("PLATFORM_NAME", ""),
        "platform_version": inventory.get("PLATFORM_VERSION", ""),
        "build_number": inventory.get("BUILD_NUMBER", ""),
        "hostname": socket.gethostname(),
        "linux": platform.release(),
        "xapi": XAPI_VERSION.rpartition(".")[0],
        "xapi_build": XAPI_VERSION,
        "xencenter_min": "2.21",
        "xencenter_max": "2.21",
        "network_backend": "bridge",
        "dbv": "0.0.1",
    }


def _host(ctx: Context, inventory: dict[str, str]) -> str:
    uuid = inventory["INSTALLATION_UUID"]
    major, minor = (int(part) for part in MODEL.api_version.split("."))
    found = [row.ref for row in ctx.db.rows("host") if row.values["uuid"] == uuid]
    if found:
        host = found[0]
    else:
        metrics = ctx.db.create("host_metrics", live=True)
        host = ctx.db.create(
            "host", uuid=uuid, name_label=socket.gethostname(), name_description="Default install", metrics=metrics, enabled=True
        )
    # Without one configured it is the management interface's, which the network's sync writes down.
    known = ctx.db.get("host", host, "address") or "127.0.0.1"
    address = ctx.app.config.text("management-address", known)
    ctx.db.put_in_map("host", host, "other_config", agent_start_time=f"{int(time.time())}.", boot_time=f"{boot_time()}.")
    ctx.db.set(
        "host",
        host,
        API_version_major=major,
        API_version_minor=minor,
        API_version_vendor=MODEL.api_version_vendor,
        hostname=socket.gethostname(),
        address=address,
        software_version=_software(inventory),
        edition="free",
        editions=["free"],
        license_params={"restrict_connection": "false", "expiry": "20991231T23:59:59Z"},
        enabled=True,
        virtual_hardware_platform_versions=[0, 1, 2],
        bios_strings=bios_strings(),
        ssl_legacy=False,
        iscsi_iqn=initiator_name(ctx.app.root.under(IQN_FILE)),
        timezone=timezone(ctx.app.root.under("/etc/localtime")),
        tls_verification_enabled=ctx.app.root.under(VERIFY_FLAG).exists(),
        secure_boot=_secure_boot(),
    )
    return host


def boot_time() -> int:
    """Return when this machine was started, in seconds since 1970."""
    lines = Path("/proc/stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime "))


VERIFY_FLAG = "/var/xapi/verify-certificates"
_SECURE_BOOT = Path("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")


def _secure_boot() -> bool:
    """Whether the firmware checked what this machine booted: the last byte of a variable of it."""
    try:
        return _SECURE_BOOT.read_bytes()[-1:] == b"\x01"
    except OSError:
        return False


_BIOS_FILES = {
    "bios-vendor": "bios_vendor",
    "bios-version": "bios_version",
    "system-manufacturer": "sys_vendor",
    "system-product-name": "product_name",
    "system-version": "product_version",
    "system-serial-number": "product_serial",
    "baseboard-manufacturer": "board_vendor",
    "baseboard-product-name": "board_name",
    "baseboard-version": "board_version",
    "baseboard-serial-number": "board_serial",
}


def bios_strings() -> dict[str, str]:
    """Return what the firmware says of this machine, where the kernel shows it."""
    found = {}
    for key, name in _BIOS_FILES.items():
        try:
            with open(f"/sys/class/dmi/id/{name}") as file:  # noqa: PTH123
                found[key] = file.read().strip()
        except OSError:
            continue
    return found


def _control_domain(ctx: Context, host: str, inventory: dict[str, str]) -> None:
    uuid = inventory["CONTROL_DOMAIN_UUID"]
    cpus = os.cpu_count() or 1
    existing = [row.ref for row in ctx.db.rows("VM") if row.values["uuid"] == uuid]
    if existing:
        domain = existing[0]
    else:
        metrics = ctx.db.create("VM_metrics")
        domain = ctx.db.create(
            "VM",
            uuid=uuid,
            name_label=f"Control domain on host: {ctx.db.get('host', host, 'name_label')}",
            name_description="The domain which manages physical devices and manages other domains",
            is_control_domain=True,
            metrics=metrics,
            domain_type="pv",
            PV_bootloader="",
            other_config={"storage_driver_domain": ""},
        )
    ctx.db.set(
        "VM",
        domain,
        power_state="Running",
        domid=0,
        resident_on=host,
        affinity=host,
        is_a_template=False,
        VCPUs_max=cpus,
        VCPUs_at_startup=cpus,
    )
    ctx.db.set("VM_metrics", ctx.db.get("VM", domain, "metrics"), VCPUs_number=cpus, state=[])
    ctx.db.set("host", host, control_domain=domain)


async def sync_hypervisor(ctx: Context) -> None:
    """Fill in what the hypervisor knows of the machine: CPUs, memory, abilities."""
    state = await ctx.services.xenops.host_stat(ctx.dbg)
    host = ctx.app.localhost
    info = cpu_info(state)
    ctx.db.set(
        "host",
        host,
        cpu_info=info,
        capabilities=state.hypervisor_capabilities,
        chipset_info={"iommu": str(state.iommu).lower()},
        software_version={
            **ctx.db.get("host", host, "software_version"),
            "xen" if state.hypervisor == "xen" else state.hypervisor: state.hypervisor_version,
        },
    )
    pool = ctx.db.refs("pool")[0]
    ctx.db.set("pool", pool, cpu_info=info)
    metrics = ctx.db.get("host", host, "metrics")
    ctx.db.set("host_metrics", metrics, memory_total=state.total_memory, memory_free=state.free_memory)
    _cpus(ctx, host, state)
    _control_domain_memory(ctx, host, state)


LEAST_CONTROL_DOMAIN = 256 * 1024 * 1024


def _control_domain_memory(ctx: Context, host: str, state: HostState) -> None:
    """Give dom0 what is neither free nor a guest's.

    Without Xen under it the control domain is the whole machine: what it has in use when we start is taken as its own,
    so that what is left can be promised to guests.
    """
    domain = ctx.db.get("host", host, "control_domain")
    guests = sum(
        ctx.db.get("VM", vm, "memory_dynamic_max") for vm in ctx.db.get("host", host, "resident_VMs") if vm != domain
    )
    memory = max(LEAST_CONTROL_DOMAIN, state.total_memory - state.free_memory - guests)
    ctx.db.set(
        "VM",
        domain,
        memory_static_max=memory,
        memory_static_min=memory,
        memory_dynamic_max=memory,
        memory_dynamic_min=memory,
        memory_target=memory,
    )
    ctx.db.set("VM_metrics", ctx.db.get("VM", domain, "metrics"), memory_actual=memory)


def cpu_info(state: HostState) -> dict[str, str]:
    """Return the host's ``cpu_info`` map."""
    cpu = state.cpu
    return {
        "cpu_count": str(cpu.cpu_count),
        "socket_count": str(cpu.socket_count),
        "threads_per_core": "1",
        "vendor": cpu.vendor,
        "speed": cpu.speed,
        "modelname": cpu.modelname,
        "family": cpu.family,
        "model": cpu.model,
        "stepping": cpu.stepping,
        "flags": cpu.flags,
        "features": "",
        "features_pv": "",
        "features_hvm": "",
    }


def _cpus(ctx: Context, host: str, state: HostState) -> None:
    cpu = state.cpu
    known = {ctx.db.get("host_cpu", ref, "number"): ref for ref in ctx.db.get("host", host, "host_CPUs")}
    number = 0
    for number in range(cpu.cpu_count):
        if number not in known:
            known[number] = ctx.db.create("host_cpu", host=host, number=number)
        ctx.db.set(
            "host_cpu",
            known[number],
            vendor=cpu.vendor,
            speed=int(float(cpu.speed or 0)),
            modelname=cpu.modelname,
            family=int(cpu.family or 0),
            model=int(cpu.model or 0),
            stepping=cpu.stepping,
            flags=cpu.flags,
        )
    for surplus in [ref for position, ref in known.items() if position >= cpu.cpu_count]:
        ctx.db.destroy("host_cpu", surplus)
