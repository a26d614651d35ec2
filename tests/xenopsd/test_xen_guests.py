"""Real guests under real Xen: what a guest's life has. Runs in a dom0 (tests/xen takes these into the lab)."""

import asyncio
import os
import signal
import subprocess
import time

import pytest

from idl.xenops import Action, Hvm, HvmInfo, PowerState
from tests.xenopsd.lab import MIB, Session
from tests.xenopsd.xen_guest import XenGuest

pytestmark = pytest.mark.guest


def guest(session: Session) -> XenGuest:
    assert session.lab.guest is not None
    return session.lab.guest


async def with_disk(session: Session, **settings: object) -> str:
    """Return a VM with a disk and an interface."""
    vm = await session.new_vm(**settings)
    await session.add_disk(vm, await session.new_disk(size=64 * MIB))
    await session.add_nic(vm)
    return vm


async def xenstore(*arguments: str) -> str:
    done = await asyncio.to_thread(subprocess.run, ["xenstore-" + arguments[0], *arguments[1:]], capture_output=True, text=True)
    return done.stdout.strip()


async def test_a_pv_guest_works_speaks_and_powers_off_when_asked(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests, xsdata={"vm-data/colour": "grün", "other": "no"}, platformdata={"device_id": "0001"})
    (domid,) = (await xen_guests.run(vm)).domids
    home = f"/local/domain/{domid}"
    assert await xenstore("read", f"{home}/vm-data/colour") in ("grün", "gr\\xc3\\xbcn")
    assert await xenstore("read", f"{home}/platform/device_id") == "0001"
    assert await xenstore("read", f"{home}/domain-type") == "pv"
    async with xen_guests.serial(vm) as console:
        await console.ready()
        assert "written" in await console.ask("dd if=/dev/zero of=/dev/xvda bs=1M count=8 conv=fsync 2>/dev/null && echo written")
        assert await xen_guests.agent_says(vm, "data/os_name") == "Demo Linux"
        assert await xen_guests.agent_says(vm, "attr/vif/0/ipv4/0")
        state = await xen_guests.state(vm)
        assert state.guest_agent["control/feature-poweroff"] == "1"
        assert state.pv_drivers_detected
        (counters,) = await xen_guests.xenops.host_get_counters("test")
        assert counters.blocks[0].write_bytes >= 8 * MIB
        await xen_guests.finish(await xen_guests.xenops.vm_shutdown("test", vm, 120.0))
    state = await xen_guests.state(vm)
    assert (state.power_state, state.crashed) == (PowerState.HALTED, False)
    assert await xen_guests.storage.dp_list("test") == []
    assert await xenstore("exists", home) == ""
    assert await xenstore("list", f"/xapi/{vm}") == ""


async def test_its_own_reboot_becomes_a_new_domain_and_its_power_off_an_end(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests)
    (domid,) = (await xen_guests.run(vm)).domids
    async with xen_guests.serial(vm) as console:
        await console.ready()
        await console.say("reboot -f")
        state = await xen_guests.until(vm, PowerState.RUNNING, domid_not=domid)
    assert state.domids[0] > domid
    async with xen_guests.serial(vm) as console:
        await console.ready()
        await console.say("poweroff -f")
        state = await xen_guests.until(vm, PowerState.HALTED)
    assert not state.crashed


async def test_a_guest_that_crashes_at_once_is_not_started_again(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests, on_crash=[Action.START])
    await xen_guests.run(vm)
    async with xen_guests.serial(vm) as console:
        await console.ready()
        await console.say("echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger")
        state = await xen_guests.until(vm, PowerState.HALTED)
    assert state.crashed


async def test_it_does_not_notice_restarts_of_xenopsd_and_libvirtd(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests)
    before = await xen_guests.run(vm)
    async with xen_guests.serial(vm) as console:
        await console.ready()
    await xen_guests.restart_xenopsd()
    after = await xen_guests.state(vm)
    assert (after.power_state, after.domids) == (PowerState.RUNNING, before.domids)
    await asyncio.to_thread(subprocess.run, ["systemctl", "kill", "-s", "KILL", "libvirtd"], check=True)
    await xen_guests.finish(await xen_guests.xenops.vm_pause("test", vm))
    assert (await xen_guests.state(vm)).power_state is PowerState.PAUSED
    await xen_guests.finish(await xen_guests.xenops.vm_unpause("test", vm))
    async with xen_guests.serial(vm) as console:
        count = await console.counter()
        assert await console.counter() > count
        await console.say("poweroff -f")
        await xen_guests.until(vm, PowerState.HALTED)
    assert await xen_guests.storage.dp_list("test") == []


async def test_a_storage_daemon_that_dies_is_not_noticed(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests)
    await xen_guests.run(vm)
    async with xen_guests.serial(vm) as console:
        await console.ready()
        (pid_file,) = xen_guests.lab.root.run.glob("sm/dp/*/pid")
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        assert "written" in await console.ask("dd if=/dev/zero of=/dev/xvda bs=1M count=4 conv=fsync 2>/dev/null && echo written")


async def test_suspend_and_resume_go_on_where_it_was(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests)
    await xen_guests.run(vm)
    image = await xen_guests.new_disk(size=256 * MIB)
    async with xen_guests.serial(vm) as console:
        await console.ready()
        count = await console.counter()
        await xen_guests.finish(await xen_guests.xenops.vm_suspend("test", vm, image))
    assert (await xen_guests.state(vm)).power_state is PowerState.SUSPENDED
    assert await xen_guests.storage.dp_list("test") == []
    await xen_guests.finish(await xen_guests.xenops.vm_resume("test", vm, image))
    await xen_guests.finish(await xen_guests.xenops.vm_unpause("test", vm))
    async with xen_guests.serial(vm) as console:
        assert count < await console.counter() < count + 60


async def test_devices_memory_and_vcpus_change_while_it_runs(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests, vcpu_max=2, memory_dynamic_min=128 * MIB)
    await xen_guests.run(vm)
    async with xen_guests.serial(vm) as console:
        await console.ready()
        disk = await xen_guests.add_disk(vm, await xen_guests.new_disk(size=32 * MIB), "xvdb")
        await xen_guests.finish(await xen_guests.xenops.vbd_plug("test", disk))
        assert await console.ask("sleep 2; cat /sys/block/xvdb/size") == str(32 * MIB // 512)
        await xen_guests.finish(await xen_guests.xenops.vbd_unplug("test", disk))
        assert await console.ask("ls /sys/block | grep -c xvdb") == "0"

        nic = await xen_guests.add_nic(vm, 1)
        await xen_guests.finish(await xen_guests.xenops.vif_plug("test", nic))
        await console.expect(b"eth1 is 10.78.")
        await xen_guests.finish(await xen_guests.xenops.vif_set_carrier("test", nic, False))
        await xen_guests.finish(await xen_guests.xenops.vif_unplug("test", nic))

        assert await console.ask("cat /sys/devices/system/cpu/online") == "0"
        await xen_guests.finish(await xen_guests.xenops.vm_set_vcpus("test", vm, 2))
        assert await console.ask("sleep 3; echo 1 > /sys/devices/system/cpu/cpu1/online; cat /sys/devices/system/cpu/online") in (
            "0-1",
            "0,1",
        )

        before = int(await console.ask("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"))
        await xen_guests.finish(await xen_guests.xenops.vm_set_memory_dynamic_range("test", vm, 128 * MIB, 128 * MIB))
        deadline = time.monotonic() + 60
        while int(await console.ask("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo")) > before - 32 * 1024:
            assert time.monotonic() < deadline, "it did not give memory back"


async def test_a_pvh_guest_works(xen_guests: Session) -> None:
    vm = await with_disk(xen_guests, ty=guest(xen_guests).pvh())
    await xen_guests.run(vm)
    async with xen_guests.serial(vm) as console:
        await console.ready()
        assert await console.ask("cat /sys/block/xvda/size") == str(64 * MIB // 512)
        await xen_guests.finish(await xen_guests.xenops.vm_shutdown("test", vm, 120.0))


async def test_an_hvm_guest_boots_from_its_disk(xen_guests: Session, guest_image: object) -> None:
    vm = await xen_guests.demo_vm(guest_image, ty=Hvm(HvmInfo(boot_order="c")))  # type: ignore[arg-type]
    await xen_guests.add_nic(vm)
    state = await xen_guests.run(vm)
    assert {console.protocol for console in state.consoles} == {"Rfb", "Vt100"}
    async with xen_guests.serial(vm) as console:
        await console.ready()
        await xen_guests.finish(await xen_guests.xenops.vm_shutdown("test", vm, 120.0))
    assert (await xen_guests.state(vm)).power_state is PowerState.HALTED
