"""VM settings that are more than a field: vCPUs, maps with rules, boot, actions, order and delays, blocked operations."""

from typing import Any, Final

from idl.rpc import RpcError
from xapi import errors
from xapi.classes import vm_placement, xenops_push
from xapi.classes.vm_lifecycle import assert_valid, bad_power_state, holding, is_live, is_null, refresh
from xapi.classes.xenops_records import domain_type
from xapi.errors import error, invalid_value, value_not_supported
from xapi.planning import memory
from xapi.planning.vm_operations import HALTED
from xapi.server.context import Context
from xapi.server.registry import implements


def _assert_halted(ctx: Context, vm: str) -> None:
    state = ctx.db.get("VM", vm, "power_state")
    if state != HALTED:
        raise bad_power_state(vm, HALTED, state)


def update_overhead(ctx: Context, vm: str) -> None:
    """Write what the VM costs beside its memory, after a setting it depends on has changed."""
    ctx.db.set("VM", vm, memory_overhead=memory.overhead(vm_placement.footprint(ctx.db, vm)))


# -- vCPUs --


@implements("VM.set_VCPUs_max")
async def set_vcpus_max(ctx: Context, self: str, value: int) -> None:
    """XenAPI: VM.set_VCPUs_max"""
    assert_valid(ctx.db, self, "changing_VCPUs")
    if value < max(1, ctx.db.get("VM", self, "VCPUs_at_startup")):
        raise invalid_value("VCPUs_max", value)
    ctx.db.set("VM", self, VCPUs_max=value)
    update_overhead(ctx, self)


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


# -- maps --


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


def _check_platform(ctx: Context, vm: str, platform: dict[str, str]) -> None:
    """:raises XenAPIError: VALUE_NOT_SUPPORTED, INVALID_VALUE for what no VM can boot with."""
    cores = platform.get("cores-per-socket", "1")
    if not cores.isdigit() or int(cores) < 1:
        raise value_not_supported("platform:cores-per-socket", cores, "value must be a whole number above 0")
    parallel = platform.get("parallel", "none")
    if parallel != "none" and not parallel.startswith("/dev/parport"):
        raise invalid_value("platform:parallel", parallel)
    row = ctx.db.row("VM", vm).values
    firmware, model = row["HVM_boot_params"].get("firmware", "bios"), platform.get("device-model", "")
    if (firmware, model) in (("uefi", "qemu-trad"), ("bios", "qemu-upstream-uefi")):
        raise invalid_value("platform:device-model", model)


@implements("VM.set_platform")
async def set_platform(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_platform"""
    _check_platform(ctx, self, value)
    ctx.db.set("VM", self, platform=value)


@implements("VM.add_to_platform")
async def add_to_platform(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VM.add_to_platform"""
    _check_platform(ctx, self, ctx.db.get("VM", self, "platform") | {key: value})
    ctx.db.add_to_map("VM", self, "platform", key, value)


@implements("VM.remove_from_platform")
async def remove_from_platform(ctx: Context, self: str, key: str) -> None:
    """XenAPI: VM.remove_from_platform"""
    ctx.db.remove_from_map("VM", self, "platform", key)


@implements("VM.set_NVRAM")
async def set_nvram(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_NVRAM"""
    assert_valid(ctx.db, self, "changing_NVRAM")
    ctx.db.set("VM", self, NVRAM=value)


@implements("VM.add_to_NVRAM")
async def add_to_nvram(ctx: Context, self: str, key: str, value: str) -> None:
    """XenAPI: VM.add_to_NVRAM"""
    assert_valid(ctx.db, self, "changing_NVRAM")
    ctx.db.add_to_map("VM", self, "NVRAM", key, value)


@implements("VM.remove_from_NVRAM")
async def remove_from_nvram(ctx: Context, self: str, key: str) -> None:
    """XenAPI: VM.remove_from_NVRAM"""
    assert_valid(ctx.db, self, "changing_NVRAM")
    ctx.db.remove_from_map("VM", self, "NVRAM", key)


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


_BIOS_KEYS: Final = frozenset(
    {
        "bios-vendor",
        "bios-version",
        "system-manufacturer",
        "system-product-name",
        "system-version",
        "system-serial-number",
        "enclosure-asset-tag",
        "baseboard-manufacturer",
        "baseboard-product-name",
        "baseboard-version",
        "baseboard-serial-number",
        "baseboard-asset-tag",
        "baseboard-location-in-chassis",
    }
)


@implements("VM.set_bios_strings")
async def set_bios_strings(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: VM.set_bios_strings. Once only: what a guest was installed with stays."""
    if ctx.db.get("VM", self, "bios_strings"):
        raise error("VM_BIOS_STRINGS_ALREADY_SET")
    for key, text in value.items():
        if key not in _BIOS_KEYS:
            raise invalid_value(key, "unknown key")
        if len(text) > 512 or not text.isascii() or not text.isprintable():
            raise invalid_value(key, text)
    ctx.db.set("VM", self, bios_strings=value)


@implements("VM.copy_bios_strings")
async def copy_bios_strings(ctx: Context, vm: str, host: str) -> None:
    """XenAPI: VM.copy_bios_strings"""
    if ctx.db.get("VM", vm, "bios_strings"):
        raise error("VM_BIOS_STRINGS_ALREADY_SET")
    ctx.db.set("VM", vm, bios_strings=ctx.db.get("host", host, "bios_strings"))


# -- boot --


@implements("VM.set_domain_type")
async def set_domain_type(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_domain_type"""
    _assert_halted(ctx, self)
    changes: dict[str, Any] = {"domain_type": value}
    # Older clients read the boot policy to know the type.
    policy = ctx.db.get("VM", self, "HVM_boot_policy")
    if value == "hvm" and not policy:
        changes["HVM_boot_policy"] = "BIOS order"
    elif value in ("pv", "pv_in_pvh", "pvh") and policy:
        changes["HVM_boot_policy"] = ""
    ctx.db.set("VM", self, **changes)
    ctx.db.set("VM", self, domain_type=domain_type(ctx.db.row("VM", self).values))
    update_overhead(ctx, self)


@implements("VM.set_HVM_boot_policy")
async def set_hvm_boot_policy(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_HVM_boot_policy"""
    _assert_halted(ctx, self)
    ctx.db.set("VM", self, HVM_boot_policy=value, domain_type="hvm" if value else "pv")
    update_overhead(ctx, self)


@implements("VM.set_HVM_shadow_multiplier")
async def set_hvm_shadow_multiplier(ctx: Context, self: str, value: float) -> None:
    """XenAPI: VM.set_HVM_shadow_multiplier"""
    assert_valid(ctx.db, self, "changing_shadow_memory")
    if value < 1.0:
        raise invalid_value("HVM_shadow_multiplier", value)
    ctx.db.set("VM", self, HVM_shadow_multiplier=value)
    update_overhead(ctx, self)


@implements("VM.set_has_vendor_device")
async def set_has_vendor_device(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: VM.set_has_vendor_device"""
    if ctx.db.get("VM", self, "has_vendor_device") != value:
        _assert_halted(ctx, self)
    ctx.db.set("VM", self, has_vendor_device=value)


@implements("VM.set_uefi_mode")
async def set_uefi_mode(ctx: Context, self: str, mode: str) -> str:
    """XenAPI: VM.set_uefi_mode. The guest's variables are dropped: their absence is set-up mode."""
    _assert_halted(ctx, self)
    ctx.db.set("VM", self, NVRAM={})
    return f"UEFI variables were cleared; the guest starts in {mode} mode"


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


# -- blocked operations --


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
        from_members(ctx, old)


def from_members(ctx: Context, appliance: str) -> None:
    """Recompute what an appliance allows after a VM left it."""
    for vm in ctx.db.get("VM_appliance", appliance, "VMs"):
        return refresh(ctx, vm)
    ctx.db.set("VM_appliance", appliance, allowed_operations=[])


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
    if not is_null(value):
        ctx.db.row("VMSS", value)
    ctx.db.set("VM", self, snapshot_schedule=value)
    refresh(ctx, self)


# -- keys and triggers --


@implements("VM.send_sysrq")
async def send_sysrq(ctx: Context, vm: str, key: str) -> None:
    """XenAPI: VM.send_sysrq"""
    async with holding(ctx, vm, "send_sysrq"):
        await ctx.services.xenops.vm_send_key(ctx.dbg, ctx.db.get("VM", vm, "uuid"), key)


@implements("VM.send_trigger")
async def send_trigger(ctx: Context, vm: str, trigger: str) -> None:
    """XenAPI: VM.send_trigger. Guests take none on this host."""
    assert_valid(ctx.db, vm, "send_trigger")
    raise RpcError("Unimplemented", f"VM.send_trigger {trigger}")
