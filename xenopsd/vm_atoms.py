"""The atoms that concern a VM and its domain."""

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from idl.rpc import RpcError
from idl.tasks import Running
from idl.xenops import Problem, VmUpdate
from xenopsd import devices, store, vbd_atoms
from xenopsd.context import Context
from xenopsd.datapath import copy_in, copy_out
from xenopsd.domains import Ending
from xenopsd.hypervisors.base import Capability, Disk, Domain, require
from xenopsd.operations import (
    VmBuild,
    VmBuilt,
    VmCreate,
    VmDelay,
    VmDestroy,
    VmPause,
    VmRemove,
    VmRestore,
    VmSave,
    VmSetMemoryRange,
    VmSetRebooting,
    VmSetVcpus,
    VmSetXsdata,
    VmShutdownDomain,
    VmStopDomain,
    VmUnpause,
)
from xenopsd.state import Entry
from xenopsd.vif_atoms import nic

log = logging.getLogger(__name__)

ASK_AGAIN = 10.0
"""Seconds between two requests to a guest to power off."""


async def create(ctx: Context, entry: Entry, atom: VmCreate, task: Running) -> None:
    vm = entry.vm
    if ctx.is_live(entry):
        log.warning("VM %s: a domain that no record knows of is destroyed", vm.id)
        await ctx.hypervisor.destroy(vm.id)
    domid = ctx.records.allocate_domid()
    target = await ctx.ballooning.reserve(vm)
    ctx.records.put_private(
        vm.id,
        domid=domid,
        building=True,
        crashed=False,
        start_time=time.time(),
        memory_target=target,
        plugged_vbds={},
        plugged_vifs=frozenset(),
    )
    ctx.domains.begin(vm.id)


def _domain(entry: Entry) -> Domain:
    private = entry.private
    if private.domid is None:
        raise RpcError(Problem.DOMAIN_NOT_BUILT)
    disks = [
        Disk(entry.vbd(device), devices.position(entry.vbd(device)), source) for device, source in private.plugged_vbds.items()
    ]
    nics = [nic(entry, entry.vif(device)) for device in private.plugged_vifs]
    return Domain(
        entry.vm,
        private.domid,
        tuple(sorted(disks, key=lambda disk: disk.position)),
        tuple(sorted(nics, key=lambda nic: nic.vif.position)),
        private.memory_target,
    )


async def build(ctx: Context, entry: Entry, atom: VmBuild, task: Running) -> None:
    await _made(ctx, entry, await ctx.hypervisor.launch(_domain(entry)))


async def _made(ctx: Context, entry: Entry, domid: int) -> None:
    """Note a domain that was just made, and write its tree while it is still paused."""
    try:
        ctx.ballooning.release(entry.vm.id)
        ctx.records.put_private(entry.vm.id, domid=domid)
        await ctx.store.create(store.Tree(entry.vm, domid, tuple(entry.vifs.values())))
    except BaseException:
        await ctx.hypervisor.destroy(entry.vm.id)
        raise
    ctx.notify(VmUpdate(entry.vm.id))


async def built(ctx: Context, entry: Entry, atom: VmBuilt, task: Running) -> None:
    ctx.records.put_private(atom.vm, building=False)
    ctx.ballooning.balance_later()


async def stop_domain(ctx: Context, entry: Entry, atom: VmStopDomain, task: Running) -> None:
    await ctx.hypervisor.destroy(atom.vm)


async def destroy(ctx: Context, entry: Entry, atom: VmDestroy, task: Running) -> None:
    vm, domid = atom.vm, entry.private.domid
    if domid is not None:
        await ctx.store.forget(vm, domid)
    end = ctx.domains.ended(vm)
    ctx.records.put_private(
        vm,
        domid=None,
        building=False,
        crashed=entry.private.crashed or (end is not None and end.is_crash()),
        plugged_vbds={},
        plugged_vifs=frozenset(),
    )
    ctx.domains.forget(vm)
    ctx.ballooning.release(vm)
    ctx.ballooning.balance_later()
    ctx.notify(VmUpdate(vm))


async def shutdown_domain(ctx: Context, entry: Entry, atom: VmShutdownDomain, task: Running) -> None:
    ending = ctx.domains.ending(atom.vm)
    task.on_cancel(ending.wake)
    try:
        async with asyncio.timeout(atom.timeout):
            await _ask_until_ended(ctx, atom.vm, ending)
    except TimeoutError:
        raise RpcError(Problem.FAILED_TO_SHUTDOWN, atom.vm, atom.timeout) from None
    task.cancel_point()


async def _ask_until_ended(ctx: Context, vm: str, ending: Ending) -> None:
    """Ask again from time to time: a guest that is still booting does not hear its power button."""
    while ending.why is None:
        await ctx.hypervisor.request_shutdown(vm)
        try:
            async with asyncio.timeout(ASK_AGAIN):
                await ending.wait()
        except TimeoutError:
            continue
        return


async def pause(ctx: Context, entry: Entry, atom: VmPause, task: Running) -> None:
    await ctx.hypervisor.pause(atom.vm)
    ctx.notify(VmUpdate(atom.vm))


async def unpause(ctx: Context, entry: Entry, atom: VmUnpause, task: Running) -> None:
    await ctx.hypervisor.unpause(atom.vm)
    ctx.notify(VmUpdate(atom.vm))


async def delay(ctx: Context, entry: Entry, atom: VmDelay, task: Running) -> None:
    cancelled = asyncio.Event()
    task.on_cancel(cancelled.set)
    try:
        async with asyncio.timeout(atom.seconds):
            await cancelled.wait()
    except TimeoutError:
        return
    task.cancel_point()


async def set_rebooting(ctx: Context, entry: Entry, atom: VmSetRebooting, task: Running) -> None:
    ctx.domains.set_rebooting(atom.vm, atom.rebooting)
    ctx.notify(VmUpdate(atom.vm))


async def save(ctx: Context, entry: Entry, atom: VmSave, task: Running) -> None:
    """Save to a file beside us, then into the suspend disk: hypervisors write files, the disk may be anywhere."""
    require(ctx.hypervisor.capabilities, [Capability.SUSPEND])
    vm, image = atom.vm, _image_file(ctx, atom.vm)
    async with ctx.datapaths.opened(task.dbg, atom.image, _suspend_dp(vm), vm, read_write=True) as disk:
        task.cancellable = False
        await ctx.hypervisor.save(vm, image)
        try:
            await copy_in(image, disk)
        except BaseException:
            # The domain is gone but the guest is not lost: let it go on from the file.
            ctx.domains.begin(vm)
            await _made(ctx, entry, await ctx.hypervisor.restore(_domain(entry), image))
            await ctx.hypervisor.unpause(vm)
            raise
        finally:
            image.unlink(missing_ok=True)
    ctx.records.put_private(vm, suspended=True)


async def restore(ctx: Context, entry: Entry, atom: VmRestore, task: Running) -> None:
    require(ctx.hypervisor.capabilities, [Capability.SUSPEND])
    vm, image = atom.vm, _image_file(ctx, atom.vm)
    try:
        async with ctx.datapaths.opened(task.dbg, atom.image, _suspend_dp(vm), vm, read_write=False) as disk:
            await copy_out(disk, image)
        await _made(ctx, entry, await ctx.hypervisor.restore(_domain(entry), image))
    finally:
        image.unlink(missing_ok=True)
    ctx.records.put_private(vm, suspended=False)
    ctx.notify(VmUpdate(vm))


def _image_file(ctx: Context, vm: str) -> Path:
    ctx.scratch.mkdir(parents=True, exist_ok=True)
    return ctx.scratch / f"{vm}.save"


def _suspend_dp(vm: str) -> str:
    return f"suspend/{vm}"


async def remove(ctx: Context, entry: Entry, atom: VmRemove, task: Running) -> None:
    for device in list(entry.private.attached):
        await vbd_atoms.release(ctx, entry, device, task)
    ctx.records.remove_vm(atom.vm)
    ctx.domains.forget(atom.vm)
    ctx.notify(VmUpdate(atom.vm))


async def set_vcpus(ctx: Context, entry: Entry, atom: VmSetVcpus, task: Running) -> None:
    if not 1 <= atom.vcpus <= entry.vm.vcpu_max:
        raise RpcError(Problem.INVALID_VCPUS, atom.vcpus)
    if ctx.is_live(entry):
        require(ctx.hypervisor.capabilities, [Capability.VCPU_HOTPLUG])
        await ctx.hypervisor.set_vcpus(atom.vm, atom.vcpus)
    ctx.records.put_vm(msgspec.structs.replace(entry.vm, vcpus=atom.vcpus))
    ctx.notify(VmUpdate(atom.vm))


async def set_memory_range(ctx: Context, entry: Entry, atom: VmSetMemoryRange, task: Running) -> None:
    target = min(atom.maximum, entry.vm.memory_static_max)
    if ctx.ballooning.active:
        target = min(target, max(atom.minimum, entry.private.memory_target))
    if ctx.is_live(entry):
        await ctx.hypervisor.set_memory_target(atom.vm, target)
        ctx.records.put_private(atom.vm, memory_target=target)
        if entry.private.domid is not None:
            limits = {"memory/dynamic-min": str(atom.minimum >> 10), "memory/dynamic-max": str(atom.maximum >> 10)}
            await ctx.store.write(entry.private.domid, limits)
    changed = msgspec.structs.replace(entry.vm, memory_dynamic_min=atom.minimum, memory_dynamic_max=atom.maximum)
    ctx.records.put_vm(changed)
    ctx.ballooning.balance_later()
    ctx.notify(VmUpdate(atom.vm))


async def set_xsdata(ctx: Context, entry: Entry, atom: VmSetXsdata, task: Running) -> None:
    xsdata = dict(atom.xsdata)
    ctx.records.put_vm(msgspec.structs.replace(entry.vm, xsdata=xsdata))
    if entry.private.domid is not None:
        await ctx.store.set_xsdata(entry.private.domid, xsdata)
    ctx.notify(VmUpdate(atom.vm))
