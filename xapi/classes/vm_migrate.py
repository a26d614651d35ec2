"""Moving a running VM to another host of its pool.

The embedded driver moves it by suspending it to storage that both hosts reach and resuming it there: the guest goes on
where it was, but stands still meanwhile, so it is not called live. The VM is under one operation (``pool_migrate``)
throughout; if the other host cannot take it, it is brought back where it was.
"""

import logging
from collections.abc import Mapping

from xapi import errors
from xapi.classes import vm_lifecycle, vm_placement
from xapi.classes.vm_lifecycle import holding, tell
from xapi.classes.vm_suspend import restore, save
from xapi.database.store import Store
from xapi.errors import XenAPIError, error
from xapi.planning.vm_operations import RUNNING, SUSPENDED
from xapi.pool.calls import through_coordinator
from xapi.server.context import Context
from xapi.server.registry import implements

log = logging.getLogger(__name__)


def _meeting_place(db: Store, vm: str, hosts: set[str]) -> str:
    """Return a repository that all *hosts* reach, for the VM's memory. :raises XenAPIError: VM_NO_SUSPEND_SR."""
    preferred: list[str] = [db.get("VM", vm, "suspend_SR"), *(pool.values["suspend_image_SR"] for pool in db.rows("pool"))]
    known = [ref for ref in preferred if db.exists("SR", ref)] + db.where("SR", shared=True, content_type="user")
    for sr in known:
        pbds = [db.row("PBD", pbd).values for pbd in db.get("SR", sr, "PBDs")]
        if hosts <= {pbd["host"] for pbd in pbds if pbd["currently_attached"]}:
            return str(sr)
    raise error("VM_NO_SUSPEND_SR", vm)


def check_move(db: Store, vm: str, host: str) -> str:
    """Return where the VM's memory can meet *host*. :raises XenAPIError: why the VM cannot go there."""
    state = db.get("VM", vm, "power_state")
    if state != RUNNING:
        raise vm_lifecycle.bad_power_state(vm, RUNNING, state)
    vm_placement.check_host(db, vm, host)
    return _meeting_place(db, vm, {db.get("VM", vm, "resident_on"), host})


@implements("VM.pool_migrate")
async def pool_migrate(ctx: Context, vm: str, host: str, options: dict[str, str]) -> None:
    """XenAPI: VM.pool_migrate, on the host where the VM runs.

    :raises XenAPIError: VM_BAD_POWER_STATE, VM_REQUIRES_SR, VM_REQUIRES_NETWORK, HOST_DISABLED …: as for a start there;
        VM_NO_SUSPEND_SR where the two hosts share no storage.
    """
    if ctx.db.get("VM", vm, "resident_on") == host:
        return
    async with holding(ctx, vm, "pool_migrate"):
        meeting = check_move(ctx.db, vm, host)
        async with vm_placement.reserved(ctx, vm, host):
            await save(ctx, vm, meeting)
            ctx.progress(0.5)
            try:
                await through_coordinator(ctx, "VM.pool_migrate_complete", vm, host)
            except XenAPIError as reason:
                log.warning("VM %s does not arrive, it goes on here: %s", ctx.db.get("VM", vm, "uuid"), reason)
                if ctx.db.get("VM", vm, "power_state") == SUSPENDED:
                    await restore(ctx, vm, start_paused=False)
                raise
        tell(ctx, "VM_MIGRATED", vm, "was moved to another host")


@implements("VM.pool_migrate_complete")
async def pool_migrate_complete(ctx: Context, vm: str, host: str) -> None:
    """XenAPI: VM.pool_migrate_complete: on the host that takes the VM, under the operation of the one that sends it.

    :raises XenAPIError: OPERATION_NOT_ALLOWED where nobody sends it.
    """
    if "pool_migrate" not in ctx.db.get("VM", vm, "current_operations").values():
        raise errors.operation_not_allowed("the VM is not being moved")
    await restore(ctx, vm, start_paused=False)


@implements("VM.assert_can_migrate")
async def assert_can_migrate(
    ctx: Context,
    vm: str,
    dest: Mapping[str, str],
    live: bool,
    vdi_map: dict[str, str],
    vif_map: dict[str, str],
    options: dict[str, str],
    vgpu_map: dict[str, str],
) -> None:
    """XenAPI: VM.assert_can_migrate, within the pool. :raises XenAPIError: NOT_IMPLEMENTED for other pools' hosts."""
    host = dest.get("host", "")
    if not ctx.db.exists("host", host) or vdi_map or vif_map:
        raise errors.not_implemented("VM.assert_can_migrate across pools")
    check_move(ctx.db, vm, host)
