"""Disks as image files in one directory: what the file, ext and nfs types share.

Beside each image lies its record (:mod:`sm.records`); how trees of images change is decided in :mod:`sm.chains` and
carried out here, step by step, each safe to be the last one before a crash. Changes of the tree are serial; making new
images and everything the datapath does is not.
"""

import asyncio
import contextlib
import logging
import os
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from idl.storage import EPOCH, SrInfo, VdiInfo
from sm import chains, errors, records
from sm.chains import Commit, MakeOverlay, Point, Publish, Rebase, Remove, Step, SwitchLive, Unpublish
from sm.drivers.base import Attachments, Format, Idle, Image, Live, Opened, Repository
from sm.drivers.contents import IMAGE, Contents, Reader
from sm.errors import Fault
from sm.images import qemu_img
from sm.records import MARK, DiskRecord, SrRecord

log = logging.getLogger(__name__)

ROUND = 4096
LARGEST = 1 << 46
SR_RECORD = "sr.json"


class DirectoryRepository(Repository):
    """An attached SR that is a directory."""

    def __init__(self, sr: str, directory: Path) -> None:
        self._sr = sr
        self._directory = directory
        self._reader = Reader(directory)
        self._changing = asyncio.Lock()
        self._making: set[str] = set()
        self._commit: asyncio.Task[None] | None = None

    def clean(self) -> None:
        """Remove what a crash left half written."""
        for leftover in self._directory.glob("*.tmp"):
            log.info("%s: removing leftover %s", self._sr, leftover.name)
            leftover.unlink(missing_ok=True)
        for mark in self._directory.glob(f"*{MARK}"):
            if not self._image_exists(mark.name.removesuffix(MARK)):
                mark.unlink(missing_ok=True)

    async def detach(self) -> None:
        """Nothing is held."""

    async def destroy(self) -> None:
        async with self._change() as contents:
            if contents.disks:
                raise errors.backend("SR_NOT_EMPTY")
            for name in contents.owned:
                await self._remove(name)
            (self._directory / SR_RECORD).unlink(missing_ok=True)

    async def stat(self) -> SrInfo:
        contents = await self._read()
        try:
            space = os.statvfs(self._directory)
            record = records.read(self._directory / SR_RECORD)
        except OSError as error:
            raise errors.from_os(error, Fault.SR_UNAVAILABLE) from error
        named = record if isinstance(record, SrRecord) else SrRecord()
        return SrInfo(
            sr_uuid=self._sr,
            name_label=named.name_label,
            name_description=named.name_description,
            total_space=space.f_blocks * space.f_frsize,
            free_space=space.f_bavail * space.f_frsize,
            virtual_allocation=sum(contents.describe(disk).virtual_size for disk in contents.disks),
        )

    async def scan(self) -> list[VdiInfo]:
        contents = await self._read()
        tree = contents.tree(frozenset(self._making))
        present = [disk for disk, record in contents.disks.items() if record.image in contents.nodes]
        hidden = [name for name in contents.nodes if not tree.users(name) and tree.children(name)]
        return [contents.describe(disk) for disk in present] + [contents.describe_hidden(name) for name in hidden]

    async def set_name_label(self, text: str) -> None:
        await self._rename_sr(name_label=text)

    async def set_name_description(self, text: str) -> None:
        await self._rename_sr(name_description=text)

    async def vdi_stat(self, vdi: str) -> VdiInfo:
        contents = await self._read()
        self._image_of(contents, vdi)
        return contents.describe(vdi)

    async def open(self, vdi: str) -> Opened:
        # As for a change: whoever opens the images must not meet a coalesce that writes to them.
        async with self._change() as contents:
            return self._chain_of(contents, vdi)

    def _chain_of(self, contents: Contents, vdi: str) -> Opened:
        image = self._image_of(contents, vdi)
        tree = contents.tree(frozenset(self._making))
        try:
            names = tree.chain(image)
        except ValueError as error:
            raise errors.failure(Fault.VDI_LOAD, str(error)) from error
        for name in names:
            if name not in contents.nodes:
                raise errors.vdi_unavailable(self._sr, vdi)
            if problem := contents.nodes[name].problem:
                raise errors.failure(Fault.VDI_LOAD, f"The disk image {name} cannot be used", problem)
        writable = tree.writable(vdi) and not contents.disks[vdi].info.read_only
        return Opened(tuple(self._node_image(name) for name in names), writable)

    async def create(self, info: VdiInfo) -> VdiInfo:
        size = _rounded(info.virtual_size)
        disk = info.uuid or str(uuid.uuid4())
        image_format = Format.RAW if info.sm_config.get("type") == "raw" else Format.QCOW2
        name = f"{disk}.{image_format.value}"
        if not IMAGE.fullmatch(name):
            raise errors.failure(Fault.INVALID_ARGUMENT, f"{disk!r} is not a uuid")
        if (self._directory / name).exists() or self._record_path(disk).exists():
            raise errors.failure(Fault.VDI_CREATE, f"There is already a disk {disk}")
        with self._being_made(name):
            try:
                self._mark(name)
                make = qemu_img.create_raw if image_format is Format.RAW else qemu_img.create_qcow2
                await make(self._directory / name, size)
                await self._write_record(disk, DiskRecord(image=name, info=_described(info, disk)))
                self._mark_path(name).unlink()
            except BaseException:
                self._record_path(disk).unlink(missing_ok=True)
                await self._remove(name)
                raise
        return (await self._read()).describe(disk)

    async def introduce(self, uuid: str, sm_config: dict[str, str], location: str) -> VdiInfo:
        async with self._change() as contents:
            self._image_of(contents, location)
            record = contents.disks[location]
            record.info = msgspec.structs.replace(record.info, uuid=uuid, sm_config=sm_config | record.info.sm_config)
            await self._write_record(location, record)
            return contents.describe(location)

    async def destroy_vdi(self, vdi: str) -> None:
        async with self._change() as contents:
            if vdi not in contents.disks:
                raise errors.vdi_does_not_exist(self._sr, vdi)
            await self._apply([Unpublish(vdi)], {})

    async def snapshot(self, info: VdiInfo, live: Live) -> VdiInfo:
        made = str(uuid.uuid4())
        overlay = f"{uuid.uuid4()}.qcow2"
        async with self._change() as contents:
            source = self._described_source(contents, info)
            with self._being_made(overlay), _too_long():
                tree = contents.tree(frozenset(self._making))
                steps = chains.snapshot(tree, info.vdi, made, overlay, source.read_only)
                shown = msgspec.structs.replace(
                    _described(info, made),
                    content_id=source.content_id,
                    is_a_snapshot=True,
                    snapshot_of=info.vdi,
                    snapshot_time=info.snapshot_time if info.snapshot_time != EPOCH else _now(),
                    read_only=True,
                    ty=source.ty,
                )
                await self._carry_out(steps, {made: shown}, live)
        return (await self._read()).describe(made)

    async def clone(self, info: VdiInfo, live: Live) -> VdiInfo:
        made = str(uuid.uuid4())
        overlay, node = f"{uuid.uuid4()}.qcow2", f"{made}.qcow2"
        async with self._change() as contents:
            source = self._described_source(contents, info)
            with self._being_made(overlay), self._being_made(node), _too_long():
                tree = contents.tree(frozenset(self._making))
                steps = chains.clone(tree, info.vdi, made, node, overlay, source.read_only)
                shown = msgspec.structs.replace(
                    _described(info, made),
                    content_id=source.content_id,
                    is_a_snapshot=False,
                    snapshot_of="",
                    snapshot_time=EPOCH,
                    read_only=False,
                    ty=source.ty,
                )
                await self._carry_out(steps, {made: shown}, live)
        return (await self._read()).describe(made)

    async def revert(self, vdi: str, snapshot: str) -> None:
        overlay = f"{uuid.uuid4()}.qcow2"
        async with self._change() as contents:
            self._image_of(contents, vdi)
            self._image_of(contents, snapshot)
            tree = contents.tree(frozenset(self._making))
            if tree.writable(snapshot) and not contents.disks[snapshot].info.read_only:
                raise errors.failure(Fault.INVALID_ARGUMENT, f"{snapshot} is not a snapshot")
            with self._being_made(overlay), _too_long():
                await self._carry_out(chains.revert(tree, vdi, snapshot, overlay), {}, Idle())
                await self._pin(vdi, "")

    async def resize(self, vdi: str, size: int, live: Live) -> int:
        async with self._change() as contents:
            image = self._image_of(contents, vdi)
            wanted = _rounded(size)
            present = contents.nodes[image].virtual_size
            if wanted < present:
                raise errors.failure(Fault.VDI_SIZE, "VDI Invalid size", f"disks cannot shrink from {present} to {size} bytes")
            if wanted > present:
                if not contents.tree(frozenset()).writable(vdi) or contents.disks[vdi].info.read_only:
                    raise errors.backend("VDI_READONLY", vdi)
                if live.running:
                    await live.resize(wanted)
                else:
                    await qemu_img.resize(self._directory / image, Format.of(image).value, wanted)
            return wanted

    async def update(self, vdi: str, changes: Mapping[str, str]) -> None:
        async with self._change() as contents:
            if vdi not in contents.disks:
                raise errors.vdi_does_not_exist(self._sr, vdi)
            record = contents.disks[vdi]
            record.info = msgspec.structs.replace(record.info, **changes)
            await self._write_record(vdi, record)

    async def begin_epoch(self, vdi: str, persistent: bool) -> None:
        """A disk that is to be reset gets a fresh overlay over what it held when the first such epoch began."""
        overlay = f"{uuid.uuid4()}.qcow2"
        async with self._change() as contents:
            image = self._image_of(contents, vdi)
            base = contents.disks[vdi].epoch_base
            if persistent:
                if base:
                    await self._pin(vdi, "")
                return
            if base not in contents.nodes:
                base = image
                await self._pin(vdi, base)
            with self._being_made(overlay), _too_long():
                await self._carry_out([MakeOverlay(overlay, base), Point(vdi, overlay, image)], {}, Idle())

    async def _pin(self, vdi: str, node: str) -> None:
        record = (await self._read()).disks[vdi]
        if record.epoch_base != node:
            await self._write_record(vdi, msgspec.structs.replace(record, epoch_base=node))

    def scratch(self) -> Path:
        return self._directory

    async def collect(self, attachments: Attachments) -> bool:
        async with self._changing:
            contents = await self._read()
            tree = contents.tree(frozenset(self._making))
            if dead := chains.garbage(tree, contents.owned):
                await self._apply(list(dead), {})
                return True
            for candidate in chains.coalescable(tree, attachments.open_disks(), contents.owned):
                live = attachments.live(candidate.live) if candidate.live else Idle()
                log.info("%s: coalescing %s into %s", self._sr, candidate.node, candidate.parent)
                commit, *rest = chains.coalesce(tree, candidate)
                if await self._interruptible(self._step(commit, {}, live)):
                    await self._apply(rest, {})
                return True
        return False

    async def _interruptible(self, work: Coroutine[Any, Any, None]) -> bool:
        """Run *work* until it ends or an operation needs the tree; False if it was interrupted."""
        self._commit = asyncio.create_task(work)
        try:
            await self._commit
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return False
        finally:
            self._commit = None
        return True

    @contextlib.asynccontextmanager
    async def _change(self) -> AsyncIterator[Contents]:
        """Hold the tree for a change; a coalesce that runs is interrupted, it is repeated afterwards."""
        if self._commit is not None:
            self._commit.cancel()
        async with self._changing:
            yield await self._read()

    @contextlib.contextmanager
    def _being_made(self, name: str) -> Iterator[None]:
        self._making.add(name)
        try:
            yield
        finally:
            self._making.discard(name)

    async def _carry_out(self, steps: list[Step], new: Mapping[str, VdiInfo], live: Live) -> None:
        """Apply *steps*; if one fails take the earlier ones back."""
        done: list[Step] = []
        try:
            for step in steps:
                await self._step(step, new, live)
                done.append(step)
        except BaseException:
            failed = steps[len(done)]
            attempted = [*done, failed] if isinstance(failed, MakeOverlay | Publish) else done
            await self._apply(chains.undo(attempted), {})
            raise

    async def _apply(self, steps: list[Step], new: Mapping[str, VdiInfo], live: Live | None = None) -> None:
        for step in steps:
            await self._step(step, new, live or Idle())

    async def _step(self, step: Step, new: Mapping[str, VdiInfo], live: Live) -> None:
        match step:
            case MakeOverlay(node, parent):
                size = (await self._read()).nodes[parent].virtual_size
                self._mark(node)
                await qemu_img.create_overlay(self._directory / node, size, parent, Format.of(parent).value)
            case Point(disk, node, _previous):
                record = (await self._read()).disks[disk]
                await self._write_record(disk, msgspec.structs.replace(record, image=node))
            case SwitchLive(_disk, overlay):
                await live.switch(self._node_image(overlay))
            case Publish(disk, node):
                await self._write_record(disk, DiskRecord(image=node, info=new[disk]))
            case Unpublish(disk):
                await self._forget_disk(disk)
            case Remove(node):
                await self._remove(node)
            case Commit(node, parent):
                await self._commit_node(node, parent, live)
            case Rebase(node, parent):
                contents = await self._read()
                if contents.nodes[node].parent != parent:
                    await qemu_img.rebase(self._directory / node, parent, Format.of(parent).value)

    async def _commit_node(self, node: str, parent: str, live: Live) -> None:
        if live.running:
            await live.commit(self._node_image(node), self._node_image(parent))
        else:
            await qemu_img.commit(self._directory / node)

    async def _read(self) -> Contents:
        try:
            return await asyncio.to_thread(self._reader.read)
        except OSError as error:
            raise errors.from_os(error, Fault.SR_UNAVAILABLE) from error

    def _record_path(self, stem: str) -> Path:
        return self._directory / f"{stem}.json"

    async def _write_record(self, stem: str, record: records.Record) -> None:
        try:
            await asyncio.to_thread(records.write, self._record_path(stem), record)
        except OSError as error:
            raise errors.from_os(error, Fault.VDI_CREATE) from error

    def _mark_path(self, node: str) -> Path:
        return self._directory / f"{_stem(node)}{MARK}"

    def _mark(self, node: str) -> None:
        try:
            self._mark_path(node).touch()
        except OSError as error:
            raise errors.from_os(error, Fault.VDI_CREATE) from error

    def _image_exists(self, stem: str) -> bool:
        return any((self._directory / f"{stem}.{kind.value}").exists() for kind in Format)

    async def _forget_disk(self, disk: str) -> None:
        """Drop a disk's record; the image of the same name, if it is there, stays marked as ours until it is collected."""
        record = self._record_path(disk)
        try:
            if not self._image_exists(disk):
                record.unlink(missing_ok=True)
            elif record.exists():
                record.replace(self._mark_path(disk))
            else:
                self._mark(disk)
        except OSError as error:
            raise errors.from_os(error, Fault.VDI_DELETE) from error

    async def _remove(self, node: str) -> None:
        """Delete an image, then its mark: the other way round a crash would leave an image nobody collects."""
        try:
            (self._directory / node).unlink(missing_ok=True)
            self._mark_path(node).unlink(missing_ok=True)
        except OSError as error:
            raise errors.from_os(error, Fault.VDI_DELETE) from error

    async def _rename_sr(self, **changes: str) -> None:
        async with self._changing:
            record = records.read(self._directory / SR_RECORD)
            named = record if isinstance(record, SrRecord) else SrRecord()
            await self._write_record(SR_RECORD.removesuffix(".json"), msgspec.structs.replace(named, **changes))

    def _image_of(self, contents: Contents, vdi: str) -> str:
        """The image a disk points to. :raises RpcError: no such disk, or its image is gone."""
        if vdi not in contents.disks:
            raise errors.vdi_does_not_exist(self._sr, vdi)
        image = contents.disks[vdi].image
        if image not in contents.nodes:
            raise errors.vdi_unavailable(self._sr, vdi)
        return image

    def _described_source(self, contents: Contents, info: VdiInfo) -> VdiInfo:
        image = self._image_of(contents, info.vdi)
        if problem := contents.nodes[image].problem:
            raise errors.failure(Fault.VDI_LOAD, f"The disk image {image} cannot be used", problem)
        return contents.describe(info.vdi)

    def _node_image(self, name: str) -> Image:
        return Image(self._directory / name, Format.of(name))


def _stem(node: str) -> str:
    return node.partition(".")[0]


def _rounded(size: int) -> int:
    if not 0 < size <= LARGEST:
        raise errors.failure(Fault.VDI_SIZE, "VDI Invalid size", f"{size} bytes")
    return -(-size // ROUND) * ROUND


def _described(info: VdiInfo, disk: str) -> VdiInfo:
    """What is remembered of *info* for the new disk *disk*."""
    return msgspec.structs.replace(info, vdi=disk, uuid=disk, parent="", managed=True, cbt_enabled=False)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H:%M:%SZ")


@contextlib.contextmanager
def _too_long() -> Iterator[None]:
    """Say a chain that must not grow in XenAPI's words."""
    try:
        yield
    except chains.ChainTooLong as error:
        raise errors.failure(Fault.CHAIN_TOO_LONG, "The snapshot chain is too long", str(error)) from error
