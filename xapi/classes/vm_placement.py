"""Where a VM can run: the checks of one host, and the choice among all (`xapi.planning.placement`)."""

import contextlib
from collections.abc import AsyncIterator

from xapi import errors
from xapi.classes.vm_lifecycle import is_null
from xapi.classes.xenops_records import domain_type
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.errors import XenAPIError, error, invalid_value, value_not_supported
from xapi.planning import memory, placement
from xapi.planning.memory import DomainType, Footprint, Limits
from xapi.server.context import Context
from xapi.server.registry import implements


def footprint(db: Store, vm: str) -> Footprint:
    """Return what the VM's memory need follows from."""
    row = db.row("VM", vm).values
    limits = Limits(row["memory_static_min"], row["memory_dynamic_min"], row["memory_dynamic_max"], row["memory_static_max"])
    return Footprint(DomainType(domain_type(row)), limits, max(1, row["VCPUs_max"]), row["HVM_shadow_multiplier"])


def update_overhead(db: Store, vm: str) -> None:
    """Write what the VM costs beside its memory, after a setting it depends on has changed."""
    db.set("VM", vm, memory_overhead=memory.overhead(footprint(db, vm)))


def _guest(db: Store, vm: str) -> placement.Guest:
    # Every start asks for every guest of the pool; the answer follows from the VM's row alone.
    cache = db.row("VM", vm).cache
    if "guest" not in cache:
        cache["guest"] = _measured(db, vm)
    guest: placement.Guest = cache["guest"]
    return guest


def _measured(db: Store, vm: str) -> placement.Guest:
    if db.get("VM", vm, "is_control_domain"):
        size = db.get("VM", vm, "memory_dynamic_max")
        return placement.Guest(size, size, size)
    need = footprint(db, vm)
    extra = memory.overhead(need)
    return placement.Guest(need.limits.dynamic_min + extra, need.limits.dynamic_max + extra, need.limits.static_max + extra)


def _candidate(db: Store, host: str, leaving_out: str) -> placement.Candidate:
    row = db.row("host", host).values
    total = db.get("host_metrics", row["metrics"], "memory_total") if db.exists("host_metrics", row["metrics"]) else 0
    here = dict.fromkeys([*row["resident_VMs"], *db.where("VM", scheduled_to_be_resident_on=host)])
    coordinator = any(pool.values["master"] == host for pool in db.rows("pool"))
    guests = tuple(_guest(db, vm) for vm in here if vm != leaving_out)
    return placement.Candidate(host, total - row["memory_overhead"], guests, coordinator)


def free_memory(db: Store, host: str, leaving_out: str = NULL_REF) -> int:
    """Return the bytes that guests of *host* leave free when squeezed to their least size."""
    candidate = _candidate(db, host, leaving_out)
    return candidate.memory - sum(guest.minimum for guest in candidate.guests)


def check_vcpus(db: Store, vm: str) -> None:
    """:raises XenAPIError: the VM's vCPU settings make no sense."""
    row = db.row("VM", vm).values
    if row["VCPUs_max"] < 1:
        raise invalid_value("VCPUs_max", row["VCPUs_max"])
    if not 1 <= row["VCPUs_at_startup"] <= row["VCPUs_max"]:
        raise value_not_supported("VCPUs_at_startup", row["VCPUs_at_startup"], "value must be between 1 and VCPUs_max")
    if row["HVM_shadow_multiplier"] < 1.0:
        raise value_not_supported("HVM_shadow_multiplier", row["HVM_shadow_multiplier"], "value must be at least 1.0")


def check_host(db: Store, vm: str, host: str, *, check_memory: bool = True) -> None:
    """:raises XenAPIError: why *host* cannot run the VM."""
    row, host_row = db.row("VM", vm).values, db.row("host", host).values
    check_vcpus(db, vm)
    footprint(db, vm).limits.check()
    metrics = host_row["metrics"]
    if db.exists("host_metrics", metrics) and not db.get("host_metrics", metrics, "live"):
        raise errors.host_offline(host)
    if not host_row["enabled"] and not row["is_control_domain"]:
        raise errors.host_disabled(host)
    versions = host_row["virtual_hardware_platform_versions"]
    if versions and row["hardware_platform_version"] > max(versions):
        known = ", ".join(str(version) for version in versions)
        raise error("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", host, known, vm, row["hardware_platform_version"])
    _check_storage(db, vm, host)
    _check_networks(db, vm, host)
    _check_hardware(db, vm, host)
    if check_memory:
        memory.assert_fits(memory.needed_to_start(footprint(db, vm)), free_memory(db, host, leaving_out=vm))


def _check_storage(db: Store, vm: str, host: str) -> None:
    for vbd in db.get("VM", vm, "VBDs"):
        values = db.row("VBD", vbd).values
        if values["empty"] or is_null(values["VDI"]):
            continue
        if not db.exists("VDI", values["VDI"]):
            raise error("VM_REQUIRES_VDI", vm, values["VDI"])
        sr = db.get("VDI", values["VDI"], "SR")
        pbds = [db.row("PBD", pbd).values for pbd in db.get("SR", sr, "PBDs")] if db.exists("SR", sr) else []
        if not any(pbd["host"] == host and pbd["currently_attached"] for pbd in pbds):
            raise errors.vm_requires_sr(vm, sr)


def _check_networks(db: Store, vm: str, host: str) -> None:
    for vif in db.get("VM", vm, "VIFs"):
        network = db.get("VIF", vif, "network")
        if not db.exists("network", network):
            raise errors.vm_requires_network(vm, network)
        pifs = [db.row("PIF", pif).values for pif in db.get("network", network, "PIFs")]
        if pifs and not any(pif["host"] == host for pif in pifs):
            raise errors.vm_requires_network(vm, network)


def _check_hardware(db: Store, vm: str, host: str) -> None:
    """:raises XenAPIError: VM_REQUIRES_GPU, VM_REQUIRES_VUSB; OPERATION_NOT_ALLOWED for what no domain manager here can give."""
    row = db.row("VM", vm).values
    for cls, field, group_cls, devices, code in (
        ("VGPU", "VGPUs", "GPU_group", "PGPUs", "VM_REQUIRES_GPU"),
        ("VUSB", "VUSBs", "USB_group", "PUSBs", "VM_REQUIRES_VUSB"),
    ):
        for ref in row[field]:
            group = db.get(cls, ref, group_cls)
            there = db.get(group_cls, group, devices) if db.exists(group_cls, group) else []
            if not any(db.get(devices.removesuffix("s"), device, "host") == host for device in there):
                raise error(code, vm, group)
    given = [name for name, field in (("GPUs", "VGPUs"), ("USB devices", "VUSBs"), ("TPMs", "VTPMs")) if row[field]]
    if given:
        raise errors.operation_not_allowed(f"the domain manager does not give {' or '.join(given)} to guests yet")


def choose_host(ctx: Context, vm: str) -> str:
    """Return the host to start the VM on.

    :raises XenAPIError: NO_HOSTS_AVAILABLE, or with one host only, what stands in the way there.
    """
    db, hosts = ctx.db, ctx.db.refs("host")
    ordered = placement.order(
        _guest(db, vm),
        [_candidate(db, host, leaving_out=vm) for host in hosts if db.get("host", host, "enabled")],
        affinity=db.get("VM", vm, "affinity"),
        coordinator_bias=all(pool.values["coordinator_bias"] for pool in db.rows("pool")),
    )
    reasons = []
    for host in ordered:
        try:
            check_host(db, vm, host)
            return host
        except XenAPIError as reason:
            reasons.append(reason)
    if len(reasons) == 1 and len(hosts) == 1:
        raise reasons[0]
    raise errors.no_hosts_available()


@contextlib.asynccontextmanager
async def reserved(ctx: Context, vm: str, host: str) -> AsyncIterator[None]:
    """Count the VM's memory on *host* while the block brings it up there."""
    ctx.db.set("VM", vm, scheduled_to_be_resident_on=host)
    try:
        # A xapi that is killed meanwhile has to know, when it is back, that there is something to undo.
        await ctx.db.durable()
        yield
    finally:
        if ctx.db.exists("VM", vm):
            ctx.db.set("VM", vm, scheduled_to_be_resident_on=NULL_REF)


@implements("VM.assert_can_boot_here")
async def assert_can_boot_here(ctx: Context, self: str, host: str) -> None:
    """XenAPI: VM.assert_can_boot_here"""
    check_host(ctx.db, self, host)


@implements("VM.get_possible_hosts")
async def get_possible_hosts(ctx: Context, vm: str) -> list[str]:
    """XenAPI: VM.get_possible_hosts"""
    possible = []
    for host in ctx.db.refs("host"):
        with contextlib.suppress(XenAPIError):
            check_host(ctx.db, vm, host, check_memory=False)
            possible.append(host)
    return possible


@implements("VM.assert_agile")
async def assert_agile(ctx: Context, self: str) -> None:
    """XenAPI: VM.assert_agile. All disks on shared storage, all networks on every host."""
    for vbd in ctx.db.get("VM", self, "VBDs"):
        disk = ctx.db.get("VBD", vbd, "VDI")
        if ctx.db.exists("VDI", disk) and not ctx.db.get("SR", ctx.db.get("VDI", disk, "SR"), "shared"):
            raise error("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", ctx.db.get("VDI", disk, "SR"))
    for vif in ctx.db.get("VM", self, "VIFs"):
        network = ctx.db.get("VIF", vif, "network")
        if not ctx.db.get("network", network, "PIFs") and ctx.db.count("host") > 1:
            raise error("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)
