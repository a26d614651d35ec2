"""The atoms that concern a VBD.

A disk is first held at the storage service, then plugged into the domain (or noted for its launch). What is held is
written down before it is taken, so it is released after any crash.
"""

import logging
from contextlib import suppress

import msgspec

from idl.rpc import RpcError
from idl.tasks import Running
from idl.xenops import DeviceType, LocalDisk, Problem, VbdUpdate, VdiDisk
from xenopsd import devices
from xenopsd.context import Context
from xenopsd.datapath import datapath_of, local_source, split
from xenopsd.hypervisors.base import Capability, Disk, Source, require
from xenopsd.operations import VbdEject, VbdEpochBegin, VbdEpochEnd, VbdInsert, VbdPlug, VbdSetActive, VbdUnplug
from xenopsd.state import Attachment, Entry

log = logging.getLogger(__name__)


async def set_active(ctx: Context, entry: Entry, atom: VbdSetActive, task: Running) -> None:
    entry.vbd(atom.device)
    others = entry.private.active_vbds - {atom.device}
    ctx.records.put_private(atom.vm, active_vbds=others | {atom.device} if atom.active else others)
    ctx.notify(VbdUpdate((atom.vm, atom.device)))


async def epoch_begin(ctx: Context, entry: Entry, atom: VbdEpochBegin, task: Running) -> None:
    vbd = entry.vbd(atom.device)
    if isinstance(vbd.backend, VdiDisk):
        await ctx.datapaths.epoch_begin(task.dbg, vbd.backend, atom.vm, persistent=vbd.persistent)


async def epoch_end(ctx: Context, entry: Entry, atom: VbdEpochEnd, task: Running) -> None:
    vbd = entry.vbd(atom.device)
    if isinstance(vbd.backend, VdiDisk):
        await ctx.datapaths.epoch_end(task.dbg, vbd.backend, atom.vm)


async def plug(ctx: Context, entry: Entry, atom: VbdPlug, task: Running) -> None:
    vbd = entry.vbd(atom.device)
    if atom.device in entry.private.plugged_vbds:
        return
    live = ctx.is_live(entry)
    if live:
        require(ctx.hypervisor.capabilities, [Capability.DISK_HOTPLUG])
    source = await _hold(ctx, entry, atom.device, vbd.backend, task)
    if live:
        try:
            await ctx.hypervisor.plug_disk(atom.vm, Disk(vbd, devices.position(vbd), source))
        except BaseException:
            await release(ctx, entry, atom.device, task)
            raise
    ctx.records.put_private(atom.vm, plugged_vbds=entry.private.plugged_vbds | {atom.device: source})
    ctx.notify(VbdUpdate(vbd.id))


async def unplug(ctx: Context, entry: Entry, atom: VbdUnplug, task: Running) -> None:
    plugged = entry.private.plugged_vbds
    if atom.device in plugged and ctx.is_live(entry):
        vbd = entry.vbd(atom.device)
        require(ctx.hypervisor.capabilities, [Capability.DISK_HOTPLUG])
        await ctx.hypervisor.unplug_disk(atom.vm, Disk(vbd, devices.position(vbd), plugged[atom.device]))
    try:
        await release(ctx, entry, atom.device, task)
    except RpcError as error:
        if not atom.force:
            raise
        log.warning("VBD %s.%s stays held at the storage service: %s", atom.vm, atom.device, error)
    # Read again: other disks may have been unplugged meanwhile.
    left = {device: source for device, source in entry.private.plugged_vbds.items() if device != atom.device}
    ctx.records.put_private(atom.vm, plugged_vbds=left)
    ctx.notify(VbdUpdate((atom.vm, atom.device)))


async def insert(ctx: Context, entry: Entry, atom: VbdInsert, task: Running) -> None:
    vbd = entry.vbd(atom.device)
    if vbd.ty is DeviceType.DISK:
        raise RpcError(Problem.MEDIA_NOT_EJECTABLE)
    if vbd.backend is not None:
        raise RpcError(Problem.MEDIA_PRESENT)
    full = msgspec.structs.replace(vbd, backend=atom.disk)
    if atom.device in entry.private.plugged_vbds:
        source = await _hold(ctx, entry, atom.device, atom.disk, task, read_write=False)
        try:
            await ctx.hypervisor.change_media(atom.vm, Disk(full, devices.position(full), source))
        except BaseException:
            await release(ctx, entry, atom.device, task)
            raise
        ctx.records.put_private(atom.vm, plugged_vbds=entry.private.plugged_vbds | {atom.device: source})
    ctx.records.put_vbd(full)
    ctx.notify(VbdUpdate(vbd.id))


async def eject(ctx: Context, entry: Entry, atom: VbdEject, task: Running) -> None:
    vbd = entry.vbd(atom.device)
    if vbd.backend is None:
        raise RpcError(Problem.MEDIA_NOT_PRESENT)
    empty = msgspec.structs.replace(vbd, backend=None)
    if atom.device in entry.private.plugged_vbds:
        await ctx.hypervisor.change_media(atom.vm, Disk(empty, devices.position(empty), None))
        ctx.records.put_private(atom.vm, plugged_vbds=entry.private.plugged_vbds | {atom.device: None})
    ctx.records.put_vbd(empty)
    ctx.notify(VbdUpdate(vbd.id))
    await release(ctx, entry, atom.device, task)


async def _hold(
    ctx: Context,
    entry: Entry,
    device: str,
    disk: LocalDisk | VdiDisk | None,
    task: Running,
    *,
    read_write: bool | None = None,
) -> Source | None:
    # Left over from an earlier domain whose disk could not be released then.
    await release(ctx, entry, device, task)
    match disk:
        case None:
            return None
        case LocalDisk():
            return local_source(disk)
        case VdiDisk():
            assert entry.private.domid is not None
            sr, vdi = split(disk)
            held = Attachment(dp=datapath_of(entry.private.domid, device), sr=sr, vdi=vdi)
            vm = entry.vm.id
            ctx.records.put_private(vm, attached=entry.private.attached | {device: held})
            writable = entry.vbd(device).mode == "ReadWrite" if read_write is None else read_write
            try:
                return await ctx.datapaths.attach(task.dbg, held, vm, read_write=writable)
            except RpcError:
                # If the storage service is gone it may hold the disk all the same: then the note stays for the next start.
                with suppress(RpcError):
                    await release(ctx, entry, device, task)
                raise


async def release(ctx: Context, entry: Entry, device: str, task: Running) -> None:
    """Let go of what the storage service holds for a VBD; nothing held is no error."""
    held = entry.private.attached.get(device)
    if held is not None:
        await ctx.datapaths.release(task.dbg, held, entry.vm.id)
        _forget(ctx, entry, device)


def _forget(ctx: Context, entry: Entry, device: str) -> None:
    left = {key: held for key, held in entry.private.attached.items() if key != device}
    ctx.records.put_private(entry.vm.id, attached=left)
