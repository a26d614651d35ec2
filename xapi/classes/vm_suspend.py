"""A VM saved to a disk and brought back: suspend and resume, and the two halves of a checkpoint."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from idl.xenops import Metadata
from xapi.classes import vdi, vm_lifecycle, vm_placement, vm_power, xenops_push
from xapi.classes.vm_lifecycle import holding, is_null, tell
from xapi.database.store import Store
from xapi.errors import error
from xapi.planning import memory
from xapi.planning.memory import MIB
from xapi.planning.vm_operations import RUNNING, SUSPENDED
from xapi.server.context import Context
from xapi.server.registry import implements

DEVICE_STATE: Final = 64 * MIB
"""What a suspend image holds beside the guest's memory: video memory and the state of emulated devices, at most."""


def suspend_sr(ctx: Context, vm: str) -> str:
    """Return the SR that suspend images of the VM go to.

    :raises XenAPIError: VM_NO_SUSPEND_SR.
    """
    db = ctx.db
    choices: list[str] = [db.get("VM", vm, "suspend_SR"), *(row.values["suspend_image_SR"] for row in db.rows("pool"))]
    if db.exists("host", ctx.app.localhost):
        choices.append(db.get("host", ctx.app.localhost, "suspend_image_sr"))
    for sr in choices:
        if db.exists("SR", sr):
            return sr
    raise error("VM_NO_SUSPEND_SR", vm)


def _image_size(db: Store, vm: str) -> int:
    need = vm_placement.footprint(db, vm)
    return need.limits.static_max + memory.overhead(need) + DEVICE_STATE


async def _create_image(ctx: Context, vm: str, sr: str) -> str:
    fields = {
        "name_label": "Suspend image",
        "name_description": f"Memory of VM {ctx.db.get('VM', vm, 'name_label')}",
        "SR": sr,
        "virtual_size": _image_size(ctx.db, vm),
        "type": "suspend",
        "sharable": False,
        "read_only": False,
        "other_config": {},
        "xenstore_data": {},
        "sm_config": {},
        "tags": [],
    }
    return await vdi.create(ctx, fields)


@contextlib.asynccontextmanager
async def _image(ctx: Context, vm: str, sr: str) -> AsyncIterator[str]:
    """Make the VM's suspend image; it is deleted again unless the VM is suspended at the end of the block."""
    image = await _create_image(ctx, vm, sr)
    # Set before the domain goes: whatever happens to this process, the image is not lost.
    ctx.db.set("VM", vm, suspend_VDI=image)
    try:
        yield image
    finally:
        if ctx.db.exists("VM", vm) and ctx.db.get("VM", vm, "power_state") != SUSPENDED:
            await vm_power.drop_suspend_image(ctx, vm)


async def save(ctx: Context, vm: str, sr: str | None = None) -> None:
    """Suspend a running VM, its image in *sr* (where it is to be if nothing is said); who calls holds the operation."""
    uuid, updates = ctx.db.get("VM", vm, "uuid"), ctx.app.xenops
    # The domain ends before its memory is on the disk: until then the VM is neither Running nor Suspended, so nobody
    # is to look.
    async with _image(ctx, vm, sr or suspend_sr(ctx, vm)) as image, updates.quiet(uuid):
        disk = xenops_push.disk_of(ctx.db, image)
        try:
            await updates.run_task(ctx, ctx.services.xenops.vm_suspend(ctx.dbg, uuid, disk))
        finally:
            await updates.write(uuid)
    await updates.forget(vm)


async def restore(ctx: Context, vm: str, *, start_paused: bool) -> None:
    """Bring a suspended VM back on this host; who calls holds the operation."""
    db, xenops, updates = ctx.db, ctx.services.xenops, ctx.app.xenops
    uuid, image = db.get("VM", vm, "uuid"), db.get("VM", vm, "suspend_VDI")
    if not db.exists("VDI", image):
        raise error("VM_HAS_NO_SUSPEND_VDI", vm)
    record, vbds, vifs = await xenops_push.records(ctx, vm)
    metadata = Metadata(vm=record, vbds=vbds, vifs=vifs, domains=_domain_record(db, vm))
    async with updates.quiet(uuid), contextlib.AsyncExitStack() as undo:
        await xenops.vm_remove(ctx.dbg, uuid)
        undo.push_async_callback(vm_power.tear_down, ctx, vm)
        await xenops.vm_import_metadata(ctx.dbg, metadata)
        await updates.run_task(ctx, xenops.vm_resume(ctx.dbg, uuid, xenops_push.disk_of(db, image)), last=0.9)
        if not start_paused:
            await updates.run_task(ctx, xenops.vm_unpause(ctx.dbg, uuid), first=0.9)
        await updates.write(uuid)
        undo.pop_all()
    await vm_power.drop_suspend_image(ctx, vm)


def _domain_record(db: Store, vm: str) -> str | None:
    """Return the domain manager's private record of a suspended VM, as it handed it over at the suspend."""
    stored = db.get("VM", vm, "last_booted_record")
    try:
        return msgspec.json.decode(stored, type=Metadata).domains
    except msgspec.DecodeError:
        # A VM that came from elsewhere (an import, an older pool): its image says all there is.
        return None


@implements("VM.suspend")
async def suspend(ctx: Context, vm: str) -> None:
    """XenAPI: VM.suspend"""
    async with holding(ctx, vm, "suspend"):
        ctx.db.set("VM", vm, ha_always_run=False)
        await save(ctx, vm)
        tell(ctx, "VM_SUSPENDED", vm, "was suspended")


async def _resume(ctx: Context, vm: str, name: str, host: str | None, *, start_paused: bool, force: bool) -> None:
    async with holding(ctx, vm, name, strict=not force), vm_power.devices_held(ctx, vm):
        if host is None:
            host = vm_placement.chosen_host(ctx, vm)
        else:
            vm_placement.check_host(ctx.db, vm, host)
        async with vm_placement.reserved(ctx, vm, host):
            await restore(ctx, vm, start_paused=start_paused)
        tell(ctx, "VM_RESUMED", vm, "was resumed")


@implements("VM.resume")
async def resume(ctx: Context, vm: str, start_paused: bool, force: bool) -> None:
    """XenAPI: VM.resume"""
    await _resume(ctx, vm, "resume", None, start_paused=start_paused, force=force)


@implements("VM.resume_on")
async def resume_on(ctx: Context, vm: str, host: str, start_paused: bool, force: bool) -> None:
    """XenAPI: VM.resume_on"""
    await _resume(ctx, vm, "resume_on", host, start_paused=start_paused, force=force)


@implements("VM.restart_device_models")
async def restart_device_models(ctx: Context, self: str) -> None:
    """XenAPI: VM.restart_device_models. The emulator is part of the domain: the guest is saved and goes on in a new one."""
    async with holding(ctx, self, "pool_migrate"):
        state = ctx.db.get("VM", self, "power_state")
        if state != RUNNING:
            raise vm_lifecycle.bad_power_state(self, RUNNING, state)
        await save(ctx, self)
        await restore(ctx, self, start_paused=False)
        left = [guidance for guidance in ctx.db.get("VM", self, "pending_guidances") if guidance != "restart_device_model"]
        ctx.db.set("VM", self, pending_guidances=left)


@implements("VM.set_suspend_VDI")
async def set_suspend_vdi(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_suspend_VDI"""
    state = ctx.db.get("VM", self, "power_state")
    if state != SUSPENDED:
        raise vm_lifecycle.bad_power_state(self, SUSPENDED, state)
    if ctx.db.get("VDI", value, "type") != "suspend":
        raise error("VDI_INCOMPATIBLE_TYPE", value, ctx.db.get("VDI", value, "type"))
    old = ctx.db.get("VM", self, "suspend_VDI")
    if not is_null(old) and old != value and ctx.db.exists("VDI", old):
        ctx.db.set("VM", self, suspend_VDI=value)
        await vdi.destroy(ctx, old)
    ctx.db.set("VM", self, suspend_VDI=value)
