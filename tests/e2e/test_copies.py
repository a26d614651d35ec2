"""Copies of a real guest, and going back to them: what its disk and its memory say afterwards."""

from collections.abc import Iterator

import pytest

from tests.e2e.embedded_host import Api, EmbeddedHost
from tests.e2e.guests import MIB, NULL, Guest, at_shell, destroy_guest, disks_of, make_guest

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def guest(host: EmbeddedHost, golden: str, network: str) -> Iterator[Guest]:
    """A guest that may have two vCPUs and balloons between 128 and 192 MiB."""
    with host.session() as api:
        guest = make_guest(api, "copied", golden, network)
        api.xenapi.VM.set_VCPUs_max(guest.ref, "2")
        api.xenapi.VM.set_memory_limits(guest.ref, *(str(size * MIB) for size in (64, 192, 128, 192)))
    yield guest
    with host.session() as api:
        for snapshot in api.xenapi.VM.get_snapshots(guest.ref):
            discard(api, snapshot)
        destroy_guest(api, guest)


@pytest.fixture
def running(api: Api, guest: Guest) -> Guest:
    guest.ensure(api, "Running")
    return guest


def discard(api: Api, snapshot: str) -> None:
    disks = [*disks_of(api, snapshot), api.xenapi.VM.get_suspend_VDI(snapshot)]
    api.xenapi.VM.destroy(snapshot)
    for disk in disks:
        if disk != NULL:
            api.xenapi.VDI.destroy(disk)


def test_a_clone_and_a_copy_of_a_snapshot_boot_beside_the_original(api: Api, running: Guest) -> None:
    with at_shell(api, running) as line:
        line.run("echo original >/data/whose; sync")
    snapshot = api.xenapi.VM.snapshot(running.ref, "seed")
    for ref in (api.xenapi.VM.clone(snapshot, "clone"), api.xenapi.VM.copy(snapshot, "copy", NULL)):
        twin = Guest(ref, api.xenapi.VM.get_uuid(ref))
        api.xenapi.VM.provision(twin.ref)
        twin.ensure(api, "Running")
        with at_shell(api, twin) as line:
            assert line.run("cat /data/whose") == "original\n"
            line.run("echo twin >/data/whose; sync")
        destroy_guest(api, twin)
    with at_shell(api, running) as line:
        assert line.run("cat /data/whose") == "original\n"
    discard(api, snapshot)


def test_a_revert_brings_the_old_content_back_into_the_same_disk(api: Api, running: Guest) -> None:
    with at_shell(api, running) as line:
        line.run("echo old >/data/state; sync")
    disks, snapshot = disks_of(api, running.ref), api.xenapi.VM.snapshot(running.ref, "before")
    with at_shell(api, running) as line:
        line.run("echo new >/data/state; sync")
    api.xenapi.VM.revert(snapshot)
    assert (running.state(api), disks_of(api, running.ref)) == ("Halted", disks)
    running.ensure(api, "Running")
    with at_shell(api, running) as line:
        assert line.run("cat /data/state") == "old\n"
    discard(api, snapshot)


def test_a_checkpoint_brings_the_memory_back_though_vcpus_were_plugged(api: Api, running: Guest) -> None:
    api.xenapi.VM.set_VCPUs_number_live(running.ref, "2")
    with at_shell(api, running) as line:
        line.run("echo then >/run/in-memory")
    checkpoint = api.xenapi.VM.checkpoint(running.ref, "with memory")
    assert (running.state(api), api.xenapi.VM.get_power_state(checkpoint)) == ("Running", "Suspended")
    with at_shell(api, running) as line:
        line.run("echo now >/run/in-memory")
    api.xenapi.VM.revert(checkpoint)
    assert running.state(api) == "Suspended"
    api.xenapi.VM.resume(running.ref, False, False)
    with at_shell(api, running) as line:
        assert line.run("cat /run/in-memory") == "then\n"
    discard(api, checkpoint)


def test_the_emulator_is_restarted_and_the_guest_goes_on(api: Api, host: EmbeddedHost, running: Guest) -> None:
    before = host.process_of(running.uuid)
    with at_shell(api, running) as line:
        line.run("echo kept >/run/in-memory")
    api.xenapi.VM.restart_device_models(running.ref)
    assert before != host.process_of(running.uuid)
    with at_shell(api, running) as line:
        assert line.run("cat /run/in-memory") == "kept\n"


def test_memory_of_a_running_guest_shrinks_to_its_target(api: Api, running: Guest) -> None:
    with at_shell(api, running):
        # The balloon's driver is there once the shell is.
        api.xenapi.VM.set_memory_dynamic_range(running.ref, str(128 * MIB), str(128 * MIB))
        api.xenapi.VM.wait_memory_target_live(running.ref)
    metrics = api.xenapi.VM.get_metrics(running.ref)
    assert abs(int(api.xenapi.VM_metrics.get_memory_actual(metrics)) - 128 * MIB) <= MIB


def test_a_schedule_keeps_its_newest_snapshots(api: Api, running: Guest) -> None:
    record = {
        "name_label": "hourly", "name_description": "", "enabled": True, "type": "snapshot", "retained_snapshots": "1",
        "frequency": "hourly", "schedule": {"min": "0"},
    }  # fmt: skip
    schedule = api.xenapi.VMSS.create(record)
    api.xenapi.VM.set_snapshot_schedule(running.ref, schedule)
    disks = len(api.xenapi.VDI.get_all())
    for _ in range(2):
        assert api.xenapi.VMSS.snapshot_now(schedule) == "1"
    [kept] = api.xenapi.VM.get_snapshots(running.ref)
    assert len(api.xenapi.VDI.get_all()) == disks + 1
    api.xenapi.VM.set_snapshot_schedule(running.ref, NULL)
    api.xenapi.VMSS.destroy(schedule)
    discard(api, kept)
