"""XenAPI classes pool_update, pool_patch and host_patch: records of updates of the old kinds, as an imported database has them.

None is installed here any more: what remains is to see them, and to be rid of them. Beside them: whether the pool is in a
state to be updated.
"""

from xapi.classes.host import assert_here
from xapi.database.store import Store
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements

APPLIED = "/var/update/applied"


@implements("host.emergency_clear_mandatory_guidance")
async def emergency_clear_mandatory_guidance(ctx: Context) -> None:
    """XenAPI: host.emergency_clear_mandatory_guidance."""
    ctx.db.set("host", ctx.app.localhost, pending_guidances=[])


@implements("pool.check_update_readiness")
async def check_update_readiness(ctx: Context, self: str, requires_reboot: bool) -> list[list[str]]:
    """XenAPI: pool.check_update_readiness: why updates could not be installed now, as errors' codes and parameters."""
    db, reasons = ctx.db, []
    if db.get("pool", self, "ha_enabled"):
        reasons.append(["HA_IS_ENABLED"])
    hosts = db.refs("host")
    live = [host for host in hosts if _is_live(db, host)]
    reasons += [["HOST_OFFLINE", host] for host in hosts if host not in live]
    if requires_reboot:
        for host in live:
            guests = [vm for vm in db.get("host", host, "resident_VMs") if not db.get("VM", vm, "is_control_domain")]
            if guests and len(live) == 1:
                reasons += [["VM_BAD_POWER_STATE", vm, "halted", db.get("VM", vm, "power_state").lower()] for vm in guests]
    return reasons


def _is_live(db: Store, host: str) -> bool:
    metrics = db.get("host", host, "metrics")
    return db.exists("host_metrics", metrics) and bool(db.get("host_metrics", metrics, "live"))


@implements("pool_update.destroy")
async def destroy_update(ctx: Context, self: str) -> None:
    """XenAPI: pool_update.destroy. :raises XenAPIError: UPDATE_IS_APPLIED."""
    if ctx.db.get("pool_update", self, "hosts"):
        raise error("UPDATE_IS_APPLIED")
    for patch in ctx.db.where("pool_patch", pool_update=self):
        _forget_patch(ctx.db, patch)
    ctx.db.destroy("pool_update", self)


@implements("pool_update.pool_clean")
async def clean_update(ctx: Context, self: str) -> None:
    """XenAPI: pool_update.pool_clean: there are no files; without hosts that have it the record goes too."""
    if not ctx.db.get("pool_update", self, "hosts"):
        await destroy_update(ctx, self)


@implements("pool_update.resync_host")
async def resync_host(ctx: Context, host: str) -> None:
    """XenAPI: pool_update.resync_host: by the names in ``/var/update/applied``."""
    assert_here(ctx, host)
    directory = ctx.app.root.under(APPLIED)
    installed = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    known = {row.values["uuid"]: row.ref for row in ctx.db.rows("pool_update")}
    ctx.db.set("host", host, updates=[ref for uuid, ref in known.items() if uuid in installed])


def _forget_patch(db: Store, patch: str) -> None:
    for share in list(db.get("pool_patch", patch, "host_patches")):
        db.destroy("host_patch", share)
    db.destroy("pool_patch", patch)


@implements("pool_patch.destroy")
async def destroy_patch(ctx: Context, self: str) -> None:
    """XenAPI: pool_patch.destroy. :raises XenAPIError: PATCH_IS_APPLIED."""
    row = ctx.db.row("pool_patch", self).values
    if row["pool_applied"] or any(ctx.db.get("host_patch", share, "applied") for share in row["host_patches"]):
        raise error("PATCH_IS_APPLIED")
    _forget_patch(ctx.db, self)


@implements("pool_patch.clean", "pool_patch.pool_clean")
async def clean_patch(ctx: Context, self: str) -> None:
    """XenAPI: pool_patch.clean, pool_patch.pool_clean: there are no files."""
    ctx.db.row("pool_patch", self)


@implements("pool_patch.clean_on_host")
async def clean_patch_on_host(ctx: Context, self: str, host: str) -> None:
    """XenAPI: pool_patch.clean_on_host: there are no files."""
    ctx.db.row("pool_patch", self)
    assert_here(ctx, host)


@implements("host_patch.destroy")
async def destroy_host_patch(ctx: Context, self: str) -> None:
    """XenAPI: host_patch.destroy. :raises XenAPIError: PATCH_IS_APPLIED."""
    row = ctx.db.row("host_patch", self).values
    if row["applied"]:
        raise error("PATCH_IS_APPLIED")
    ctx.db.destroy("host_patch", self)
