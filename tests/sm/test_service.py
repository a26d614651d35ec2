"""The whole service: a disk's life as xapi and xenopsd drive it."""

import asyncio
import uuid

import pytest

from idl.rpc import RpcError
from idl.storage import VdiInfo
from tests.sm.conftest import MIB, Host


async def test_a_new_disk_is_found_by_a_scan_and_gone_after_destroy(host: Host) -> None:
    vdi = await host.new_vdi(10_000_000, sm_config={"k": "v"}, name_description="über")
    disks, sr = await host.storage.sr_scan("test", host.sr)
    (found,) = disks
    assert (found.vdi, found.uuid, found.name_label, found.name_description) == (vdi, vdi, "disk", "über")
    assert found.virtual_size >= 10_000_000
    assert found.sm_config == {"k": "v"}
    assert sr.virtual_allocation == found.virtual_size
    assert sr.total_space > sr.free_space > 0
    await host.storage.vdi_destroy("test", host.sr, vdi)
    assert (await host.storage.sr_scan("test", host.sr))[0] == []


@pytest.mark.parametrize("sm_config", [{}, {"type": "raw"}])
async def test_what_a_guest_writes_is_there_after_detach_and_attach(host: Host, sm_config: dict[str, str]) -> None:
    vdi = await host.new_vdi(sm_config=sm_config)
    disk = await host.plug(vdi)
    await disk.fill(1, 0xAB)
    await host.unplug(vdi)
    assert await host.pattern(vdi) == [0, 0xAB, 0, 0]


async def test_attaching_twice_gives_the_same_answer_and_detach_leaves_nothing(host: Host) -> None:
    vdi = await host.new_vdi()
    first = await host.plug(vdi)
    assert await host.plug(vdi) == first
    (hold,) = await host.storage.dp_list("test")
    assert (hold.dp, hold.vdi, hold.vm, hold.read_write, hold.activated) == ("vbd/1/xvda", vdi, "1", True, True)
    await host.unplug(vdi)
    await host.unplug(vdi)
    assert await host.storage.dp_list("test") == []
    assert list(host.root.under("/var/run/nonpersistent/sm/dp").iterdir()) == []


async def test_a_snapshot_of_a_running_disk_keeps_what_was_there_while_the_guest_writes_on(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    snapshot = await host.snapshot(vdi)
    await disk.fill(1, 2)
    info = await host.info(snapshot)
    assert (info.is_a_snapshot, info.snapshot_of, info.read_only, info.name_label) == (True, vdi, True, "snap")
    assert await host.pattern(snapshot) == [1, 0, 0, 0]
    assert [await disk.byte_at(mib * MIB) for mib in range(3)] == [1, 2, 0]
    await host.unplug(vdi)
    assert await host.pattern(vdi) == [1, 2, 0, 0]
    assert await host.pattern(snapshot) == [1, 0, 0, 0]


@pytest.mark.parametrize("attached", [False, True])
async def test_a_clone_and_its_origin_are_independent(host: Host, attached: bool) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    if not attached:
        await host.unplug(vdi)
    clone = await host.clone(vdi)
    mine = await host.plug(vdi)
    theirs = await host.plug(clone, dp="vbd/2/xvda", vm="2")
    await mine.fill(1, 2)
    await theirs.fill(1, 3)
    await theirs.fill(2, 4)
    await host.unplug(vdi)
    await host.unplug(clone, dp="vbd/2/xvda")
    assert await host.pattern(vdi) == [1, 2, 0, 0]
    assert await host.pattern(clone) == [1, 3, 4, 0]
    hidden = [info for info in (await host.storage.sr_scan("test", host.sr))[0] if not info.managed]
    assert len(hidden) == 1


@pytest.mark.parametrize("attached", [False, True])
async def test_a_disk_grows_and_never_shrinks(host: Host, attached: bool) -> None:
    vdi = await host.new_vdi(4 * MIB)
    disk = await host.plug(vdi)
    await disk.fill(3, 7)
    if not attached:
        await host.unplug(vdi)
    assert await host.storage.vdi_resize("test", host.sr, vdi, 8 * MIB) == 8 * MIB
    disk = await host.plug(vdi)
    await disk.fill(7, 8)
    assert [await disk.byte_at(mib * MIB) for mib in (3, 7)] == [7, 8]
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_79"):
        await host.storage.vdi_resize("test", host.sr, vdi, 4 * MIB)
    assert (await host.info(vdi)).virtual_size == 8 * MIB


async def test_revert_gives_a_disk_its_snapshots_content_again(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    snapshot = await host.snapshot(vdi)
    await disk.fill(0, 2)
    with pytest.raises(RpcError, match="VDI_IN_USE"):
        await host.storage.vdi_revert("test", host.sr, vdi, snapshot)
    await host.unplug(vdi)
    await host.storage.vdi_revert("test", host.sr, vdi, snapshot)
    assert await host.pattern(vdi) == [1, 0, 0, 0]
    assert await host.pattern(snapshot) == [1, 0, 0, 0]


async def test_a_disk_that_is_not_persistent_forgets_what_a_domain_wrote(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    await host.unplug(vdi)
    for _boot in range(2):
        await host.storage.vdi_epoch_begin("test", host.sr, vdi, "1", False)
        disk = await host.plug(vdi)
        assert await disk.byte_at(MIB) == 0
        await disk.fill(1, 2)
        await host.unplug(vdi)
        await host.storage.vdi_epoch_end("test", host.sr, vdi, "1")


async def test_a_copy_to_another_sr_is_complete_and_independent(host: Host) -> None:
    other = str(uuid.uuid4())
    config = await host.storage.sr_create("test", other, "file", "other", "", {"location": "/srv/other"}, 0)
    await host.storage.sr_attach("test", other, "file", config)
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(2, 9)
    made = await host.storage.vdi_copy("test", host.sr, vdi, other, VdiInfo(vdi="", name_label="copy"))
    await disk.fill(2, 1)
    await host.unplug(vdi)
    await host.storage.vdi_destroy("test", host.sr, vdi)
    host.sr, first = other, host.sr
    assert await host.pattern(made.vdi) == [0, 0, 9, 0]
    assert made.name_label == "copy"
    host.sr = first


async def test_one_writer_at_a_time(host: Host) -> None:
    vdi = await host.new_vdi()
    await host.plug(vdi)
    with pytest.raises(RpcError, match="VDI_IN_USE"):
        await host.plug(vdi, dp="vbd/2/xvda", vm="2")
    await host.plug(vdi, dp="vbd/2/xvda", vm="2", read_write=False)
    await host.unplug(vdi)


async def test_a_disk_in_use_read_only_cannot_become_writable(host: Host) -> None:
    vdi = await host.new_vdi()
    await host.plug(vdi, read_write=False)
    with pytest.raises(RpcError, match="Illegal_transition"):
        await host.plug(vdi, dp="vbd/2/xvda", vm="2")
    with pytest.raises(RpcError, match="Illegal_transition"):
        await host.storage.vdi_detach("test", "vbd/1/xvda", host.sr, vdi, "1")


async def test_an_attached_disk_and_its_sr_stay(host: Host) -> None:
    vdi = await host.new_vdi()
    await host.plug(vdi)
    with pytest.raises(RpcError, match="VDI_IN_USE"):
        await host.storage.vdi_destroy("test", host.sr, vdi)
    with pytest.raises(RpcError, match="VDI_IN_USE"):
        await host.storage.sr_detach("test", host.sr)
    await host.storage.dp_destroy2("test", "vbd/1/xvda", host.sr, vdi, "1", False)
    with pytest.raises(RpcError, match="SR_NOT_EMPTY"):
        await host.storage.sr_destroy("test", host.sr)
    await host.storage.vdi_destroy("test", host.sr, vdi)
    await host.storage.sr_destroy("test", host.sr)
    with pytest.raises(RpcError, match="Sr_not_attached"):
        await host.storage.sr_stat("test", host.sr)


async def test_a_snapshot_cannot_be_written(host: Host) -> None:
    vdi = await host.new_vdi()
    snapshot = await host.snapshot(vdi)
    with pytest.raises(RpcError, match="VDI_READONLY"):
        await host.plug(snapshot)


async def test_unknown_things_have_their_errors(host: Host) -> None:
    nobody = str(uuid.uuid4())
    with pytest.raises(RpcError, match="Sr_not_attached"):
        await host.storage.sr_scan("test", nobody)
    for wrong in (nobody, "../../etc/passwd", ""):
        with pytest.raises(RpcError, match="Vdi_does_not_exist"):
            await host.storage.vdi_attach3("test", "dp", host.sr, wrong, "1", True)
    with pytest.raises(RpcError, match="SR_UNKNOWN_DRIVER"):
        await host.storage.sr_attach("test", nobody, "zfs", {})
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_94"):
        await host.storage.sr_attach("test", nobody, "file", {})
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_79"):
        await host.new_vdi(0)


async def test_a_missing_image_and_a_broken_one_are_told_apart(host: Host) -> None:
    gone, broken, healthy = [await host.new_vdi() for _ in range(3)]
    (host.directory / f"{gone}.qcow2").unlink()
    (host.directory / f"{broken}.qcow2").write_bytes(b"garbage")
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_46"):
        await host.plug(gone)
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_46"):
        await host.info(gone)
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_65"):
        await host.plug(broken)
    assert healthy in [info.vdi for info in (await host.storage.sr_scan("test", host.sr))[0]]
    for vdi in (gone, broken, healthy):
        await host.storage.vdi_destroy("test", host.sr, vdi)


async def test_a_foreign_image_that_reaches_out_of_the_sr_is_refused(host: Host) -> None:
    name = str(uuid.uuid4())
    process = await asyncio.create_subprocess_exec(
        "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw",
        str(host.directory / f"{name}.qcow2"), "1M",
    )  # fmt: skip
    assert await process.wait() == 0
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_65"):
        await host.plug(name, read_write=False)


async def test_isos_are_read_only_and_shared(host: Host) -> None:
    isos = host.root.under("/srv/isos")
    isos.mkdir(parents=True)
    (isos / "a disk, with blanks.ISO").write_bytes(b"\x05" * 4 * MIB)
    (isos / "notes.txt").write_text("not an image")
    host.sr = str(uuid.uuid4())
    await host.storage.sr_attach("test", host.sr, "iso", {"location": "/srv/isos", "legacy_mode": "true"})
    (info,) = (await host.storage.sr_scan("test", host.sr))[0]
    assert (info.vdi, info.virtual_size, info.read_only) == ("a disk, with blanks.ISO", 4 * MIB, True)
    with pytest.raises(RpcError, match="VDI_READONLY"):
        await host.plug(info.vdi)
    await host.plug(info.vdi, dp="vbd/1/xvdd", read_write=False)
    disk = await host.plug(info.vdi, dp="vbd/2/xvdd", read_write=False)
    assert await disk.byte_at(0) == 5
    await host.unplug(info.vdi, dp="vbd/1/xvdd")
    await host.unplug(info.vdi, dp="vbd/2/xvdd")


async def test_every_driver_says_what_it_can_do(host: Host) -> None:
    drivers = {driver.driver: driver for driver in await host.storage.drivers("test")}
    assert {"file", "iso", "dummy"} <= drivers.keys()
    assert "VDI_SNAPSHOT" in drivers["file"].features
    assert "VDI_CREATE" not in drivers["iso"].features
