"""Snapshots asked for through xenstore: a store in memory, a fake xapi, the real watcher."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from idl.paths import Root
from snapwatchd import store
from snapwatchd.service import Watcher
from tests.idl.fake_xapi import FakeXapi, serving

REPOSITORY = Path(__file__).parents[2]
VM = "01234567-89ab-cdef-0123-456789abcdef"
TREE = f"/vss/{VM}"


class MemoryStore:
    """A xenstore in memory."""

    def __init__(self) -> None:
        self.nodes: dict[str, str] = {}
        self._changes: asyncio.Queue[str] = asyncio.Queue()
        self._answers: asyncio.Queue[str] = asyncio.Queue()

    async def read(self, path: str) -> str | None:
        return self.nodes.get(path)

    async def children(self, path: str) -> list[str]:
        return sorted({node.removeprefix(path + "/").split("/")[0] for node in self.nodes if node.startswith(path + "/")})

    async def write(self, values: Mapping[str, str]) -> None:
        for path, value in values.items():
            self.nodes[path] = value
            self._changes.put_nowait(path)
            if path.endswith("/status") and value.startswith("snapshot"):
                self._answers.put_nowait(value)

    async def remove(self, path: str) -> None:
        self.nodes = {node: value for node, value in self.nodes.items() if not f"{node}/".startswith(f"{path}/")}

    async def changes(self, path: str) -> AsyncIterator[str]:
        while True:
            changed = await self._changes.get()
            if f"{changed}/".startswith(f"{path}/"):
                yield changed

    async def ask(self, wish: str, *vdis: str) -> str:
        """Be the guest: list disks, write the wish, wait for the answer."""
        await self.write({f"{TREE}/snapshot/{vdi}": "" for vdi in vdis})
        await self.write({f"{TREE}/status": wish})
        async with asyncio.timeout(30):
            return await self._answers.get()


def task(result: str, status: str = "success") -> dict[str, Any]:
    return {"status": status, "result": f"<value>{result}</value>", "error_info": [], "name_label": "t"}


def pool() -> FakeXapi:
    """A VM with two disks in one SR; snapshots of the VM and of its disks succeed at once."""
    vbd = {"type": "Disk", "empty": False}
    vdis = {f"vdi-{n}": {"uuid": f"disk-{n}", "SR": "sr", "snapshot_of": "OpaqueRef:NULL"} for n in (1, 2)}
    vdis |= {f"copy-{n}": {"uuid": f"snap-{n}", "SR": "sr", "snapshot_of": f"vdi-{n}"} for n in (1, 2)}
    tasks: dict[str, dict[str, Any]] = {}

    def run(kind: str, result: str) -> str:
        tasks[kind] = task(result)
        return kind

    def events(classes: list[str], token: str, _timeout: float) -> dict[str, Any]:
        ref = classes[0].removeprefix("task/")
        event = {"class": "task", "operation": "add", "ref": ref, "snapshot": tasks[ref]}
        return {"token": "1", "events": [] if token else [event]}

    return FakeXapi(
        values={
            "VM.get_by_uuid": lambda uuid: {VM: "vm", "dom0-uuid": "dom0"}[uuid],
            "VM.get_VBDs": lambda vm: ["vbd:vdi-1", "vbd:vdi-2"] if vm == "vm" else ["vbd:copy-1", "vbd:copy-2"],
            "VBD.get_record": lambda ref: {**vbd, "VDI": ref.removeprefix("vbd:")},
            "VDI.get_record": vdis.__getitem__,
            "VDI.get_uuid": lambda ref: vdis[ref]["uuid"],
            "VDI.get_by_uuid": lambda uuid: next(ref for ref, record in vdis.items() if record["uuid"] == uuid),
            "VDI.get_snapshot_of": lambda ref: vdis[ref]["snapshot_of"],
            "VDI.get_VBDs": lambda ref: [f"vbd:{ref}"],
            "VBD.get_VM": lambda ref: "vm" if "vdi-" in ref else "snapshot",
            "VM.get_is_a_snapshot": lambda ref: ref == "snapshot",
            "VM.get_blocked_operations": {},
            "VM.get_domid": "7",
            "VM.get_name_label": "guest",
            "VM.get_uuid": "snapshot-uuid",
            "Async.VM.snapshot": lambda vm, name: run("vm-task", "snapshot"),
            "Async.VDI.snapshot": lambda vdi, driver: run(f"{vdi}-task", vdi.replace("vdi", "copy")),
            "event.from": events,
        }
    )


@contextlib.asynccontextmanager
async def watching(tmp_path: Path, xapi: FakeXapi, memory: MemoryStore) -> AsyncIterator[None]:
    root = Root(tmp_path)
    root.inventory.parent.mkdir()
    root.inventory.write_text("CONTROL_DOMAIN_UUID='dom0-uuid'\n")
    async with serving(root.xapi_socket, xapi):
        watcher = asyncio.create_task(Watcher(root, memory).run())
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)


async def test_all_disks_give_one_snapshot_of_the_vm(tmp_path: Path) -> None:
    memory = MemoryStore()
    async with watching(tmp_path, pool(), memory):
        assert await memory.ask("create-snapshots", "disk-1", "disk-2") == "snapshots-created"
    assert (memory.nodes[f"{TREE}/snaptype"], memory.nodes[f"{TREE}/snapuuid"]) == ("vm", "snapshot-uuid")
    assert [memory.nodes[f"{TREE}/snapshot/disk-{n}/id"] for n in (1, 2)] == ["snap-1", "snap-2"]
    assert "<snapuuid>snapshot-uuid</snapuuid>" in memory.nodes[f"{TREE}/snapinfo"]


async def test_some_disks_are_snapshotted_alone(tmp_path: Path) -> None:
    memory = MemoryStore()
    async with watching(tmp_path, pool(), memory):
        assert await memory.ask("create-snapshots", "disk-2") == "snapshots-created"
    assert (memory.nodes[f"{TREE}/snaptype"], memory.nodes[f"{TREE}/vdisnap/disk-2"]) == ("vdi", "snap-2")


@pytest.mark.parametrize(
    ("before", "after", "answer"), [("None", "None", "snapshots-failed"), ("true", "false", "snapshots-created")]
)
async def test_the_administrators_switch_forbids_or_allows_once(tmp_path: Path, before: str, after: str, answer: str) -> None:
    memory = MemoryStore()
    switch = "/local/domain/7/vm-data/allowvssprovider"
    memory.nodes[switch] = before
    async with watching(tmp_path, pool(), memory):
        assert await memory.ask("create-snapshots", "disk-1") == answer
    assert memory.nodes[switch] == after


async def test_a_disk_of_somebody_else_is_refused(tmp_path: Path) -> None:
    memory = MemoryStore()
    async with watching(tmp_path, pool(), memory):
        assert await memory.ask("create-snapshots", "snap-1") == "snapshots-failed"
        assert await memory.ask("destroy-snapshots", "disk-1") == "snapshot-destroy-failed"


async def test_when_one_disk_fails_the_other_snapshots_are_taken_back(tmp_path: Path) -> None:
    memory, xapi = MemoryStore(), pool()
    first = xapi.values["Async.VDI.snapshot"]
    xapi.values["VM.get_blocked_operations"] = {"snapshot": ""}
    xapi.values["Async.VDI.snapshot"] = lambda vdi, driver: first(vdi, driver) if vdi == "vdi-1" else "no-such-task"
    async with watching(tmp_path, xapi, memory):
        assert await memory.ask("create-snapshots", "disk-1", "disk-2") == "snapshots-failed"
    assert ("VDI.destroy", ("copy-1",)) in xapi.calls


async def test_destroying_takes_the_snapshot_vm_only_with_its_last_disk(tmp_path: Path) -> None:
    memory, xapi = MemoryStore(), pool()
    async with watching(tmp_path, xapi, memory):
        assert await memory.ask("destroy-snapshots", "snap-1") == "snapshots-destroyed"
    assert [params for method, params in xapi.calls if method.endswith(".destroy")] == [("copy-1",)]


async def test_without_xapi_the_guest_gets_its_answer(tmp_path: Path) -> None:
    memory = MemoryStore()
    watcher = asyncio.create_task(Watcher(Root(tmp_path), memory).run())
    try:
        assert await memory.ask("create-snapshots", "disk-1") == "snapshots-failed"
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


@pytest.fixture
def no_xenstore() -> Iterator[None]:
    if store.is_present():
        pytest.skip("this machine has a xenstore")
    yield


@pytest.mark.usefixtures("no_xenstore")
async def test_without_a_xenstore_the_daemon_idles_and_says_so(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "snapwatchd", "--root", str(tmp_path), cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        assert b"this host has no xenstore" in await process.stderr.readline()
        assert b"ready" in await process.stderr.readline()
    process.terminate()
    assert await process.wait() == 0
