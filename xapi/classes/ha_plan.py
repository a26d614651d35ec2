"""Questions about high availability that are answered by computing: what if hosts failed."""

from collections.abc import Mapping

from xapi import errors
from xapi.classes import vm_placement
from xapi.database.store import Store
from xapi.errors import XenAPIError, error, invalid_value
from xapi.planning import failover, memory
from xapi.planning.failover import Guest, Pool
from xapi.server.context import Context
from xapi.server.registry import implements

RESTART = "restart"
PRIORITIES = (RESTART, "best-effort", "")


def _is_protected(db: Store, vm: str) -> bool:
    row = db.row("VM", vm).values
    plain = not (row["is_a_template"] or row["is_a_snapshot"] or row["is_control_domain"])
    return plain and row["ha_restart_priority"] == RESTART and bool(row["ha_always_run"])


def _is_up(db: Store, host: str) -> bool:
    metrics = db.get("host", host, "metrics")
    return (
        bool(db.get("host", host, "enabled")) and db.exists("host_metrics", metrics) and db.get("host_metrics", metrics, "live")
    )


def _pool(db: Store, protected: Mapping[str, bool] | None = None) -> Pool:
    """Return hosts and protected VMs as the planner sees them; *protected* overrides whether VMs are."""
    wanted = {row.ref: _is_protected(db, row.ref) for row in db.rows("VM")} | dict(protected or {})
    guests = [_guest(db, vm) for vm, yes in wanted.items() if yes]
    return Pool({host: vm_placement.free_memory(db, host) for host in db.refs("host") if _is_up(db, host)}, guests)


def _guest(db: Store, vm: str) -> Guest:
    return Guest(vm, memory.needed_to_start(vm_placement.footprint(db, vm)), db.get("VM", vm, "resident_on"))


@implements("pool.ha_compute_max_host_failures_to_tolerate")
async def max_host_failures(ctx: Context) -> int:
    """XenAPI: pool.ha_compute_max_host_failures_to_tolerate."""
    return failover.most_failures(_pool(ctx.db))


@implements("pool.ha_compute_hypothetical_max_host_failures_to_tolerate")
async def hypothetical_max_host_failures(ctx: Context, configuration: dict[str, str]) -> int:
    """XenAPI: pool.ha_compute_hypothetical_max_host_failures_to_tolerate; only the VMs of *configuration* count.

    :raises XenAPIError: INVALID_VALUE for a priority that is none.
    """
    for vm, priority in configuration.items():
        ctx.db.row("VM", vm)
        if priority not in PRIORITIES:
            raise invalid_value("ha_restart_priority", priority)
    protected = {row.ref: configuration.get(row.ref) == RESTART for row in ctx.db.rows("VM")}
    return failover.most_failures(_pool(ctx.db, protected))


@implements("pool.ha_failover_plan_exists")
async def failover_plan_exists(ctx: Context, n: int) -> bool:
    """XenAPI: pool.ha_failover_plan_exists. :raises XenAPIError: INVALID_VALUE."""
    if n < 0:
        raise invalid_value("n", n)
    return failover.survives(_pool(ctx.db), n)


@implements("pool.ha_compute_vm_failover_plan")
async def vm_failover_plan(ctx: Context, failed_hosts: list[str], failed_vms: list[str]) -> dict[str, dict[str, str]]:
    """XenAPI: pool.ha_compute_vm_failover_plan: for each VM ``{"host": ref}`` or ``{"error_code": code, …}``."""
    db = ctx.db
    for host in failed_hosts:
        db.row("host", host)
    left = {host: room for host, room in _pool(db, {}).free.items() if host not in failed_hosts}
    plan = {}
    for guest in sorted((_guest(db, vm) for vm in failed_vms), key=lambda guest: -guest.size):
        fitting = [host for host, room in left.items() if room >= guest.size and _refusal(db, guest.ref, host) is None]
        if fitting:
            chosen = min(fitting, key=lambda host: left[host])
            left[chosen] -= guest.size
            plan[guest.ref] = {"host": chosen}
        else:
            reasons = [reason for host in left if (reason := _refusal(db, guest.ref, host)) is not None]
            plan[guest.ref] = {"error_code": (reasons[0] if reasons else errors.no_hosts_available()).code}
    return plan


def _refusal(db: Store, vm: str, host: str) -> XenAPIError | None:
    try:
        vm_placement.check_host(db, vm, host, check_memory=False)
    except XenAPIError as reason:
        return reason
    return None


@implements("pool.set_ha_host_failures_to_tolerate")
async def set_host_failures_to_tolerate(ctx: Context, self: str, value: int) -> None:
    """XenAPI: pool.set_ha_host_failures_to_tolerate.

    :raises XenAPIError: INVALID_VALUE; HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN while HA is on and too much is wanted.
    """
    row = ctx.db.row("pool", self).values
    if value < 0:
        raise invalid_value("ha_host_failures_to_tolerate", value)
    if row["ha_enabled"] and not row["ha_allow_overcommit"] and not failover.survives(_pool(ctx.db), value):
        raise error("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")
    ctx.db.set("pool", self, ha_host_failures_to_tolerate=value)


@implements("pool.ha_schedule_plan_recomputation")
async def schedule_plan_recomputation(ctx: Context) -> None:
    """XenAPI: pool.ha_schedule_plan_recomputation: what the plan is good for now is written at once."""
    for row in list(ctx.db.rows("pool")):
        if row.values["ha_enabled"]:
            reached = failover.most_failures(_pool(ctx.db))
            wanted = row.values["ha_host_failures_to_tolerate"]
            ctx.db.set("pool", row.ref, ha_plan_exists_for=min(reached, wanted), ha_overcommitted=reached < wanted)
