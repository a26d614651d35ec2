"""A start or a resume that an earlier xapi process did not live to finish: undone, so that the VM is as it was before.

The mark of one is ``scheduled_to_be_resident_on``: on disk before the domain is built, cleared when the store says what
became of it.
"""

import logging

from idl.rpc import RpcError, Unreachable
from idl.xenops import PowerState, Problem
from xapi.classes import vm_power
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.server.context import Context

log = logging.getLogger(__name__)


def is_cut_short(db: Store, vm: str, host: str) -> bool:
    """Whether the VM is marked as being brought up on *host* though nobody is doing so."""
    values = db.row("VM", vm).values
    return bool(values["scheduled_to_be_resident_on"] == host and not values["current_operations"])


async def undo(ctx: Context, vm: str) -> None:
    """Take down what was built of the VM. A guest that runs is left alone: its start had no more to do."""
    updates, uuid = ctx.app.xenops, ctx.db.get("VM", vm, "uuid")
    async with updates.quiet(uuid):
        try:
            if await _runs(ctx, uuid):
                await updates.write(uuid)
                await vm_power.drop_suspend_image(ctx, vm)
            ctx.db.set("VM", vm, scheduled_to_be_resident_on=NULL_REF)
        except Unreachable as reason:
            log.info("VM %s: what is left of its start is undone when the domain manager is back: %s", uuid, reason)
        except RpcError as error:
            log.warning("VM %s: what is left of its start cannot be undone: %s", uuid, error)
            await updates.write(uuid)


async def _runs(ctx: Context, uuid: str) -> bool:
    """Return whether the guest runs; where it does not, nothing of it is left afterwards."""
    xenops = ctx.services.xenops
    try:
        # Comes after what the earlier process began, and is refused where there is a domain.
        await xenops.vm_remove(ctx.dbg, uuid)
        return False
    except RpcError as error:
        if error.name != Problem.BAD_POWER_STATE:
            raise
    _, state = await xenops.vm_stat(ctx.dbg, uuid)
    if state.power_state is PowerState.RUNNING:
        return True
    log.info("VM %s: its start was cut short and is undone", uuid)
    await vm_power.dismantle(ctx, ctx.db.by_uuid("VM", uuid))
    return False
