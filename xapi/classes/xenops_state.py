"""What the domain manager says about a VM, written to the store: power state, place, devices, consoles, metrics, alerts.

Each answer is the whole truth about one VM, so that applying the latest one is always right, whatever was missed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from idl.xenops import PowerState, VbdState, VifState, VmState
from xapi.classes import console, vm_guest_metrics, vm_lifecycle, vm_metrics
from xapi.database.schema import NULL_REF
from xapi.planning.device_names import name_of, position_of
from xapi.planning.vm_operations import HALTED, LIVE, SUSPENDED
from xapi.server.context import Context

log = logging.getLogger(__name__)

_ASKED_FOR: Final = frozenset(
    {
        "checkpoint",
        "clean_reboot",
        "clean_shutdown",
        "hard_reboot",
        "hard_shutdown",
        "pool_migrate",
        "resume",
        "resume_on",
        "reverting",
        "shutdown",
        "start",
        "start_on",
        "suspend",
    }
)
"""Operations under which a change of the domain is no news."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One VM as the domain manager sees it; devices by their name there (``xvda``, ``0``)."""

    state: VmState
    vbds: Mapping[str, VbdState]
    vifs: Mapping[str, VifState]


def apply(ctx: Context, vm: str, seen: Seen) -> None:
    """Write *seen* to the VM's rows. A VM that has its domain on another host is left alone."""
    resident = ctx.db.get("VM", vm, "resident_on")
    if resident not in ("", NULL_REF, ctx.app.localhost):
        return
    if seen.state.power_state in (PowerState.RUNNING, PowerState.PAUSED):
        _live(ctx, vm, seen)
    else:
        ended(ctx, vm, seen.state.power_state.value, crashed=seen.state.crashed)


def _live(ctx: Context, vm: str, seen: Seen) -> None:
    db, state = ctx.db, seen.state
    before, old_domid = db.get("VM", vm, "power_state"), db.get("VM", vm, "domid")
    # While a guest reboots there is no domain for a moment.
    domid = state.domids[-1] if state.domids else old_domid
    db.set(
        "VM",
        vm,
        power_state=state.power_state.value,
        domid=domid,
        resident_on=ctx.app.localhost,
        scheduled_to_be_resident_on=NULL_REF,
        domarch="x86_64" if state.hvm else "x86_64p",
    )
    vm_metrics.update(ctx, vm, state)
    vm_guest_metrics.update(ctx, vm, state)
    console.update(ctx, vm, state.consoles)
    _devices(ctx, vm, seen)
    vm_lifecycle.refresh_with_devices(ctx, vm)
    if before in LIVE and old_domid not in (-1, domid):
        _tell_reboot(ctx, vm, state.crashed)
    if domid != old_domid:
        ctx.app.spawn(
            vm_lifecycle.quietly(ctx.services.metrics.push_rrd_local(db.get("VM", vm, "uuid"), domid)), f"load metrics of {vm}"
        )


def _devices(ctx: Context, vm: str, seen: Seen) -> None:
    db = ctx.db
    for vbd in db.get("VM", vm, "VBDs"):
        position = position_of(db.get("VBD", vbd, "userdevice"))
        name = "" if position is None else name_of(position)
        disk = seen.vbds.get(name)
        attached = disk is not None and (disk.active or disk.plugged)
        db.set("VBD", vbd, currently_attached=attached, device=name if attached else "")
    for vif in db.get("VM", vm, "VIFs"):
        interface = seen.vifs.get(db.get("VIF", vif, "device"))
        db.set("VIF", vif, currently_attached=interface is not None and (interface.active or interface.plugged))


def ended(ctx: Context, vm: str, power_state: str, *, crashed: bool = False) -> None:
    """Write that the VM has no domain here: *power_state* is Halted or Suspended."""
    before = ctx.db.get("VM", vm, "power_state")
    if before not in LIVE:
        # Halted and suspended VMs are configuration: what the domain manager still remembers of them is no news.
        return
    news = not _ASKED_FOR & set(vm_lifecycle.current_operations(ctx.db, vm))
    keep_place = power_state == SUSPENDED and "checkpoint" in vm_lifecycle.current_operations(ctx.db, vm)
    console.update(ctx, vm, [])
    vm_metrics.clear(ctx, vm)
    vm_guest_metrics.ended(ctx, vm)
    vm_lifecycle.left_host(ctx, vm, power_state, keep_place=keep_place)
    if power_state == HALTED and news:
        _tell_end(ctx, vm, crashed)
    if not keep_place:
        ctx.app.spawn(
            vm_lifecycle.quietly(ctx.services.metrics.archive_rrd(ctx.db.get("VM", vm, "uuid"))), f"archive metrics of {vm}"
        )


def _tell_end(ctx: Context, vm: str, crashed: bool) -> None:
    if crashed:
        vm_lifecycle.tell(ctx, "VM_CRASHED", vm, "has crashed")
    else:
        vm_lifecycle.tell(ctx, "VM_SHUTDOWN", vm, "was shut down from inside the guest")


def _tell_reboot(ctx: Context, vm: str, crashed: bool) -> None:
    if _ASKED_FOR & set(vm_lifecycle.current_operations(ctx.db, vm)):
        return
    if crashed:
        vm_lifecycle.tell(ctx, "VM_CRASHED", vm, "has crashed and was started again")
    else:
        vm_lifecycle.tell(ctx, "VM_REBOOTED", vm, "was rebooted from inside the guest")
