"""A VM's vCPUs: how many it has at most, at its start and now, and how the hypervisor schedules them."""

from xapi.classes import vm_placement, xenops_push
from xapi.classes.vm_lifecycle import assert_valid, holding
from xapi.errors import invalid_value
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("VM.set_VCPUs_max")
async def set_vcpus_max(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_VCPUs_max"""
    assert_valid(ctx.db, self, "changing_VCPUs")
    if value < max(1, ctx.db.get("VM", self, "VCPUs_at_startup")):
        raise invalid_value("VCPUs_max", value)
    ctx.db.set("VM", self, VCPUs_max=value)
    vm_placement.update_overhead(ctx.db, self)


@implements("VM.set_VCPUs_at_startup")
async def set_vcpus_at_startup(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_VCPUs_at_startup"""
    assert_valid(ctx.db, self, "changing_VCPUs")
    if not 1 <= value <= ctx.db.get("VM", self, "VCPUs_max"):
        raise invalid_value("VCPUs_at_startup", value)
    ctx.db.set("VM", self, VCPUs_at_startup=value)


@implements("VM.set_VCPUs_number_live")
async def set_vcpus_number_live(ctx: Context, self: str, nvcpu: int) -> None:
    """XenAPI: VM.set_VCPUs_number_live"""
    uuid = ctx.db.get("VM", self, "uuid")
    async with holding(ctx, self, "changing_VCPUs_live"):
        if not 1 <= nvcpu <= ctx.db.get("VM", self, "VCPUs_max"):
            raise invalid_value("VCPU values must satisfy: 0 < VCPUs ≤ VCPUs_max", nvcpu)
        await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vm_set_vcpus(ctx.dbg, uuid, nvcpu))
        await ctx.app.xenops.sync(uuid)
        ctx.db.set("VM", self, VCPUs_at_startup=nvcpu)


@implements("VM.add_to_VCPUs_params_live")
async def add_to_vcpus_params_live(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VM.add_to_VCPUs_params_live"""
    async with holding(ctx, self, "changing_VCPUs_live"):
        before = ctx.db.get("VM", self, "VCPUs_params")
        ctx.db.set("VM", self, VCPUs_params=before | {key: value})
        try:
            await ctx.services.xenops.vm_add(ctx.dbg, xenops_push.vm_of(ctx.db, self))
        except BaseException:
            ctx.db.set("VM", self, VCPUs_params=before)
            raise
