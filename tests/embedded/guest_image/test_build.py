"""The demo guest boots from its own disk and behaves as a guest should."""

from pathlib import Path

import pytest

from embedded.guest_image.build import GuestImage
from tests.embedded.plain_qemu import booted

NIC = ("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:01:02:03")


def test_the_image_is_small(guest_image: GuestImage) -> None:
    assert guest_image.raw.stat().st_size < 40e6
    assert guest_image.qcow2.stat().st_size < 20e6
    assert guest_image.iso.read_bytes()[0x8001:0x8006] == b"CD001"


@pytest.mark.guest
@pytest.mark.parametrize("machine", ["pc", "q35"])
async def test_it_boots_counts_and_powers_off_when_told(guest_image: GuestImage, tmp_path: Path, machine: str) -> None:
    async with booted(guest_image.qcow2, tmp_path, machine, *NIC) as guest:
        await guest.expect("boot 1 of this disk")
        await guest.expect(r"eth0 is 10\.77\.2\.3")
        await guest.expect("counter 0\r\n")
        await guest.expect("counter 1\r\n")
        await guest.type("ls /sys/block; cat /data/boots")
        await guest.expect("vda\r\n1\r\n")
        await guest.type("poweroff")
        await guest.expect("Power down")
        assert await guest.ended() == 0


@pytest.mark.guest
async def test_the_power_button_shuts_it_down_cleanly(guest_image: GuestImage, tmp_path: Path) -> None:
    async with booted(guest_image.qcow2, tmp_path, "pc") as guest:
        await guest.expect("counter 0")
        await guest.qmp.execute("system_powerdown")
        await guest.expect("power button")
        await guest.expect("Power down")
        assert await guest.ended() == 0


@pytest.mark.guest
async def test_a_disk_and_a_nic_are_noticed_while_it_runs(guest_image: GuestImage, tmp_path: Path) -> None:
    async with booted(guest_image.qcow2, tmp_path, "pc", "-netdev", "user,id=n0") as guest:
        await guest.expect("counter 0")
        disk = {"driver": "null-co", "node-name": "disk", "size": 1 << 20, "read-zeroes": True}
        await guest.qmp.execute("blockdev-add", disk)
        await guest.qmp.execute("device_add", {"driver": "virtio-blk-pci", "id": "d", "drive": "disk"})
        nic = {"driver": "virtio-net-pci", "id": "n", "netdev": "n0", "mac": "52:54:00:00:0a:0b"}
        await guest.qmp.execute("device_add", nic)
        await guest.expect(r"eth0 is 10\.77\.10\.11")
        await guest.type("dd if=/dev/vdb of=/dev/null bs=64k 2>&1")
        await guest.expect(r"16\+0 records in")
        await guest.qmp.execute("device_del", {"id": "d"})
        await guest.type("while [ -e /sys/block/vdb ]; do sleep 1; done; echo it is $((1+1)) gone")
        await guest.expect("it is 2 gone")
