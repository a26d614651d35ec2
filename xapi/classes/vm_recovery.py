"""Whether VMs and appliances could be brought up in another pool: which storage they need, and what is missing there."""

from xapi import errors
from xapi.classes.vm_copies import own_disks
from xapi.classes.vm_lifecycle import is_null
from xapi.database.store import Store
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements


def _required(db: Store, vms: list[str]) -> list[str]:
    """Return the repositories that the VMs' disks are in, each once."""
    return list(dict.fromkeys(db.get("VDI", disk, "SR") for vm in vms for disk in own_disks(db, vm)))


def _assert_there(ctx: Context, vms: list[str], session_to: str) -> None:
    """:raises XenAPIError: VM_REQUIRES_SR for the first repository that is attached to no host."""
    ctx.app.sessions.check(session_to)
    for vm in vms:
        for sr in _required(ctx.db, [vm]):
            if not any(ctx.db.get("PBD", pbd, "currently_attached") for pbd in ctx.db.get("SR", sr, "PBDs")):
                raise errors.vm_requires_sr(vm, sr)


@implements("VM.get_SRs_required_for_recovery")
async def get_srs_required(ctx: Context, self: str, session_to: str) -> list[str]:
    """XenAPI: VM.get_SRs_required_for_recovery"""
    ctx.app.sessions.check(session_to)
    return _required(ctx.db, [self])


@implements("VM.assert_can_be_recovered")
async def assert_can_be_recovered(ctx: Context, self: str, session_to: str) -> None:
    """XenAPI: VM.assert_can_be_recovered"""
    appliance = ctx.db.get("VM", self, "appliance")
    if not is_null(appliance):
        raise error("VM_IS_PART_OF_AN_APPLIANCE", self, appliance)
    _assert_there(ctx, [self], session_to)


@implements("VM_appliance.get_SRs_required_for_recovery")
async def get_srs_required_by_appliance(ctx: Context, self: str, session_to: str) -> list[str]:
    """XenAPI: VM_appliance.get_SRs_required_for_recovery"""
    ctx.app.sessions.check(session_to)
    return _required(ctx.db, ctx.db.get("VM_appliance", self, "VMs"))


@implements("VM_appliance.assert_can_be_recovered")
async def assert_appliance_can_be_recovered(ctx: Context, self: str, session_to: str) -> None:
    """XenAPI: VM_appliance.assert_can_be_recovered"""
    _assert_there(ctx, ctx.db.get("VM_appliance", self, "VMs"), session_to)
