"""Secure boot: a guest's UEFI variables, whether they are ready for it, and when its certificates are renewed."""

from xapi.classes import vm_lifecycle
from xapi.classes.vm_lifecycle import assert_valid
from xapi.errors import operation_not_allowed
from xapi.planning import secureboot
from xapi.server.context import Context
from xapi.server.registry import implements

_CERTIFICATES_STATE = {"yes": "update_available", "no": "ok"}


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


@implements("VM.set_NVRAM_EFI_variables")
async def set_nvram_efi_variables(ctx: Context, self: str, value: str, update: str) -> None:
    """XenAPI: VM.set_NVRAM_EFI_variables. Called for the running guest by what keeps its variables."""
    ctx.db.put_in_map("VM", self, "NVRAM", **{secureboot.VARIABLES: value})
    if update in _CERTIFICATES_STATE:
        ctx.db.set("VM", self, secureboot_certificates_state=_CERTIFICATES_STATE[update])


@implements("VM.set_uefi_mode")
async def set_uefi_mode(ctx: Context, self: str, mode: str) -> str:
    """XenAPI: VM.set_uefi_mode. The guest's variables are dropped: their absence is set-up mode."""
    vm_lifecycle.assert_halted(ctx.db, self)
    ctx.db.set("VM", self, NVRAM={})
    return f"UEFI variables were cleared; the guest starts in {mode} mode"


@implements("VM.get_secureboot_readiness")
async def get_secureboot_readiness(ctx: Context, self: str) -> str:
    """XenAPI: VM.get_secureboot_readiness"""
    row = ctx.db.row("VM", self).values
    return secureboot.readiness(row["HVM_boot_params"], row["platform"], row["NVRAM"])


@implements("VM.update_secureboot_certificates_on_boot")
async def update_secureboot_certificates_on_boot(ctx: Context, self: str, mark: bool) -> None:
    """XenAPI: VM.update_secureboot_certificates_on_boot"""
    before = "update_available" if mark else "update_on_boot"
    after = "update_on_boot" if mark else "update_available"
    state = ctx.db.get("VM", self, "secureboot_certificates_state")
    if state not in (before, after):
        raise operation_not_allowed("There are no newer secure boot certificates for this VM")
    ctx.db.set("VM", self, secureboot_certificates_state=after)
