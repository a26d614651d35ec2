"""The atoms that concern a VIF."""

import msgspec

from idl.tasks import Running
from idl.xenops import Locked, Vif, VifUpdate
from xenopsd.context import Context
from xenopsd.hypervisors.base import Capability, Nic, require
from xenopsd.operations import VifMove, VifPlug, VifSetActive, VifSetCarrier, VifSetLockingMode, VifUnplug
from xenopsd.state import Entry


def nic(entry: Entry, vif: Vif) -> Nic:
    """Return the VIF with the name its host's end has in the present domain."""
    return Nic(vif, f"vif{entry.private.domid}.{vif.position}")


async def set_active(ctx: Context, entry: Entry, atom: VifSetActive, task: Running) -> None:
    entry.vif(atom.device)
    others = entry.private.active_vifs - {atom.device}
    ctx.records.put_private(atom.vm, active_vifs=others | {atom.device} if atom.active else others)
    ctx.notify(VifUpdate((atom.vm, atom.device)))


async def plug(ctx: Context, entry: Entry, atom: VifPlug, task: Running) -> None:
    vif = entry.vif(atom.device)
    if atom.device in entry.private.plugged_vifs:
        return
    _check_locking(ctx, vif)
    if ctx.is_live(entry):
        require(ctx.hypervisor.capabilities, [Capability.NIC_HOTPLUG])
        await ctx.hypervisor.plug_nic(atom.vm, nic(entry, vif))
    ctx.records.put_private(atom.vm, plugged_vifs=entry.private.plugged_vifs | {atom.device})
    ctx.notify(VifUpdate(vif.id))


async def unplug(ctx: Context, entry: Entry, atom: VifUnplug, task: Running) -> None:
    if atom.device in entry.private.plugged_vifs and ctx.is_live(entry):
        require(ctx.hypervisor.capabilities, [Capability.NIC_HOTPLUG])
        await ctx.hypervisor.unplug_nic(atom.vm, nic(entry, entry.vif(atom.device)))
    ctx.records.put_private(atom.vm, plugged_vifs=entry.private.plugged_vifs - {atom.device})
    ctx.notify(VifUpdate((atom.vm, atom.device)))


async def move(ctx: Context, entry: Entry, atom: VifMove, task: Running) -> None:
    await _change(ctx, entry, msgspec.structs.replace(entry.vif(atom.device), backend=atom.network))


async def set_carrier(ctx: Context, entry: Entry, atom: VifSetCarrier, task: Running) -> None:
    await _change(ctx, entry, msgspec.structs.replace(entry.vif(atom.device), carrier=atom.carrier))


async def set_locking_mode(ctx: Context, entry: Entry, atom: VifSetLockingMode, task: Running) -> None:
    await _change(ctx, entry, msgspec.structs.replace(entry.vif(atom.device), locking_mode=atom.mode))


async def _change(ctx: Context, entry: Entry, vif: Vif) -> None:
    _check_locking(ctx, vif)
    if vif.id[1] in entry.private.plugged_vifs and ctx.is_live(entry):
        await ctx.hypervisor.update_nic(entry.vm.id, nic(entry, vif))
    ctx.records.put_vif(vif)
    ctx.notify(VifUpdate(vif.id))


def _check_locking(ctx: Context, vif: Vif) -> None:
    if isinstance(vif.locking_mode, Locked):
        require(ctx.hypervisor.capabilities, [Capability.ADDRESS_LOCKING])
