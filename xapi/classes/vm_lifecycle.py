"""What a VM may do now: the rules' facts read from the store, ``allowed_operations`` kept up to date, operations held.

Also what happens to a VM's row when its domain is gone. Which rules there are is said in `xapi.planning.vm_operations`.
"""

from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from idl.rpc import RpcError, Unreachable
from xapi import errors
from xapi.classes import device_operations
from xapi.classes.message import send
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.planning import simple_operations, vm_operations
from xapi.planning.vm_operations import HALTED, LIVE, VmFacts
from xapi.server.context import Context
from xapi.server.operations import QUICK_PATIENCE, operation


def is_null(ref: str) -> bool:
    return ref in ("", NULL_REF)


def _set(ref: str) -> str | None:
    return None if is_null(ref) else ref


def facts(db: Store, vm: str) -> VmFacts:
    """Return what the rules need to know about *vm*."""
    values = db.row("VM", vm).values
    platform = values["platform"]
    metrics = _row(db, "VM_metrics", values["metrics"])
    moves = metrics or {"nomigrate": _true(platform, "nomigrate"), "nested_virt": _true(platform, "nested-virt")}
    announced = (_row(db, "VM_guest_metrics", values["guest_metrics"]) or {"other": {}})["other"]
    disks = [_row(db, "VDI", db.row("VBD", vbd).values["VDI"]) for vbd in values["VBDs"]]
    resetting = [disk for disk in disks if disk is not None and disk["on_boot"] == "reset"]
    pool: dict[str, str] = next((row.values["other_config"] for row in db.rows("pool")), {})
    return VmFacts(
        ref=vm,
        power_state=values["power_state"],
        current=values["current_operations"],
        blocked=values["blocked_operations"],
        is_template=values["is_a_template"],
        is_default_template=values["is_default_template"],
        is_snapshot=values["is_a_snapshot"],
        is_control_domain=values["is_control_domain"],
        is_dom0=values["is_control_domain"] and values["domid"] == 0,
        immobile=moves["nomigrate"],
        nested_virt=moves["nested_virt"],
        features=announced if any(key.startswith("feature-") for key in announced) else None,
        cant_suspend=announced.get("data-cant-suspend-reason"),
        resets_on_boot=bool(resetting),
        caches_reset_disk=any(disk["allow_caching"] for disk in resetting),
        has_pci=bool(values["attached_PCIs"]),
        has_vgpu=bool(values["VGPUs"]),
        has_vusb=bool(values["VUSBs"]),
        has_vtpm=bool(values["VTPMs"]),
        appliance=_set(values["appliance"]),
        protection_policy=_set(values["protection_policy"]),
        snapshot_schedule=_set(values["snapshot_schedule"]),
        is_system_domain=values["other_config"].get("is_system_domain") == "true",
        clone_suspended=pool.get("allow_clone_suspended_vm") == "true",
        rolling_upgrade="rolling_upgrade_in_progress" in pool,
    )


def _row(db: Store, table: str, ref: str) -> dict[str, Any] | None:
    return db.row(table, ref).values if db.exists(table, ref) else None


def _true(platform: dict[str, str], key: str) -> bool:
    return platform.get(key, "").lower() in ("true", "1")


def refresh(ctx: Context, vm: str) -> None:
    """Recompute ``allowed_operations`` of a VM and of its appliance."""
    db = ctx.db
    if not db.exists("VM", vm):
        return
    db.set("VM", vm, allowed_operations=vm_operations.allowed(facts(db, vm)))
    appliance = db.get("VM", vm, "appliance")
    if db.exists("VM_appliance", appliance):
        refresh_appliance(db, appliance)


def refresh_appliance(db: Store, appliance: str) -> None:
    """Recompute an appliance's ``allowed_operations``: those that at least one of its VMs is in the state for."""
    states = {db.get("VM", vm, "power_state") for vm in db.get("VM_appliance", appliance, "VMs")}
    current = db.get("VM_appliance", appliance, "current_operations")
    db.set("VM_appliance", appliance, allowed_operations=simple_operations.appliance_allowed(states, current))


def refresh_with_devices(ctx: Context, vm: str) -> None:
    """As `refresh`, for the VM's disks and network interfaces too."""
    refresh(ctx, vm)
    for cls, field in (("VBD", "VBDs"), ("VIF", "VIFs")):
        for device in ctx.db.get("VM", vm, field):
            device_operations.refresh(ctx, cls, device)


def assert_valid(db: Store, vm: str, name: str, strict: bool = True) -> None:
    """:raises XenAPIError: the VM does not allow operation *name* now."""
    vm_operations.assert_valid(facts(db, vm), name, strict)


def holding(
    ctx: Context, vm: str, name: str, *, strict: bool = True, patience: float = QUICK_PATIENCE
) -> AbstractAsyncContextManager[None]:
    """Hold operation *name* on a VM while the block runs."""
    return operation(
        ctx,
        "VM",
        vm,
        name,
        lambda: assert_valid(ctx.db, vm, name, strict),
        lambda: refresh(ctx, vm),
        patience,
    )


def is_live(db: Store, vm: str) -> bool:
    return db.get("VM", vm, "power_state") in LIVE


def assert_halted(db: Store, vm: str) -> None:
    """:raises XenAPIError: VM_BAD_POWER_STATE."""
    state = db.get("VM", vm, "power_state")
    if state != HALTED:
        raise bad_power_state(vm, HALTED, state)


def left_host(ctx: Context, vm: str, power_state: str, *, keep_place: bool = False) -> None:
    """Write that a VM's domain is gone: Halted, or Suspended (*keep_place*: for a moment only, it stays on its host)."""
    db = ctx.db
    changes: dict[str, Any] = {"power_state": power_state}
    if power_state == HALTED:
        guidances = [g for g in db.get("VM", vm, "pending_guidances") if g not in ("restart_device_model", "restart_vm")]
        changes |= {"requires_reboot": False, "pending_guidances": guidances}
        detach_devices(db, vm)
    if not keep_place:
        changes |= {"resident_on": NULL_REF, "scheduled_to_be_resident_on": NULL_REF, "domid": -1}
    db.set("VM", vm, **changes)
    refresh_with_devices(ctx, vm)


def detach_devices(db: Store, vm: str) -> None:
    """Write that nothing of the VM is attached."""
    for cls, field in (("VBD", "VBDs"), ("VIF", "VIFs")):
        for device in db.get("VM", vm, field):
            db.set(cls, device, currently_attached=False, reserved=False, current_operations={})


def current_operations(db: Store, vm: str) -> Sequence[str]:
    return list(db.get("VM", vm, "current_operations").values())


def tell(ctx: Context, name: str, vm: str, done: str) -> None:
    """Send the alert *name* about a VM; *done* says what happened to it ("has started")."""
    uuid, label = ctx.db.get("VM", vm, "uuid"), ctx.db.get("VM", vm, "name_label")
    send(ctx, name, cls="VM", uuid=uuid, body=f"VM '{label}' {done}")


def bad_power_state(vm: str, expected: str, found: str) -> XenAPIError:
    return errors.vm_bad_power_state(vm, expected.lower(), found.lower())


async def quietly(call: Awaitable[None]) -> None:
    """Await what a VM does not depend on (its metrics, say): a daemon's refusal or absence is no error."""
    with suppress(RpcError, Unreachable):
        await call
