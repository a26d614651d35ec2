"""Real guests under QEMU: from a disk of the storage service, on a bridge, through everything a guest's life has."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from embedded.guest_image.build import GuestImage
from idl.rpc import RpcError
from idl.xenops import Action, PowerState
from tests.xenopsd.lab import BRIDGE, MIB, Session

pytestmark = pytest.mark.guest


async def test_it_boots_from_its_disk_and_powers_off_when_asked(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        started = time.monotonic()
        await guests.finish(await guests.xenops.vm_shutdown("test", vm, 60.0))
        assert time.monotonic() - started < 9
    state = await guests.state(vm)
    assert (state.power_state, state.crashed, state.domids) == (PowerState.HALTED, False, [])
    assert await guests.storage.dp_list("test") == []


async def test_its_own_reboot_becomes_a_new_domain(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    (domid,) = (await guests.run(vm)).domids
    async with guests.serial(vm) as console:
        await console.ready()
        await console.say("reboot -f")
        state = await guests.until(vm, PowerState.RUNNING, domid_not=domid)
    assert state.domids[0] > domid
    async with guests.serial(vm) as console:
        await console.ready()


async def test_its_own_power_off_is_shown_within_a_second(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        await console.say("poweroff -f")
        await console.expect(b"Power down")
        started = time.monotonic()
        state = await guests.until(vm, PowerState.HALTED)
        assert time.monotonic() - started < 1.0
    assert not state.crashed


async def test_a_killed_emulator_is_a_crash_and_not_started_again(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image, on_crash=[Action.START])
    await guests.run(vm)
    (pid,) = guests.lab.emulators()
    started = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    state = await guests.until(vm, PowerState.HALTED)
    assert state.crashed
    assert time.monotonic() - started < 2.0
    assert await guests.storage.dp_list("test") == []


async def test_it_does_not_notice_that_xenopsd_is_killed(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    before = await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        count = await console.counter()
        await guests.restart_xenopsd()
        after = await guests.state(vm)
        assert (after.power_state, after.domids) == (PowerState.RUNNING, before.domids)
        assert await console.counter() > count
        await guests.finish(await guests.xenops.vm_shutdown("test", vm, 60.0))
    assert (await guests.state(vm)).power_state is PowerState.HALTED


async def test_an_end_while_xenopsd_is_away_is_noticed_at_its_start(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    (pid,) = guests.lab.emulators()
    guests.lab.kill()
    os.kill(pid, signal.SIGKILL)
    await guests.restart_xenopsd()
    await guests.until(vm, PowerState.HALTED)
    assert await guests.storage.dp_list("test") == []


async def test_suspend_and_resume_go_on_where_it_was(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.add_nic(vm)
    await guests.run(vm)
    image = await guests.new_disk(size=256 * MIB)
    async with guests.serial(vm) as console:
        await console.ready()
        count = await console.counter()
        await guests.finish(await guests.xenops.vm_suspend("test", vm, image))
    assert (await guests.state(vm)).power_state is PowerState.SUSPENDED
    assert await guests.storage.dp_list("test") == []
    await guests.restart_xenopsd()
    assert (await guests.state(vm)).power_state is PowerState.SUSPENDED
    await guests.finish(await guests.xenops.vm_resume("test", vm, image))
    assert (await guests.state(vm)).power_state is PowerState.PAUSED
    await guests.finish(await guests.xenops.vm_unpause("test", vm))
    async with guests.serial(vm) as console:
        assert count < await console.counter() < count + 30


async def test_a_suspend_image_that_does_not_fit_leaves_the_guest_running(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        count = await console.counter()
    with pytest.raises(RpcError, match="IO_error"):
        await guests.finish(await guests.xenops.vm_suspend("test", vm, await guests.new_disk(size=1 * MIB)))
    assert (await guests.state(vm)).power_state is PowerState.RUNNING
    async with guests.serial(vm) as console:
        assert await console.counter() > count


async def test_disks_and_interfaces_come_and_go_while_it_runs(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        disk = await guests.add_disk(vm, await guests.new_disk(size=32 * MIB), "xvdb")
        await guests.finish(await guests.xenops.vbd_plug("test", disk))
        assert (await guests.xenops.vbd_stat("test", disk))[1].plugged
        assert await console.ask("sleep 1; cat /sys/block/vdb/size") == str(32 * MIB // 512)
        await guests.finish(await guests.xenops.vbd_unplug("test", disk))
        assert not (await guests.xenops.vbd_stat("test", disk))[1].plugged
        assert await console.ask("ls /sys/block | grep -c vdb") == "0"

        nic = await guests.add_nic(vm, 1)
        await guests.finish(await guests.xenops.vif_plug("test", nic))
        await console.expect(b"eth0 is 10.77.")
        await guests.finish(await guests.xenops.vif_set_carrier("test", nic, False))
        assert await console.ask("sleep 1; cat /sys/class/net/eth0/carrier") == "0"
        await guests.finish(await guests.xenops.vif_unplug("test", nic))
        assert await console.ask("ls /sys/class/net | grep -c eth0") == "0"


async def test_a_cd_is_inserted_and_ejected(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    drive = await guests.add_disk(vm, None, "xvdd", ty="CDROM", mode="ReadOnly")
    await guests.run(vm)
    async with guests.serial(vm) as console:
        await console.ready()
        await guests.finish(await guests.xenops.vbd_insert("test", drive, await guests.new_disk(guest_image.iso)))
        assert "demo guest" in await console.ask("mount -r /dev/sr0 /mnt && cat /mnt/readme.txt; umount /mnt")
        await guests.finish(await guests.xenops.vbd_eject("test", drive))
        assert (await guests.xenops.vbd_stat("test", drive))[0].backend is None


async def test_two_guests_ping_each_other_over_the_bridge(guests: Session, guest_image: GuestImage) -> None:
    vms = [await guests.demo_vm(guest_image) for _ in range(2)]
    for vm in vms:
        await guests.add_nic(vm)
        await guests.run(vm)
    async with guests.serial(vms[0]) as one, guests.serial(vms[1]) as other:
        await one.expect(b"eth0 is ")
        address = (await one.expect(b"\r\n")).decode()
        await one.ready()
        await other.ready()
        assert " 0% packet loss" in await other.ask(f"ping -c 3 -W 5 {address}")
    counters = {counted.id: counted for counted in await guests.xenops.host_get_counters("test")}
    (net,) = counters[vms[1]].nets
    assert net.device == "0"
    assert net.tx_bytes >= 3 * 98
    assert counters[vms[0]].vcpu_seconds[0] > 0
    assert counters[vms[0]].blocks[0].read_bytes > MIB


async def test_nothing_is_left_outside_the_root(guests: Session, guest_image: GuestImage) -> None:
    vm = await guests.demo_vm(guest_image)
    await guests.run(vm)
    (pid,) = guests.lab.emulators()
    links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    written = [link for link in links if link.startswith("/") and not link.startswith(("/dev/", "/proc/", "/usr/"))]
    assert all(link.startswith(str(guests.lab.root.path)) for link in written), written
    assert BRIDGE not in [name for _, name in socket.if_nameindex()]
