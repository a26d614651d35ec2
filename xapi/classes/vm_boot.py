"""What a VM boots with: kind of domain, firmware, platform keys, BIOS strings."""

from typing import Any, Final

from xapi.classes import vm_lifecycle, vm_placement
from xapi.classes.vm_lifecycle import assert_valid
from xapi.classes.xenops_records import domain_type
from xapi.errors import error, invalid_value, value_not_supported
from xapi.planning import memory
from xapi.server.context import Context
from xapi.server.registry import implements


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


# -- kind of domain --


@implements("VM.set_domain_type")
async def set_domain_type(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_domain_type"""
    vm_lifecycle.assert_halted(ctx.db, self)
    changes: dict[str, Any] = {"domain_type": value}
    # Older clients read the boot policy to know the type.
    policy = ctx.db.get("VM", self, "HVM_boot_policy")
    if value == "hvm" and not policy:
        changes["HVM_boot_policy"] = "BIOS order"
    elif value in ("pv", "pv_in_pvh", "pvh") and policy:
        changes["HVM_boot_policy"] = ""
    ctx.db.set("VM", self, **changes)
    ctx.db.set("VM", self, domain_type=domain_type(ctx.db.row("VM", self).values))
    vm_placement.update_overhead(ctx.db, self)


@implements("VM.set_HVM_boot_policy")
async def set_hvm_boot_policy(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VM.set_HVM_boot_policy"""
    vm_lifecycle.assert_halted(ctx.db, self)
    ctx.db.set("VM", self, HVM_boot_policy=value, domain_type="hvm" if value else "pv")
    vm_placement.update_overhead(ctx.db, self)


@implements("VM.set_HVM_shadow_multiplier")
async def set_hvm_shadow_multiplier(ctx: Context, self: str, value: float) -> None:
    """XenAPI: VM.set_HVM_shadow_multiplier"""
    assert_valid(ctx.db, self, "changing_shadow_memory")
    if not 1.0 <= value <= memory.LARGEST_SHADOW_MULTIPLIER:
        raise invalid_value("HVM_shadow_multiplier", value)
    ctx.db.set("VM", self, HVM_shadow_multiplier=value)
    vm_placement.update_overhead(ctx.db, self)


@implements("VM.set_has_vendor_device")
async def set_has_vendor_device(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: VM.set_has_vendor_device"""
    if ctx.db.get("VM", self, "has_vendor_device") != value:
        vm_lifecycle.assert_halted(ctx.db, self)
    ctx.db.set("VM", self, has_vendor_device=value)
