"""Killing is safe: the service, the process that serves a disk, a full disk, a crash between two steps."""

import asyncio
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from idl.rpc import RpcError
from idl.storage import VdiInfo
from sm import chains
from sm.drivers.base import Idle
from sm.drivers.directory import DirectoryRepository
from tests.sm.conftest import MIB, Disk, Host


def serving_pid(host: Host) -> int:
    (pid_file,) = host.root.under("/var/run/nonpersistent/sm/dp").glob("*/pid")
    return int(pid_file.read_text())


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits for the machine's init to fetch its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def eventually_readable(disk: Disk, offset: int, within: float = 20) -> int:
    deadline = time.monotonic() + within
    while True:
        try:
            return await disk.byte_at(offset)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def test_a_disk_is_served_on_while_the_service_is_killed_and_started_again(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    pid = serving_pid(host)
    host.kill()
    await disk.fill(0, 1)
    host.start()
    assert [hold.vdi for hold in await host.storage.dp_list("test")] == [vdi]
    assert serving_pid(host) == pid
    await disk.fill(1, 2)
    snapshot = await host.snapshot(vdi)
    await host.unplug(vdi)
    assert ended(pid)
    assert await host.pattern(snapshot) == [1, 2, 0, 0]


async def test_a_killed_storage_daemon_is_started_again_at_the_same_address(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    pid = serving_pid(host)
    os.kill(pid, signal.SIGKILL)
    assert await eventually_readable(disk, 0) == 1
    assert serving_pid(host) != pid


async def test_a_storage_daemon_that_died_while_the_service_was_away_is_started_again(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    await disk.fill(0, 1)
    host.kill()
    os.kill(serving_pid(host), signal.SIGKILL)
    host.start()
    await host.storage.query("test")
    assert await disk.byte_at(0) == 1
    await host.unplug(vdi)


async def test_the_services_own_attachments_do_not_survive_it(host: Host) -> None:
    vdi = await host.new_vdi(4 * MIB)

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await finish.wait()
        writer.close()

    connected, finish = asyncio.Event(), asyncio.Event()
    path = str(host.root.path / "peer")
    async with await asyncio.start_unix_server(never_read, path):
        export = asyncio.create_task(host.storage.vdi_export("test", host.sr, vdi, "raw", "", path))
        await connected.wait()
        host.kill()
        with pytest.raises(ConnectionError):
            await export
        host.start()
        assert await host.storage.dp_list("test") == []
        finish.set()
    assert list(host.root.under("/var/run/nonpersistent/sm/dp").iterdir()) == []
    await host.storage.vdi_destroy("test", host.sr, vdi)


async def test_the_collector_shortens_the_chain_when_snapshots_go(host: Host) -> None:
    vdi = await host.new_vdi()
    disk = await host.plug(vdi)
    snapshots = []
    for mib in range(4):
        await disk.fill(mib, mib + 1)
        snapshots.append(await host.snapshot(vdi))
    assert len(host.images()) == 5
    for snapshot in snapshots:
        await host.storage.vdi_destroy("test", host.sr, snapshot)
    # While a guest writes, the image it writes to stays on top of one other.
    await settled(host, 2)
    assert [await disk.byte_at(mib * MIB) for mib in range(4)] == [1, 2, 3, 4]
    await disk.fill(3, 9)
    await host.unplug(vdi)
    await settled(host, 1)
    assert await host.pattern(vdi) == [1, 2, 3, 9]
    await host.storage.vdi_destroy("test", host.sr, vdi)
    await settled(host, 0)


async def settled(host: Host, images: int) -> None:
    """Wait until the collector has left so many images."""
    deadline = time.monotonic() + 30
    while len(host.images()) != images:
        assert time.monotonic() < deadline, host.images()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("operation", ["snapshot", "clone", "revert"])
@pytest.mark.parametrize("prefix", range(6))
async def test_after_a_crash_between_any_two_steps_every_disk_reads_what_it_read(
    tmp_path: Path, operation: str, prefix: int
) -> None:
    vdi, old, made = (str(uuid.uuid4()) for _ in range(3))
    repository = DirectoryRepository("sr", tmp_path)
    await repository.create(VdiInfo(vdi="", uuid=vdi, virtual_size=MIB))
    write(tmp_path / f"{vdi}.qcow2", 1)
    old = (await repository.snapshot(VdiInfo(vdi=vdi), Idle())).vdi
    write(await top(repository, vdi), 2)

    contents = await repository._read()
    tree = contents.tree(frozenset())
    match operation:
        case "snapshot":
            steps = chains.snapshot(tree, vdi, made, "new.qcow2", read_only=False)
        case "clone":
            steps = chains.clone(tree, vdi, made, f"{made}.qcow2", "new.qcow2", read_only=False)
        case _:
            steps = chains.revert(tree, vdi, old, "new.qcow2")
    await repository._apply(steps[:prefix], {made: VdiInfo(vdi=made)})

    again = DirectoryRepository("sr", tmp_path)
    again.clean()
    while await again.collect(NoAttachments()):
        pass
    complete = prefix >= len(steps)
    reverted = operation == "revert" and complete
    assert read(await top(again, vdi)) == (1 if reverted else 2)
    assert read(await top(again, old)) == 1
    shown = {info.vdi for info in await again.scan() if info.managed}
    assert shown == ({vdi, old, made} if complete and operation != "revert" else {vdi, old})
    if made in shown:
        assert read(await top(again, made)) == 2
    for disk in shown:
        await again.destroy_vdi(disk)
    while await again.collect(NoAttachments()):
        pass
    assert list(tmp_path.iterdir()) == []


class NoAttachments:
    def open_disks(self) -> dict[str, bool]:
        return {}

    def live(self, vdi: str) -> Idle:
        raise AssertionError


async def top(repository: DirectoryRepository, vdi: str) -> Path:
    opened = await repository.open(vdi)
    return opened.chain[-1].path


def write(path: Path, byte: int) -> None:
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -P {byte} 0 64k", str(path)], check=True, stdout=subprocess.DEVNULL)


def read(path: Path) -> int:
    output = subprocess.run(
        ["qemu-io", "-r", "-f", "qcow2", "-c", "read -v 0 16", str(path)], check=True, capture_output=True, text=True
    ).stdout
    return int(output.split()[1], 16)


@pytest.fixture
def small_disk(host: Host) -> Iterator[Path]:
    """A file system of 8 MiB at /srv/small under the host's root."""
    where = host.root.under("/srv/small")
    where.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], check=True)
    yield where
    host.stop()
    subprocess.run(["umount", "--lazy", str(where)], check=True)


async def test_a_full_disk_under_the_sr_is_said_and_leaves_nothing(host: Host, small_disk: Path) -> None:
    host.sr = str(uuid.uuid4())
    await host.storage.sr_attach("test", host.sr, "file", {"location": "/srv/small"})
    vdi = await host.new_vdi(64 * MIB)
    (small_disk / "ballast").write_bytes(bytes(small_disk_free(small_disk)))
    before = sorted(small_disk.iterdir())
    for attempt in (host.new_vdi(), host.snapshot(vdi), host.clone(vdi)):
        with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_44"):
            await attempt
    assert sorted(small_disk.iterdir()) == before
    (small_disk / "ballast").unlink()
    assert await host.pattern(vdi) == [0, 0, 0, 0]


async def test_a_copy_and_an_import_that_do_not_fit_are_undone(host: Host, small_disk: Path) -> None:
    from tests.sm.test_transfer import send

    small = str(uuid.uuid4())
    await host.storage.sr_attach("test", small, "file", {"location": "/srv/small"})
    big = await host.new_vdi(16 * MIB)
    await send(host, big, os.urandom(16 * MIB), "raw")
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_44"):
        await host.storage.vdi_copy("test", host.sr, big, small, VdiInfo(vdi=""))
    assert (await host.storage.sr_scan("test", small))[0] == []
    host.sr = small
    vdi = await host.new_vdi(16 * MIB)
    for stream_format in ("raw", "qcow2"):
        with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_44"):
            await send(host, vdi, os.urandom(16 * MIB), stream_format)
    assert list(small_disk.glob("*.tmp")) == []


def small_disk_free(path: Path) -> int:
    space = os.statvfs(path)
    return space.f_bavail * space.f_frsize
