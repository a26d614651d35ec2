"""Snapshot schedules: what is refused, which snapshots are taken and dropped, and when the clock says so."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vm_copies, vm_settings, vmss
from xapi.errors import XenAPIError


async def policy(pool: Pool, **given: Any) -> str:
    fields = {"name_label": "nightly", "type": "snapshot", "frequency": "daily", "schedule": {}, "retained_snapshots": 2}
    return await vmss.create(pool.ctx(), fields | {"enabled": True} | given)


async def scheduled(pool: Pool, schedule: str) -> str:
    guest = await started(pool)
    await vm_settings.set_snapshot_schedule(pool.ctx(), guest, schedule)
    return guest


async def test_only_so_many_snapshots_are_kept_and_only_its_own_dropped(pool: Pool) -> None:
    nightly = await policy(pool)
    guest = await scheduled(pool, nightly)
    mine = await vm_copies.snapshot(pool.ctx(), guest, "mine", [])
    for _ in range(3):
        assert await vmss.snapshot_now(pool.ctx(), nightly) == "1"
    snapshots = pool.db.get("VM", guest, "snapshots")
    assert len(snapshots) == 3 and mine in snapshots
    assert sum(pool.db.get("VM", ref, "is_vmss_snapshot") for ref in snapshots) == 2
    assert len([row for row in pool.db.rows("VDI") if row.values["is_a_snapshot"]]) == 3
    assert pool.messages().count("VMSS_SNAPSHOT_SUCCEEDED") == 3
    assert pool.db.get("VMSS", nightly, "last_run_time") > "2020"


async def test_a_checkpoint_has_the_memory_of_those_that_run(pool: Pool) -> None:
    nightly = await policy(pool, type="checkpoint")
    running, halted = await scheduled(pool, nightly), await pool.vm(snapshot_schedule=nightly)
    await vmss.snapshot_now(pool.ctx(), nightly)
    (one,), (other,) = pool.db.get("VM", running, "snapshots"), pool.db.get("VM", halted, "snapshots")
    assert (pool.state(one), pool.state(other), pool.state(running)) == ("Suspended", "Halted", "Running")


async def test_the_others_are_snapshotted_though_one_fails(pool: Pool) -> None:
    nightly = await policy(pool)
    broken = await scheduled(pool, nightly)
    pool.storage.refuse["vdi_snapshot"] = RpcError("Backend_error", "SR_BACKEND_FAILURE_44", ["", "full", ""])
    diskless = await pool.vm(snapshot_schedule=nightly)
    with pytest.raises(XenAPIError) as failed:
        await vmss.snapshot_now(pool.ctx(), nightly)
    assert failed.value.description == ["OPERATION_PARTIALLY_FAILED", "VMSS.snapshot_now", broken]
    assert len(pool.db.get("VM", diskless, "snapshots")) == 1
    assert {"VMSS_SNAPSHOT_FAILED", "VMSS_SNAPSHOT_SUCCEEDED"} <= set(pool.messages())


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"type": "snapshot_with_quiesce"}, "VALUE_NOT_SUPPORTED"),
        ({"retained_snapshots": 0}, "INVALID_VALUE"),
        ({"retained_snapshots": 11}, "INVALID_VALUE"),
        ({"schedule": {"hour": "24"}}, "INVALID_VALUE"),
        ({"schedule": {"colour": "blue"}}, "INVALID_VALUE"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_not_made(pool: Pool, given: dict[str, Any], code: str) -> None:
    with pytest.raises(XenAPIError, match=code):
        await policy(pool, **given)
    assert pool.db.count("VMSS") == 0


async def test_settings_are_checked_and_completed(pool: Pool) -> None:
    nightly, ctx = await policy(pool), pool.ctx()
    await vmss.set_schedule(ctx, nightly, {"hour": "4"})
    assert pool.db.get("VMSS", nightly, "schedule") == {"min": "0", "hour": "4"}
    await vmss.set_frequency(ctx, nightly, "weekly")
    await vmss.remove_from_schedule(ctx, nightly, "days")
    await vmss.add_to_schedule(ctx, nightly, "days", "Tuesday,Friday")
    assert pool.db.get("VMSS", nightly, "schedule") == {"min": "0", "hour": "4", "days": "Tuesday,Friday"}
    await vmss.set_type(ctx, nightly, "checkpoint")
    await vmss.set_retained_snapshots(ctx, nightly, 10)
    for call, values in (
        (vmss.add_to_schedule, ("min", "7")),
        (vmss.set_type, ("snapshot_with_quiesce",)),
        (vmss.set_retained_snapshots, (0,)),
    ):
        with pytest.raises(XenAPIError):
            await call(ctx, nightly, *values)
    await vmss.set_frequency(ctx, nightly, "hourly")
    assert pool.db.get("VMSS", nightly, "schedule") == {"min": "0"}


async def test_a_policy_with_vms_is_not_destroyed(pool: Pool) -> None:
    nightly = await policy(pool)
    await scheduled(pool, nightly)
    with pytest.raises(XenAPIError, match="VMSS_HAS_VM"):
        await vmss.destroy(pool.ctx(), nightly)


async def test_enabled_policies_are_due_once_at_their_time(pool: Pool) -> None:
    hourly = await policy(pool, frequency="hourly", schedule={"min": "30"})
    await policy(pool, frequency="hourly", schedule={"min": "30"}, enabled=False)
    clock = datetime(2024, 5, 1, 10, 29, 40)
    minute = timedelta(minutes=1)
    assert [vmss.due(pool.ctx(), clock + n * minute, clock + (n + 1) * minute) for n in range(-1, 2)] == [[], [hourly], []]
