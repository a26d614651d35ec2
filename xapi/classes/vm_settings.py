"""VM settings that are more than a field: what happens at its end, order and delays, protection, memberships."""

from xapi import errors
from xapi.classes.vm_lifecycle import is_live, is_null, refresh, refresh_appliance
from xapi.classes.xenops_records import domain_type
from xapi.errors import error, invalid_value, value_not_supported
from xapi.server.context import Context
from xapi.server.registry import implements

# -- actions, order, delays --


@implements("VM.set_actions_after_crash")
async def set_actions_after_crash(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_actions_after_crash"""
    row = ctx.db.row("VM", self).values
    if value == "rename_restart":
        raise value_not_supported("actions_after_crash", value, "use restart instead")
    if value.startswith("coredump") and domain_type(row) in ("hvm", "pvh"):
        raise value_not_supported("actions_after_crash", value, "dumps are made of paravirtualised guests only")
    ctx.db.set("VM", self, actions_after_crash=value)


def _check_not_negative(field: str, value: int) -> None:
    if value < 0:
        raise invalid_value(field, value)


@implements("VM.set_start_delay")
async def set_start_delay(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_start_delay, seconds"""
    _check_not_negative("start_delay", value)
    ctx.db.set("VM", self, start_delay=value)


@implements("VM.set_shutdown_delay")
async def set_shutdown_delay(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_shutdown_delay, seconds"""
    _check_not_negative("shutdown_delay", value)
    ctx.db.set("VM", self, shutdown_delay=value)


@implements("VM.set_order")
async def set_order(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_order"""
    _check_not_negative("order", value)
    ctx.db.set("VM", self, order=value)


@implements("VM.set_ha_restart_priority")
async def set_ha_restart_priority(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_ha_restart_priority"""
    if value not in ("restart", "best-effort", ""):
        raise invalid_value("ha_restart_priority", value)
    live = is_live(ctx.db, self)
    ctx.db.set("VM", self, ha_restart_priority=value, ha_always_run=value == "restart" and live)


@implements("VM.set_ha_always_run")
async def set_ha_always_run(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: VM.set_ha_always_run. Deprecated: says whether the VM is to be restarted."""
    ctx.db.set("VM", self, ha_always_run=value)


# -- maps that decide about operations --


@implements("VM.set_other_config")
async def set_other_config(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_other_config"""
    ctx.db.set("VM", self, other_config=value)
    refresh(ctx, self)


@implements("VM.add_to_other_config")
async def add_to_other_config(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VM.add_to_other_config"""
    ctx.db.add_to_map("VM", self, "other_config", key, value)
    refresh(ctx, self)


@implements("VM.remove_from_other_config")
async def remove_from_other_config(ctx: Context, self: str, key: str) -> None:
    """XenAPI: VM.remove_from_other_config"""
    ctx.db.remove_from_map("VM", self, "other_config", key)
    refresh(ctx, self)


@implements("VM.set_blocked_operations")
async def set_blocked_operations(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_blocked_operations"""
    ctx.db.set("VM", self, blocked_operations=value)
    refresh(ctx, self)


@implements("VM.add_to_blocked_operations")
async def add_to_blocked_operations(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VM.add_to_blocked_operations"""
    ctx.db.add_to_map("VM", self, "blocked_operations", key, value)
    refresh(ctx, self)


@implements("VM.remove_from_blocked_operations")
async def remove_from_blocked_operations(ctx: Context, self: str, key: str) -> None:
    """XenAPI: VM.remove_from_blocked_operations"""
    ctx.db.remove_from_map("VM", self, "blocked_operations", key)
    refresh(ctx, self)


# -- memberships --


@implements("VM.set_appliance")
async def set_appliance(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_appliance"""
    if ctx.db.get("VM", self, "is_a_template") or ctx.db.get("VM", self, "is_control_domain"):
        raise errors.operation_not_allowed("Only ordinary VMs can be part of an appliance")
    old = ctx.db.get("VM", self, "appliance")
    if not is_null(value):
        ctx.db.row("VM_appliance", value)
    ctx.db.set("VM", self, appliance=value)
    refresh(ctx, self)
    if ctx.db.exists("VM_appliance", old):
        refresh_appliance(ctx.db, old)


@implements("VM.set_groups")
async def set_groups(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: VM.set_groups. At most one."""
    if ctx.db.get("VM", self, "is_a_template") or ctx.db.get("VM", self, "is_control_domain"):
        raise errors.operation_not_allowed("Only ordinary VMs can be part of a group")
    if len(value) > 1:
        raise error("TOO_MANY_GROUPS")
    for group in value:
        ctx.db.row("VM_group", group)
    ctx.db.set("VM", self, groups=value)


@implements("VM.set_snapshot_schedule")
async def set_snapshot_schedule(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_snapshot_schedule"""
    if ctx.db.get("VM", self, "is_a_template") or ctx.db.get("VM", self, "is_control_domain"):
        raise errors.operation_not_allowed("Only ordinary VMs can have a snapshot schedule")
    if not is_null(value):
        ctx.db.row("VMSS", value)
    ctx.db.set("VM", self, snapshot_schedule=value)
    refresh(ctx, self)
