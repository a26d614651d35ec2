"""What reaches into a running guest: keys, triggers, data in its store, its agent."""

from xapi.classes import host, xenops_push
from xapi.classes.vm_lifecycle import assert_valid, holding, is_live
from xapi.errors import error, not_implemented, vm_lacks_feature
from xapi.server.context import Context
from xapi.server.registry import implements

AGENT_PLUGIN = "guest-agent-operation"
"""The one plugin that ``VM.call_plugin`` knows: it is answered by the agent inside of the guest."""


@implements("VM.send_sysrq")
async def send_sysrq(ctx: Context, vm: str, key: str) -> None:
    """XenAPI: VM.send_sysrq"""
    async with holding(ctx, vm, "send_sysrq"):
        await ctx.services.xenops.vm_send_key(ctx.dbg, ctx.db.get("VM", vm, "uuid"), key)


@implements("VM.send_trigger")
async def send_trigger(ctx: Context, vm: str, trigger: str) -> None:
    """XenAPI: VM.send_trigger. The domain manager offers none."""
    assert_valid(ctx.db, vm, "send_trigger")
    raise not_implemented(f"VM.send_trigger {trigger}")


@implements("VM.set_xenstore_data")
async def set_xenstore_data(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_xenstore_data. A running guest sees the keys that are meant for it at once."""
    before = ctx.db.get("VM", self, "xenstore_data")
    ctx.db.set("VM", self, xenstore_data=value)
    if not is_live(ctx.db, self):
        return
    uuid, record = ctx.db.get("VM", self, "uuid"), xenops_push.vm_of(ctx.db, self)
    try:
        await ctx.app.xenops.run_task(ctx, ctx.services.xenops.vm_set_xsdata(ctx.dbg, uuid, record.xsdata))
    except BaseException:
        ctx.db.set("VM", self, xenstore_data=before)
        raise


# -- its agent --


@implements("VM.call_plugin")
async def call_plugin(ctx: Context, vm: str, plugin: str, fn: str, args: dict[str, str]) -> str:
    """XenAPI: VM.call_plugin. Agents that take orders announce it; nothing carries orders to guests under this domain manager."""
    if plugin != AGENT_PLUGIN:
        raise error("XENAPI_MISSING_PLUGIN", plugin)
    assert_valid(ctx.db, vm, "call_plugin")
    raise vm_lacks_feature(vm)


@implements("VM.call_host_plugin")
async def call_host_plugin(ctx: Context, vm: str, plugin: str, fn: str, args: dict[str, str]) -> str:
    """XenAPI: VM.call_host_plugin. On the VM's host; the plugin learns the VM as ``vm_uuid``."""
    async with holding(ctx, vm, "call_plugin"):
        row = ctx.db.row("VM", vm).values
        return await host.call_plugin(ctx, row["resident_on"], plugin, fn, args | {"vm_uuid": row["uuid"]})


@implements("VM.sysprep")
async def sysprep(ctx: Context, self: str, unattend: str, timeout: float) -> None:
    """XenAPI: VM.sysprep. For Windows guests whose agent says that it can."""
    assert_valid(ctx.db, self, "sysprep")
    raise error("SYSPREP", self, "the guest's agent does not offer it")
