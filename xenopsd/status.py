"""What a VM and its devices are doing now, from the records and what the hypervisor knows; costs no call to it."""

from typing import Literal

from idl.xenops import Hvm, PowerState, Pv, Pvh, PvInPvh, VbdState, VifState, VmState
from xenopsd import store
from xenopsd.context import Context
from xenopsd.hypervisors.base import Condition, Running
from xenopsd.state import Entry

DomainType = Literal["Domain_HVM", "Domain_PV", "Domain_PVinPVH", "Domain_PVH"]
DOMAIN_TYPES: dict[type, DomainType] = {
    Hvm: "Domain_HVM",
    Pv: "Domain_PV",
    PvInPvh: "Domain_PVinPVH",
    Pvh: "Domain_PVH",
}


def power_state(ctx: Context, entry: Entry) -> PowerState:
    """Say what a VM is; one whose domain ended but is not dealt with yet still runs, one being saved too."""
    vm, private = entry.vm.id, entry.private
    running = ctx.hypervisor.domains().get(vm)
    if ctx.domains.is_rebooting(vm):
        return PowerState.RUNNING
    if private.domid is None:
        return PowerState.SUSPENDED if private.suspended else PowerState.HALTED
    if running is None:
        not_there_yet = private.building and ctx.domains.ended(vm) is None
        return PowerState.HALTED if not_there_yet else PowerState.RUNNING
    return PowerState.PAUSED if running.condition is Condition.PAUSED else PowerState.RUNNING


def vm_state(ctx: Context, entry: Entry) -> VmState:
    vm, private = entry.vm, entry.private
    running = ctx.hypervisor.domains().get(vm.id) if private.domid is not None else None
    power = power_state(ctx, entry)
    if running is None:
        return VmState(
            power_state=power,
            vcpu_target=vm.vcpus,
            last_start_time=private.start_time,
            hvm=isinstance(vm.ty, Hvm),
            crashed=private.crashed,
        )
    return _live_state(ctx, entry, running, power)


def _live_state(ctx: Context, entry: Entry, running: Running, power: PowerState) -> VmState:
    vm, private = entry.vm, entry.private
    assert private.domid is not None
    seen = ctx.store.seen(private.domid)
    return VmState(
        power_state=power,
        domids=[private.domid],
        consoles=ctx.hypervisor.consoles(vm, private.domid),
        memory_target=private.memory_target,
        memory_actual=running.memory_actual,
        memory_limit=vm.memory_static_max,
        vcpu_target=running.vcpus,
        rtc_timeoffset=vm.ty.info.timeoffset if isinstance(vm.ty, Hvm) else "",
        guest_agent=store.guest_keys(seen),
        xsdata_state=store.guest_writable(seen),
        pv_drivers_detected=store.uses_pv_drivers(seen),
        last_start_time=private.start_time,
        hvm=isinstance(vm.ty, Hvm),
        domain_type=DOMAIN_TYPES[type(vm.ty)],
    )


def vbd_state(entry: Entry, device: str) -> VbdState:
    plugged = device in entry.private.plugged_vbds
    return VbdState(
        active=device in entry.private.active_vbds,
        plugged=plugged,
        backend_present=entry.vbd(device).backend if plugged else None,
    )


def vif_state(ctx: Context, entry: Entry, device: str) -> VifState:
    vif, domid = entry.vif(device), entry.private.domid
    plugged = device in entry.private.plugged_vifs
    return VifState(
        active=device in entry.private.active_vifs,
        plugged=plugged,
        media_present=plugged and vif.carrier and vif.locking_mode != "Disabled",
        device=ctx.hypervisor.interface_name(domid, vif) if plugged and domid is not None else None,
    )
