"""What happens in guests by itself, and when the domain manager comes and goes, is seen in the store."""

import asyncio

import pytest

from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vm_power, xenops_events
from xapi.database.schema import NULL_REF


async def settle(pool: Pool) -> None:
    """Wait until every update told so far is written."""
    for _ in range(50):
        await asyncio.sleep(0)
    pending = [job for job in pool.app.jobs if job.get_name().startswith("sync")]
    if pending:
        await asyncio.wait(pending, timeout=5)


async def test_a_guest_that_powers_off_is_halted_with_a_message(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.guest_ends(pool.uuid(vm))
    await pool.becomes(vm, "Halted")
    await settle(pool)
    assert pool.messages()[-1] == "VM_SHUTDOWN"
    assert pool.xenops.vms == {}


async def test_a_crashed_guest_says_so(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.guest_ends(pool.uuid(vm), crashed=True)
    await pool.becomes(vm, "Halted")
    assert pool.messages()[-1] == "VM_CRASHED"
    assert pool.db.refs("console") == []


async def test_a_guest_that_reboots_gets_its_new_domain_and_a_message(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.guest_reboots(pool.uuid(vm))
    await pool.app.watch.until(vm, lambda: pool.db.get("VM", vm, "domid") == 2, 5)
    assert pool.messages()[-1] == "VM_REBOOTED"


async def test_what_the_agent_says_is_in_guest_metrics(pool: Pool) -> None:
    vm = await started(pool)
    pool.xenops.agent_says(pool.uuid(vm), **{"attr/vif/0/ipv4/0": "192.0.2.7", "data/os_name": "Debian"})
    await pool.app.watch.until(vm, lambda: pool.db.exists("VM_guest_metrics", pool.db.get("VM", vm, "guest_metrics")), 5)
    metrics = pool.db.record("VM_guest_metrics", pool.db.get("VM", vm, "guest_metrics"))
    assert metrics["networks"] == {"0/ip": "192.0.2.7", "0/ipv4/0": "192.0.2.7"}
    assert metrics["os_version"] == {"name": "Debian"} and metrics["live"]
    await vm_power.hard_shutdown(pool.ctx(), vm)
    assert not pool.db.get("VM_guest_metrics", pool.db.get("VM", vm, "guest_metrics"), "live")


async def test_a_vm_that_ended_while_the_domain_manager_was_away_is_halted(pool: Pool) -> None:
    vm = await started(pool)
    other = await started(pool)
    pool.xenops.die()
    del pool.xenops.vms[pool.uuid(vm)], pool.xenops.states[pool.uuid(vm)]
    pool.xenops.restart()
    await pool.becomes(vm, "Halted")
    await settle(pool)
    assert pool.state(other) == "Running"


async def test_after_our_own_restart_running_vms_are_found_again(pool: Pool) -> None:
    vm = await started(pool)
    pool.db.set("VM", vm, power_state="Halted", domid=-1)
    await xenops_events.connect(pool.app).resync()
    assert pool.state(vm) == "Running" and pool.db.get("VM", vm, "domid") == 1


async def test_domains_nobody_knows_are_left_alone(pool: Pool) -> None:
    vm = await started(pool)
    uuid = pool.uuid(vm)
    pool.db.destroy("VM", vm)
    await xenops_events.connect(pool.app).resync()
    assert uuid in pool.xenops.vms


async def killed_in_a_start(pool: Pool, power_state: str, *, after: str) -> str:
    """Return a VM as a xapi leaves it that is killed in the middle of its start, or its resume."""
    vm = await pool.vm()
    uuid, xenops = pool.uuid(vm), pool.xenops
    await vm_power.start(pool.ctx(), vm, True, False)
    if after == "unpause":
        await pool.app.xenops.run_task(pool.ctx(), xenops.vm_unpause("test", uuid))
    await pool.stop()
    host = pool.app.localhost
    pool.db.set("VM", vm, power_state=power_state, domid=-1, resident_on=NULL_REF, scheduled_to_be_resident_on=host)
    return vm


@pytest.mark.parametrize("before", ["Halted", "Suspended"])
async def test_a_start_that_our_death_cut_short_is_undone(pool: Pool, before: str) -> None:
    vm = await killed_in_a_start(pool, before, after="build")
    await pool.meet_xenopsd()
    await pool.app.watch.until(vm, lambda: pool.db.get("VM", vm, "scheduled_to_be_resident_on") == NULL_REF, 5)
    assert pool.state(vm) == before
    assert pool.xenops.vms == {}


async def test_a_guest_that_ran_when_our_death_cut_its_start_short_goes_on(pool: Pool) -> None:
    vm = await killed_in_a_start(pool, "Halted", after="unpause")
    await pool.meet_xenopsd()
    await pool.becomes(vm, "Running")
    assert pool.db.get("VM", vm, "domid") == 1
    assert pool.db.get("VM", vm, "scheduled_to_be_resident_on") == NULL_REF
